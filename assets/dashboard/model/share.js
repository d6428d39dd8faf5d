/** A request in forms that can be taken elsewhere: as JSON with the wire's names, and as a curl command of its kind. */

import { isInputKnown } from './format.js';

/** @typedef {import('../types.js').Row} Row */

/** A request with the names of the wire; what is not known is `null`. @param {Row} row */
export const toWire = (row) => ({
  request_id: row.id, provider: row.provider, model: row.model, requested_model: row.requested, resolved_model: row.resolved,
  qualified_model: row.qualified, is_streaming: row.streaming, start_time: row.startMs === null ? null : row.startMs / 1000,
  phase: row.phase, waiting_on: row.waitingOn, outcome: row.outcome, status: row.status, input_tokens: isInputKnown(row) ? row.input : null, output_tokens: row.output,
  cache_read_tokens: row.cacheRead, cache_creation_tokens: row.cacheCreation, reasoning_tokens: row.reasoning, tool_uses: row.toolUses,
  tool_results: row.toolResults, tool_calls: row.toolCalls, request_size: row.requestSize, message_count: row.messages,
  response_bytes: row.bytes, usage_source: row.usageSource, time_to_first_token_ms: row.ttftMs, method: row.method, path: row.path, route: row.route || null,
  caller: row.caller || null, replica: row.replica || null, labels: Object.fromEntries(row.labels), cost_usd: row.cost,
  duration_ms: row.outcome === null ? null : row.durationMs, last_byte_ms: row.lastByteMs,
});

/** @param {Row} row */
export const toJson = (row) => JSON.stringify(toWire(row), null, 2);

/**
 * A command that asks for the same model at the same path. What was said is not known here, and a key is never shown, so both are
 * placeholders.
 * @param {Row} row @param {string} origin
 */
export function toCurl(row, origin) {
  const path = row.path || '/v1/chat/completions';
  const model = row.requested || row.model;
  const text = '...';
  /** @type {Record<string, unknown>} */
  const body = path.endsWith('/responses') || path.endsWith('/embeddings')
    ? { model, input: text }
    : { model, messages: [{ role: 'user', content: text }] };
  if (path.endsWith('/messages')) body['max_tokens'] = 1024;
  if (row.streaming) body['stream'] = true;
  return [
    `curl -N ${quote(origin + path)}`,
    "-H 'content-type: application/json'",
    '-H "authorization: Bearer $API_KEY"',
    `-d ${quote(JSON.stringify(body))}`,
  ].join(' \\\n  ');
}

/** For a shell, whatever stands in it. @param {string} text */
const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;
