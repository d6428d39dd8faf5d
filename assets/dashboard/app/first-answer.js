/**
 * The stream's first answer, asked for while the rest of the page is still on its way, so that the first rows wait for the list and not
 * the list for them. `early.js` asks, `live.js` takes the answer or drops it.
 */

import { readScope, withScope } from '../model/scope.js';
import { keyHeaders } from '../net/key.js';
import { scopeOf } from './scope.js';

/** @typedef {import('../types.js').Scope} Scope */

/** Where the monitor is, as the server wrote it into the page. */
export const monitorUrl = () => new URL(document.querySelector('meta[name="metrics"]')?.getAttribute('content') ?? '', document.baseURI).href;

/** @param {Scope} scope */
export const streamUrl = (scope) => `${monitorUrl()}/${withScope('active-requests/stream?format=delta', scope)}`;

const unwanted = new AbortController();
/** @type {Promise<Response> | null} */
let answer = null;
let asked = '';

/** Asks for the stream. */
export function ask() {
  asked = streamUrl(scopeOf({ scope: readScope(new URLSearchParams(location.hash.split('?')[1]).get('scope')), view: 'requests' }));
  answer = fetch(asked, { headers: { accept: 'text/event-stream', ...keyHeaders(sessionStorage) }, cache: 'no-store', signal: unwanted.signal });
  // A failure is told to the one who takes the answer.
  answer.catch(() => {});
}

/** `fetch`, which gives the answer asked for, the first time that it is wanted. @param {RequestInfo | URL} input @param {RequestInit} [init] */
export function fetchStream(input, init) {
  if (input !== asked) drop();
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
