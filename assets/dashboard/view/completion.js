/** The list under a text field that offers what may come next: walked by arrows, taken by Enter or Tab, closed by Esc; the focus stays in the field. */

import { h } from './dom.js';

/** @typedef {import('../model/completion.js').Option} Option */

/**
 * @param {HTMLInputElement} input
 * @param {HTMLElement} host the list stands in it
 * @param {object} parts
 * @param {(query: string, caret: number, asked: boolean) => Option[]} parts.options
 * @param {(query: string) => void} parts.onTake told what is written then
 */
export function bindCompletion(input, host, { options, onTake }) {
  const list = h('ul', { id: 'completion', role: 'listbox', class: 'completion', 'aria-label': 'Suggestions' });
  list.hidden = true;
  host.append(list);
  for (const [name, value] of [['role', 'combobox'], ['aria-autocomplete', 'list'], ['aria-controls', list.id], ['aria-expanded', 'false']]) input.setAttribute(String(name), String(value));
  /** @type {Option[]} */
  let offered = [];
  let at = -1;

  /** @param {number} index */
  function mark(index) {
    at = index;
    for (const [place, item] of [...list.children].entries()) item.setAttribute('aria-selected', String(place === at));
    list.children[at]?.scrollIntoView({ block: 'nearest' });
    if (at < 0) input.removeAttribute('aria-activedescendant');
    else input.setAttribute('aria-activedescendant', `${list.id}-${at}`);
  }

  /** @param {Option[]} next */
  function show(next) {
    offered = next;
    list.replaceChildren(...next.map(({ text, hint }, index) =>
      h('li', { role: 'option', id: `${list.id}-${index}`, onpointerdown: (/** @type {Event} */ event) => event.preventDefault(), onclick: () => take(index) },
        h('bdi', {}, text), hint === '' ? null : h('span', { class: 'faint' }, hint))));
    list.hidden = next.length === 0;
    input.setAttribute('aria-expanded', String(!list.hidden));
    mark(-1);
  }
  const close = () => show([]);
  const look = (asked = false) => show(options(input.value, input.selectionStart ?? input.value.length, asked));

  /** @param {number} index */
  function take(index) {
    const option = offered[index];
    if (!option) return;
    input.value = option.query;
    input.setSelectionRange(option.caret, option.caret);
    onTake(option.query);
    // After a field come its values.
    look();
  }

  input.addEventListener('input', () => look());
  input.addEventListener('blur', close);
  // Before the field's own keys: an open list has the first word.
  input.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step !== 0) {
      if (list.hidden) look(true);
      else mark(((at < 0 && step < 0 ? 0 : at) + step + offered.length) % offered.length);
      if (list.hidden) return;
      if (at < 0) mark(0);
    } else if (list.hidden) return;
    else if (event.key === 'Escape') close();
    else if ((event.key === 'Enter' || event.key === 'Tab') && at >= 0) take(at);
    else if (event.key === 'Enter') return close();
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, { capture: true });

  // Something may have been written before this was there.
  if (document.activeElement === input && input.value !== '') look();
}
