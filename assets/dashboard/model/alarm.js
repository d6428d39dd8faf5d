/** What an operator who looks elsewhere should be told: a request that is watched has ended or needs a look, or many need one. */

import { concernsOf } from './concern.js';
import * as words from './words.js';

/** @typedef {import('../types.js').Row} Row */

/** So many requests that need a look are many. */
export const MANY = 3;

/**
 * @typedef {object} Glance
 * @property {Map<string, Row>} rows in flight
 * @property {Row[]} concerned those of them that need a look
 */

/** @param {Row[]} rows @returns {Glance} */
export const glance = (rows) => ({ rows: new Map(rows.map((row) => [row.id, row])), concerned: rows.filter((row) => row.concern !== null) });

/**
 * The news since the last look, each a line to tell.
 * @param {Glance} before @param {Glance} now @param {Iterable<string>} watched ids of the requests that are pinned or open
 */
export function news(before, now, watched) {
  const told = [];
  for (const id of watched) {
    const was = before.rows.get(id);
    const is = now.rows.get(id);
    if (was && !is) told.push(`${was.model} has ended.`);
    else if (was && is && was.concern === null && is.concern !== null) told.push(`${is.model}: ${words.state(is).word}.`);
  }
  if (before.concerned.length < MANY && now.concerned.length >= MANY) told.push(`${now.concerned.length} requests need attention: ${concernsOf(now.concerned)}.`);
  return told;
}
