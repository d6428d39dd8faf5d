/** The dialog of the saved views: to name the present one, to open another, to send it to somebody, to forget it. */

import { LONGEST_NAME } from '../model/saved-views.js';
import { h } from './dom.js';

/** @typedef {import('../model/saved-views.js').SavedView} SavedView */

/**
 * @param {object} parts
 * @param {() => SavedView[]} parts.views
 * @param {(name: string) => void} parts.onSave
 * @param {(view: SavedView) => void} parts.onOpen
 * @param {(view: SavedView) => void} parts.onLink
 * @param {(view: SavedView) => void} parts.onForget
 */
export function createViewsDialog({ views, onSave, onOpen, onLink, onForget }) {
  const list = h('ul', { class: 'view-list' });
  const name = h('input', { id: 'view-name', required: true, maxlength: LONGEST_NAME, autocomplete: 'off' });
  const form = h('form', {
    onsubmit: (/** @type {Event} */ event) => {
      event.preventDefault();
      if (name.value.trim() === '') return;
      onSave(name.value.trim());
      dialog.close();
    },
  }, h('label', { for: 'view-name' }, 'Save filter, order, grouping and columns as'), name, h('div', { class: 'dialog-actions' }, h('button', { type: 'button', class: 'tool', onclick: () => dialog.close() }, 'Close'), h('button', { type: 'submit', class: 'tool main' }, 'Save')));
  const dialog = h('dialog', { id: 'views', class: 'dialog', 'aria-labelledby': 'views-title' }, h('h2', { id: 'views-title' }, 'Saved views'), list, form);
  document.body.append(dialog);

  function draw() {
    list.replaceChildren(...views().map((view) => h('li', {},
      h('button', {
        type: 'button', class: 'tool view-open',
        onclick: () => {
          dialog.close();
          onOpen(view);
        },
      }, h('bdi', {}, view.name)),
      h('button', { type: 'button', class: 'tool', 'aria-label': `Copy a link to ${view.name}`, onclick: () => onLink(view) }, 'Copy link'),
      h('button', {
        type: 'button', class: 'tool danger', 'aria-label': `Forget ${view.name}`,
        onclick: () => {
          onForget(view);
          draw();
          name.focus();
        },
      }, 'Forget'))));
    list.hidden = list.childElementCount === 0;
  }

  return {
    open() {
      draw();
      name.value = '';
      dialog.showModal();
      name.focus();
    },
  };
}
