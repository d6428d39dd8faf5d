/** The views of the past: totals, errors, traces. */

import * as format from '../model/format.js';
import { composition } from '../model/records.js';
import { visible } from '../model/visible.js';
import * as words from '../model/words.js';
import { createDonut } from './charts.js';
import { byId, h } from './dom.js';
import { createTable } from './table.js';

/** @typedef {import('../types.js').Total} Total */
/** @typedef {import('../types.js').Entry} Entry */

/** @param {{ provider: string, badge?: import('../types.js').Badge }} of */
const badge = ({ provider, badge = format.badge(provider) }) => h('span', { class: 'badge', 'data-badge': badge }, provider);

/**
 * A column of counts.
 * @template T
 * @param {string} title @param {(it: T) => number} read
 * @returns {import('./table.js').TableColumn<T>}
 */
const counts = (title, read) => ({ title, end: true, key: read, cell: (it) => format.count(read(it)) });

/** Whether any of them has a known cost. @param {{ cost: number | null }[]} items */
const priced = (items) => items.some((it) => it.cost !== null);

/** @param {() => number} now on the server's clock */
export function createTotals(now) {
  /** @type {import('./table.js').TableColumn<Total>[]} */
  const numbers = [
    counts('Requests', (it) => it.requests),
    counts('Errors', (it) => it.errors),
    { title: 'Error rate', end: true, key: (it) => (it.requests === 0 ? 0 : it.errors / it.requests), cell: (it) => format.percent(it.errors, it.requests) },
    counts('In', (it) => it.input),
    counts('Out', (it) => it.output),
    counts('Cache read', (it) => it.cacheRead),
    counts('Cache write', (it) => it.cacheCreation),
    counts('Tools', (it) => it.tools),
    {
      title: 'Cost', end: true, when: priced, key: (it) => it.cost ?? -1,
      cell: (it) => h('span', { title: it.unpriced ? `Without ${format.count(it.unpriced)} requests whose cost is not known` : null }, format.costSum(it)),
    },
    { title: 'Average', end: true, key: (it) => it.averageMs, cell: (it) => format.latency(it.requests === 0 ? null : it.averageMs) },
    { title: 'Streaming', end: true, key: (it) => it.streamingMs ?? -1, cell: (it) => format.latency(it.streamingMs) },
    { title: 'Other', end: true, key: (it) => it.otherMs ?? -1, cell: (it) => format.latency(it.otherMs) },
    { title: 'Total time', end: true, key: (it) => it.totalMs, cell: (it) => format.duration(it.totalMs) },
    {
      title: 'Last', end: true, key: (it) => it.lastMs ?? 0,
      cell: (it) => {
        const age = it.lastMs === null ? null : Math.max(0, now() - it.lastMs);
        return h('span', { title: format.iso(it.lastMs) }, h('span', { class: 'dot', 'data-step': format.recency(age) }), ` ${format.ago(age)}`);
      },
    },
  ];
  const empty = 'No request has ended yet.';
  const providers = createTable(byId('provider-table'), {
    caption: 'By provider', empty, columns: [{ title: 'Provider', key: (it) => it.provider, cell: badge }, ...numbers],
  });
  const models = createTable(byId('model-table'), {
    caption: 'By model', empty,
    columns: [
      { title: 'Provider', key: (it) => it.provider, cell: badge },
      { title: 'Model', key: (it) => it.model, className: 'mono', cell: (it) => h('bdi', {}, visible(it.model)) },
      ...numbers,
    ],
  });
  const donut = createDonut(byId('donut'), 'Token composition');
  const facts = byId('totals-facts');
  return {
    /** @param {import('../types.js').Totals} totals */
    show({ all, active, providers: byProvider, models: byModel }) {
      donut.draw(composition(all));
      providers.show(byProvider);
      models.show(byModel);
      /** @type {[string, string][]} */
      const pairs = [
        ['In flight now', format.count(active)], ['Requests ended', format.count(all.requests)], ['Errors', format.count(all.errors)], ['Error rate', format.percent(all.errors, all.requests)],
        ['Input tokens', format.count(all.input)], ['Output tokens', format.count(all.output)], ['Tool calls', format.count(all.tools)],
        ['Average duration', format.latency(all.requests === 0 ? null : all.averageMs)], ['Total time', format.duration(all.totalMs)],
      ];
      if (all.cost !== null) pairs.push(['Cost', format.costSum(all)]);
      if (all.cost !== null && all.unpriced) pairs.push(['Requests of unknown cost', format.count(all.unpriced)]);
      facts.replaceChildren(...pairs.flatMap(([name, value]) => [h('div', {}, h('dt', {}, name), h('dd', {}, value))]));
    },
  };
}

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
  const labels = { title: 'Labels', when: (all) => all.some((it) => it.labels.size > 0), cell: (it) => Array.from(it.labels, ([name, value]) => `${name}=${value}`).join(' ') || format.NONE };
  /** @type {import('./table.js').TableColumn<Entry>} */
  const cost = { title: 'Cost', end: true, when: priced, key: (it) => it.cost ?? -1, cell: (it) => format.cost(it.cost) };
  const look = (/** @type {Entry} */ it) => (it.failed ? 'failed' : null);
  const errors = createTable(byId('errors-table'), {
    caption: 'Recent errors, newest first', noun: 'error', empty: 'No errors among the requests that the server remembers.', onOpen, onClear, isOpen, id: (it) => it.id,
    columns: [
      time, provider, model, outcome, status,
      { title: 'Error type', key: (it) => it.errorType, className: 'mono', cell: (it) => it.errorType || format.NONE },
      { title: 'Message', area: 'message', className: 'message', cell: (it) => h('span', { dir: 'auto', title: visible(it.error) }, visible(it.error) || format.NONE) },
      duration, caller, labels,
      { title: 'Path', key: (it) => it.path, className: 'mono', cell: (it) => it.path || format.NONE },
    ],
  });
  const traces = createTable(byId('traces-table'), {
    caption: 'Recent requests, newest first', noun: 'request', empty: 'No request has ended yet.', onOpen, onClear, isOpen, look, id: (it) => it.id,
    columns: [
      time, provider, model, outcome, status, duration,
      { title: 'First token', end: true, key: (it) => it.ttftMs ?? -1, cell: (it) => format.latency(it.ttftMs) },
      counts('In', (it) => it.input),
      counts('Out', (it) => it.output),
      counts('Cache read', (it) => it.cacheRead),
      counts('Cache write', (it) => it.cacheCreation),
      counts('Tools', (it) => it.toolCalls),
      cost, caller, labels,
      { title: 'Finish', key: (it) => it.finishReason, cell: (it) => it.finishReason || format.NONE },
    ],
  });
  return { errors, traces };
}
