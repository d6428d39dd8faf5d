/**
 * The filter language: words and terms, all of which must hold.
 *
 *     gpt state:stalled,waiting age>1h30m -path:/v1/embeddings model=gpt-4o|gpt-4o-mini cost>0.10 "two words"
 *
 * A word looks into id, names, path, caller, replica, labels and stage. In `field:value` a text contains the value, or with the wildcards `*` and
 * `?` is like it as a whole; `=` is that text and no longer one, `!=` is not. `a,b` or `a|b` is a or b; quotes keep spaces, commas and bars;
 * `-` in front negates. Numbers compare with `>`, `>=`, `<`, `<=`, `=`, `!=` and `:from..to`. What looks like a term but names no field
 * (`openai:gpt-4o`) is a word.
 */

import { FIELD_NAMES, fieldOf, nearestField, valueOf } from './fields.js';
import { nearest } from './nearest.js';
import { EXAMPLES, quantity } from './quantity.js';
import { alternatives, parts, quote, unquote } from './query.js';
import * as words from './words.js';

/** @typedef {import('../types.js').Row} Row */
/** @typedef {import('./query.js').Written} Written */
/** @typedef {(row: Row, nowMs: number) => boolean} Test */
/** @typedef {{ errors: string[], notes: { prefix: string, text: string }[], test: Test }} Filter `notes`: what was taken for something else than it looks like */

/** @type {Test} */
const always = () => true;

/** @param {string} query @returns {Filter} */
export function compile(query) {
  /** @type {Filter} */
  const filter = { errors: [], notes: [], test: always };
  /** @type {Test[]} */
  const tests = [];
  for (const term of parts(query)) {
    const made = testOf(term, filter.notes);
    if (typeof made === 'string') filter.errors.push(made);
    else if (made !== always) tests.push(term.negated ? (row, nowMs) => !made(row, nowMs) : made);
  }
  if (tests.length > 0) filter.test = (row, nowMs) => tests.every((test) => test(row, nowMs));
  return filter;
}

/** @param {Written} term @param {Filter['notes']} notes @returns {Test | string} a test, or what is wrong */
function testOf(term, notes) {
  const { field: name, operator, value, source } = term;
  if (operator === '') return anyOf(value, wordTest);
  const field = fieldOf(name);
  if (field === null) {
    const meant = nearestField(name);
    if (meant !== null) return `There is no field “${name}”; did you mean “${meant}”?`;
    if (operator !== ':') return `There is no field “${name}”. The fields are ${FIELD_NAMES.join(', ')}.`;
    const word = unquote(term.negated ? source.slice(1) : source);
    notes.push({ prefix: name, text: `“${name}” is no field, so “${word}” is looked for as a word.` });
    return wordTest(word);
  }
  // Half typed: holds back no row while the operator is still at it.
  if (unquote(value) === '') return always;
  if (field.kind === 'number') return numberTest(name, field, operator, unquote(value));
  if (operator !== ':' && operator !== '=' && operator !== '!=') return `“${name}” cannot be greater or less than something: use ${name}:value.`;
  if (field.kind === 'text') {
    const test = anyOf(value, (one) => textTest(field.read, one, operator !== ':'));
    return operator === '!=' ? not(test) : test;
  }
  /** @type {string[]} */
  const wanted = [];
  for (const one of alternatives(value).map(unquote)) {
    const known = valueOf(field, one);
    if (known === null) return unknownValue(name, one, field.values);
    wanted.push(known);
  }
  /** @type {Test} */
  const test = (row) => wanted.some((one) => field.holds(row, one));
  return operator === '!=' ? not(test) : test;
}

/** @param {string} name @param {string} value @param {string[]} values */
function unknownValue(name, value, values) {
  const meant = nearest(value.toLowerCase(), values);
  return `“${name}” is never “${value}”${meant === null ? `. It is ${values.slice(0, -1).join(', ')} or ${values.at(-1)}.` : `; did you mean “${meant}”?`}`;
}

/** @param {Test} test @returns {Test} */
const not = (test) => (row, nowMs) => !test(row, nowMs);

/** @param {string} written @param {(one: string) => Test} make @returns {Test} */
function anyOf(written, make) {
  const tests = alternatives(written).map(unquote).filter((one) => one !== '').map(make);
  if (tests.length === 0) return always;
  return (row, nowMs) => tests.some((test) => test(row, nowMs));
}

/** @param {string} word @returns {Test} */
function wordTest(word) {
  const needle = word.toLowerCase();
  const has = (/** @type {string} */ text) => text.toLowerCase().includes(needle);
  return (row) =>
    has(row.qualified) || has(row.id) || has(row.provider) || has(row.resolved) || has(row.requested) || has(row.path) || has(row.stage) ||
    has(row.caller) || has(row.replica) || (row.labels.size > 0 && Array.from(row.labels.values()).some(has));
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

/** @type {Record<string, (have: number, than: number) => boolean>} */
const COMPARISONS = {
  '>': (have, than) => have > than, '>=': (have, than) => have >= than, '<': (have, than) => have < than, '<=': (have, than) => have <= than,
  '=': (have, than) => have === than, ':': (have, than) => have === than, '!=': (have, than) => have !== than,
};

/**
 * A number that is not known holds nothing.
 * @param {string} name @param {import('./fields.js').NumberField} field @param {string} operator @param {string} value
 * @returns {Test | string}
 */
function numberTest(name, { read, unit }, operator, value) {
  if (name === 'status' && /^[1-5]xx$/i.test(value)) {
    const hundreds = Number(value[0]);
    return (row) => row.status !== null && (Math.floor(row.status / 100) === hundreds) === (operator !== '!=');
  }
  const [first = '', last, ...more] = value.split('..');
  const from = first === '' && last !== undefined ? 0 : quantity(first, unit);
  const to = last === '' ? Infinity : quantity(last ?? '0', unit);
  if (more.length > 0 || Number.isNaN(from) || Number.isNaN(to)) return `“${name}” takes ${EXAMPLES[unit]}, not “${value}”.`;
  const compare = COMPARISONS[operator];
  return (row, nowMs) => {
    const have = read(row, nowMs);
    if (have === null) return false;
    return last === undefined ? (compare?.(have, from) ?? true) : have >= from && have < to;
  };
}

/** @param {Written[]} terms */
const join = (terms) => terms.map((it) => it.source).join(' ');

/**
 * `query` with the term in it instead of others of its field, or, where it was, without.
 * @param {string} query @param {string} field @param {string} value @param {':' | '='} [operator]
 */
export function toggleTerm(query, field, value, operator = ':') {
  const wanted = `${field}${operator}${quote(value)}`;
  const terms = parts(query);
  const others = join(terms.filter((it) => it.negated || it.field !== field || (it.operator !== ':' && it.operator !== '=')));
  return terms.some((it) => it.source === wanted) ? others : `${others} ${wanted}`.trim();
}

/** The values that the terms of a field name, as one can press them one by one. @param {string} query @param {string} field */
export const valuesOf = (query, field) => parts(query).flatMap((it) => (it.field === field && !it.negated && it.operator === ':' ? alternatives(it.value).map(unquote) : []));

/** `query` with one more value allowed in the field's term, or, where it was, without it. @param {string} query @param {string} field @param {string} value */
export function toggleValue(query, field, value) {
  const before = valuesOf(query, field);
  const after = before.includes(value) ? before.filter((it) => it !== value) : [...before, value];
  const others = withoutField(query, field);
  return after.length === 0 ? others : `${others} ${field}:${after.map(quote).join(',')}`.trim();
}

/** `query` without what it demands of a field with `:`. @param {string} query @param {string} field */
export const withoutField = (query, field) => join(parts(query).filter((it) => it.field !== field || it.negated || it.operator !== ':'));

/** States that a request has before its end only. */
const BEFORE_THE_END = new Set([...words.PHASE_NAMES, 'active', 'attention']);

/** `query` without the terms that no ended request can match. @param {string} query */
export const ofThePast = (query) => join(parts(query).filter((it) => {
  if (it.negated || it.operator === '!=') return true;
  if (it.field === 'waits' || it.field === 'waiting_on' || it.field === 'idle') return false;
  return (it.field !== 'state' && it.field !== 'phase') || !alternatives(it.value).every((one) => BEFORE_THE_END.has(unquote(one).toLowerCase()));
}));
