/** Saves requests as a file. */

import { fileName, toCsv, toJsonList } from '../model/export.js';
import { download } from '../view/download.js';

/** @typedef {import('../types.js').Row} Row */

/** @param {() => number} now */
export const createSave = (now) => ({
  /** @param {Row[]} rows */
  csv: (rows) => download(fileName(now(), 'csv'), 'text/csv;charset=utf-8', toCsv(rows)),
  /** @param {Row[]} rows */
  json: (rows) => download(fileName(now(), 'json'), 'application/json', toJsonList(rows)),
});
