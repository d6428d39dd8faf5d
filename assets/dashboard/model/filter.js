/**
 * The filter language: words and `field:value` terms, all of which must hold.
 *
 *     gpt state:stalled,waiting age>30s -path:/v1/embeddings age:2s..5s resolved:claude-* "two words"
 *
 * A word looks into id, names, path and stage. `field:a,b` is a or b; `*` and `?` are wildcards; `field=a` is that text and no longer one,
 * whatever stands in it; `-` in front negates. Numbers compare with `>`, `>=`, `<`, `<=`, `=` and `:from..to`; times take `ms`, `s`, `m`, `h`, sizes `k`, `m`, `g`. What looks like a term but names no
 * field we know (`openai:gpt-4o`) is a word.
 */

import { ageOf, idleOf } from './row.js';
import * as words from './words.js';

/** @typedef {import('../types.js').Row} Row */
/** @typedef {(row: Row, nowMs: number) => boolean} Test */
/** @typedef {{ source: string, error: string | null, test: Test }} Term */

/** @type {Record<string, (row: Row) => string | string[]>} */
const TEXTS = {
  id: (row) => row.id,
  provider: (row) => row.provider,
  model: (row) => [row.model, row.qualified],
  resolved: (row) => row.resolved,
  path: (row) => row.path,
  method: (row) => row.method,
  stage: (row) => row.stage,
  usage: (row) => row.usageSource,
  waits: (row) => row.outcome === null ? row.waitingOn : '',
};

/** @type {Record<string, (row: Row, nowMs: number) => number | null>} */
const NUMBERS = {
  age: ageOf,
  idle: idleOf,
  ttft: (row) => row.ttftMs,
  in: (row) => row.input,
  out: (row) => row.output,
  'tok/s': (row) => row.rate,
  tools: (row) => row.toolCalls,
  messages: (row) => row.messages,
  size: (row) => row.requestSize,
  bytes: (row) => row.bytes,
  status: (row) => row.status,
};

const TIMES = new Set(['age', 'idle', 'ttft']);

/** @type {Record<string, string>} */
const ALIASES = { duration: 'age', rate: 'tok/s', input: 'in', output: 'out', phase: 'state', outcome: 'state', waiting_on: 'waits' };

/** The field names, for help and completion. */
export const FIELDS = ['state', ...Object.keys(TEXTS), 'streaming', ...Object.keys(NUMBERS)];

/** @type {Test} */
const always = () => true;

/** Splits at spaces outside quotes. @param {string} query @returns {string[]} */
export function split(query) {
  return query.match(/(?:[^\s"]+|"[^"]*"?)+/g) ?? [];
}

/** @param {string} query @returns {{ terms: Term[], errors: string[], test: Test }} */
export function compile(query) {
  const terms = split(query).map(term);
  const tests = terms.filter((it) => it.error === null).map((it) => it.test);
  const errors = terms.flatMap((it) => it.error ?? []);
  return { terms, errors, test: tests.length === 0 ? always : (row, nowMs) => tests.every((test) => test(row, nowMs)) };
}

/** @param {string} source @returns {Term} */
function term(source) {
  const negated = source.length > 1 && source.startsWith('-');
  const body = negated ? source.slice(1) : source;
  const parts = /^([a-z_/]+)(:|>=|<=|>|<|=)(.*)$/i.exec(body);
  const name = parts?.[1]?.toLowerCase() ?? '';
  const field = Object.hasOwn(ALIASES, name) ? (ALIASES[name] ?? name) : name;
  const value = parts?.[3] ?? '';
  const operator = parts?.[2] ?? '';
  const made = parts && FIELDS.includes(field) ? fieldTest(field, operator, value) : wordTest(unquote(body));
  if (typeof made === 'string') return { source, error: made, test: always };
  return { source, error: null, test: negated ? (row, nowMs) => !made(row, nowMs) : made };
}

/** @param {string} value */
const unquote = (value) => value.replaceAll('"', '');

/** @param {string} word @returns {Test} */
function wordTest(word) {
  const needle = word.toLowerCase();
  if (needle === '') return always;
  return (row) =>
    row.qualified.toLowerCase().includes(needle) || row.id.includes(needle) || row.provider.toLowerCase().includes(needle) ||
    row.resolved.toLowerCase().includes(needle) || row.requested.toLowerCase().includes(needle) ||
    row.path.toLowerCase().includes(needle) || row.stage.toLowerCase().includes(needle);
}

/** @param {string} field @param {string} operator @param {string} written as it was written, quotes included @returns {Test | string} a test, or what is wrong */
function fieldTest(field, operator, written) {
  const value = unquote(written);
  // Half typed: holds back no row while the operator is still at it.
  if (value === '') return always;
  if (field === 'state') return anyOf(written, stateTest);
  if (field === 'streaming') {
    const wanted = /^(yes|true|1)$/i.test(value);
    if (!wanted && !/^(no|false|0)$/i.test(value)) return `streaming: takes yes or no, not “${value}”`;
    return (row) => row.streaming === wanted;
  }
  const read = TEXTS[field];
  if (read) {
    if (operator !== ':' && operator !== '=') return `${field} is text: use ${field}:value`;
    return anyOf(written, (one) => textTest(read, one, operator === '='));
  }
  const get = NUMBERS[field];
  return get ? numberTest(field, get, operator, value) : `there is no field “${field}”`;
}

/** Splits at commas outside quotes. @param {string} written @param {(one: string) => Test} make @returns {Test} */
function anyOf(written, make) {
  const tests = (written.match(/(?:[^,"]+|"[^"]*"?)+/g) ?? []).map(unquote).filter((one) => one !== '').map(make);
  return (row, nowMs) => tests.some((test) => test(row, nowMs));
}

/** Besides the names of phases and outcomes: `ended`, `active` and `error`. @param {string} value @returns {Test} */
function stateTest(value) {
  const wanted = value.toLowerCase();
  if (wanted === 'ended') return (row) => row.outcome !== null;
  if (wanted === 'attention') return (row) => row.concern !== null;
  if (wanted === 'active') return (row) => row.outcome === null;
  if (wanted === 'error') return (row) => row.outcome !== null && words.failed(row.outcome);
  return (row) => words.stateName(row) === wanted;
}

/** Contains, or with wildcards matches as a whole; `exact`: is that text. @param {(row: Row) => string | string[]} read @param {string} value @param {boolean} exact @returns {Test} */
function textTest(read, value, exact) {
  const needle = value.toLowerCase();
  const isPattern = /[*?]/.test(needle);
  /** @param {string} text */
  const holds = (text) => {
    const have = text.toLowerCase();
    return exact ? have === needle : isPattern ? glob(needle, have) : have.includes(needle);
  };
  return (row) => {
    const found = read(row);
    return typeof found === 'string' ? holds(found) : found.some(holds);
  };
}

/**
 * Whether all of `text` matches `pattern`, `*` being anything and `?` any one character. Goes back to the last `*` only, so that no
 * pattern takes longer than the product of the lengths.
 * @param {string} pattern @param {string} text
 */
function glob(pattern, text) {
  let at = 0;
  let star = -1;
  let from = 0;
  for (let i = 0; i < text.length; ) {
    if (pattern[at] === '*') {
      star = at++;
      from = i;
    } else if (pattern[at] === '?' || pattern[at] === text[i]) {
      at += 1;
      i += 1;
    } else if (star >= 0) {
      at = star + 1;
      i = ++from;
    } else return false;
  }
  while (pattern[at] === '*') at += 1;
  return at === pattern.length;
}

/**
 * @param {string} field @param {(row: Row, nowMs: number) => number | null} get @param {string} operator @param {string} value
 * @returns {Test | string}
 */
function numberTest(field, get, operator, value) {
  if (field === 'status' && /^[1-5]xx$/i.test(value)) {
    const hundreds = Number(value[0]);
    return (row) => row.status !== null && Math.floor(row.status / 100) === hundreds;
  }
  const bounds = value.split('..');
  const [from, to] = bounds.map((bound) => quantity(field, bound));
  if (bounds.length > 2 || from === undefined || Number.isNaN(from) || (to !== undefined && Number.isNaN(to))) {
    return `${field} is a number${TIMES.has(field) ? ' with a unit (30s, 2m)' : ''}, not “${value}”`;
  }
  /** @type {(have: number) => boolean} */
  let holds;
  if (to !== undefined) holds = (have) => have >= from && have < (bounds[1] === '' ? Infinity : to);
  else if (operator === '>') holds = (have) => have > from;
  else if (operator === '>=') holds = (have) => have >= from;
  else if (operator === '<') holds = (have) => have < from;
  else if (operator === '<=') holds = (have) => have <= from;
  else holds = (have) => have === from;
  return (row, nowMs) => {
    const have = get(row, nowMs);
    return have !== null && holds(have);
  };
}

/** @type {Record<string, number>} */
const TIME_UNITS = { ms: 1, s: 1000, '': 1000, m: 60_000, h: 3_600_000 };
/** @type {Record<string, number>} */
const SIZE_UNITS = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** @param {string} field @param {string} value @returns {number} NaN for what is none */
function quantity(field, value) {
  if (value === '') return 0;
  const parts = /^(\d+(?:\.\d+)?)([a-z]*)$/i.exec(value);
  const unit = (TIMES.has(field) ? TIME_UNITS : SIZE_UNITS)[parts?.[2]?.toLowerCase() ?? ''];
  return parts && unit !== undefined ? Number(parts[1]) * unit : NaN;
}

/** A value as a term can carry it. @param {string} value */
const quoted = (value) => (/[\s,]/.test(value) ? `"${value}"` : value);

/**
 * `query` with the term in it, or, where it was, without.
 * @param {string} query @param {string} field @param {string} value @param {':' | '='} [operator]
 */
export function toggleTerm(query, field, value, operator = ':') {
  const wanted = `${field}${operator}${quoted(value)}`;
  const terms = split(query);
  const others = terms.filter((one) => !one.startsWith(`${field}:`) && !one.startsWith(`${field}=`));
  return (terms.includes(wanted) ? others : [...others, wanted]).join(' ');
}

/** @param {string} query @param {string} field @param {string} value */
export const hasTerm = (query, field, value) => split(query).includes(`${field}:${quoted(value)}`);
