/**
 * Takes the stream's messages and the polled snapshots, keeps the list and the statistics from them, and says when a message shows that
 * something was missed.
 */

import { readFleet } from './replicas.js';
import { isObject } from './row.js';
import { RowStore } from './store.js';
import { epochOf, readDelta, readDisabled, readUpdate } from './wire.js';

/** @typedef {import('../types.js').Row} Row */
/** @typedef {import('../types.js').Verdict} Verdict */

/** Two whole snapshots further apart than this do not tell when a row ended between them. */
const CONTINUOUS_MS = 40_000;

/** @type {Verdict} */
const TAKEN = { kind: 'taken' };
/** @type {Verdict} */
const IGNORED = { kind: 'ignored' };
/** @type {Verdict} */
const RESYNC = { kind: 'resync' };

export class Feed {
  store;
  /** To go on after, or `null` to begin anew. @type {string | null} */
  lastEventId = null;
  /** Starts and ends so far; a frozen view counts how far behind it is. */
  news = 0;
  /** When the newest message was stamped, on the server's clock. @type {number | null} */
  lastMs = null;
  /** The process we are listening to. @type {string | null} */
  epoch = null;
  /** Whether the server lets the operator cancel requests. */
  canCancel = false;
  /** Whether the server is shutting down, and only waits for the requests in flight. */
  draining = false;
  /** Messages of the stream taken so far. */
  messages = 0;
  /** The replicas, in the view of a fleet. @type {import('../types.js').Fleet | null} */
  fleet = null;
  /** The sums of each replica by its epoch, while the fleet shows no rows. @type {Map<string, Record<string, unknown>>} */
  sums = new Map();
  /** Whether others than the one process that answers are shown. */
  #wide = false;
  #seq = -1;
  #openedMs = 0;
  #quiet = true;
  #parts;

  /**
   * @param {object} parts
   * @param {import('./clock.js').ServerClock} parts.clock
   * @param {import('./stats.js').Stats} parts.stats
   * @param {import('./figures.js').Figures} parts.figures
   * @param {() => void} parts.onRestart the server is another process than before
   * @param {(message: string, detail: unknown) => void} parts.warn
   */
  constructor(parts) {
    this.#parts = parts;
    const { stats, figures, clock, warn } = parts;
    this.store = new RowStore({
      started: (row) => {
        this.news += 1;
        figures.addStart(row.startMs ?? clock.now());
        if (!this.#quiet) stats.addStart();
      },
      ended: (row) => {
        this.news += 1;
        figures.addEnd(row);
      },
      endedUnseen: (count) => {
        this.news += count;
      },
      tokens: (count) => {
        if (!this.#quiet) stats.addTokens(count);
      },
      malformed: (what, value) => warn(`skipped ${what}`, value),
    });
  }

  /** Others are shown from now on. @param {boolean} wide whether they are not just those of the process that answers */
  turn(wide) {
    this.#wide = wide;
    this.store.clear();
    this.sums.clear();
    this.fleet = this.lastMs = this.epoch = this.lastEventId = null;
    this.draining = false;
    this.#seq = -1;
  }

  /** A stream was opened. What it sends of the time before is history, not traffic of this second. */
  opened() {
    this.#openedMs = this.#parts.clock.now();
    this.#quiet = true;
  }

  /**
   * @param {{ event: string, data: string, id: string }} event
   * @param {unknown} json its data, `undefined` where that is not JSON
   * @returns {Verdict}
   */
  take(event, json) {
    try {
      if (event.event === 'delta') return this.#delta(event.id, json);
      if (event.event === 'disabled') return { kind: 'disabled', hint: readDisabled(json) ?? { message: 'Switched off by the server', suggestion: '' } };
      if (event.event === 'update') return this.snapshot(json, epochOf(event.id), event.id);
      return IGNORED;
    } catch (error) {
      this.#parts.warn(`skipped a malformed “${event.event}” event`, error);
      return IGNORED;
    }
  }

  /**
   * A whole snapshot, streamed or polled.
   * @param {unknown} json @param {string | null} epoch @param {string} [id]
   * @returns {Verdict}
   */
  snapshot(json, epoch, id = '') {
    const update = readUpdate(json);
    const first = this.lastMs === null;
    const another = !first && epoch !== null && this.epoch !== null && epoch !== this.epoch;
    if (another && this.#wide) this.#parts.clock.forget();
    const nowMs = this.#time(update.timestampMs);
    // A fleet is the same, whichever of its replicas tells of it.
    const restarted = another && !this.#wide;
    if (restarted) {
      this.store.restart();
      this.#parts.onRestart();
    }
    const continuous = !first && !restarted && update.seq === null && nowMs - (this.lastMs ?? 0) < CONTINUOUS_MS;
    this.#quiet = !continuous;
    this.sums.clear();
    this.#hear(update, nowMs);
    this.store.applyUpdate(update, nowMs, { first: !continuous, continuous });
    this.epoch = epoch ?? this.epoch;
    this.canCancel = update.canCancel;
    this.draining = update.draining;
    this.#seq = update.seq ?? -1;
    // Between a polled snapshot and the stream's last message anything may have happened: the stream begins anew.
    this.lastEventId = id === '' ? null : id;
    this.lastMs = nowMs;
    this.messages += 1;
    return TAKEN;
  }

  /** @param {string} id @param {unknown} json @returns {Verdict} */
  #delta(id, json) {
    const delta = readDelta(json);
    if (this.#seq < 0 || epochOf(id) !== this.epoch) return this.#missed();
    if (delta.seq <= this.#seq) return IGNORED;
    if (delta.seq > this.#seq + 1) return this.#missed();
    const nowMs = this.#time(delta.timestampMs);
    this.#quiet = nowMs < this.#openedMs;
    this.store.applyDelta(delta, nowMs);
    for (const epoch of delta.gone) this.sums.delete(String(epoch));
    this.#hear(delta, nowMs);
    this.#seq = delta.seq;
    this.lastEventId = id;
    this.lastMs = nowMs;
    this.messages += 1;
    return TAKEN;
  }

  /** Takes what a message says of the fleet. @param {{ fleet: unknown, sums: unknown }} message @param {number} nowMs */
  #hear({ fleet, sums }, nowMs) {
    for (const it of Array.isArray(sums) ? sums : []) if (isObject(it) && typeof it['epoch'] === 'string') this.sums.set(it['epoch'], it);
    const known = readFleet(fleet, nowMs);
    if (known === null) return;
    this.fleet = known;
    this.store.meet(known);
  }

  #missed() {
    this.#parts.warn('missed a delta; asking for a new snapshot', { after: this.#seq });
    this.lastEventId = null;
    return RESYNC;
  }

  /** @param {number | null} timestampMs */
  #time(timestampMs) {
    if (timestampMs !== null) this.#parts.clock.observe(timestampMs);
    return timestampMs ?? this.#parts.clock.now();
  }
}
