/**
 * The figures of the last five minutes: as the server counted them, and since then as the stream tells, so that a page that was just
 * opened, was hidden, or polls says the same as any other. A server that does not count leaves what this page saw itself.
 */

import { Distribution } from './distribution.js';
import { timeOfDay } from './format.js';
import { amount, epochMs, isObject } from './row.js';
import { endedByChoice, failed } from './words.js';
import { ShapeError } from './wire.js';

/** @typedef {import('../types.js').Row} Row */
/** @typedef {import('../types.js').Step} Step */
/** @typedef {import('../types.js').Series} Series */
/** @typedef {import('../types.js').Reading} Reading */

/** Steps that are shown, the running one included. */
export const STEPS = 30;
/** Milliseconds of a step. */
export const STEP_MS = 10_000;
/** Ends that are kept between two answers of the server; where it does not count, for all of the five minutes. */
const MOST_ENDS = 5000;

/** @typedef {{ atMs: number, durationMs: number, ttftMs: number | null, outcome: string, output: number }} End */

/** @param {unknown} json @returns {Series | null} `null` where the server tracks nothing */
export function readSeries(json) {
  if (isObject(json) && json['disabled'] === true) return null;
  if (!isObject(json) || !Array.isArray(json['points']) || !isObject(json['bounds_ms'])) throw new ShapeError('a series has `points` and `bounds_ms`');
  const timestampMs = epochMs(json['timestamp']);
  if (timestampMs === null) throw new ShapeError('a series has a `timestamp`');
  const bounds = json['bounds_ms'];
  return {
    stepMs: amount(json['step_ms']) || STEP_MS,
    timestampMs,
    sinceMs: epochMs(json['since']) ?? 0,
    durationBounds: numbers(bounds['duration']),
    firstBounds: numbers(bounds['first_token']),
    steps: json['points'].flatMap((point) => {
      const ms = isObject(point) ? epochMs(point['t']) : null;
      if (!isObject(point) || ms === null) return [];
      const step = { ...emptyStep(ms), started: amount(point['started']), output: amount(point['output_tokens']), durations: numbers(point['duration']), firsts: numbers(point['first_token']) };
      for (const [outcome, count] of Object.entries(isObject(point['outcomes']) ? point['outcomes'] : {})) addEnd(step, outcome, amount(count));
      return [step];
    }),
  };
}

/** @param {unknown} value @returns {number[]} */
const numbers = (value) => (Array.isArray(value) ? value.map(amount) : []);

/** @param {number} ms when it begins @returns {Step} */
const emptyStep = (ms) => ({ ms, started: 0, completed: 0, byChoice: 0, failed: 0, output: 0, active: null, durations: [], firsts: [] });

/** @param {Step} step @param {string} outcome @param {number} count */
function addEnd(step, outcome, count) {
  if (failed(outcome)) step.failed += count;
  else if (endedByChoice(outcome)) step.byChoice += count;
  else step.completed += count;
}

export class Figures {
  /** @type {Series | null} */
  #series = null;
  /** Whether the server counts; `null` while that is not known. @type {boolean | null} */
  #counted = null;
  /** @type {End[]} */
  #ends = [];
  /** @type {number[]} */
  #starts = [];
  /** When this page began to see everything; `null` while it does not. @type {number | null} */
  #seenSinceMs = null;

  /** The server's answer. @param {Series | null} series */
  take(series) {
    this.#counted = series !== null;
    this.#series = series;
    if (series === null) return;
    this.#ends = this.#ends.filter((it) => it.atMs > series.timestampMs);
    this.#starts = this.#starts.filter((atMs) => atMs > series.timestampMs);
  }

  /** The server does not count: it is an older one. */
  lack() {
    this.#counted = false;
    this.#series = null;
  }

  /** The server is another process. */
  restart() {
    this.#series = this.#counted = null;
    this.pause();
  }

  /** The stream tells everything from here on. @param {number} nowMs */
  see(nowMs) {
    this.#seenSinceMs ??= nowMs;
  }

  /** The page does not look, and will have missed something. What it saw after the server's answer stays true, and goes when the next one has it. */
  pause() {
    this.#seenSinceMs = null;
    if (this.#series !== null) return;
    this.#ends = [];
    this.#starts = [];
  }

  /** Whether the server's answer has it already. @param {number} atMs */
  #isCounted(atMs) {
    return this.#series !== null && atMs <= this.#series.timestampMs;
  }

  /** @param {number} atMs */
  addStart(atMs) {
    if (this.#isCounted(atMs)) return;
    if (this.#starts.push(atMs) > MOST_ENDS) this.#starts.shift();
  }

  /** @param {Row} row one that has ended; how is not known of those that are only `gone` */
  addEnd({ startMs, durationMs, endedMs, ttftMs, outcome, output }) {
    if (outcome === null || outcome === 'gone') return;
    // The server's own moment, which is a little before the message that told of it.
    const atMs = startMs === null ? endedMs : Math.min(endedMs, startMs + durationMs);
    if (this.#isCounted(atMs)) return;
    if (this.#ends.push({ atMs, durationMs, ttftMs, outcome, output }) <= MOST_ENDS) return;
    const [oldest] = this.#ends.splice(0, MOST_ENDS / 10).slice(-1);
    if (this.#seenSinceMs !== null && oldest) this.#seenSinceMs = Math.max(this.#seenSinceMs, oldest.atMs);
  }

  /** @param {number} nowMs @param {number} active requests in flight now @returns {Reading | null} `null` where nothing is known */
  read(nowMs, active) {
    const series = this.#series;
    const sinceMs = series ? series.sinceMs : this.#seenSinceMs;
    if (sinceMs === null || this.#counted === null) return null;
    const stepMs = series?.stepMs ?? STEP_MS;
    const last = Math.floor(nowMs / stepMs) * stepMs;
    const first = last - (STEPS - 1) * stepMs;
    const durations = new Distribution(series?.durationBounds);
    const firsts = new Distribution(series?.firstBounds);
    /** @type {(Step | null)[]} */
    const steps = Array.from({ length: STEPS }, (_, at) => (first + (at + 1) * stepMs <= sinceMs ? null : emptyStep(first + at * stepMs)));
    const stepAt = (/** @type {number} */ ms) => steps[Math.floor((ms - first) / stepMs)] ?? null;
    for (const counted of series?.steps ?? []) {
      const at = Math.floor((counted.ms - first) / stepMs);
      if (at < 0 || at >= STEPS) continue;
      steps[at] = { ...counted };
      durations.merge(counted.durations);
      firsts.merge(counted.firsts);
    }
    for (const atMs of this.#starts) {
      const step = stepAt(atMs);
      if (step) step.started += 1;
    }
    for (const end of this.#ends) {
      const step = stepAt(end.atMs);
      if (!step) continue;
      addEnd(step, end.outcome, 1);
      step.output += end.output;
      durations.add(end.durationMs);
      if (end.ttftMs !== null) firsts.add(end.ttftMs);
    }
    // From what is in flight now back to what was at the end of each step.
    let then = active;
    const sums = { started: 0, completed: 0, byChoice: 0, failed: 0 };
    for (const step of steps.toReversed()) {
      if (!step) break;
      step.active = Math.max(0, then);
      then += step.completed + step.byChoice + step.failed - step.started;
      for (const name of /** @type {(keyof typeof sums)[]} */ (Object.keys(sums))) sums[name] += step[name];
    }
    return { ...sums, fromMs: Math.max(first, sinceMs), whole: sinceMs <= first, byServer: series !== null, stepMs, nowMs, steps, durations, firsts };
  }
}

/** Says where the figures are not of all five minutes. @param {Reading} reading */
export const since = ({ whole, byServer, fromMs }) => (whole ? '' : `since ${byServer ? 'the server started' : 'this page opened'}, ${timeOfDay(fromMs)}`);
