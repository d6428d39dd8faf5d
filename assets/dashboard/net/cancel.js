/** Cancels requests, a few at a time, and keeps what the server answered to each. */

import { ApiError, typeOf } from './api.js';

/** @typedef {import('../model/cancellation.js').Cancelled} Cancelled */

/** Requests to the server at one time, so that it and the browser have room for others. */
export const AT_ONCE = 4;

/**
 * @param {{ delete: (path: string) => Promise<unknown> }} api
 * @param {string[]} ids
 * @param {(done: number) => void} [onProgress]
 * @param {boolean} [wide] the requests are of several replicas, of which each may refuse for itself
 * @returns {Promise<Cancelled>}
 */
export async function cancelRequests(api, ids, onProgress = () => {}, wide = false) {
  const waiting = [...ids];
  /** @type {Cancelled} */
  const result = { cancelled: 0, ended: 0, fixed: 0, unreached: 0, unanswered: 0, untried: 0, refusal: null };
  let done = 0;

  /** @param {string} id */
  async function cancel(id) {
    try {
      await api.delete(`active-requests/${encodeURIComponent(id)}`);
      result.cancelled += 1;
    } catch (error) {
      const status = error instanceof ApiError ? error.status : 0;
      if (status === 404) result.ended += 1;
      else if (status === 409) result.fixed += 1;
      else if (typeIn(error) === 'fleet_lost') result.unreached += 1;
      else if (typeIn(error) === 'fleet_timeout') result.unanswered += 1;
      else if (wide && status === 403) {
        result.untried += 1;
        result.refusal ??= { status, message: error instanceof Error ? error.message : '' };
      } else {
        result.untried += waiting.splice(0).length + 1;
        result.refusal ??= { status, message: error instanceof Error ? error.message : String(error) };
      }
    }
    onProgress((done += 1));
  }

  async function work() {
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) await cancel(id);
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, ids.length) }, work));
  return result;
}

/** @param {unknown} error */
const typeIn = (error) => (error instanceof ApiError ? typeOf(error.json) : '');
