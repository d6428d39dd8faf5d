/**
 * When a stream may be asked for again, and how long to wait before.
 *
 * To send a POST twice is to do its work twice: with a language model, to pay twice and to show the text twice. So
 * it is only repeated while it certainly has not begun, or when the caller says that repeating is safe.
 */

import { SSEHttpError, SSENetworkError, SSETimeoutError } from './errors.js';

/** Statuses of a server that may be fine a moment later. */
const TRANSIENT = new Set([408, 425, 429, 500, 502, 503, 504, 529]);

/**
 * @param {unknown} error
 * @param {boolean} safe to ask again does no harm: a GET, or the caller says so
 * @param {boolean} delivered an event has reached the caller
 * @returns {boolean}
 */
export function isRetryable(error, safe, delivered) {
  const refused = error instanceof SSEHttpError && TRANSIENT.has(error.status);
  const lost = error instanceof SSENetworkError;
  if (safe) return refused || lost || error instanceof SSETimeoutError;
  return !delivered && (refused || (lost && error.phase === 'connect'));
}

/**
 * @param {string | null} header the value of `Retry-After`: seconds, or a date
 * @param {number} now ms since the Unix epoch
 * @returns {number | undefined} ms
 */
export function parseRetryAfter(header, now) {
  if (!header) return undefined;
  const ms = /^\d+$/.test(header) ? +header * 1000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}
