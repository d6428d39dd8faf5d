/**
 * Keeps the stream open while somebody looks, and says how things stand. Reading the stream is the work of `sse/client.js`; this decides
 * when to connect, when to give up for polling, and what a refusal means.
 */

import { SSEHttpError, streamSSE } from '../../sse/client.js';
import { reconnectDelay } from '../model/backoff.js';
import { readDisabled } from '../model/wire.js';

/** @typedef {import('../types.js').ConnectionState} ConnectionState */
/** @typedef {import('../types.js').Hint} Hint */
/** @typedef {import('../types.js').Verdict} Verdict */

/** Without a byte for one and a half heartbeats the stream is doubtful, without two and a half it is given up (heartbeat: 30 s). */
const STALE_AFTER = 45_000;
const IDLE_TIMEOUT = 75_000;
/** Where answers are streaming, something comes several times a second: after this the stream is doubted, and the server asked whether it lives. */
const DOUBT_AFTER = 5000;
/** Without an answer by then the doubt is shown; and by then, twice as long, the stream is asked for anew. */
const ANSWER_WITHIN = 1000;
const ANSWER_AT_LAST = 2000;
/** The server lives and the stream says nothing: it is asked for anew. */
const RENEW_AFTER = 15_000;
/** A snapshot of a hundred thousand rows is about 60 MB. */
const MOST_BYTES = 256 * 1024 * 1024;

/**
 * @typedef {object} Parts
 * @property {() => string} url
 * @property {() => Record<string, string>} headers the key, and where to go on
 * @property {(response: Response) => void} onOpen
 * @property {() => void} onHeard a byte came, be it a heartbeat
 * @property {(event: { event: string, data: string, id: string }, json: unknown) => Verdict} onEvent
 * @property {(state: ConnectionState) => void} onState
 * @property {(error: SSEHttpError) => boolean} [onMissing] there is no such stream; `true`: another one is wanted now
 * @property {() => boolean} hasKey whether a key went with the request, so that a 401 means a wrong one
 * @property {(ms: number) => Promise<boolean>} answers whether the server answers a request of its own within that time
 * @property {() => number} now epoch milliseconds
 * @property {() => number} random
 * @property {typeof globalThis.fetch} [fetch]
 * @property {import('../../sse/clock.js').Clock} [clock]
 */

export class Connection {
  /** @type {ConnectionState} */
  state = { name: 'paused', why: 'elsewhere' };
  #parts;
  #enabled = true;
  #visible = false;
  #here = false;
  /** The server said that there is no stream to be had. @type {Hint | null} */
  #refused = null;
  /** @type {AbortController | null} */
  #running = null;
  /** @type {(() => void) | null} */
  #tryNow = null;
  #heardMs = 0;
  /** When the server last answered beside the stream. */
  #answeredMs = 0;
  #asking = false;

  /** @param {Parts} parts */
  constructor(parts) {
    this.#parts = parts;
  }

  /** @param {{ enabled?: boolean, visible?: boolean, here?: boolean }} wish */
  wish({ enabled = this.#enabled, visible = this.#visible, here = this.#here }) {
    const appeared = visible && here && !(this.#visible && this.#here);
    this.#enabled = enabled;
    this.#visible = visible;
    this.#here = here;
    // A person who comes back wants to know whether it works now.
    if (appeared) this.#refused = null;
    this.#settle();
  }

  get enabled() {
    return this.#enabled;
  }

  get connected() {
    return this.state.name === 'live' || this.state.name === 'stale';
  }

  /** Try at once: the operator asked, a key was given, or a polled answer shows that things changed. */
  retry() {
    this.#refused = null;
    if (this.#tryNow) this.#tryNow();
    else if (this.state.name === 'stale') return this.#renew();
    else if (this.state.name === 'polling' || this.state.name === 'locked') this.#become({ name: 'connecting' });
    this.#settle();
  }

  /** Connects anew, since other requests are looked at, or another key is asked with. */
  renew() {
    this.#refused = null;
    this.#renew();
  }

  /** Called about once a second. @param {boolean} flowing whether answers are streaming, so that something should come */
  watch(flowing) {
    const nowMs = this.#parts.now();
    const silence = nowMs - this.#heardMs;
    if (!this.connected || !flowing || silence < DOUBT_AFTER) return;
    if (silence >= RENEW_AFTER) this.#renew();
    else if (nowMs - this.#answeredMs >= DOUBT_AFTER) void this.check();
  }

  /** Finds out whether the server is still there, where only the stream could tell otherwise, and late. */
  async check() {
    if (!this.connected || this.#asking) return;
    const running = this.#running;
    const { answers, now } = this.#parts;
    const askedMs = now();
    this.#asking = true;
    const ours = () => this.#running === running && this.connected;
    let alive = await answers(ANSWER_WITHIN);
    if (!alive && ours()) {
      this.#become({ name: 'stale', sinceMs: this.#heardMs });
      alive = await answers(ANSWER_AT_LAST);
    }
    this.#asking = false;
    if (!ours()) return;
    if (alive || this.#heardMs > askedMs) {
      this.#answeredMs = now();
      if (this.state.name === 'stale') this.#become({ name: 'live' });
    } else this.#renew();
  }

  /** Connects anew, going on after the last message. */
  #renew() {
    this.#rest({ name: 'connecting' });
    this.#settle();
  }

  #settle() {
    if (!this.#visible) return this.#rest({ name: 'paused', why: 'hidden' });
    if (!this.#here) return this.#rest({ name: 'paused', why: 'elsewhere' });
    if (!this.#enabled) return this.#rest({ name: 'off' });
    if (this.#refused) return this.#rest({ name: 'polling', hint: this.#refused });
    if (this.state.name !== 'locked' && !this.#running) void this.#run();
  }

  /** @param {ConnectionState} state */
  #rest(state) {
    const running = this.#running;
    this.#running = null;
    this.#tryNow = null;
    running?.abort(new DOMException('not needed now', 'AbortError'));
    this.#become(state);
  }

  async #run() {
    const running = new AbortController();
    this.#running = running;
    const current = () => this.#running === running;
    const { url, onOpen, onEvent, now, random, fetch, clock } = this.#parts;
    const onHeard = () => {
      if (!current()) return;
      this.#heardMs = now();
      this.#parts.onHeard();
    };
    this.#become({ name: 'connecting' });
    /** @type {Verdict['kind']} */
    let last = 'taken';
    /** @type {Hint | null} */
    let hint = null;
    /** @type {unknown} */
    let failure = null;
    try {
      await streamSSE(url(), null, {
        onOpen: (response) => {
          if (!current()) return;
          this.#heardMs = now();
          onOpen(response);
        },
        onComment: onHeard,
        onEvent: (event, json) => {
          if (!current()) return;
          onHeard();
          const verdict = onEvent(event, json);
          last = verdict.kind;
          if (verdict.kind === 'disabled') hint = verdict.hint;
          if (verdict.kind === 'resync') running.abort(new DOMException('a message was missed', 'AbortError'));
        },
        onRetry: ({ attempt, delay, cause, now: go }) => {
          if (!current()) return;
          this.#tryNow = go;
          this.#become({ name: 'waiting', untilMs: now() + delay, attempt, cause: causeOf(cause) });
        },
        onStateChange: (state) => {
          if (!current()) return;
          if (state === 'connecting') {
            this.#tryNow = null;
            this.#become({ name: 'connecting' });
          } else if (state === 'open') this.#become({ name: 'live' });
          else if (state === 'stale') this.#become({ name: 'stale', sinceMs: now() - STALE_AFTER });
        },
      }, running.signal, {
        headers: this.#parts.headers(),
        live: true,
        routes: {},
        maxRetries: Infinity,
        maxEventBytes: MOST_BYTES,
        idleTimeout: IDLE_TIMEOUT,
        staleAfter: STALE_AFTER,
        backoff: (attempt) => reconnectDelay(attempt, random),
        shouldRetry: (error) => !isFinal(error),
        isDone: (event) => event.event === 'disabled',
        ...(fetch ? { fetch } : {}),
        ...(clock ? { clock } : {}),
      });
    } catch (error) {
      failure = error;
    }
    if (!current()) return;
    this.#running = null;
    this.#tryNow = null;
    this.#ended(last, hint, failure);
  }

  /** @param {Verdict['kind']} last @param {Hint | null} hint @param {unknown} failure */
  #ended(last, hint, failure) {
    if (failure instanceof SSEHttpError && (failure.status === 401 || failure.status === 403)) {
      return this.#become({ name: 'locked', refused: this.#parts.hasKey() });
    }
    if (failure instanceof SSEHttpError && failure.status === 404 && this.#parts.onMissing?.(failure)) return;
    if (last === 'resync') return this.#settle();
    this.#refused = hint ?? disabledHint(failure) ?? { message: failure instanceof Error ? failure.message : 'The stream ended', suggestion: '' };
    this.#settle();
  }

  /** @param {ConnectionState} state */
  #become(state) {
    this.state = state;
    this.#parts.onState(state);
  }
}

/** @param {unknown} error */
function disabledHint(error) {
  if (!(error instanceof SSEHttpError)) return null;
  try {
    return readDisabled(JSON.parse(error.body));
  } catch {
    return null;
  }
}

/** Whether an error stays however often one tries: a missing API key, a stream that is switched off or not there. @param {unknown} error */
const isFinal = (error) =>
  error instanceof SSEHttpError && ([401, 403, 404, 405, 410].includes(error.status) || disabledHint(error) !== null);

/** Whether there is a server that answers, if not with a stream. @param {ConnectionState} state */
export const isReachable = (state) => state.name !== 'waiting' || state.cause !== UNREACHABLE;

const UNREACHABLE = 'the server cannot be reached';

/** @param {unknown} cause */
const causeOf = (cause) => (cause instanceof SSEHttpError ? cause.message : UNREACHABLE);
