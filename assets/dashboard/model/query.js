/** The parts of a filter as it is written: terms between spaces, each a word or `field`, operator and value. Quotes hold things together. */

/**
 * @typedef {object} Written
 * @property {string} source as it is written
 * @property {number} at where it begins
 * @property {boolean} negated
 * @property {string} field in lower case but for the name of a label, '' of a word
 * @property {string} operator '' of a word
 * @property {string} value all that is no field and no operator, quotes included
 */

const TERM = /^([a-z_/]+|label\.[^\s:<>=!"]+)(:|>=|<=|!=|>|<|=)(.*)$/i;

/** @param {string} query @returns {Written[]} */
export function parts(query) {
  return Array.from(query.matchAll(/(?:[^\s"]+|"[^"]*"?)+/g), ({ 0: source, index }) => {
    const negated = source.length > 1 && source.startsWith('-');
    const body = negated ? source.slice(1) : source;
    const [, name = '', operator = '', value = body] = TERM.exec(body) ?? [];
    const lower = name.toLowerCase();
    return { source, at: index, negated, field: lower.startsWith('label.') ? `label.${name.slice(6)}` : lower, operator, value };
  });
}

/** Splits at `,` and `|` outside quotes. @param {string} value */
export const alternatives = (value) => value.match(/(?:[^,|"]+|"[^"]*"?)+/g) ?? [];

/** @param {string} value */
export const unquote = (value) => value.replaceAll('"', '');

/** A value as a term can carry it. @param {string} value */
export const quote = (value) => (/[\s,|]/.test(value) ? `"${unquote(value)}"` : value);
