/** What a request's time went to: until its first token, while tokens came, and in silence, which stays told when it has ended. */

import { latency } from './format.js';
import { ageOf, idleOf } from './row.js';

/** @typedef {import('../types.js').Row} Row */

/** A silence that is worth a word, in milliseconds. */
const LEAST = 1000;

/** How a silence ended. @type {Record<string, string>} */
const ENDS = {
  client_disconnect: 'then the client left', cancelled: 'then the client left', killed: 'then an operator cancelled it', shutdown: 'then the server ended', truncated: 'then the upstream closed',
  upstream_error: 'then the upstream failed', body_error: 'then the answer broke off', completed: 'then the end',
};

/** Milliseconds since the last byte, at the end or now; 0 where that is not known. @param {Row} row @param {number} nowMs */
export function silenceOf(row, nowMs) {
  if (row.outcome === null) return idleOf(row, nowMs);
  return row.lastByteMs === null ? 0 : Math.max(0, row.durationMs - row.lastByteMs);
}

/** @param {Row} row @param {number} nowMs @returns {{ wait: number, stream: number, silence: number, text: string }} milliseconds, and the same in words */
export function timelineOf(row, nowMs) {
  const age = ageOf(row, nowMs) ?? 0;
  const wait = Math.min(age, row.ttftMs ?? age);
  const quiet = row.ttftMs === null ? 0 : Math.min(age - wait, silenceOf(row, nowMs));
  const silence = quiet >= LEAST ? quiet : 0;
  const stream = Math.max(0, age - wait - silence);
  const how = row.waitingOn === 'client' ? 'not read by the client' : 'silent';
  const end = row.outcome === null ? undefined : ENDS[row.outcome];
  const text = [
    row.ttftMs !== null ? `${latency(wait)} to the first token` : row.outcome === null ? `no token for ${latency(wait)}` : '',
    stream > 0 && row.ttftMs !== null ? `${latency(stream)} streaming` : '',
    silence > 0 ? `${latency(silence)} ${how}${end ? `, ${end}` : ''}` : '',
  ].filter((it) => it !== '').join('  ·  ');
  return { wait, stream, silence, text };
}
