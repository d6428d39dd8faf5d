/**
 * One request, until its answer is known to be a stream; anything else becomes an error that says what came instead.
 */

import { after } from './clock.js';
import { messageIn, SSEHttpError, SSENetworkError, SSETimeoutError } from './errors.js';
import { parseRetryAfter } from './retry.js';

/** @import { Clock } from './clock.js' */

/** How much of an error's body is read. */
const MAX_ERROR_BODY = 64 * 1024;

/**
 * @param {string | URL} url
 * @param {RequestInit} init
 * @param {AbortSignal} scope
 * @param {{ fetch: typeof globalThis.fetch, clock: Clock, connectTimeout: number }} options
 * @returns {Promise<Response>}
 */
export async function connect(url, init, scope, { fetch, clock, connectTimeout }) {
  const late = new AbortController();
  const signal = AbortSignal.any([scope, late.signal]);
  const cancelTimeout = after(clock, connectTimeout, () => late.abort(new SSETimeoutError('connect', connectTimeout)));
  try {
    const response = await orAborted(fetch(url, { ...init, signal }), signal);
    const type = response.headers.get('content-type') ?? 'no content type';
    if (response.status !== 200 || !/^text\/event-stream\s*(;|$)/i.test(type)) throw await httpError(response, type, clock);
    return response;
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof SSEHttpError ? error : new SSENetworkError('connect', error);
  } finally {
    cancelTimeout();
  }
}

/**
 * @param {Response} response
 * @param {string} type its content type
 * @param {Clock} clock
 */
async function httpError(response, type, clock) {
  const { status, headers } = response;
  const text = await readText(response);
  const said = status !== 200 && (messageIn(parseJSON(text)) || (!type.includes('html') && messageIn(text)));
  const expected = status === 200 ? `Expected text/event-stream, got ${type}` : `HTTP ${status}`;
  return new SSEHttpError(status, said || expected, text, parseRetryAfter(headers.get('retry-after'), clock.now()));
}

/**
 * @param {Response} response
 * @returns {Promise<string>} as much as came, up to the limit
 */
async function readText(response) {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = '';
  try {
    while (reader && text.length < MAX_ERROR_BODY) {
      const { done, value } = await reader.read();
      if (done) break;
      text += decoder.decode(value, { stream: true });
    }
  } catch {
    // The status is the error; that its text broke off is not worth another.
  }
  reader?.cancel().catch(() => {});
  return text.slice(0, MAX_ERROR_BODY);
}

/**
 * @param {string} text
 * @returns {any} `undefined` where it is not JSON
 */
export function parseJSON(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * The promise, or the signal's reason as soon as it is aborted, whatever the promise does then.
 *
 * @template T
 * @param {Promise<T>} promise
 * @param {AbortSignal} signal
 * @returns {Promise<T>}
 */
export function orAborted(promise, signal) {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort);
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
