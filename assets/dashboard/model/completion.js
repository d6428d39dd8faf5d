/** What may come next in a filter that is being typed: fields, and values that requests have. */

import { FIELD_NAMES, fieldOf } from './fields.js';
import { parts, quote, unquote } from './query.js';

/** @typedef {import('../types.js').Row} Row */
/** @typedef {{ text: string, hint: string, query: string, caret: number }} Option `query` and `caret`: what they are once it is taken */

/** Options offered at most. */
export const SHOWN = 12;

/**
 * @param {string} query @param {number} caret
 * @param {() => Iterable<Row>} rows where values are looked for
 * @param {string[]} labels the fields of labels
 * @param {boolean} [asked] the operator asked for all there are
 * @returns {Option[]}
 */
export function complete(query, caret, rows, labels, asked = false) {
  const term = parts(query).find((it) => it.at < caret && caret <= it.at + it.source.length);
  if (!term) return asked ? fields('', labels).map((it) => put(it, query, caret, caret)) : [];
  const typed = query.slice(term.at, caret);
  const begun = term.operator === '' ? '' : term.source.slice(0, term.source.length - term.value.length);
  if (begun === '' || typed.length < begun.length) {
    const start = term.at + (term.negated ? 1 : 0);
    const word = query.slice(start, caret).toLowerCase();
    return word === '' ? [] : fields(word, labels).map((it) => put(it, query, start, caret));
  }
  // After the last comma or bar outside quotes.
  const written = typed.slice(begun.length);
  const last = /(?:[^,|"]|"[^"]*"?)*$/.exec(written)?.[0] ?? '';
  const end = term.at + term.source.length;
  return values(term.field, unquote(last).toLowerCase(), rows, asked).map((it) => put({ ...it, written: quote(it.text) }, query, caret - last.length, /[,|]/.test(query.slice(caret, end)) ? caret : end));
}

/** @param {{ text: string, hint: string, written?: string }} option @param {string} query @param {number} from @param {number} to @returns {Option} */
function put({ text, hint, written = text }, query, from, to) {
  return { text, hint, query: query.slice(0, from) + written + query.slice(to), caret: from + written.length };
}

/** @param {string} begun @param {string[]} labels */
const fields = (begun, labels) =>
  [...FIELD_NAMES, ...labels].filter((name) => name.toLowerCase().startsWith(begun)).map((name) => ({ text: `${name}:`, hint: fieldOf(name)?.hint ?? '' }));

/** @param {string} name @param {string} begun @param {() => Iterable<Row>} rows @param {boolean} asked */
function values(name, begun, rows, asked) {
  const field = fieldOf(name);
  if (!field || field.kind === 'number') return [];
  const found = field.kind === 'choice' ? field.values.map((text) => ({ text, hint: '' })) : seen(field, rows());
  const fit = found.filter(({ text }) => text.toLowerCase().startsWith(begun)).concat(found.filter(({ text }) => text.toLowerCase().indexOf(begun) > 0));
  // What is written out already needs no list.
  return !asked && fit.length > 0 && fit.some(({ text }) => text.toLowerCase() === begun) ? [] : fit.slice(0, SHOWN);
}

/** The values that rows have, commonest first. @param {import('./fields.js').TextField} field @param {Iterable<Row>} rows */
function seen({ read }, rows) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const row of rows) {
    const found = read(row);
    const value = typeof found === 'string' ? found : (found[0] ?? '');
    if (value !== '') counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).map(([text, n]) => ({ text, hint: String(n) }));
}
