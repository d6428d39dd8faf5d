/** The fields of a request that a filter can name: what they read, and what they can be compared with. One table for filter, completion and help. */

import { labelOf } from './labels.js';
import { nearest } from './nearest.js';
import { ageOf, idleOf, isSilent } from './row.js';
import * as words from './words.js';

/** @typedef {import('../types.js').Row} Row */

/**
 * @typedef {{ kind: 'text', hint: string, read: (row: Row) => string | string[] }} TextField
 * @typedef {{ kind: 'choice', hint: string, values: string[], holds: (row: Row, value: string) => boolean }} ChoiceField
 * @typedef {{ kind: 'number', hint: string, unit: Unit, read: (row: Row, nowMs: number) => number | null }} NumberField
 * @typedef {'time' | 'bytes' | 'count' | 'dollars'} Unit
 * @typedef {TextField | ChoiceField | NumberField} Field
 */

/** @param {string} hint @param {(row: Row) => string | string[]} read @returns {TextField} */
const text = (hint, read) => ({ kind: 'text', hint, read });

/** @param {string} hint @param {string[]} values @param {(row: Row, value: string) => boolean} holds @returns {ChoiceField} */
const choice = (hint, values, holds) => ({ kind: 'choice', hint, values, holds });

/** @param {string} hint @param {Unit} unit @param {NumberField['read']} read @returns {NumberField} */
const number = (hint, unit, read) => ({ kind: 'number', hint, unit, read });

/** Names that stand for several states. @type {Record<string, (row: Row) => boolean>} */
const KINDS_OF_STATE = {
  active: (row) => row.outcome === null,
  ended: (row) => row.outcome !== null,
  error: (row) => row.outcome !== null && words.failed(row.outcome),
  attention: (row) => row.concern !== null,
};

/** @param {Row} row @param {string} value */
const hasState = (row, value) => (Object.hasOwn(KINDS_OF_STATE, value) ? (KINDS_OF_STATE[value]?.(row) ?? false) : words.stateName(row) === value);

/** @type {Record<string, Field>} */
const TABLE = {
  state: choice('what it is doing, or how it ended', [...words.PHASE_NAMES, ...Object.keys(KINDS_OF_STATE), ...words.OUTCOME_NAMES], hasState),
  outcome: choice('how it ended', ['error', ...words.OUTCOME_NAMES], (row, value) => row.outcome !== null && hasState(row, value)),
  provider: text('who serves it', (row) => row.provider),
  model: text('the model, with or without its provider', (row) => [row.model, row.qualified]),
  resolved: text('the model that an alias resolved to', (row) => row.resolved),
  caller: text('who asks', (row) => row.caller),
  replica: text('the replica that has it', (row) => row.replica),
  waits: choice('the side that must act next', ['upstream', 'client'], (row, value) => row.outcome === null && row.waitingOn === value),
  path: text('the path', (row) => row.path),
  route: text('the pattern of the route', (row) => row.route),
  method: text('the method', (row) => row.method),
  stage: text('what the application says it is doing', (row) => row.stage),
  id: text('the request’s id', (row) => row.id),
  usage: choice('who counted the tokens', ['none', 'estimated', 'partial', 'reported'], (row, value) => row.usageSource === value),
  streaming: choice('streamed or not', ['yes', 'no'], (row, value) => row.streaming === (value === 'yes')),
  age: number('how long it runs or ran', 'time', ageOf),
  idle: number('how long nothing has come', 'time', idleOf),
  ttft: number('time to the first token', 'time', (row) => row.ttftMs),
  in: number('input tokens', 'count', (row) => row.input),
  out: number('output tokens', 'count', (row) => row.output),
  'tok/s': number('output tokens per second', 'count', (row) => (isSilent(row) ? null : row.rate)),
  cost: number('US dollars', 'dollars', (row) => row.cost),
  tools: number('tool calls in the answer', 'count', (row) => row.toolCalls),
  messages: number('messages of the request', 'count', (row) => row.messages),
  size: number('bytes of the request', 'bytes', (row) => row.requestSize),
  bytes: number('bytes of the answer', 'bytes', (row) => row.bytes),
  status: number('HTTP status, or 4xx, 5xx', 'count', (row) => row.status),
};

/** Other names of the same. @type {Record<string, string>} */
const ALIASES = { duration: 'age', rate: 'tok/s', input: 'in', output: 'out', phase: 'state', waiting_on: 'waits', cost_usd: 'cost' };
/** Other words for the values of a choice. @type {Record<string, string>} */
const SYNONYMS = { true: 'yes', false: 'no', 1: 'yes', 0: 'no' };

export const FIELD_NAMES = Object.keys(TABLE);

/** The field of that name, an alias or a label's among them. @param {string} name @returns {Field | null} */
export function fieldOf(name) {
  const own = Object.hasOwn(ALIASES, name) ? (ALIASES[name] ?? name) : name;
  if (Object.hasOwn(TABLE, own)) return TABLE[own] ?? null;
  const label = labelOf(name);
  return label === null ? null : text(`the label “${label}”`, (row) => row.labels.get(label) ?? '');
}

/** The field that was perhaps meant. @param {string} name */
export const nearestField = (name) => nearest(name, [...FIELD_NAMES, ...Object.keys(ALIASES)]);

/** The value of a choice as the table has it; `null` where there is none of that name. @param {ChoiceField} field @param {string} value */
export function valueOf({ values }, value) {
  const lower = value.toLowerCase();
  const own = Object.hasOwn(SYNONYMS, lower) && !values.includes(lower) ? (SYNONYMS[lower] ?? lower) : lower;
  return values.includes(own) ? own : null;
}
