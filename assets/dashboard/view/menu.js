/** The menu of a row: opened at a point, walked by arrows, left by Esc, upon which the browser gives the focus back. */

import { byId, h } from './dom.js';

/** @typedef {import('../types.js').Row} Row */

/** @param {import('./actions.js').Action[]} actions */
export function createMenu(actions) {
  const menu = byId('menu');
  menu.addEventListener('keydown', (event) => {
    const items = [...menu.querySelectorAll('button')];
    const at = items.findIndex((it) => it === document.activeElement);
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    items[(at + step + items.length) % items.length]?.focus();
  });
  return {
    /** @param {Row} row @param {DOMRect} at */
    open(row, at) {
      menu.replaceChildren(...actions.map((action) =>
        h('button', {
          type: 'button', role: 'menuitem', tabindex: '-1',
          onclick: () => {
            menu.hidePopover();
            action.run(row);
          },
        }, action.label, action.key ? h('kbd', { 'aria-hidden': 'true' }, action.key) : null)));
      menu.setAttribute('aria-label', `Actions for ${row.id}`);
      menu.showPopover();
      const { width, height } = menu.getBoundingClientRect();
      menu.style.left = `${Math.max(8, Math.min(at.right - (at.width > 60 ? at.width / 2 : width), innerWidth - width - 8))}px`;
      menu.style.top = `${Math.max(8, Math.min(at.bottom + 2, innerHeight - height - 8))}px`;
      menu.querySelector('button')?.focus({ preventScroll: true });
    },
  };
}
