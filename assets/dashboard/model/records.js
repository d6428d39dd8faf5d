/** Reads the polled answers about the past: running totals, errors and traces. */

import { badge } from './format.js';
import { readLabels } from './labels.js';
import { amount, amountOrNull, emptyRow, epochMs, isObject, text } from './row.js';
import { failed } from './words.js';
import { readDisabled, ShapeError } from './wire.js';

/** @typedef {import('../types.js').Total} Total */
/** @typedef {import('../types.js').Totals} Totals */
/** @typedef {import('../types.js').Entry} Entry */
/** @typedef {import('../types.js').Row} Row */

/** @param {unknown} json @returns {Totals} */
export function readTotals(json) {
  if (!isObject(json) || !isObject(json['providers'])) throw new ShapeError('totals have an object `providers`');
  const top = isObject(json['last_accessed']) ? json['last_accessed']['top'] : null;
  const all = total('', '', top, {
    requests: json['total_requests'], errors: json['total_errors'], input_tokens: json['total_input_tokens'],
    output_tokens: json['total_output_tokens'], cache_read_tokens: json['total_cache_read_tokens'],
    cache_creation_tokens: json['total_cache_creation_tokens'], tool_calls: json['total_tool_calls'],
    average_duration_ms: json['average_duration_ms'], total_duration_ms: json['total_duration_ms'], cost_usd: json['total_cost_usd'], unpriced_requests: json['unpriced_requests'],
  }, null, null);
  /** @type {Total[]} */
  const providers = [];
  /** @type {Total[]} */
  const models = [];
  for (const [provider, entry] of Object.entries(json['providers'])) {
    if (!isObject(entry)) continue;
    const rollup = isObject(entry['rollup']) ? entry['rollup'] : {};
    providers.push(total(provider, '', entry['last_accessed'], rollup['total'], rollup['streaming'], rollup['non_streaming']));
    for (const [model, it] of Object.entries(isObject(entry['models']) ? entry['models'] : {})) {
      if (isObject(it)) models.push(total(provider, model, it['last_accessed'], it['total'], it['streaming'], it['non_streaming']));
    }
  }
  return { all, active: amount(json['active_requests']), providers, models, disabled: readDisabled(json) };
}

/**
 * @param {string} provider @param {string} model @param {unknown} last
 * @param {unknown} whole @param {unknown} streaming @param {unknown} other
 * @returns {Total}
 */
function total(provider, model, last, whole, streaming, other) {
  const it = isObject(whole) ? whole : {};
  const lastMs = typeof last === 'string' ? Date.parse(last) : NaN;
  return {
    provider, model, badge: badge(provider),
    lastMs: Number.isNaN(lastMs) ? null : lastMs,
    requests: amount(it['requests']),
    errors: amount(it['errors']),
    input: amount(it['input_tokens']),
    output: amount(it['output_tokens']),
    cacheRead: amount(it['cache_read_tokens']),
    cacheCreation: amount(it['cache_creation_tokens']),
    tools: amount(it['tool_calls']),
    averageMs: amount(it['average_duration_ms']),
    totalMs: amount(it['total_duration_ms']),
    streamingMs: isObject(streaming) ? amountOrNull(streaming['average_duration_ms']) : null,
    otherMs: isObject(other) ? amountOrNull(other['average_duration_ms']) : null,
    cost: amountOrNull(it['cost_usd']),
    unpriced: amountOrNull(it['unpriced_requests']),
  };
}

/** The tokens of a total, none counted twice: cached input is a part of the input. @param {Total} total */
export function composition(total) {
  return [
    { key: 'input', label: 'Input', value: Math.max(0, total.input - total.cacheRead - total.cacheCreation) },
    { key: 'cache-read', label: 'Cache read', value: total.cacheRead },
    { key: 'cache-creation', label: 'Cache write', value: total.cacheCreation },
    { key: 'output', label: 'Output', value: total.output },
  ];
}

/** @param {unknown} json @returns {{ errors: Entry[], traces: Entry[] }} newest first */
export function readLogs(json) {
  if (!isObject(json) || !Array.isArray(json['errors']) || !Array.isArray(json['traces'])) {
    throw new ShapeError('logs have lists `errors` and `traces`');
  }
  return { errors: json['errors'].flatMap(entry), traces: json['traces'].flatMap(entry) };
}

/** @param {unknown} wire @returns {Entry[]} one, or none where it is no entry */
function entry(wire) {
  if (!isObject(wire)) return [];
  const bad = wire['status'] === 'error';
  const usage = wire['provider_usage'];
  const outcome = text(wire['outcome'], bad ? text(wire['error_type'], 'upstream_error') : 'completed');
  return [{
    id: text(wire['request_id']),
    seq: amount(wire['seq']),
    endMs: epochMs(wire['ts']),
    provider: text(wire['provider'], 'unknown'),
    model: text(wire['model'], 'unknown'),
    requested: text(wire['requested_model']),
    resolved: text(wire['resolved_model']),
    streaming: wire['is_streaming'] === true,
    durationMs: amount(wire['duration_ms']),
    input: amount(wire['input_tokens']),
    output: amount(wire['output_tokens']),
    cacheRead: amount(wire['cache_read_tokens']),
    cacheCreation: amount(wire['cache_creation_tokens']),
    reasoning: amount(wire['reasoning_tokens']),
    toolCalls: amount(wire['tool_call_count']),
    failed: bad || (typeof wire['status'] !== 'string' && failed(outcome)),
    error: text(wire['error']),
    errorType: text(wire['error_type']),
    outcome,
    status: amountOrNull(wire['http_status']),
    ttftMs: amountOrNull(wire['time_to_first_token_ms']),
    finishReason: text(wire['finish_reason']),
    usageSource: text(wire['usage_source'], 'none'),
    method: text(wire['method']),
    path: text(wire['path']),
    route: text(wire['route']),
    caller: text(wire['caller']),
    labels: readLabels(wire['labels']),
    cost: amountOrNull(wire['cost_usd']),
    bytes: amount(wire['response_bytes']),
    lastByteMs: amountOrNull(wire['last_byte_ms']),
    waitingOn: text(wire['waiting_on']),
    providerUsage: isObject(usage) ? usage : null,
  }];
}

/** An entry as the row it was, so that filter and drawer know one thing only. @param {Entry} it @returns {Row} */
export function rowOfEntry(it) {
  const endedMs = it.endMs ?? 0;
  const startMs = it.endMs === null ? null : endedMs - it.durationMs;
  return { ...emptyRow(it.id, endedMs), ...it, endedMs, startMs, qualified: `${it.provider}:${it.model}`, badge: badge(it.provider) };
}

/** Adds the facts of a row's end that the page did not see. @param {Row} row an ended one @param {Entry} it */
export function complete(row, { input, output, cacheRead, cacheCreation, reasoning, toolCalls, bytes, usageSource, ttftMs, cost, outcome, status, lastByteMs, waitingOn }) {
  Object.assign(row, { outcome, status, lastByteMs: lastByteMs ?? row.lastByteMs, waitingOn, input, output, cacheRead, cacheCreation, reasoning, toolCalls, bytes, usageSource, ttftMs, cost });
}
