/** A menu: opened at a point, walked by arrows, left by Esc, upon which the focus goes back to where it was. */

import { byId, h } from './dom.js';

/**
 * @typedef {object} MenuItem
 * @property {string} label
 * @property {string} [key] the key that does it, in the menu as in the page
 * @property {boolean} [dangerous] ends something
 * @property {() => void} run
 *
 * @typedef {object} MenuRequest
 * @property {string} label what the menu is about, for those who listen
 * @property {string} [subject] the same for those who see, in a few words
 * @property {MenuItem[]} items
 * @property {DOMRect} at
 * @property {() => void} [restore] puts the focus somewhere sensible where its old place is gone
 */

export function createMenu() {
  const menu = byId('menu');
  /** Where the focus was, and what the menu is of. @type {{ before: Element | null, request: MenuRequest } | null} */
  let opened = null;
  menu.addEventListener('beforetoggle', (event) => {
    if (!(event instanceof ToggleEvent) || event.newState !== 'closed' || !opened) return;
    // The browser gives the focus back to an element; by now the list may have another in its place.
    if (menu.contains(document.activeElement) && !opened.before?.isConnected) opened.request.restore?.();
    opened = null;
  });
  menu.addEventListener('keydown', (event) => {
    const items = [...menu.querySelectorAll('button')];
    const at = items.findIndex((it) => it === document.activeElement);
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    // The keys that stand beside the items; Enter presses the one that has the focus.
    const named = event.key === 'Enter' ? -1 : (opened?.request.items ?? []).findIndex((item) => item.key === event.key);
    if (step === 0 && named < 0) return;
    event.preventDefault();
    if (named >= 0) return items[named]?.click();
    items[(at + step + items.length) % items.length]?.focus();
  });
  /** Opens it at once, so that the very next key is its own. @param {MenuRequest} request */
  return function open(request) {
    const { label, subject, items, at } = request;
    menu.replaceChildren(
      ...(subject ? [h('p', { class: 'menu-subject', 'aria-hidden': 'true' }, subject)] : []),
      ...items.map((item) =>
        h('button', {
          type: 'button', role: 'menuitem', tabindex: '-1', class: item.dangerous ? 'danger' : null,
          onclick: () => {
            menu.hidePopover();
            item.run();
          },
        }, item.label, item.key ? h('kbd', { 'aria-hidden': 'true' }, item.key) : null)));
    menu.setAttribute('aria-label', label);
    opened = { before: document.activeElement, request };
    menu.showPopover();
    const { width, height } = menu.getBoundingClientRect();
    menu.style.left = `${Math.max(8, Math.min(at.right - (at.width > 60 ? at.width / 2 : width), innerWidth - width - 8))}px`;
    menu.style.top = `${Math.max(8, Math.min(at.bottom + 2, innerHeight - height - 8))}px`;
    menu.querySelector('button')?.focus({ preventScroll: true });
  };
}
