/** The numbers on top: what needs a look, how much is in flight, how fast it goes, how much fails. Each leads to the rows it counts. */

import * as format from '../model/format.js';
import { concernsOf } from '../model/concern.js';
import { ageOf, isSilent } from '../model/row.js';
import { h, setData, setText, textIn } from './dom.js';

/** @typedef {import('../types.js').Row} Row */

/**
 * The counts by state, over the rows in flight.
 * @param {Iterable<Row>} rows
 */
export function tally(rows) {
  const counts = {
    active: 0, waiting: 0, responding: 0, streaming: 0, stalled: 0, onUpstream: 0, onClient: 0, ended: 0, unheard: 0,
    /** Those that need a look. */
    attention: /** @type {Row[]} */ ([]),
    /** Output tokens per second, where sums tell it. */
    rate: /** @type {number | null} */ (null),
    /** These are the server's sums: there are no rows that could be counted. */
    summed: false,
  };
  for (const row of rows) {
    if (row.outcome !== null) {
      counts.ended += 1;
      continue;
    }
    counts.active += 1;
    if (isSilent(row)) {
      counts.unheard += 1;
      continue;
    }
    if (row.concern !== null) counts.attention.push(row);
    if (row.phase === 'waiting') counts.waiting += 1;
    else if (row.phase === 'responding') counts.responding += 1;
    else if (row.phase === 'streaming') counts.streaming += 1;
    else if (row.phase === 'stalled') counts.stalled += 1;
    if (row.waitingOn === 'client') counts.onClient += 1;
    else if (row.waitingOn === 'upstream') counts.onUpstream += 1;
  }
  return counts;
}

/** Started requests per second in the last whole minute that the server counted. @param {import('../types.js').Reading | null} reading */
function paceOf(reading) {
  const steps = reading?.byServer ? reading.steps.slice(-7, -1).filter((step) => step !== null) : [];
  return steps.length === 0 || !reading ? null : steps.reduce((sum, step) => sum + step.started, 0) / ((steps.length * reading.stepMs) / 1000);
}

const FAILED_HINT = 'Press to show the errors. A request that its client left or an operator cancelled has not failed.';
const ATTENTION_HINT = 'Requests that are stalled, without an answer, not read by their client, or in flight for long';

/**
 * @param {HTMLElement} host
 * @param {{ onFilter: (field: string, value: string) => void, onErrors: () => void, onAll: () => void, onSort: (column: string) => void }} actions
 */
export function createStrip(host, actions) {
  /** @param {string} title @param {string} hint @param {() => void} act */
  function tile(title, hint, act) {
    const value = h('span', { class: 'tile-value' });
    const note = h('span', { class: 'tile-note' });
    const button = h('button', { type: 'button', class: 'tile', title: hint, onclick: act }, h('span', { class: 'tile-title' }, title), value, ' ', note);
    host.append(button);
    return { button, value: textIn(value), note: textIn(note) };
  }
  const attention = tile('Attention', ATTENTION_HINT, () => actions.onFilter('state', 'attention'));
  const active = tile('In flight', 'Show all requests', actions.onAll);
  const upstream = tile('On upstream', 'Show requests that wait for the upstream', () => actions.onFilter('waits', 'upstream'));
  const tokens = tile('Tokens/s', 'Output tokens. Press for the fastest first', () => actions.onSort('rate'));
  const requests = tile('Requests/s', 'Show all requests', actions.onAll);
  const errors = tile('Failed', FAILED_HINT, actions.onErrors);
  const first = tile('First token', 'Half of them came within this time. Press for the slowest first', () => actions.onSort('ttft'));
  const duration = tile('Duration', 'Half of the requests took no longer. Press for the longest first', () => actions.onSort('age'));
  const all = [attention, active, upstream, tokens, requests, errors, first, duration];

  return {
    /**
     * @param {ReturnType<typeof tally> | null} counts `null`: nothing is known
     * @param {object} figures
     * @param {{ tokensPerSecond: number, startsPerSecond: number } | null} figures.recent as the stream or the polled list tells
     * @param {import('../types.js').Reading | null} figures.reading
     * @param {boolean} figures.polled the list is polled, and misses what is short
     * @param {number} nowMs
     */
    draw(counts, { recent, reading, polled }, nowMs) {
      const [pace, paceSpan] = polled || counts?.summed ? [paceOf(reading), 'last 1m'] : [recent?.startsPerSecond ?? null, 'last 10s'];
      if (counts === null) {
        for (const tile of all) {
          setText(tile.value, format.NONE);
          setText(tile.note, 'not known');
          setData(tile.button, 'data-tone', null);
        }
        return;
      }
      const concerned = counts.attention.length;
      setText(attention.value, format.count(counts.summed ? counts.stalled : concerned));
      setText(attention.note, counts.summed ? 'stalled' : concerned === 0 ? 'none' : `oldest ${format.duration(Math.max(...counts.attention.map((row) => ageOf(row, nowMs) ?? 0)))}`);
      attention.button.title = concerned === 0 ? ATTENTION_HINT : `${concernsOf(counts.attention)}. Press to show them`;
      setData(attention.button, 'data-tone', concerned > 0 || (counts.summed && counts.stalled > 0) ? 'warn' : null);
      setText(active.value, format.count(counts.active));
      setText(active.note, counts.unheard > 0 ? `${format.count(counts.unheard)} not heard` : `${format.count(counts.streaming)} streaming`);
      setText(upstream.value, counts.summed ? format.NONE : format.count(counts.onUpstream));
      setText(upstream.note, `${format.count(counts.onClient)} on clients`);
      setText(tokens.value, format.rate(counts.summed ? counts.rate : (recent?.tokensPerSecond ?? null)));
      setText(tokens.note, counts.summed ? 'now' : 'last 10s');
      setText(requests.value, format.rate(pace));
      setText(requests.note, paceSpan);
      const counted = reading ? reading.completed + reading.failed : 0;
      const span = reading === null ? 'not known' : reading.whole ? '5m' : format.duration(reading.nowMs - reading.fromMs);
      setText(errors.value, reading === null || counted === 0 ? format.NONE : format.percent(reading.failed, counted));
      setText(errors.note, reading === null ? span : `${format.count(reading.failed)} of ${format.count(counted)} · ${span}`);
      errors.button.title = `${FAILED_HINT}${reading && reading.byChoice > 0 ? ` ${format.count(reading.byChoice)} were, and are left out.` : ''}`;
      setData(errors.button, 'data-tone', reading !== null && reading.failed > 0 ? 'bad' : null);
      for (const [tile, distribution] of /** @type {const} */ ([[first, reading?.firsts], [duration, reading?.durations]])) {
        setText(tile.value, format.latency(distribution?.quantile(0.5) ?? null));
        setText(tile.note, `p95 ${format.latency(distribution?.quantile(0.95) ?? null)}`);
      }
    },
  };
}
