/**
 * One stream at a time, as React state.
 *
 * React is an argument, so that this package depends on nothing: `useSSEStream(React)`.
 */

import { streamSSE } from './client.js';

/** @import { StreamCallbacks, StreamOptions, StreamResult } from './client.js' */

/**
 * @typedef {'idle' | 'connecting' | 'streaming' | 'waiting' | 'done' | 'truncated' | 'error' | 'stopped'} StreamStatus
 *   `waiting`: before a retry; `truncated`: over, but the server did not say so
 *
 * @typedef {object} StreamSnapshot
 * @property {StreamStatus} status
 * @property {unknown} error what it failed with, while `status` is `error`
 * @property {number} attempt 0, or which retry this is
 *
 * @typedef {{ status: 'done' | 'truncated', result: StreamResult } | { status: 'error', error: unknown } | { status: 'stopped', reason: unknown }} StreamEnd
 *
 * @typedef {object} ReactLike the part of React that is used
 * @property {<T>(initial: () => T) => [T, unknown]} useState
 * @property {(effect: () => () => void, dependencies: unknown[]) => void} useEffect
 * @property {<T>(subscribe: (onChange: () => void) => () => void, get: () => T, getOnServer: () => T) => T} useSyncExternalStore
 */

/**
 * `startStream` stops the stream before it, whose callbacks are never called again. It never rejects: it tells how the
 * stream ended. Unmounting stops it too. Both functions stay the same from one render to the next.
 *
 * @param {ReactLike} React
 */
export function useSSEStream(React) {
  const [store] = React.useState(() => createStreamStore());
  const snapshot = React.useSyncExternalStore(store.subscribe, store.getSnapshot, store.getSnapshot);
  React.useEffect(() => () => store.stopStream(), [store]);
  return { ...snapshot, startStream: store.startStream, stopStream: store.stopStream };
}

/**
 * The same without React: something to subscribe to.
 *
 * @param {typeof streamSSE} [stream]
 */
export function createStreamStore(stream = streamSSE) {
  /** @type {StreamSnapshot} */
  let snapshot = { status: 'idle', error: undefined, attempt: 0 };
  /** @type {Set<() => void>} */
  const listeners = new Set();
  /** @type {AbortController | undefined} of the stream whose news count */
  let current;

  /** @param {AbortController} controller @param {Partial<StreamSnapshot>} change */
  const update = (controller, change) => {
    if (controller !== current) return;
    snapshot = { ...snapshot, ...change };
    for (const listener of [...listeners]) listener();
  };

  /** @param {unknown} [reason] */
  const stopStream = (reason = new DOMException('The stream was stopped', 'AbortError')) => {
    if (!current) return;
    const controller = current;
    update(controller, { status: 'stopped' });
    current = undefined;
    controller.abort(reason);
  };

  /**
   * @param {string | URL} url
   * @param {unknown} body
   * @param {StreamCallbacks} [callbacks]
   * @param {StreamOptions} [options]
   * @returns {Promise<StreamEnd>}
   */
  const startStream = async (url, body, callbacks = {}, options) => {
    current?.abort(new DOMException('Another stream was started', 'AbortError'));
    const controller = (current = new AbortController());
    update(controller, { status: 'connecting', error: undefined, attempt: 0 });
    /** @type {StreamCallbacks} */
    const watched = {
      ...callbacks,
      onOpen: (response) => {
        update(controller, { status: 'streaming' });
        return callbacks.onOpen?.(response);
      },
      onRetry: (info) => {
        update(controller, { status: 'waiting', attempt: info.attempt });
        return callbacks.onRetry?.(info);
      },
    };
    /** @type {StreamEnd} */
    let end;
    try {
      const result = await stream(url, body, watched, controller.signal, options);
      end = { status: result.truncated ? 'truncated' : 'done', result };
      update(controller, { status: end.status });
    } catch (error) {
      const { aborted, reason } = controller.signal;
      end = aborted ? { status: 'stopped', reason } : { status: 'error', error };
      if (!aborted) update(controller, { status: 'error', error });
    }
    if (current === controller) current = undefined;
    return end;
  };

  return {
    startStream,
    stopStream,
    getSnapshot: () => snapshot,
    /** @param {() => void} listener */
    subscribe: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
