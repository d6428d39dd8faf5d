/**
 * From a row of the wire to a row of the page. Nothing is believed: a field of the wrong type becomes empty, 0 or N/A, and only a row
 * without an id is no row, since nothing could ever update or remove it.
 */

import { badge } from './format.js';
import { NO_LABELS, readLabels } from './labels.js';

/** @typedef {import('../types.js').Row} Row */
/** @typedef {import('../types.js').WireRow} WireRow */

/** @param {unknown} value @returns {value is Record<string, unknown>} */
export const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** @param {unknown} value @param {string} [fallback] */
export const text = (value, fallback = '') => (typeof value === 'string' && value !== '' ? value : fallback);

/** A count: whole or not, never negative, 0 where it is no number. @param {unknown} value */
export const amount = (value) => (typeof value === 'number' && value > 0 && value < Infinity ? value : 0);

/** @param {unknown} value @returns {number | null} */
export const amountOrNull = (value) => (typeof value === 'number' && value >= 0 && value < Infinity ? value : null);

/** Seconds since the epoch (or, where the number is too great for that, milliseconds) as milliseconds. @param {unknown} value */
export function epochMs(value) {
  if (typeof value !== 'number' || !(value > 0) || value === Infinity) return null;
  return value < 1e12 ? value * 1000 : value;
}

/**
 * A row of which nothing is known yet. What progress touches stands together at the front, where it takes the fewest cache lines: ten
 * thousand rows are more than a cache holds.
 * @param {string} id @param {number} nowMs @returns {Row}
 */
export const emptyRow = (id, nowMs) => ({
  kind: 'row', id, outcome: null, turn: -1, phase: '', waitingOn: '', usageSource: 'none', input: 0, output: 0, cacheRead: 0,
  cacheCreation: 0, reasoning: 0, toolCalls: 0, bytes: 0, cost: null, movedMs: nowMs, counted: 0, knownUntilMs: Infinity, sampled: 0, rate: null, spark: [], provider: '', model: '', requested: '',
  resolved: '', qualified: '', badge: 'secondary', streaming: false, startMs: null, toolUses: 0, toolResults: 0, requestSize: 0,
  messages: 0, observation: '', stage: '', status: null, ttftMs: null, method: '', path: '', route: '', caller: '', replica: '', labels: NO_LABELS, endedMs: 0, durationMs: 0, lastByteMs: null, pinned: false, concern: null,
});

/**
 * @param {unknown} wire
 * @param {number} nowMs the message's time on the server's clock
 * @returns {Row | null} `null` for what has no usable id
 */
export function readRow(wire, nowMs) {
  if (!isObject(wire)) return null;
  const id = text(wire['request_id']);
  if (id === '') return null;
  const row = emptyRow(id, nowMs);
  rereadRow(row, wire, nowMs);
  row.movedMs = nowMs - amount(wire['idle_ms']);
  row.sampled = row.counted;
  // In its first second a rate is a few tokens over next to nothing; a stream that rests has none.
  const sinceFirst = amount(wire['duration_ms']) - (row.ttftMs ?? Infinity);
  if (sinceFirst >= 1000 && nowMs - row.movedMs < RESTING_MS) row.rate = amountOrNull(wire['output_tokens_per_second']);
  return row;
}

/**
 * Takes a newer full row of the same id in place, keeping what only the page knows (samples, pin).
 * @param {Row} row @param {WireRow} wire @param {number} nowMs
 */
export function rereadRow(row, wire, nowMs) {
  row.provider = text(wire['provider'], 'unknown');
  row.model = text(wire['model'], 'unknown');
  row.requested = text(wire['requested_model']);
  row.resolved = text(wire['resolved_model']);
  row.qualified = text(wire['qualified_model'], `${row.provider}:${row.model}`);
  row.badge = badge(row.provider);
  row.streaming = wire['is_streaming'] === true;
  row.startMs = startOf(wire, nowMs);
  row.toolUses = amount(wire['tool_uses']);
  row.toolResults = amount(wire['tool_results']);
  row.requestSize = amount(wire['request_size']);
  row.messages = amount(wire['message_count']);
  row.observation = text(wire['observation']);
  row.stage = text(wire['stage']);
  row.status = amountOrNull(wire['status']);
  row.ttftMs = amountOrNull(wire['time_to_first_token_ms']);
  row.method = text(wire['method']);
  row.path = text(wire['path']);
  row.route = text(wire['route']);
  row.caller = text(wire['caller']);
  row.replica = text(wire['replica']);
  row.labels = readLabels(wire['labels']);
  const bytes = amount(wire['response_bytes']);
  const idle = amountOrNull(wire['idle_ms']);
  // The server knows when something last came. A count that changed says nothing: it may be an estimate, made anew.
  if (idle !== null) row.movedMs = nowMs - idle;
  else if (bytes !== row.bytes) row.movedMs = nowMs;
  row.phase = text(wire['phase']);
  row.waitingOn = text(wire['waiting_on']);
  row.usageSource = text(wire['usage_source'], 'none');
  row.input = amount(wire['input_tokens']);
  putOut(row, amount(wire['output_tokens']));
  row.cacheRead = amount(wire['cache_read_tokens']);
  row.cacheCreation = amount(wire['cache_creation_tokens']);
  row.reasoning = amount(wire['reasoning_tokens']);
  row.toolCalls = amount(wire['tool_calls']);
  row.bytes = bytes;
  row.cost = amountOrNull(wire['cost_usd']);
}

/**
 * `duration_ms` was measured by a monotonic clock, so it tells the start better than the wall clock did; without it, `start_time`.
 * @param {WireRow} wire @param {number} nowMs
 */
function startOf(wire, nowMs) {
  const start = epochMs(wire['start_time']);
  const age = amountOrNull(wire['duration_ms']);
  return start === null || age === null ? start : nowMs - age;
}

/**
 * Takes `[id, phase, waiting_on, usage_source, input, output, cache_read, cache_creation, reasoning, tool_calls, response_bytes, cost_usd]`.
 * This runs once per row and message: ten thousand rows at ten hertz are a hundred thousand calls a second.
 * @param {Row} row @param {ReadonlyArray<unknown>} tuple @param {number} nowMs
 */
export function progressRow(row, tuple, nowMs) {
  const bytes = amount(tuple[10]);
  if (bytes !== row.bytes) row.movedMs = nowMs;
  if (tuple[1] !== row.phase) row.phase = text(tuple[1]);
  if (tuple[2] !== row.waitingOn) row.waitingOn = text(tuple[2]);
  if (tuple[3] !== row.usageSource) row.usageSource = text(tuple[3], 'none');
  row.input = amount(tuple[4]);
  putOut(row, amount(tuple[5]));
  row.cacheRead = amount(tuple[6]);
  row.cacheCreation = amount(tuple[7]);
  row.reasoning = amount(tuple[8]);
  row.toolCalls = amount(tuple[9]);
  row.bytes = bytes;
  row.cost = amountOrNull(tuple[11]);
}

/** Age of a request in flight, duration of one that ended; `null` where its start is unknown. @param {Row} row @param {number} nowMs */
export function ageOf(row, nowMs) {
  if (row.outcome !== null) return row.durationMs;
  return row.startMs === null ? null : Math.max(0, Math.min(nowMs, row.knownUntilMs) - row.startMs);
}

/**
 * Sets the output. An estimate may fall and rise again: only what exceeds all that was counted before is new.
 * @param {Row} row @param {number} output
 */
export function putOut(row, output) {
  row.output = output;
  if (output > row.counted) row.counted = output;
}

/** Milliseconds since bytes came. @param {Row} row @param {number} nowMs */
export const idleOf = (row, nowMs) => (row.outcome === null ? Math.max(0, Math.min(nowMs, row.knownUntilMs) - row.movedMs) : 0);

/** Whether its replica is silent, so that nothing is known of it now. @param {Row} row */
export const isSilent = (row) => row.outcome === null && row.knownUntilMs !== Infinity;

/** Seconds a sparkline looks back. */
export const SPARK_POINTS = 20;

/** A stream in which nothing came for this long is not given a rate that was measured before. */
export const RESTING_MS = 2000;

/** Seconds of which a rate is the mean: few enough that a stream which has stopped is soon seen to have none. */
const RATE_SPAN = 5;

/**
 * Once a second: what the row put out since the last look.
 * @param {Row} row @param {number} seconds since the last sample @param {number} nowMs
 */
export function sampleRow(row, seconds, nowMs) {
  const tokens = (row.counted - row.sampled) / seconds;
  row.sampled = row.counted;
  if (row.spark.length === SPARK_POINTS) row.spark.shift();
  row.spark.push(tokens);
  if (row.phase === 'stalled') row.rate = null;
  // A first sample is of a part of a second: until there are two, the server knows better.
  else if (row.spark.length > 1 && row.counted > 0) row.rate = rateOf(row, seconds, nowMs);
}

/** The mean since the first token, as far as that is in the last seconds; after less than one it would say nothing. @param {Row} row @param {number} seconds @param {number} nowMs */
function rateOf({ spark, startMs, ttftMs }, seconds, nowMs) {
  const samples = spark.slice(-Math.max(1, Math.round(RATE_SPAN / seconds)));
  const sinceFirst = startMs === null || ttftMs === null ? Infinity : (nowMs - startMs - ttftMs) / 1000;
  return sinceFirst < 1 ? null : samples.reduce((sum, it) => sum + it * seconds, 0) / Math.min(samples.length * seconds, sinceFirst);
}
