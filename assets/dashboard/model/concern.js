/** Which requests in flight need a look, and why: one rule for the list, the numbers on top, the filter and the title. */

import { ageOf, idleOf, isSilent } from './row.js';

/** @typedef {import('../types.js').Row} Row */
/** @typedef {import('../types.js').Concern} Concern */

/** A client that has not asked for more for this long, in milliseconds. */
const UNREAD_MS = 10_000;
/** A request without any answer for this long, in milliseconds, where the server does not call it stalled itself. */
const UNANSWERED_MS = 30_000;

/** Milliseconds in flight from which a request counts as long, unless the operator chose otherwise. */
export const LONG_MS = 300_000;

/** @param {Row} row @param {number} nowMs @param {number} longMs 0: no request is too long @returns {Concern | null} */
export function concernOf(row, nowMs, longMs) {
  // Of a replica that is silent nobody knows.
  if (row.outcome !== null || isSilent(row)) return null;
  if (row.phase === 'stalled') return row.status === null ? 'unanswered' : 'stalled';
  if (row.phase === 'waiting' && row.waitingOn !== 'client' && idleOf(row, nowMs) >= UNANSWERED_MS) return 'unanswered';
  if (row.waitingOn === 'client' && row.phase !== 'waiting' && idleOf(row, nowMs) >= UNREAD_MS) return 'unread';
  return longMs > 0 && (ageOf(row, nowMs) ?? 0) >= longMs ? 'long' : null;
}

/** The names of all concerns, with what stands beside their count. @type {Record<Concern, string>} */
const COUNTED = { stalled: 'stalled', unanswered: 'without an answer', unread: 'not read by the client', long: 'in flight for long' };

/** `2 stalled, 1 without an answer`. @param {Iterable<Row>} rows */
export function concernsOf(rows) {
  /** @type {Partial<Record<Concern, number>>} */
  const counts = {};
  for (const { concern } of rows) if (concern !== null) counts[concern] = (counts[concern] ?? 0) + 1;
  return /** @type {Concern[]} */ (Object.keys(COUNTED)).flatMap((it) => (counts[it] ? [`${counts[it]} ${COUNTED[it]}`] : [])).join(', ');
}
