/**
 * The events of one response, as an async iterator: the primitive under `streamSSE`, useful alone.
 *
 * Nothing is read ahead of the consumer, so a slow one slows the server. Leaving the loop before the end, for whatever
 * reason, cancels the body, so that whoever produces it can stop.
 */

import { after, systemClock } from './clock.js';
import { SSENetworkError, SSETimeoutError } from './errors.js';
import { createSSEParser } from './parser.js';

/**
 * @import { Clock } from './clock.js'
 * @import { SSEEvent } from './parser.js'
 */

/**
 * @typedef {object} EventsOptions
 * @property {AbortSignal} [signal] ends the iteration with its reason, at once
 * @property {number} [idleTimeout] ms without a byte until it fails, 45,000 by default: heartbeats count as life,
 *   the time the consumer takes does not. 0: never.
 * @property {number} [staleAfter] ms without a byte until `onStale` is told. 0, the default: never.
 * @property {number} [maxEventBytes] 16 MiB by default
 * @property {'discard' | 'emit'} [flush] what becomes of an event that the body's end left unfinished; `discard` by default
 * @property {(event: SSEEvent) => boolean} [isLast] asked when an event has been consumed: nothing after it matters,
 *   so the iteration ends, and the body is given a moment to end too, so that its connection can be used again
 * @property {() => void} [onStale]
 * @property {(bytes: number) => void} [onBytes] a chunk has come
 * @property {(text: string) => void} [onComment]
 * @property {(ms: number) => void} [onRetry] the server's reconnection time
 * @property {(id: string) => void} [onId] the last event id moved
 * @property {Clock} [clock]
 */

/** How long, in ms, a body may take to end after its last event. */
const LINGER = 250;

/**
 * @param {Response} response
 * @param {EventsOptions} [options]
 * @returns {AsyncGenerator<SSEEvent, void, void>}
 */
export async function* sseEvents(response, options = {}) {
  const { signal, idleTimeout = 45_000, staleAfter = 0, flush, isLast, onStale, onBytes, clock = systemClock } = options;
  if (!response.body) return;
  const reader = response.body.getReader();

  const stopped = new AbortController();
  /** @param {unknown} reason */
  const stop = (reason) => {
    stopped.abort(reason);
    // Ends a pending read at once, and tells the server. It may take its time, or fail: nobody waits for it.
    reader.cancel(reason).catch(() => {});
  };
  const onAbort = () => stop(signal?.reason);
  signal?.addEventListener('abort', onAbort);
  if (signal?.aborted) onAbort();

  const read = async () => {
    const timers = [
      after(clock, staleAfter, () => {
        try {
          onStale?.();
        } catch (error) {
          stop(error);
        }
      }),
      after(clock, idleTimeout, () => stop(new SSETimeoutError('idle', idleTimeout))),
    ];
    try {
      return await reader.read();
    } catch (cause) {
      stopped.signal.throwIfAborted();
      throw new SSENetworkError('stream', cause);
    } finally {
      for (const takeBack of timers) takeBack();
    }
  };

  /** @type {SSEEvent[]} */
  let events = [];
  let drains = false;
  const parser = createSSEParser({ ...options, onEvent: (event) => events.push(event) });
  try {
    for (let ended = false; !ended; ) {
      const { done, value } = await read();
      stopped.signal.throwIfAborted();
      ended = done;
      /** @type {unknown} */
      let error;
      try {
        if (done) parser.end(flush);
        else {
          onBytes?.(value.length);
          parser.feed(value);
        }
      } catch (thrown) {
        error = thrown;
      }
      // Events from before the failure are delivered first, however the bytes were cut.
      for (const event of events) {
        yield event;
        stopped.signal.throwIfAborted();
        drains = isLast?.(event) ?? false;
        if (drains) return;
      }
      events = [];
      if (error) throw error;
    }
  } finally {
    signal?.removeEventListener('abort', onAbort);
    if (drains) drain(reader, clock);
    else reader.cancel().catch(() => {});
  }
}

/**
 * @param {ReadableStreamDefaultReader<Uint8Array>} reader
 * @param {Clock} clock
 */
async function drain(reader, clock) {
  const cancelTimeout = after(clock, LINGER, () => reader.cancel().catch(() => {}));
  try {
    while (!(await reader.read()).done);
  } catch {
    // It was over before.
  } finally {
    cancelTimeout();
  }
}
