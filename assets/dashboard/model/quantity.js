/** Numbers with their units, as an operator types them. */

/** @typedef {import('./fields.js').Unit} Unit */

/** @type {Record<Unit, Record<string, number>>} */
const UNITS = {
  time: { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 },
  bytes: { k: 1024, m: 1024 ** 2, g: 1024 ** 3 },
  count: { k: 1000, m: 1_000_000 },
  dollars: {},
};
/** What a number without a unit is multiplied by. */
const PLAIN = { time: 1000, bytes: 1, count: 1, dollars: 1 };

/** An example of each, for those who typed something else. @type {Record<Unit, string>} */
export const EXAMPLES = { time: 'a time such as 30s or 1h30m', bytes: 'a size such as 2k', count: 'a number', dollars: 'dollars such as 0.10' };

/** @param {string} text @param {Unit} unit @returns {number} milliseconds, bytes, a count or dollars; NaN for what is none */
export function quantity(text, unit) {
  const body = (unit === 'dollars' ? text.replace(/^\$/, '') : text).toLowerCase();
  if (/^\d*\.?\d+$|^\d+\.$/.test(body)) return Number(body) * PLAIN[unit];
  const pieces = [...body.matchAll(/(\d+(?:\.\d+)?)([a-z]+)/g)];
  if (pieces.length === 0 || pieces.map(([whole]) => whole).join('') !== body || (pieces.length > 1 && unit !== 'time')) return NaN;
  return pieces.reduce((sum, [, amount, name = '']) => {
    const factor = Object.hasOwn(UNITS[unit], name) ? UNITS[unit][name] : undefined;
    return sum + Number(amount) * (factor ?? NaN);
  }, 0);
}
