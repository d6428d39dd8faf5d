/**
 * `streamSSE`: ask for a stream, hand its events to callbacks, say exactly once how it ended.
 *
 * The promise fulfils when the stream came to an end (`done`: the server said so; `eof`: it did not, so the answer may
 * be cut) and rejects with an `SSEError` when it failed, with the signal's reason when it was aborted, and with the
 * very exception of a callback that throws. `onComplete` or `onError` is called once before; neither on an abort.
 */

import { after, systemClock } from './clock.js';
import { connect, orAborted, parseJSON } from './connect.js';
import { SSEError, SSEHttpError, SSENetworkError, SSEServerError, SSETimeoutError } from './errors.js';
import { sseEvents } from './events.js';
import { isRetryable } from './retry.js';
import { CHAT_ROUTES } from './routes.js';

export * from './errors.js';
export { CHAT_ROUTES, sseEvents };

/**
 * @import { Clock } from './clock.js'
 * @import { SSEEvent } from './parser.js'
 * @import { ChatCallbacks, Routes } from './routes.js'
 */

/**
 * @typedef {'connecting' | 'open' | 'stale' | 'waiting' | 'closed'} StreamState
 *   `stale`: open, but no byte for `staleAfter`; `waiting`: before a retry
 *
 * @typedef {object} RetryInfo
 * @property {number} attempt 1 for the first retry
 * @property {number} delay ms
 * @property {unknown} cause why it is necessary
 * @property {() => void} now ends the wait
 *
 * @typedef {object} StreamResult
 * @property {'done' | 'eof'} outcome whether the end was announced (`[DONE]` and its like) or just came
 * @property {boolean} truncated the end was not announced: the answer may be cut
 * @property {number} events
 * @property {number} bytes
 * @property {number} ignored events that were neither JSON objects nor end marks; they reached `onEvent` only
 * @property {number} retries
 * @property {string} lastEventId
 *
 * @typedef {unknown} Awaitable a promise is waited for before the next event: a slow page slows the server
 *
 * @typedef {object} ClientCallbacks
 * @property {(event: SSEEvent, json: unknown) => Awaitable} [onEvent] every event, before the callbacks of its routes; `json` is
 *   its data parsed, `undefined` where it is not JSON
 * @property {(response: Response) => Awaitable} [onOpen] a stream has begun
 * @property {(text: string) => void} [onComment] a comment: a heartbeat
 * @property {(info: RetryInfo) => Awaitable} [onRetry]
 * @property {(state: StreamState) => void} [onStateChange]
 * @property {(result: StreamResult) => Awaitable} [onComplete] once, unless it failed or was aborted
 * @property {(error: SSEError) => Awaitable} [onError] once, when it failed for good
 *
 * @typedef {ClientCallbacks & ChatCallbacks} StreamCallbacks those of the client itself, and of a chat's routes
 *
 * @typedef {{ [name: string]: ((...args: any[]) => Awaitable) | undefined }} RoutedCallbacks those of other routes
 *
 * @typedef {object} StreamOptions all times in ms; 0 turns a timeout off
 * @property {string} [method] `POST` with a body, `GET` without
 * @property {HeadersInit} [headers]
 * @property {RequestInit} [init] anything else for `fetch`, such as `credentials`
 * @property {number} [maxRetries] retries after the first attempt, 3 by default; an event that comes starts the count again
 * @property {number} [retryDelay] the base of the backoff, 1,000; the server's `retry:` replaces it
 * @property {number} [maxRetryDelay] 30,000
 * @property {number} [maxRetryAfter] the longest `Retry-After` to wait for, 120,000; beyond it the answer is an error
 * @property {(attempt: number, base: number) => number} [backoff] ms before retry `attempt`, `base` being the
 *   server's or your `retryDelay`. By default full jitter, anything up to `base * 2^(attempt - 1)`, so that a thousand
 *   clients that lost the same server do not come back together.
 * @property {(error: unknown, retryable: boolean) => boolean} [shouldRetry] the last word, given what this client would do
 * @property {string} [idempotencyKey] sent as `Idempotency-Key`; makes a POST safe to repeat
 * @property {boolean} [resumable] the server goes on after `Last-Event-ID`, whatever the method
 * @property {boolean} [live] the stream has no end of its own: closed by the server, it is connected again
 * @property {number} [connectTimeout] to the response head, 15,000
 * @property {number} [idleTimeout] without a byte, 45,000; heartbeats count as life
 * @property {number} [timeout] another name for `idleTimeout`
 * @property {number} [totalTimeout] for everything, retries included; off by default
 * @property {number} [staleAfter] without a byte until the state is `stale`, 30,000
 * @property {number} [maxEventBytes] 16 MiB
 * @property {(event: SSEEvent, json: any) => boolean} [isDone] what announces the end, instead of the usual marks
 * @property {Routes} [routes] the callback by the member of an event's JSON object, called in this order; `CHAT_ROUTES` by default
 * @property {typeof fetch} [fetch]
 * @property {Clock} [clock]
 * @property {() => number} [random]
 */

/** Event types with which a provider's stream ends; OpenAI's chat, and most others, send `[DONE]`. */
const END_MARKS = new Set(['message_stop', 'response.completed', 'response.incomplete', 'message-end']);

/** After so many ms a connection counts as good, though nothing but heartbeats came. */
const HEALTHY = 10_000;

/**
 * @param {string | URL} url
 * @param {unknown} body sent as JSON by POST; with `undefined` or `null` it is a GET
 * @param {StreamCallbacks & RoutedCallbacks} [callbacks]
 * @param {AbortSignal} [signal]
 * @param {StreamOptions} [options]
 * @returns {Promise<StreamResult>}
 */
export async function streamSSE(url, body, callbacks = {}, signal, options = {}) {
  signal?.throwIfAborted();
  const { clock = systemClock, totalTimeout = 0 } = options;
  const scope = new AbortController();
  const onAbort = () => scope.abort(signal?.reason);
  signal?.addEventListener('abort', onAbort);
  const cancelTotal = after(clock, totalTimeout, () => scope.abort(new SSETimeoutError('total', totalTimeout)));

  try {
    const ended = attempts(url, body, callbacks, scope.signal, { ...options, clock });
    const result = await orAborted(ended, scope.signal);
    await callbacks.onComplete?.(result);
    return result;
  } catch (error) {
    if (error instanceof SSEError && !signal?.aborted) await callbacks.onError?.(error);
    throw error;
  } finally {
    cancelTotal();
    signal?.removeEventListener('abort', onAbort);
    callbacks.onStateChange?.('closed');
  }
}

/**
 * Attempts, until one comes to an end or must not be repeated.
 *
 * @param {string | URL} url
 * @param {unknown} body
 * @param {StreamCallbacks} callbacks
 * @param {AbortSignal} signal
 * @param {StreamOptions & { clock: Clock }} options
 * @returns {Promise<StreamResult>}
 */
async function attempts(url, body, callbacks, signal, options) {
  const { maxRetries = 3, maxRetryDelay = 30_000, maxRetryAfter = 120_000, random = Math.random } = options;
  const { backoff = (attempt, base) => random() * Math.min(maxRetryDelay, base * 2 ** (attempt - 1)) } = options;
  const { idempotencyKey, resumable } = options;
  /** @type {Progress} */
  const progress = { events: 0, bytes: 0, ignored: 0, lastEventId: '', failures: 0, retryDelay: options.retryDelay ?? 1000 };
  const request = toRequest(body, options);
  const tell = teller(callbacks, signal);

  for (let retries = 0; ; retries++) {
    try {
      const outcome = await attempt(url, request, progress, tell, signal, options);
      const { events, bytes, ignored, lastEventId } = progress;
      return { outcome, truncated: outcome === 'eof', events, bytes, ignored, retries, lastEventId };
    } catch (cause) {
      signal.throwIfAborted();
      if (!(cause instanceof SSEError)) throw cause;
      const delivered = progress.events > 0;
      const numbered = progress.lastEventId !== '';
      const safe = request.method === 'GET' || !!resumable || (!!idempotencyKey && (!delivered || numbered));
      const retryable = isRetryable(cause, safe, delivered);
      const retryAfter = (cause instanceof SSEHttpError && cause.retryAfter) || 0;
      const wanted = options.shouldRetry?.(cause, retryable) ?? retryable;
      if (!wanted || progress.failures >= maxRetries || retryAfter > maxRetryAfter) throw cause;

      const attempt = (progress.failures += 1);
      const delay = Math.max(backoff(attempt, progress.retryDelay), retryAfter);
      await pause({ attempt, delay, cause }, tell, signal, options.clock);
    }
  }
}

/**
 * @typedef {object} Progress what outlives an attempt
 * @property {number} events
 * @property {number} bytes
 * @property {number} ignored
 * @property {string} lastEventId
 * @property {number} failures since the last event
 * @property {number} retryDelay
 */

/**
 * One request and its stream, to the end.
 *
 * @param {string | URL} url
 * @param {RequestInit & { headers: Headers }} request
 * @param {Progress} progress
 * @param {ReturnType<typeof teller>} tell
 * @param {AbortSignal} signal
 * @param {StreamOptions & { clock: Clock }} options
 * @returns {Promise<'done' | 'eof'>}
 */
async function attempt(url, request, progress, tell, signal, options) {
  const { live, clock, isDone = isEndMark, routes = CHAT_ROUTES, fetch = globalThis.fetch } = options;
  const { connectTimeout = 15_000, idleTimeout = options.timeout ?? 45_000, staleAfter = 30_000 } = options;

  tell.state('connecting');
  if (progress.lastEventId) request.headers.set('last-event-id', utf8Header(progress.lastEventId));
  const response = await connect(url, request, signal, { fetch, clock, connectTimeout });
  const opened = clock.now();
  tell.state('open');
  await tell('onOpen', response);

  let done = false;
  /** @type {SSEServerError | undefined} */
  let failure;
  const events = sseEvents(response, {
    signal,
    clock,
    idleTimeout,
    staleAfter,
    maxEventBytes: options.maxEventBytes,
    flush: live ? 'discard' : 'emit',
    isLast: () => done || failure !== undefined,
    onStale: () => tell.state('stale'),
    onBytes: (bytes) => {
      progress.bytes += bytes;
      if (clock.now() - opened > HEALTHY) progress.failures = 0;
      tell.state('open');
    },
    onComment: (text) => tell('onComment', text),
    onRetry: (ms) => (progress.retryDelay = Math.min(Math.max(ms, 250), 300_000)),
    onId: (id) => (progress.lastEventId = id),
  });
  for await (const event of events) {
    const json = parseJSON(event.data);
    progress.events += 1;
    progress.failures = 0;
    await tell('onEvent', event, json);
    done = isDone(event, json);
    if (done) continue;
    const error = errorIn(event, json);
    if (error !== undefined) failure = new SSEServerError(error);
    else if (typeof json !== 'object' || !json) progress.ignored += 1;
    else for (const [key, name] of Object.entries(routes)) if (key in json) await tell(name, json[key]);
  }
  if (failure) throw failure;
  if (live && !done) throw new SSENetworkError('end');
  return done ? 'done' : 'eof';
}

/**
 * Calls callbacks, none after the abort; what they throw is the caller's and passes through.
 *
 * @param {StreamCallbacks} callbacks
 * @param {AbortSignal} signal
 */
function teller(callbacks, signal) {
  /** @type {StreamState | undefined} */
  let state;
  /**
   * @param {string} name
   * @param {...any} args
   * @returns {Awaitable}
   */
  const tell = (name, ...args) => {
    signal.throwIfAborted();
    const callback = /** @type {((...args: any[]) => Awaitable) | undefined} */ (/** @type {Record<string, unknown>} */ (callbacks)[name]);
    return callback?.(...args);
  };
  /** @param {StreamState} next */
  tell.state = (next) => {
    if (next === state) return;
    state = next;
    tell('onStateChange', next);
  };
  return tell;
}

/**
 * @param {{ attempt: number, delay: number, cause: SSEError }} why
 * @param {ReturnType<typeof teller>} tell
 * @param {AbortSignal} signal
 * @param {Clock} clock
 */
async function pause(why, tell, signal, clock) {
  /** @type {() => void} */
  let now = () => {};
  /** @type {Promise<void>} */
  const over = new Promise((resolve) => (now = resolve));
  const cancelTimer = after(clock, Math.max(why.delay, 1), now);
  try {
    tell.state('waiting');
    await tell('onRetry', { ...why, now });
    await orAborted(over, signal);
  } finally {
    cancelTimer();
  }
}

/**
 * @param {unknown} body
 * @param {StreamOptions} options
 */
function toRequest(body, { method, headers: given, init, idempotencyKey }) {
  const headers = new Headers(given);
  if (!headers.has('accept')) headers.set('accept', 'text/event-stream');
  if (body != null && !headers.has('content-type')) headers.set('content-type', 'application/json');
  if (idempotencyKey) headers.set('idempotency-key', idempotencyKey);
  const json = body == null ? undefined : JSON.stringify(body);
  return { cache: /** @type {const} */ ('no-store'), ...init, headers, method: method ?? (json ? 'POST' : 'GET'), body: json };
}

/**
 * A header takes bytes, written as characters up to U+00FF; an id is text, sent as UTF-8.
 *
 * @param {string} id
 */
const utf8Header = (id) => String.fromCharCode(...new TextEncoder().encode(id));

/**
 * @param {SSEEvent} event
 * @param {any} json
 */
const isEndMark = (event, json) => event.data === '[DONE]' || END_MARKS.has(event.event) || END_MARKS.has(json?.type);

/**
 * Reads the server's error message, in any of the shapes in use; `undefined` if there is none. `"error": null` is none.
 *
 * @param {SSEEvent} event
 * @param {any} json
 * @returns {unknown}
 */
function errorIn(event, json) {
  const said = json?.error ?? json?.response?.error ?? undefined;
  if (said !== undefined && said !== false) return said;
  return event.event === 'error' ? (json ?? event.data) : undefined;
}
