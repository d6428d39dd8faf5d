/** Reads the polled running totals. */

import { readDistribution } from './distribution.js';
import { badge } from './format.js';
import { amount, amountOrNull, isObject } from './row.js';
import { readDisabled, ShapeError } from './wire.js';

/** @typedef {import('../types.js').Total} Total */
/** @typedef {import('../types.js').Totals} Totals */

/** @param {unknown} json @returns {Totals} */
export function readTotals(json) {
  if (!isObject(json) || !isObject(json['providers'])) throw new ShapeError('totals have an object `providers`');
  const top = isObject(json['last_accessed']) ? json['last_accessed']['top'] : null;
  const all = total('', '', top, {
    requests: json['total_requests'], errors: json['total_errors'], input_tokens: json['total_input_tokens'],
    output_tokens: json['total_output_tokens'], cache_read_tokens: json['total_cache_read_tokens'],
    cache_creation_tokens: json['total_cache_creation_tokens'], tool_calls: json['total_tool_calls'],
    average_duration_ms: json['average_duration_ms'], total_duration_ms: json['total_duration_ms'], cost_usd: json['total_cost_usd'], unpriced_requests: json['unpriced_requests'],
  }, null, null, json['latency']);
  /** @type {Total[]} */
  const providers = [];
  /** @type {Total[]} */
  const models = [];
  for (const [provider, entry] of Object.entries(json['providers'])) {
    if (!isObject(entry)) continue;
    const rollup = isObject(entry['rollup']) ? entry['rollup'] : {};
    providers.push(total(provider, '', entry['last_accessed'], rollup['total'], rollup['streaming'], rollup['non_streaming'], entry['latency']));
    for (const [model, it] of Object.entries(isObject(entry['models']) ? entry['models'] : {})) {
      if (isObject(it)) models.push(total(provider, model, it['last_accessed'], it['total'], it['streaming'], it['non_streaming'], it['latency']));
    }
  }
  return { all, active: amount(json['active_requests']), providers, models, disabled: readDisabled(json) };
}

/**
 * @param {string} provider @param {string} model @param {unknown} last
 * @param {unknown} whole @param {unknown} streaming @param {unknown} other @param {unknown} latency
 * @returns {Total}
 */
function total(provider, model, last, whole, streaming, other, latency) {
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
    durations: readDistribution(isObject(latency) && latency['duration_ms']),
    firstTokens: readDistribution(isObject(latency) && latency['first_token_ms']),
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
