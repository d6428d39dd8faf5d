/**
 * The events of the last five minutes, second by second: for the strip, the curve and the histogram. Times are the server's. Seconds in
 * which the page was not looking are gaps, not zeros.
 */

import { failed } from './words.js';

/** @typedef {import('../types.js').Row} Row */
/** @typedef {import('../types.js').Entry} Entry */

/** Seconds that are kept. */
export const WINDOW = 300;
/** Ended requests that are kept for quantiles; beyond, the oldest go. */
const MOST_SAMPLES = 3000;

/** @typedef {{ active: number, tokens: number, started: number, ended: number, failed: number, stalled: number }} Second */
/** @typedef {{ atMs: number, durationMs: number, failed: boolean }} End */
/** @typedef {{ atMs: number, ttftMs: number }} First */

export class Stats {
  /** One per second, oldest first; `null` is a gap. @type {(Second | null)[]} */
  seconds = new Array(WINDOW).fill(null);
  /** @type {End[]} */
  ends = [];
  /** @type {First[]} */
  firsts = [];
  /** Requests that ended in an error while the page looked. */
  failures = 0;
  /** The second that `seconds` ends with, in epoch seconds. */
  lastSecond = 0;
  #tokens = 0;
  #started = 0;
  #ended = 0;
  #failed = 0;
  #live = 0;

  /** @param {number} count */
  addTokens(count) {
    this.#tokens += count;
  }

  addStart() {
    this.#started += 1;
  }

  /** @param {Row} row @param {number} nowMs */
  addFirst(row, nowMs) {
    if (row.ttftMs !== null) push(this.firsts, { atMs: nowMs, ttftMs: row.ttftMs });
  }

  /** @param {Row} row */
  addEnd(row) {
    const bad = row.outcome !== null && failed(row.outcome);
    this.#ended += 1;
    if (bad) {
      this.#failed += 1;
      this.failures += 1;
    }
    push(this.ends, { atMs: row.endedMs, durationMs: row.durationMs, failed: bad });
  }

  /** @param {number} count */
  addEndsUnseen(count) {
    this.#ended += count;
  }

  /** Adds the entries that the server remembers from before the page was opened. @param {Entry[]} entries newest first */
  recall(entries) {
    const since = this.ends[0]?.atMs ?? Infinity;
    const sinceFirst = this.firsts[0]?.atMs ?? Infinity;
    const older = entries.toReversed();
    this.ends.unshift(
      ...older.flatMap((it) => (it.endMs !== null && it.endMs < since ? [{ atMs: it.endMs, durationMs: it.durationMs, failed: it.failed }] : [])),
    );
    this.firsts.unshift(
      ...older.flatMap((it) => (it.endMs !== null && it.ttftMs !== null && it.endMs < sinceFirst ? [{ atMs: it.endMs, ttftMs: it.ttftMs }] : [])),
    );
  }

  /**
   * Closes the seconds up to now. Called about once a second while a stream tells what happens, or with each polled answer.
   * @param {number} nowMs @param {number} active @param {number} stalled
   * @param {number} [pause] seconds that may have passed since the last call while the page was looking
   */
  tick(nowMs, active, stalled, pause = 3) {
    const second = Math.floor(nowMs / 1000);
    if (second <= this.lastSecond) return;
    const missed = this.lastSecond === 0 ? 0 : second - this.lastSecond - 1;
    // Values that came together are spread over the seconds they stand for; a long absence is a gap.
    const spread = missed < pause ? missed + 1 : 1;
    for (let i = 0; i < Math.min(missed - spread + 1, WINDOW); i++) this.#push(null);
    for (let i = 0; i < spread; i++) {
      this.#push({
        active, stalled,
        tokens: this.#tokens / spread, started: this.#started / spread, ended: this.#ended / spread, failed: this.#failed / spread,
      });
    }
    this.lastSecond = second;
    this.#tokens = this.#started = this.#ended = this.#failed = 0;
    const oldest = nowMs - WINDOW * 1000;
    trim(this.ends, oldest);
    trim(this.firsts, oldest);
  }

  /** The page stops looking: what was counted since the last tick belongs to no second. */
  pause() {
    this.#tokens = this.#started = this.#ended = this.#failed = 0;
    this.#live = 0;
  }

  /** @param {Second | null} second */
  #push(second) {
    this.seconds.push(second);
    if (this.seconds.length > WINDOW) this.seconds.shift();
    this.#live = second ? this.#live + 1 : 0;
  }

  /** Means over the last `span` seconds that were seen without a gap. @param {number} span */
  recent(span) {
    const seen = Math.min(span, this.#live);
    let tokens = 0;
    let started = 0;
    for (const second of seen > 0 ? this.seconds.slice(-seen) : []) {
      tokens += second?.tokens ?? 0;
      started += second?.started ?? 0;
    }
    return seen > 0 ? { tokensPerSecond: tokens / seen, startsPerSecond: started / seen } : null;
  }

  /** Figures of the requests that ended in the window. */
  errors() {
    let bad = 0;
    for (const end of this.ends) if (end.failed) bad += 1;
    return { failed: bad, ended: this.ends.length };
  }
}

/** @template T @param {T[]} list @param {T} item */
function push(list, item) {
  list.push(item);
  if (list.length > MOST_SAMPLES) list.splice(0, MOST_SAMPLES / 10);
}

/** @param {{ atMs: number }[]} list @param {number} oldest */
function trim(list, oldest) {
  const keep = list.findIndex((it) => it.atMs >= oldest);
  if (keep !== 0) list.splice(0, keep < 0 ? list.length : keep);
}

/** @param {number[]} values @param {number[]} wanted each in 0..1 @returns {(number | null)[]} */
export function quantiles(values, wanted) {
  const sorted = Float64Array.from(values).sort();
  return wanted.map((q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? null);
}

/** Bounds of the histogram's bars in milliseconds: 1, 2, 5 in each decade. */
export const BOUNDS = [0, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, Infinity];

/** How many durations fall between each two bounds. @param {number[]} durations @returns {number[]} */
export function histogram(durations) {
  const bars = new Array(BOUNDS.length - 1).fill(0);
  for (const ms of durations) {
    const above = BOUNDS.findIndex((bound) => ms < bound);
    bars[above < 1 ? bars.length - 1 : above - 1] += 1;
  }
  return bars;
}
