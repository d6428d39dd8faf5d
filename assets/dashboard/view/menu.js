/** The menu of a row: opened at a point, walked by arrows, left by Esc, upon which the focus goes back to where it was. */

import { byId, h } from './dom.js';

/** @typedef {import('../types.js').Row} Row */

/** @param {import('./actions.js').Action[]} actions @param {(row: Row) => void} focus puts the focus on a row of the list */
export function createMenu(actions, focus) {
  const menu = byId('menu');
  /** Where the focus was, for which row the menu is, and what it offers. @type {{ before: Element | null, row: Row, offered: import('./actions.js').Action[] } | null} */
  let opened = null;
  menu.addEventListener('beforetoggle', (event) => {
    if (!(event instanceof ToggleEvent) || event.newState !== 'closed' || !opened) return;
    // The browser gives the focus back to an element; by now the list may have another in its place.
    if (menu.contains(document.activeElement) && !opened.before?.isConnected) focus(opened.row);
    opened = null;
  });
  menu.addEventListener('keydown', (event) => {
    const items = [...menu.querySelectorAll('button')];
    const at = items.findIndex((it) => it === document.activeElement);
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    // The keys that stand beside the actions; Enter presses the one that has the focus.
    const named = event.key === 'Enter' ? -1 : (opened?.offered ?? []).findIndex((action) => action.key === event.key);
    if (step === 0 && named < 0) return;
    event.preventDefault();
    if (named >= 0) return items[named]?.click();
    items[(at + step + items.length) % items.length]?.focus();
  });
  return {
    /** @param {Row} row @param {DOMRect} at */
    open(row, at) {
      const offered = actions.filter((action) => action.offered?.(row) ?? true);
      menu.replaceChildren(...offered.map((action) =>
        h('button', {
          type: 'button', role: 'menuitem', tabindex: '-1', class: action.dangerous ? 'danger' : null,
          onclick: () => {
            menu.hidePopover();
            action.run(row);
          },
        }, action.label, action.key ? h('kbd', { 'aria-hidden': 'true' }, action.key) : null)));
      menu.setAttribute('aria-label', `Actions for ${row.id}`);
      opened = { before: document.activeElement, row, offered };
      menu.showPopover();
      const { width, height } = menu.getBoundingClientRect();
      menu.style.left = `${Math.max(8, Math.min(at.right - (at.width > 60 ? at.width / 2 : width), innerWidth - width - 8))}px`;
      menu.style.top = `${Math.max(8, Math.min(at.bottom + 2, innerHeight - height - 8))}px`;
      menu.querySelector('button')?.focus({ preventScroll: true });
    },
  };
}
