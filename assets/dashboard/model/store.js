/**
 * The list as the page knows it: requests in flight, and those that ended a moment ago, by id. Snapshots and deltas go in; whoever
 * keeps statistics is told of starts, tokens and ends.
 */

import { amount, amountOrNull, ageOf, isObject, isSilent, progressRow, putOut, readRow, rereadRow, sampleRow, text } from './row.js';
import { concernOf, LONG_MS } from './concern.js';
import { badge } from './format.js';
import { byEpoch, knownUntil } from './replicas.js';
import { epochOfRequest } from './wire.js';

/** @typedef {import('../types.js').Row} Row */
/** @typedef {import('../types.js').UpdatePayload} UpdatePayload */
/** @typedef {import('../types.js').DeltaPayload} DeltaPayload */

/**
 * @typedef {object} Witness
 * @property {(row: Row) => void} started
 * @property {(row: Row) => void} ended
 * @property {(count: number) => void} endedUnseen ended, but left out of the delta
 * @property {(count: number) => void} tokens
 * @property {(what: string, value: unknown) => void} malformed
 */

/** A row of another replica that is older than this, in milliseconds, when it comes was not started now: the replica is heard again. */
const JOINED_MS = 5000;

/** Ended rows kept at most; at a thousand ends a second nobody reads them anyway. */
const MOST_ENDED = 300;

export class RowStore {
  /** @type {Map<string, Row>} */
  rows = new Map();
  /** Moves on when a row came, left, ended or was described anew: when the order of the list may have changed. */
  structure = 0;
  /** Requests in flight: rows that have not ended. */
  active = 0;
  /** Milliseconds that an ended row stays. */
  lingerMs = 5000;
  /** Milliseconds in flight from which a request needs a look; 0: never. */
  longMs = LONG_MS;
  /** The rows that have ended, in the order of their ends. @type {Set<Row>} */
  #ended = new Set();
  #witness;
  /** The replicas of the fleet that is shown. @type {Map<string, import('../types.js').Replica>} */
  #replicas = new Map();
  /** Rows in the order of the last progress. A server names them in the same order again, which saves most of the looking up. @type {Row[]} */
  #progressed = [];

  /** @param {Witness} witness */
  constructor(witness) {
    this.#witness = witness;
  }

  /**
   * A whole snapshot. Rows that it lacks have ended; `continuous` says that the last snapshot was recent enough for that to be news.
   * @param {UpdatePayload} update @param {number} nowMs @param {{ first: boolean, continuous: boolean }} context
   */
  applyUpdate(update, nowMs, { first, continuous }) {
    this.#progressed = [];
    /** @type {Map<string, number>} */
    const seen = new Map();
    for (const wire of update.rows) {
      const id = this.#put(wire, nowMs, first, seen);
      if (id === null) this.#witness.malformed('a row without a request_id', wire);
    }
    for (const row of this.rows.values()) {
      if (row.outcome !== null || seen.has(row.id)) continue;
      // A row whose replica is gone has not been seen to end.
      const heard = this.#replicas.size === 0 || this.#replicas.has(epochOfRequest(row.id));
      if (continuous && heard) this.#end(row, 'gone', nowMs, ageOf(row, nowMs) ?? 0);
      else this.#drop(row);
    }
    this.structure += 1;
    this.judge(nowMs);
  }

  /** Finds out which requests need a look. Once a second will do: what makes a request stuck is that nothing comes. @param {number} nowMs */
  judge(nowMs) {
    for (const row of this.rows.values()) this.#judgeOne(row, nowMs);
  }

  /** @param {Row} row @param {number} nowMs */
  #judgeOne(row, nowMs) {
    const concern = concernOf(row, nowMs, this.longMs);
    if (concern === row.concern) return;
    row.concern = concern;
    this.structure += 1;
  }

  /** Takes what is known of the replicas. @param {import('../types.js').Fleet} fleet */
  meet(fleet) {
    this.#replicas = byEpoch(fleet);
    for (const row of this.rows.values()) row.knownUntilMs = knownUntil(this.#replicas.get(epochOfRequest(row.id)));
    this.structure += 1;
  }

  /** @param {DeltaPayload} delta @param {number} nowMs */
  applyDelta(delta, nowMs) {
    if (delta.gone.length > 0) this.#leave((row) => delta.gone.includes(epochOfRequest(row.id)));
    for (const wire of delta.started) {
      if (this.#put(wire, nowMs, false, null) === null) this.#witness.malformed('a started row without a request_id', wire);
    }
    for (const wire of delta.changed) this.#change(wire, nowMs);
    this.#progress(delta.progressed, nowMs);
    for (const tuple of delta.ended) this.#endTuple(tuple, nowMs);
    if (delta.endedOmitted > 0) this.#witness.endedUnseen(delta.endedOmitted);
    if (delta.started.length + delta.changed.length + delta.ended.length > 0) this.structure += 1;
  }

  /** Lets go of ended rows whose time is up. @param {number} nowMs */
  expire(nowMs) {
    for (const row of this.#ended) {
      if (nowMs - row.endedMs < this.lingerMs) break;
      if (row.pinned) continue;
      this.#drop(row);
      this.structure += 1;
    }
  }

  /** @param {number} seconds since the last sample @param {number} nowMs */
  sample(seconds, nowMs) {
    for (const row of this.rows.values()) if (row.outcome === null && !isSilent(row)) sampleRow(row, seconds, nowMs);
  }

  /** A pinned row stays after its end. @param {string} id @param {boolean} pinned @returns {boolean} whether there is such a row */
  pin(id, pinned) {
    const row = this.rows.get(id);
    if (row) row.pinned = pinned;
    return row !== undefined;
  }

  /** The server is another process now: what we knew has nothing to do with it, but for what the operator pinned. */
  restart() {
    for (const row of this.rows.values()) if (row.outcome !== null && !row.pinned) this.#drop(row);
    this.#leave(() => true);
  }

  /** Nothing is known any more. */
  clear() {
    this.#progressed = [];
    this.#replicas.clear();
    this.rows.clear();
    this.#ended.clear();
    this.active = 0;
    this.structure += 1;
  }

  /** Rows in flight leave, and nobody knows how they end; those that the operator pinned stay to be seen. @param {(row: Row) => boolean} which */
  #leave(which) {
    this.#progressed = [];
    for (const row of this.rows.values()) {
      if (row.outcome !== null || !which(row)) continue;
      if (row.pinned) this.#end(row, 'gone', row.movedMs, ageOf(row, row.movedMs) ?? 0, false);
      else this.#drop(row);
    }
    this.structure += 1;
  }

  /**
   * If two rows of one snapshot have the same id, the one with the newer start is kept.
   * @param {unknown} wire @param {number} nowMs @param {boolean} silent @param {Map<string, number> | null} seen
   * @returns {string | null}
   */
  #put(wire, nowMs, silent, seen) {
    const known = isObject(wire) ? this.rows.get(text(wire['request_id'])) : undefined;
    if (known && known.outcome === null) {
      const fresh = seen?.has(known.id) ? readRow(wire, nowMs) : null;
      if (!fresh || (fresh.startMs ?? 0) >= (seen?.get(known.id) ?? 0)) this.#change(wire, nowMs);
      if (seen && isObject(wire)) known.movedMs = nowMs - amount(wire['idle_ms']);
      seen?.set(known.id, known.startMs ?? 0);
      return known.id;
    }
    const row = readRow(wire, nowMs);
    if (row === null) return null;
    if (known) {
      row.pinned = known.pinned;
      this.#drop(known);
    }
    row.knownUntilMs = knownUntil(this.#replicas.get(epochOfRequest(row.id)));
    this.rows.set(row.id, row);
    this.active += 1;
    seen?.set(row.id, row.startMs ?? 0);
    const joined = row.replica !== '' && (ageOf(row, nowMs) ?? 0) > JOINED_MS;
    if (!silent && !joined) {
      this.#witness.started(row);
      if (row.output > 0) this.#witness.tokens(row.output);
    }
    return row.id;
  }

  /** @param {unknown} wire @param {number} nowMs */
  #change(wire, nowMs) {
    if (!isObject(wire)) return;
    const row = this.rows.get(text(wire['request_id']));
    if (!row || row.outcome !== null) return;
    const { counted } = row;
    rereadRow(row, wire, nowMs);
    if (row.counted > counted) this.#witness.tokens(row.counted - counted);
  }

  /** @param {unknown[]} tuples @param {number} nowMs */
  #progress(tuples, nowMs) {
    const before = this.#progressed;
    /** @type {Row[]} */
    const order = [];
    let tokens = 0;
    let at = 0;
    for (const tuple of tuples) {
      if (!Array.isArray(tuple)) {
        this.#witness.malformed('a progress entry that is no list', tuple);
        continue;
      }
      let row = before[at];
      if (row?.id === tuple[0]) at += 1;
      else {
        row = this.rows.get(tuple[0]);
        // The rows between have ended or stand still; from here on the order is the same again.
        if (row && before[row.turn] === row) at = row.turn + 1;
      }
      if (!row || row.outcome !== null) continue;
      row.turn = order.push(row) - 1;
      const { counted } = row;
      progressRow(row, tuple, nowMs);
      tokens += row.counted - counted;
      // At once, so that a stalled row stands nowhere but among those that need a look.
      if (row.phase === 'stalled' && row.concern === null) this.#judgeOne(row, nowMs);
    }
    this.#progressed = order;
    if (tokens > 0) this.#witness.tokens(tokens);
  }

  /**
   * `[id, outcome, status, duration_ms, input, output, provider, model, path, last_byte_ms, waiting_on, usage_source, cache_read, cache_creation,
   * reasoning, tool_calls, response_bytes, cost_usd, time_to_first_token_ms, is_streaming]`; an older server leaves out those from `last_byte_ms` or `usage_source` on.
   * @param {unknown} tuple @param {number} nowMs
   */
  #endTuple(tuple, nowMs) {
    const id = Array.isArray(tuple) ? text(tuple[0]) : '';
    if (!Array.isArray(tuple) || id === '') {
      this.#witness.malformed('an ended entry without an id', tuple);
      return;
    }
    let row = this.rows.get(id);
    if (row && row.outcome !== null) return;
    if (!row) {
      // It came and went inside one delta: worth a line all the same.
      row = readRow({ request_id: id }, nowMs) ?? undefined;
      if (!row) return;
      row.startMs = nowMs - amount(tuple[3]);
      row.replica = this.#replicas.get(epochOfRequest(id))?.name ?? '';
      this.rows.set(id, row);
      this.active += 1;
      this.#witness.started(row);
    }
    row.provider = text(tuple[6], row.provider);
    row.model = text(tuple[7], row.model);
    row.path = text(tuple[8], row.path);
    row.badge = badge(row.provider);
    if (row.requested === '' && row.resolved === '') row.qualified = `${row.provider}:${row.model}`;
    row.status = amountOrNull(tuple[2]) ?? row.status;
    row.input = Math.max(row.input, amount(tuple[4]));
    const { counted } = row;
    putOut(row, amount(tuple[5]) || row.output);
    if (row.counted > counted) this.#witness.tokens(row.counted - counted);
    const outcome = text(tuple[1], 'gone');
    if (tuple.length >= 20) {
      row.usageSource = text(tuple[11], 'none');
      row.cacheRead = amount(tuple[12]);
      row.cacheCreation = amount(tuple[13]);
      row.reasoning = amount(tuple[14]);
      row.toolCalls = amount(tuple[15]);
      row.bytes = amount(tuple[16]);
      row.cost = amountOrNull(tuple[17]);
      row.ttftMs = amountOrNull(tuple[18]);
      row.streaming = tuple[19] === true;
    } else if (outcome === 'completed' && row.input > 0) {
      // Input is counted by providers alone, and at its end an answer has said all its numbers.
      row.usageSource = 'reported';
    }
    this.#end(row, outcome, nowMs, amount(tuple[3]));
    if (tuple.length < 11) return;
    row.lastByteMs = amountOrNull(tuple[9]);
    row.waitingOn = text(tuple[10]);
  }

  /** @param {Row} row @param {string} outcome @param {number} nowMs @param {number} durationMs */
  #end(row, outcome, nowMs, durationMs, news = true) {
    row.outcome = outcome;
    row.concern = null;
    row.endedMs = nowMs;
    row.durationMs = durationMs;
    row.lastByteMs = row.bytes > 0 && row.startMs !== null ? Math.max(0, Math.min(durationMs, row.movedMs - row.startMs)) : null;
    this.active -= 1;
    this.#ended.add(row);
    if (news) this.#witness.ended(row);
    if (this.#ended.size > MOST_ENDED) this.#dropOldestEnded();
  }

  #dropOldestEnded() {
    for (const row of this.#ended) if (!row.pinned) return this.#drop(row);
  }

  /** @param {Row} row */
  #drop(row) {
    if (!this.rows.delete(row.id)) return;
    if (row.outcome === null) this.active -= 1;
    else this.#ended.delete(row);
  }
}
