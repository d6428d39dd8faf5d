/** What is shown, in forms that other programs read. */

import { toWire } from './share.js';

/** @typedef {import('../types.js').Row} Row */

/** The first letters with which a spreadsheet takes a text for a formula. */
const FORMULA = /^[=+\-@\t\r]/;

/** One cell of CSV. A text that a spreadsheet would run stands behind an apostrophe, as spreadsheets themselves write it. @param {unknown} value */
function cell(value) {
  if (value === null || value === undefined) return '';
  if (typeof value !== 'string') return String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A line of names, then one for each request; each label is a column. @param {Iterable<Row>} rows */
export function toCsv(rows) {
  const all = Array.from(rows, toWire);
  const labels = [...new Set(all.flatMap((it) => Object.keys(it.labels)))];
  const lines = all.map(({ labels: own, ...rest }) => ({ ...rest, ...Object.fromEntries(labels.map((name) => [`label.${name}`, own[name]])) }));
  const names = Object.keys(lines[0] ?? {});
  return [names, ...lines.map((line) => Object.values(line))].map((values) => values.map(cell).join(',')).join('\r\n') + '\r\n';
}

/** @param {Iterable<Row>} rows */
export const toJsonList = (rows) => `${JSON.stringify(Array.from(rows, toWire), null, 2)}\n`;

/** A file's name of that moment. @param {number} nowMs @param {string} extension */
export const fileName = (nowMs, extension) => `active-requests-${new Date(nowMs).toISOString().slice(0, 19).replaceAll(':', '-')}Z.${extension}`;
