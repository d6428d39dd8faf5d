/** The bar over the list and over the tables of the past: the filter, its completion, the quick filters with their counts, the grouping. */

import { compile, toggleValue, valuesOf, withoutField } from '../model/filter.js';
import { NONE } from '../model/format.js';
import { labelField, labelOf } from '../model/labels.js';
import { isGroupField } from '../model/order.js';
import { byId, h, setText, textIn, typed } from '../view/dom.js';
import { tally } from '../view/strip.js';
import { createPart, style } from './part.js';

/** @typedef {import('../types.js').Row} Row */
/** @typedef {import('./live.js').Live} Live */

/** @type {['waiting' | 'responding' | 'streaming' | 'stalled' | 'ended', string][]} */
const CHIPS = [['waiting', 'Waiting'], ['responding', 'Responding'], ['streaming', 'Streaming'], ['stalled', 'Stalled'], ['ended', 'Just ended']];

/**
 * The bar shows what the address says, and changes it.
 * @param {Live} live
 * @param {{ rows: () => Iterable<Row> }} parts `rows`: what is shown here but for the filter
 */
export function createFilterBar({ address, events, list, whyUnknown }, { rows }) {
  const filter = typed('filter', HTMLInputElement);
  const error = byId('filter-error');
  const group = typed('group', HTMLSelectElement);
  const chips = CHIPS.map(([state, label]) => {
    const count = h('b');
    const button = h('button', { type: 'button', class: 'chip', onclick: () => address.go({ filter: toggleValue(address.place.filter, 'state', state) }) }, label, count);
    byId('chips').append(button);
    return { state, button, count: textIn(count) };
  });

  const written = () => ({ filter: filter.value.trim() });
  const completion = createPart(async () => {
    const [{ bindCompletion }, { complete }] = await Promise.all([import('../view/completion.js'), import('../model/completion.js'), style('dialogs')]);
    return bindCompletion(filter, byId('search'), {
      options: (query, caret, asked) => complete(query, caret, rows, Array.from(list.presence.labels, labelField), asked),
      onTake: () => address.type(written()),
    });
  });
  filter.addEventListener('focus', () => completion.use(() => {}));
  filter.addEventListener('input', () => address.type(written()));
  /** The bar is on its way to another view, which takes the focus from the field: nobody has changed anything. */
  let moving = false;
  filter.addEventListener('change', () => {
    if (!moving) address.go(written());
  });
  // The field is there before this module is.
  if (filter.value !== '') address.type(written());
  filter.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    event.preventDefault();
    if (filter.value === '') filter.blur();
    else address.go({ filter: '' });
  });
  filter.addEventListener('clear', () => address.go({ filter: '' }));
  group.addEventListener('change', () => address.go({ group: isGroupField(group.value) ? group.value : null }));

  /** Offers to group by what some request was seen to have. */
  function offerGroups() {
    const offered = new Set(groups());
    for (const field of ['replica', 'caller', 'route', ...Array.from(list.presence.labels, labelField), address.place.group ?? '']) {
      if (offered.has(field) || !(list.presence.fields.has(field) || field === address.place.group)) continue;
      group.append(h('option', { value: field }, `By ${labelOf(field) ?? field}`));
    }
  }
  /** Whether some name here begins with it: then a word such as `openai:gpt` needs no remark. @param {string} prefix */
  function isProvider(prefix) {
    for (const { provider, qualified } of rows()) if (provider.toLowerCase() === prefix || qualified.toLowerCase().startsWith(`${prefix}:`)) return true;
    return false;
  }

  const groups = () => Array.from(group.options, (it) => it.value);
  events.on('columns', offerGroups);

  const bar = byId('filterbar');
  return {
    focus: () => filter.focus(),
    /** Groups by the next field there is. */
    nextGroup() {
      const fields = groups();
      address.go({ group: fields[(fields.indexOf(address.place.group ?? '') + 1) % fields.length] || null });
    },
    /** Goes along to the view that it filters. @param {import('../types.js').ViewName} view */
    stand(view) {
      const before = view === 'requests' ? byId('grid-frame') : document.querySelector(`#view-${view} .filtered`);
      if (!before || bar.nextElementSibling === before) return;
      moving = true;
      before.before(bar);
      moving = false;
    },
    show() {
      const { place } = address;
      const { errors, notes } = compile(place.filter);
      const said = errors.length > 0 ? errors : notes.filter((it) => !isProvider(it.prefix)).map((it) => it.text);
      if (filter.value.trim() !== place.filter.trim()) filter.value = place.filter;
      offerGroups();
      group.value = place.group ?? '';
      error.hidden = said.length === 0;
      error.classList.toggle('note', errors.length === 0);
      error.textContent = said.join(' ');
      filter.setAttribute('aria-invalid', String(errors.length > 0));
    },
    /** Counts what each quick filter would show, the other terms kept; no number where nothing is known. */
    count() {
      const unknown = whyUnknown() !== null;
      const { filter } = address.place;
      const { test } = compile(withoutField(filter, 'state'));
      const pressed = valuesOf(filter, 'state');
      const nowMs = list.now();
      const counts = tally(Array.from(list.rows).filter((row) => test(row, nowMs)));
      for (const chip of chips) {
        setText(chip.count, unknown ? NONE : String(counts[chip.state]));
        chip.button.setAttribute('aria-pressed', String(pressed.includes(chip.state)));
      }
    },
  };
}
