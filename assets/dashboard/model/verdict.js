/** One sentence on a request: what it is doing, since when, and who has to move next. */

import { duration, latency, rate } from './format.js';
import { idleOf, isSilent, RESTING_MS } from './row.js';
import { silenceOf } from './timeline.js';
import { outcome } from './words.js';

/** @typedef {import('../types.js').Row} Row */

/** @param {Row} row @param {number} nowMs */
export function verdict(row, nowMs) {
  if (row.outcome !== null) return ended(row);
  if (isSilent(row)) return `${row.replica === '' ? 'Its replica' : row.replica} has not been heard from for ${duration(Math.max(0, nowMs - row.knownUntilMs))}. What you see is from then; whether it still runs is not known.`;
  const silence = duration(idleOf(row, nowMs));
  if (row.waitingOn === 'client' && row.phase === 'waiting') return 'Waits for the client, which is still sending its request.';
  if (row.waitingOn === 'client') return `Waits for the client: it has not asked for more for ${silence}.`;
  switch (row.phase) {
    case 'stalled':
      return `${row.status === null ? 'No answer yet' : 'Stalled'}: the upstream has sent nothing for ${silence}.`;
    case 'waiting':
      return `Waits for the upstream: no answer yet, for ${duration(Math.max(0, nowMs - (row.startMs ?? nowMs)))}.`;
    case 'responding':
      return 'The upstream has answered; no token yet.';
    case 'streaming':
      if (idleOf(row, nowMs) >= RESTING_MS) return `Streams; nothing has come for ${silence}.`;
      return row.rate !== null && row.rate > 0 ? `Streams ${rate(row.rate)} tokens per second.` : 'Streams.';
    default:
      return 'In flight.';
  }
}

/** Whose silence it was that somebody gave up. @param {Row} row */
function blame(row) {
  const silence = silenceOf(row, row.endedMs);
  return silence < 1000 || row.waitingOn === 'client' ? '' : `; the upstream had sent nothing for ${latency(silence)}`;
}

/** @param {Row} row */
function ended(row) {
  const took = `after ${latency(row.durationMs)}`;
  const status = row.status === null ? '' : `, HTTP ${row.status}`;
  switch (row.outcome) {
    case 'completed':
      return `Completed ${took}${status}.`;
    case 'client_disconnect':
      return `The client left ${took}, before the end of the answer${blame(row)}.`;
    case 'cancelled':
      return `The client left ${took}, before any answer.`;
    case 'shutdown':
      return `Cut off ${took}: the server ended before the answer did${blame(row)}.`;
    case 'truncated':
      return `Cut short ${took}: the upstream closed before the stream's own end.`;
    case 'upstream_error':
      return `The upstream failed ${took}${status}.`;
    case 'body_error':
      return `The answer broke off ${took}${status}.`;
    case 'gone':
      return `Ended ${took}; the outcome was not seen.`;
    default:
      return `${outcome(row.outcome ?? '').word} ${took}${status}.`;
  }
}
