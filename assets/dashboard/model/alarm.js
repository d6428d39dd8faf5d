/** What an operator who looks elsewhere should be told: a request that is watched has ended or needs a look, many need one, or many fail. */

import { concernsOf } from './concern.js';
import { percent } from './format.js';
import * as words from './words.js';

/** @typedef {import('../types.js').Row} Row */

/** So many requests that need a look are many. */
export const MANY = 3;

/**
 * @typedef {object} Glance
 * @property {Map<string, Row>} rows in flight
 * @property {Row[]} concerned those of them that need a look
 * @property {(row: Row) => boolean} [left] whether the replica that had a request is gone
 * @property {string} failing how many failed in the last minutes, where those are many; else empty
 *
 * @typedef {object} Threshold
 * @property {number} failedPercent requests that fail are many from this part on; 0: never
 * @property {number} failedLeast and of no fewer requests than these
 */

/** @param {Row[]} rows @param {string} [failing] @returns {Glance} */
export const glance = (rows, failing = '') => ({ rows: new Map(rows.map((row) => [row.id, row])), concerned: rows.filter((row) => row.concern !== null), failing });

/** How many requests failed, where those are many; else empty. @param {Pick<import('../types.js').Reading, 'failed' | 'completed'>} counted @param {Threshold} threshold */
export function failing({ failed, completed }, { failedPercent, failedLeast }) {
  const all = failed + completed;
  return failedPercent > 0 && all >= Math.max(1, failedLeast) && failed * 100 >= all * failedPercent ? `${percent(failed, all)} of requests failed, ${failed} of ${all}` : '';
}

/**
 * The news since the last look, each a line to tell.
 * @param {Glance} before @param {Glance} now @param {Iterable<string>} watched ids of the requests that are pinned or open
 */
export function news(before, now, watched) {
  const told = [];
  for (const id of watched) {
    const was = before.rows.get(id);
    const is = now.rows.get(id);
    if (was && !is) told.push(now.left?.(was) ? `${was.model}: its replica is gone.` : `${was.model} has ended.`);
    else if (was && is && was.concern === null && is.concern !== null) told.push(`${is.model}: ${words.state(is).word}.`);
  }
  if (before.concerned.length < MANY && now.concerned.length >= MANY) told.push(`${now.concerned.length} requests need attention: ${concernsOf(now.concerned)}.`);
  if (before.failing === '' && now.failing !== '') told.push(`${now.failing} in the last five minutes.`);
  return told;
}
