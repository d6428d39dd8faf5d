/** The views of what has ended: errors and traces. */

import * as format from '../model/format.js';
import { visible } from '../model/visible.js';
import * as words from '../model/words.js';
import { byId, h } from './dom.js';
import { badge, counts, createTable, priced } from './table.js';

/** @typedef {import('../types.js').Entry} Entry */

/** @param {{ onOpen: (entry: Entry) => void, onClear: () => void, isOpen: (entry: Entry) => boolean, now: () => number }} parts */
export function createLogs({ onOpen, onClear, isOpen, now }) {
  /** @type {import('./table.js').TableColumn<Entry>} */
  const time = { title: 'Time', area: 'time', key: (it) => it.endMs ?? 0, cell: (it) => h('time', { title: format.iso(it.endMs) }, format.moment(it.endMs, now())) };
  /** @type {import('./table.js').TableColumn<Entry>} */
  const provider = { title: 'Provider', key: (it) => it.provider, cell: badge };
  /** @type {import('./table.js').TableColumn<Entry>} */
  const model = { title: 'Model', area: 'model', key: (it) => it.model, className: 'mono', cell: (it) => h('bdi', {}, visible(it.model)) };
  /** @type {import('./table.js').TableColumn<Entry>} */
  const outcome = {
    title: 'Outcome', area: 'outcome', key: (it) => it.outcome,
    cell: (it) => h('span', { class: 'state', 'data-tone': words.outcome(it.outcome).tone }, `${words.outcome(it.outcome).icon} ${words.outcome(it.outcome).word}`),
  };
  /** @type {import('./table.js').TableColumn<Entry>} */
  const status = { title: 'HTTP', area: 'http', end: true, key: (it) => it.status ?? 0, cell: (it) => (it.status === null ? format.NONE : String(it.status)) };
  /** @type {import('./table.js').TableColumn<Entry>} */
  const duration = { title: 'Duration', area: 'duration', end: true, key: (it) => it.durationMs, cell: (it) => format.latency(it.durationMs) };
  /** @type {import('./table.js').TableColumn<Entry>} */
  const caller = { title: 'Caller', when: (all) => all.some((it) => it.caller !== ''), key: (it) => it.caller, cell: (it) => it.caller || format.NONE };
  /** @type {import('./table.js').TableColumn<Entry>} */
  const replica = { title: 'Replica', when: (all) => all.some((it) => it.replica !== ''), key: (it) => it.replica, cell: (it) => it.replica || format.NONE };
  /** @type {import('./table.js').TableColumn<Entry>} */
  const labels = { title: 'Labels', when: (all) => all.some((it) => it.labels.size > 0), cell: (it) => Array.from(it.labels, ([name, value]) => `${name}=${value}`).join(' ') || format.NONE };
  /** @type {import('./table.js').TableColumn<Entry>} */
  const cost = { title: 'Cost', end: true, when: priced, key: (it) => it.cost ?? -1, cell: (it) => format.costOf(it) };
  const look = (/** @type {Entry} */ it) => (it.failed ? 'failed' : null);
  const errors = createTable(byId('errors-table'), {
    caption: 'Recent errors, newest first', noun: 'error', empty: 'No errors among the requests that the server remembers.', onOpen, onClear, isOpen, id: (it) => it.id,
    columns: [
      time, provider, model, outcome, status,
      { title: 'Error type', key: (it) => it.errorType, className: 'mono', cell: (it) => it.errorType || format.NONE },
      { title: 'Message', area: 'message', className: 'message', cell: (it) => h('span', { dir: 'auto', title: visible(it.error) }, visible(it.error) || format.NONE) },
      duration, replica, caller, labels,
      { title: 'Path', key: (it) => it.path, className: 'mono', cell: (it) => it.path || format.NONE },
    ],
  });
  const traces = createTable(byId('traces-table'), {
    caption: 'Recent requests, newest first', noun: 'request', empty: 'No request has ended yet.', onOpen, onClear, isOpen, look, id: (it) => it.id,
    columns: [
      time, provider, model, outcome, status, duration,
      { title: 'First token', end: true, key: (it) => it.ttftMs ?? -1, cell: (it) => format.latency(it.ttftMs) },
      { title: 'In', end: true, key: (it) => it.input, cell: (it) => format.inputOf(it) },
      { title: 'Out', end: true, key: (it) => it.output, cell: (it) => format.outputOf(it) },
      counts('Cache read', (it) => it.cacheRead),
      counts('Cache write', (it) => it.cacheCreation),
      counts('Tools', (it) => it.toolCalls),
      cost, replica, caller, labels,
      { title: 'Finish', key: (it) => it.finishReason, cell: (it) => it.finishReason || format.NONE },
    ],
  });
  return { errors, traces };
}
