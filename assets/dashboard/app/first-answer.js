/**
 * The stream's first answer, asked for while the rest of the page is still on its way, so that the first rows wait for the list and not
 * the list for them. `early.js` asks, `live.js` takes the answer or drops it.
 */

import { keyHeaders } from '../net/key.js';

/** Where the monitor is, as the server wrote it into the page. */
export const monitorUrl = () => new URL(document.querySelector('meta[name="metrics"]')?.getAttribute('content') ?? '', document.baseURI).href;

export const streamUrl = () => `${monitorUrl()}/active-requests/stream?format=delta`;

const unwanted = new AbortController();
/** @type {Promise<Response> | null} */
let answer = null;

/** Asks for the stream. */
export function ask() {
  answer = fetch(streamUrl(), { headers: { accept: 'text/event-stream', ...keyHeaders(sessionStorage) }, cache: 'no-store', signal: unwanted.signal });
  // A failure is told to the one who takes the answer.
  answer.catch(() => {});
}

/** `fetch`, which gives the answer asked for, the first time. @param {RequestInfo | URL} input @param {RequestInit} [init] */
export function fetchStream(input, init) {
  if (answer === null) return fetch(input, init);
  const taken = answer;
  answer = null;
  init?.signal?.addEventListener('abort', () => unwanted.abort(init.signal?.reason));
  return taken;
}

/** Ends the connection of an answer that nobody took. */
export function drop() {
  if (answer !== null) unwanted.abort();
  answer = null;
}
