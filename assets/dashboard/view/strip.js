/** The numbers on top: how much is in flight, whom it waits for, how fast it goes, how much fails. Each leads to the rows it counts. */

import * as format from '../model/format.js';
import { quantiles } from '../model/stats.js';
import { h, setData, setText, textIn } from './dom.js';

/** @typedef {import('../types.js').Row} Row */

/**
 * The counts by provider and by state, over the rows in flight.
 * @param {Iterable<Row>} rows
 */
export function tally(rows) {
  const counts = { active: 0, waiting: 0, responding: 0, streaming: 0, stalled: 0, onUpstream: 0, onClient: 0, ended: 0 };
  for (const row of rows) {
    if (row.outcome !== null) {
      counts.ended += 1;
      continue;
    }
    counts.active += 1;
    if (row.phase === 'waiting') counts.waiting += 1;
    else if (row.phase === 'responding') counts.responding += 1;
    else if (row.phase === 'streaming') counts.streaming += 1;
    else if (row.phase === 'stalled') counts.stalled += 1;
    if (row.waitingOn === 'client') counts.onClient += 1;
    else if (row.waitingOn === 'upstream') counts.onUpstream += 1;
  }
  return counts;
}

/**
 * @param {HTMLElement} host
 * @param {{ onFilter: (field: string, value: string) => void, onErrors: () => void, onAll: () => void, onSort: (column: string) => void }} actions
 */
export function createStrip(host, actions) {
  /** @param {string} title @param {string} hint @param {() => void} act */
  function tile(title, hint, act) {
    const value = h('span', { class: 'tile-value' });
    const note = h('span', { class: 'tile-note' });
    const button = h('button', { type: 'button', class: 'tile', title: hint, onclick: act }, h('span', { class: 'tile-title' }, title), value, note);
    host.append(button);
    return { button, value: textIn(value), note: textIn(note) };
  }
  const active = tile('In flight', 'Show all requests', actions.onAll);
  const stalled = tile('Stalled', 'Show stalled requests', () => actions.onFilter('state', 'stalled'));
  const upstream = tile('On upstream', 'Show requests that wait for the upstream', () => actions.onFilter('waits', 'upstream'));
  const tokens = tile('Tokens/s', 'Fastest first', () => actions.onSort('rate'));
  const requests = tile('Requests/s', 'Show all requests', actions.onAll);
  const errors = tile('Errors', 'Show the errors', actions.onErrors);
  const first = tile('First token', 'Slowest first', () => actions.onSort('ttft'));
  const duration = tile('Duration', 'Longest first', () => actions.onSort('age'));

  return {
    /** @param {ReturnType<typeof tally> | null} counts `null`: nothing is known @param {import('../model/stats.js').Stats} stats */
    draw(counts, stats) {
      if (counts === null) {
        for (const tile of [active, stalled, upstream, tokens, requests, errors, first, duration]) {
          setText(tile.value, format.NONE);
          setText(tile.note, 'not known');
          setData(tile.button, 'data-tone', null);
        }
        return;
      }
      setText(active.value, format.count(counts.active));
      setText(active.note, `${format.count(counts.streaming)} streaming`);
      setText(stalled.value, format.count(counts.stalled));
      setText(stalled.note, counts.stalled > 0 ? 'needs attention' : 'none');
      setData(stalled.button, 'data-tone', counts.stalled > 0 ? 'warn' : null);
      setText(upstream.value, format.count(counts.onUpstream));
      setText(upstream.note, `${format.count(counts.onClient)} on clients`);
      const recent = stats.recent(10);
      setText(tokens.value, format.rate(recent?.tokensPerSecond ?? null));
      setText(tokens.note, 'last 10 s');
      setText(requests.value, format.rate(recent?.startsPerSecond ?? null));
      setText(requests.note, 'last 10 s');
      const { failed, ended } = stats.errors();
      setText(errors.value, ended === 0 ? format.NONE : format.percent(failed, ended));
      setText(errors.note, `${format.count(failed)} of ${format.count(ended)} · 5 min`);
      setData(errors.button, 'data-tone', failed > 0 ? 'bad' : null);
      const [firstMid, firstHigh] = quantiles(stats.firsts.map((it) => it.ttftMs), [0.5, 0.95]);
      setText(first.value, format.latency(firstMid ?? null));
      setText(first.note, `p95 ${format.latency(firstHigh ?? null)}`);
      const [mid, high] = quantiles(stats.ends.map((it) => it.durationMs), [0.5, 0.95]);
      setText(duration.value, format.latency(mid ?? null));
      setText(duration.note, `p95 ${format.latency(high ?? null)}`);
    },
  };
}
