/** Views that the operator has given a name: each is an address, with filter, order, grouping and columns in it. */

import { readPlace, writePlace } from './place.js';

/** @typedef {{ name: string, hash: string }} SavedView */
/** @typedef {import('../types.js').Place} Place */

const MOST = 50;
export const LONGEST_NAME = 60;

/** Reads what was kept; nonsense is left out. @param {string | null} kept JSON @returns {SavedView[]} */
export function readViews(kept) {
  try {
    const list = JSON.parse(kept ?? '[]');
    if (!Array.isArray(list)) return [];
    return list.slice(0, MOST).flatMap((it) => (typeof it?.name === 'string' && it.name !== '' && typeof it.hash === 'string' ? [{ name: it.name.slice(0, LONGEST_NAME), hash: writePlace(readPlace(it.hash)) }] : []));
  } catch {
    return [];
  }
}

/** `views` with one more, or with another behind a name that there was. @param {SavedView[]} views @param {string} name @param {Place} place @param {string[]} columns those shown */
export function withView(views, name, place, columns) {
  const hash = writePlace({ ...place, columns: place.columns ?? columns, row: null, frozen: false });
  return [...views.filter((it) => it.name !== name), { name, hash }].slice(-MOST);
}
