/** The view of the totals. */

import * as format from '../model/format.js';
import { composition } from '../model/totals.js';
import { visible } from '../model/visible.js';
import { createDonut } from './donut.js';
import { byId, h } from './dom.js';
import { badge, counts, createTable, priced } from './table.js';

/** @typedef {import('../types.js').Total} Total */

/**
 * A column of the time within which a part of the requests was done.
 * @param {string} title @param {number} part 0 to 1 @param {(it: Total) => Total['durations']} of
 * @returns {import('./table.js').TableColumn<Total>}
 */
const quantile = (title, part, of) => ({
  title, end: true, key: (it) => of(it)?.quantile(part) ?? -1, when: (items) => items.some((it) => of(it) !== null),
  cell: (it) => h('span', { title: spread(of(it)) }, format.latency(of(it)?.quantile(part) ?? null)),
});

/** @param {Total['durations']} of */
const spread = (of) => (of === null ? null : [0.5, 0.9, 0.95, 0.99].map((part) => `p${part * 100} ${format.latency(of.quantile(part))}`).join(', ') + ` of ${format.count(of.total)}`);

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
    { ...counts('Cache write', (it) => it.cacheCreation), when: (items) => items.some((it) => it.cacheCreation > 0) },
    counts('Tools', (it) => it.tools),
    {
      title: 'Cost', end: true, when: priced, key: (it) => it.cost ?? -1,
      cell: (it) => h('span', { title: it.unpriced ? `Without ${format.count(it.unpriced)} requests whose cost is not known` : null }, format.costSum(it)),
    },
    { title: 'Average', end: true, key: (it) => it.averageMs, cell: (it) => format.latency(it.requests === 0 ? null : it.averageMs) },
    quantile('Median', 0.5, (it) => it.durations),
    quantile('p95', 0.95, (it) => it.durations),
    quantile('First token', 0.5, (it) => it.firstTokens),
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
        ['Average duration', format.latency(all.requests === 0 ? null : all.averageMs)], ['Total time', all.requests === 0 ? format.NONE : format.duration(all.totalMs)],
      ];
      if (all.cost !== null) pairs.push(['Cost', format.costSum(all)]);
      if (all.cost !== null && all.unpriced) pairs.push(['Requests of unknown cost', format.count(all.unpriced)]);
      facts.replaceChildren(...pairs.flatMap(([name, value]) => [h('div', {}, h('dt', {}, name), h('dd', {}, value))]));
    },
  };
}
