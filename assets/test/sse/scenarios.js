/**
 * The client's answer to each misbehaviour, written once and run in node and in the browser: a scenario asks a
 * server, and says in plain data what was seen.
 */

/**
 * @import * as SSE from '../../sse/index.js'
 * @import { StreamCallbacks, StreamOptions } from '../../sse/client.js'
 */

/**
 * @typedef {object} Ask
 * @property {unknown} [body]
 * @property {StreamOptions} [options]
 * @property {AbortSignal} [signal]
 * @property {StreamCallbacks} [callbacks]
 *
 * @typedef {object} Seen
 * @property {string} text the tokens, joined
 * @property {string[]} calls the other callbacks, in order, with their values
 * @property {string} ended how the promise did
 * @property {number} requests how many the server saw
 *
 * @typedef {(path: string, ask?: Ask) => Promise<Seen>} Observe
 *
 * @typedef {object} Scenario
 * @property {string} name
 * @property {(observe: Observe, sse: typeof SSE) => Promise<object>} run
 * @property {object} expected
 */

/** @param {number} ms */
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * @param {typeof SSE} sse
 * @param {string} base the server's address
 * @returns {Observe}
 */
export function observer(sse, base) {
  return async (path, { body = { message: 'hi' }, options, signal, callbacks } = {}) => {
    const key = Math.random().toString(36).slice(2);
    /** @type {Seen} */
    const seen = { text: '', calls: [], ended: '', requests: 0 };
    /** @param {string} name */
    const note = (name) => (/** @type {unknown} */ value) => void seen.calls.push(`${name} ${JSON.stringify(value)}`);
    /** @param {any} error */
    const tell = (error) => [error.name, error.phase ?? error.status].filter(Boolean).join(' ');
    try {
      const result = await sse.streamSSE(
        `${base}${path}${path.includes('?') ? '&' : '?'}key=${key}`,
        body,
        {
          onToken: (token) => void (seen.text += token),
          onStage: note('stage'),
          onSources: note('sources'),
          onQualityScore: note('score'),
          onFollowUps: note('follow-ups'),
          onMetadata: note('metadata'),
          onRetry: ({ attempt }) => note('retry')(attempt),
          onComplete: ({ truncated }) => note('complete')(truncated ? 'truncated' : 'whole'),
          onError: (error) => note('error')(tell(error)),
          ...callbacks,
        },
        signal,
        { retryDelay: 1, ...options },
      );
      seen.ended = result.outcome;
    } catch (error) {
      seen.ended = tell(error);
    }
    seen.requests = Number(await (await fetch(`${base}/count?key=${key}`)).text());
    return seen;
  };
}

const WHOLE = {
  text: 'Grüße 👩‍👧',
  calls: ['stage "generation"', 'score 0', 'complete "whole"'],
  ended: 'done',
  requests: 1,
};

/** @param {string} ended @param {object} [more] */
const failed = (ended, more) => ({ text: '', calls: [`error "${ended}"`], ended, requests: 1, ...more });

/** @type {Scenario[]} */
export const SCENARIOS = [
  ...['/good', '/crlf', '/cr', '/no-space', '/byte-by-byte', '/no-last-line-end', '/after-done', '/open-after-done'].map((path) => ({
    name: `${path} is read whole, and completes once`,
    run: (/** @type {Observe} */ observe) => observe(path),
    expected: WHOLE,
  })),
  {
    name: 'a GET without a body is read as well',
    run: (observe) => observe('/good', { body: null }),
    expected: WHOLE,
  },
  ...['text/event-stream;', 'Text/Event-Stream; charset=UTF-8', 'text/event-stream ;charset=utf-8'].map((type) => ({
    name: `"${type}" is an event stream`,
    run: (/** @type {Observe} */ observe) => observe(`/odd-content-type?is=${encodeURIComponent(type)}`),
    expected: WHOLE,
  })),
  ...['text/event-streams', 'text/plain', 'application/json'].map((type) => ({
    name: `"${type}" is no event stream`,
    run: (/** @type {Observe} */ observe) => observe(`/odd-content-type?is=${encodeURIComponent(type)}`),
    expected: failed('SSEHttpError 200'),
  })),
  {
    name: 'an end without [DONE] is told as a cut, not as success',
    run: (observe) => observe('/no-done'),
    expected: { text: 'half an ans', calls: ['complete "truncated"'], ended: 'eof', requests: 1 },
  },
  {
    name: 'a connection that breaks inside the stream is an error, and a POST is not sent again',
    run: (observe) => observe('/reset'),
    expected: failed('SSENetworkError stream', { text: 'half an ans' }),
  },
  {
    name: 'a connection that breaks before the head is tried again',
    run: async (observe) => {
      const { requests, ...seen } = await observe('/reset-before-head', { options: { maxRetries: 2 } });
      // A browser may add attempts of its own when a kept connection turns out to be dead.
      return { ...seen, asked: requests >= 3 };
    },
    expected: { text: '', calls: ['retry 1', 'retry 2', 'error "SSENetworkError connect"'], ended: 'SSENetworkError connect', asked: true },
  },
  {
    name: '503, then fine',
    run: (observe) => observe('/status?code=503&times=2'),
    expected: { ...WHOLE, calls: ['retry 1', 'retry 2', ...WHOLE.calls], requests: 3 },
  },
  {
    name: '429 with Retry-After: the wait is at least that',
    run: async (observe) => {
      /** @type {number[]} */
      const delays = [];
      const seen = await observe('/status?code=429&times=1&retry-after=1', {
        callbacks: { onRetry: ({ delay }) => void delays.push(delay) },
      });
      return { ...seen, delays };
    },
    expected: { ...WHOLE, requests: 2, delays: [1000] },
  },
  {
    name: 'a Retry-After beyond what one waits for is an error that tells it',
    run: (observe) => observe('/status?code=429&retry-after=7200'),
    expected: failed('SSEHttpError 429'),
  },
  {
    name: 'maxRetries: 0 is one attempt, not none',
    run: (observe) => observe('/status?code=503', { options: { maxRetries: 0 } }),
    expected: failed('SSEHttpError 503'),
  },
  ...[204, 301, 400, 401, 404, 409, 422, 501].map((code) => ({
    name: `${code} is final`,
    run: (/** @type {Observe} */ observe) => observe(`/status?code=${code}`),
    expected: failed(`SSEHttpError ${code}`),
  })),
  {
    name: 'the message of an error is the server’s own',
    run: async (observe) => {
      /** @type {string[]} */
      const messages = [];
      const callbacks = { onError: (/** @type {Error} */ error) => void messages.push(error.message) };
      await observe('/status?code=400', { callbacks });
      await observe('/error-event', { callbacks });
      await observe('/named-error', { callbacks });
      await observe('/html', { callbacks });
      return messages;
    },
    expected: ['Too many people are asking', 'The model fell over', 'Overloaded', 'Expected text/event-stream, got text/html'],
  },
  {
    name: 'no head in time: an error, and a POST is not sent again',
    run: (observe) => observe('/hang-before-head', { options: { connectTimeout: 60 } }),
    expected: failed('SSETimeoutError connect'),
  },
  {
    name: 'no head in time: a POST that may be repeated is',
    run: (observe) => observe('/hang-before-head', { options: { connectTimeout: 40, maxRetries: 1, idempotencyKey: 'k' } }),
    expected: failed('SSETimeoutError connect', { calls: ['retry 1', 'error "SSETimeoutError connect"'], requests: 2 }),
  },
  {
    name: 'silence inside the stream is an error after idleTimeout',
    run: (observe) => observe('/hang-in-stream', { options: { idleTimeout: 60 } }),
    expected: failed('SSETimeoutError idle', { text: 'wait' }),
  },
  {
    name: 'timeout is idle, not total: an answer may take long',
    run: (observe) => observe('/heartbeats?n=8&ms=25', { options: { timeout: 150 } }),
    expected: WHOLE,
  },
  {
    name: 'totalTimeout is total',
    run: (observe) => observe('/heartbeats?n=100&ms=10', { options: { totalTimeout: 120 } }),
    expected: failed('SSETimeoutError total'),
  },
  {
    name: 'an HTML page with 200 is no answer',
    run: (observe) => observe('/html'),
    expected: failed('SSEHttpError 200'),
  },
  {
    name: 'an event of 100 MB is refused, after what came before it',
    run: (observe) => observe('/endless-event?bytes=100000000'),
    expected: failed('SSELimitError', { text: 'before' }),
  },
  {
    name: 'an error inside the stream ends it, once, and nothing after it counts',
    run: (observe) => observe('/error-event'),
    expected: failed('SSEServerError', { text: 'I think' }),
  },
  {
    name: 'event: error is an error too',
    run: (observe) => observe('/named-error'),
    expected: failed('SSEServerError'),
  },
  {
    name: '10,000 tokens a second arrive, all and in order',
    run: async (observe) => {
      const seen = await observe('/tokens?n=20000&rate=10000');
      return { ...seen, text: seen.text === Array.from({ length: 20_000 }, (_, i) => `${i} `).join('') };
    },
    expected: { text: true, calls: ['complete "whole"'], ended: 'done', requests: 1 },
  },
  {
    name: 'a GET that is cut goes on after the last id',
    run: (observe) => observe('/numbered', { body: null }),
    expected: { text: '1 2 3 4 5 6 ', calls: ['retry 1', 'retry 1', 'complete "whole"'], ended: 'done', requests: 3 },
  },
  {
    name: 'a POST that is resumable goes on after the last id',
    run: (observe) => observe('/numbered', { options: { resumable: true } }),
    expected: { text: '1 2 3 4 5 6 ', calls: ['retry 1', 'retry 1', 'complete "whole"'], ended: 'done', requests: 3 },
  },
  {
    name: 'a live stream is connected again at its end, until it is aborted',
    run: async (observe) => {
      const controller = new AbortController();
      let opened = 0;
      return observe('/no-done', {
        body: null,
        options: { live: true },
        signal: controller.signal,
        callbacks: { onOpen: () => void (++opened === 5 && controller.abort()), onRetry() {} },
      });
    },
    expected: { text: 'half an ans'.repeat(4), calls: [], ended: 'AbortError', requests: 5 },
  },
  {
    name: 'an abort before the start asks nothing',
    run: (observe) => observe('/good', { signal: AbortSignal.abort(new DOMException('gone', 'AbortError')) }),
    expected: { text: '', calls: [], ended: 'AbortError', requests: 0 },
  },
  ...[
    ['before the head', '/hang-before-head'],
    ['inside the stream', '/hang-in-stream'],
    ['in a flood', '/flood'],
    ['during a retry’s wait', '/status?code=503&retry-after=60'],
  ].map(([when, path]) => ({
    name: `an abort ${when} rejects at once with its reason, and calls nothing`,
    run: async (/** @type {Observe} */ observe) => {
      const controller = new AbortController();
      const reason = new DOMException('The person left', 'PersonLeft');
      let aborted = 0;
      setTimeout(() => {
        aborted = performance.now();
        controller.abort(reason);
      }, 80);
      const tokens = { onToken() {}, onRetry() {} };
      const { requests, ...seen } = await observe(`${path}`, { signal: controller.signal, callbacks: tokens });
      return { ...seen, atOnce: performance.now() - aborted < 500 };
    },
    expected: { text: '', calls: [], ended: 'PersonLeft', atOnce: true },
  })),
  {
    name: 'an abort while a callback is being waited for rejects at once',
    run: async (observe) => {
      const controller = new AbortController();
      return observe('/good', {
        signal: controller.signal,
        callbacks: {
          onStage: () => {
            controller.abort(new DOMException('', 'PersonLeft'));
            return new Promise(() => {});
          },
        },
      });
    },
    expected: { text: '', calls: [], ended: 'PersonLeft', requests: 1 },
  },
  {
    name: 'what a callback throws is the caller’s: it rejects with it, and onError is not told',
    run: (observe) =>
      observe('/good', {
        callbacks: {
          onStage() {
            throw new RangeError('a bug of mine');
          },
        },
      }),
    expected: { text: '', calls: [], ended: 'RangeError', requests: 1 },
  },
];
