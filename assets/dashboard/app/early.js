/**
 * Asks for the stream while the rest of the page is still under way: this comes first and needs next to nothing, so that the first rows are
 * waiting when there is a list to put them in.
 */

import { keyHeaders } from '../net/key.js';

/** Where the monitor is, and its stream. */
export const METRICS = new URL(document.querySelector('meta[name="metrics"]')?.getAttribute('content') ?? '', document.baseURI).href;
export const STREAM = `${METRICS}/active-requests/stream?format=delta`;

const unwanted = new AbortController();
// Only a guess at what the page will want: what it does not take, it drops. Of all that compat.js asks of a browser, `any` came last.
const wanted = 'any' in AbortSignal && !document.hidden && !/^#\/(errors|traces)/.test(location.hash);
/** @type {Promise<Response> | null} */
let answer = wanted
  ? fetch(STREAM, { headers: { accept: 'text/event-stream', ...keyHeaders(sessionStorage) }, cache: 'no-store', signal: unwanted.signal })
  : null;
// Whoever takes it is told of its failure.
answer?.catch(() => {});

/** `fetch`, whose first answer may be there already. @param {RequestInfo | URL} input @param {RequestInit} [init] */
export function fetchStream(input, init) {
  if (answer === null) return fetch(input, init);
  const taken = answer;
  answer = null;
  init?.signal?.addEventListener('abort', () => unwanted.abort(init.signal?.reason));
  return taken;
}

/** The page wants no stream now. */
export function dropEarly() {
  if (answer !== null) unwanted.abort();
  answer = null;
}
