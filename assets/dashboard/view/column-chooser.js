/** The list of columns in the settings: which are shown, and in what order. */

import { h } from './dom.js';

/** @typedef {{ id: string, title: string }} Choice */

/**
 * @param {HTMLElement} host
 * @param {object} parts
 * @param {(id: string, shown: boolean) => void} parts.onShow
 * @param {(id: string, by: -1 | 1) => void} parts.onMove
 * @param {() => void} parts.onReset
 */
export function createColumnChooser(host, { onShow, onMove, onReset }) {
  const list = h('ul', { class: 'column-list' });
  host.append(list, h('button', { type: 'button', class: 'tool', onclick: onReset }, 'Usual columns'));
  return {
    /** @param {Choice[]} choices in their order @param {(id: string) => boolean} isShown */
    show(choices, isShown) {
      const at = document.activeElement?.id ?? '';
      list.replaceChildren(...choices.map(({ id, title }, index) => {
        const box = h('input', { type: 'checkbox', id: `column-${id}`, onchange: () => onShow(id, box.checked) });
        box.checked = isShown(id);
        /** @param {-1 | 1} by @param {string} name @param {string} sign */
        const mover = (by, name, sign) => h('button', {
          type: 'button', class: 'tool only-icon', id: `column-${name}-${id}`, 'aria-label': `Move ${title} ${name}`, title: `Move ${name}`,
          disabled: choices[index + by] === undefined, onclick: () => onMove(id, by),
        }, sign);
        return h('li', {}, h('label', { class: 'check' }, box, ` ${title}`), mover(-1, 'up', '↑'), mover(1, 'down', '↓'));
      }));
      // The list is new; the hand stays where it was.
      if (at.startsWith('column-')) document.getElementById(at)?.focus();
    },
  };
}
