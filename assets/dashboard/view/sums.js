/** The sums that stand in place of the list where a fleet has more requests than it can show. */

import * as format from '../model/format.js';
import { visible } from '../model/visible.js';
import { byId, h } from './dom.js';
import { createTable } from './table.js';

/** @typedef {import('../model/sums.js').Sum} Sum */

/** @param {string} title @param {(it: Sum) => number} read @returns {import('./table.js').TableColumn<Sum>} */
const counts = (title, read) => ({ title, end: true, key: read, cell: (it) => format.count(read(it)) });

/** @param {{ onOpen: (sum: Sum) => void }} parts */
export function createSums({ onOpen }) {
  const note = byId('sums-note');
  /** @type {ReturnType<typeof createTable<Sum>>} */
  const table = createTable(byId('sums-table'), {
    caption: 'Requests in flight by replica and model', empty: 'No sums have come yet.', noun: 'sum', id: (it) => `${it.epoch} ${it.provider} ${it.model}`, onOpen,
    columns: [
      { title: 'Replica', area: 'outcome', className: 'mono', key: (it) => it.replica, cell: (it) => h('bdi', {}, visible(it.replica)) },
      { title: 'Provider', key: (it) => it.provider, cell: (it) => h('span', { class: 'badge', 'data-badge': it.badge }, visible(it.provider)) },
      { title: 'Model', area: 'model', className: 'mono', key: (it) => it.model, cell: (it) => h('bdi', {}, visible(it.model)) },
      { title: 'In flight', area: 'time', end: true, key: (it) => it.active, cell: (it) => h('span', {}, format.count(it.active), h('span', { class: 'only-card' }, ' in flight')) },
      counts('Waiting', (it) => it.waiting),
      counts('Responding', (it) => it.responding),
      counts('Streaming', (it) => it.streaming),
      { title: 'Stalled', area: 'http', end: true, key: (it) => it.stalled, cell: (it) => h('span', { class: 'state', 'data-tone': it.stalled > 0 ? 'warn' : null }, format.count(it.stalled), h('span', { class: 'only-card' }, ' stalled')) },
      counts('On clients', (it) => it.onClient),
      { title: 'Tokens/s', area: 'duration', end: true, key: (it) => it.rate, cell: (it) => h('span', {}, format.rate(it.rate), h('span', { class: 'only-card' }, ' tokens/s')) },
      { title: 'Oldest', end: true, key: (it) => it.oldestMs ?? -1, cell: (it) => (it.oldestMs === null ? format.NONE : format.duration(it.oldestMs)) },
      counts('In', (it) => it.input),
      counts('Out', (it) => it.output),
      counts('Ended', (it) => it.ended),
      counts('Errors', (it) => it.errors),
    ],
  });
  return {
    /** @param {Sum[]} sums @param {number} active requests in flight */
    show(sums, active) {
      note.textContent = `${format.count(active)} requests are in flight, more than one list holds. Choose a line to see the requests of that replica.`;
      table.show(sums);
    },
  };
}
