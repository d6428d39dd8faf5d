/** Reads the polled answer about requests that have ended: errors and traces. */

import { badge } from './format.js';
import { readLabels } from './labels.js';
import { amount, amountOrNull, emptyRow, epochMs, isObject, text } from './row.js';
import { failed } from './words.js';
import { ShapeError } from './wire.js';

/** @typedef {import('../types.js').Entry} Entry */
/** @typedef {import('../types.js').Row} Row */

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
    observation: text(wire['observation']),
    method: text(wire['method']),
    path: text(wire['path']),
    route: text(wire['route']),
    caller: text(wire['caller']),
    replica: text(wire['replica']),
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
