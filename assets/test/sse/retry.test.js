/** When a stream is asked for again, and after what wait: with a clock that is moved by hand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isRetryable, parseRetryAfter } from '../../sse/retry.js';
import { SSEHttpError, SSELimitError, SSENetworkError, SSEServerError, SSETimeoutError, streamSSE } from '../../sse/client.js';
import { answer, FakeClock, fakeFetch, settle } from './fake.js';

/** @import { RetryInfo, StreamOptions } from '../../sse/client.js' */

const token = (/** @type {string} */ text) => `data: {"token":${JSON.stringify(text)}}\n\n`;
const DONE = 'data: [DONE]\n\n';
const refuse = (/** @type {number} */ status, /** @type {Record<string, string>} */ headers = {}) => () => new Response('', { status, headers });

/** @type {[error: Error, safe: boolean, delivered: boolean, retried: boolean][]} */
const RULES = [
  [new SSEHttpError(503, '', ''), false, false, true],
  [new SSEHttpError(529, '', ''), false, false, true],
  [new SSEHttpError(400, '', ''), true, false, false],
  [new SSEHttpError(200, '', ''), true, false, false],
  [new SSEHttpError(503, '', ''), false, true, false],
  [new SSEHttpError(503, '', ''), true, true, true],
  [new SSENetworkError('connect'), false, false, true],
  [new SSENetworkError('stream'), false, false, false],
  [new SSENetworkError('stream'), true, true, true],
  [new SSENetworkError('end'), true, true, true],
  [new SSETimeoutError('connect', 1), false, false, false],
  [new SSETimeoutError('connect', 1), true, false, true],
  [new SSETimeoutError('idle', 1), true, true, true],
  [new SSEServerError('no'), true, false, false],
  [new SSELimitError(1), true, false, false],
];

for (const [error, safe, delivered, retried] of RULES) {
  const what = `${error.name} ${'phase' in error ? error.phase : 'status' in error ? error.status : ''}`;
  test(`${what}, ${safe ? 'safe' : 'unsafe'}, ${delivered ? 'with' : 'without'} events: ${retried ? 'again' : 'final'}`, () =>
    assert.equal(isRetryable(error, safe, delivered), retried));
}

test('Retry-After is seconds or a date', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  assert.equal(parseRetryAfter('3', now), 3000);
  assert.equal(parseRetryAfter('0', now), 0);
  assert.equal(parseRetryAfter('Thu, 01 Jan 2026 00:00:10 GMT', now), 10_000);
  assert.equal(parseRetryAfter('Thu, 01 Jan 2025 00:00:10 GMT', now), 0);
  assert.equal(parseRetryAfter('soon', now), undefined);
  assert.equal(parseRetryAfter(null, now), undefined);
});

/**
 * @param {StreamOptions} options
 * @param {number} times
 * @param {() => Response | Promise<Response>} [how]
 * @returns {Promise<number[]>} the waits
 */
async function waits(options, times, how = refuse(503)) {
  /** @type {number[]} */
  const delays = [];
  const clock = new FakeClock();
  const { fetch } = fakeFetch(...Array(times).fill(how), () => answer([DONE]));
  const stream = streamSSE('/', {}, { onRetry: ({ delay }) => void delays.push(delay) }, undefined, {
    fetch,
    clock,
    maxRetries: Infinity,
    ...options,
  });
  await clock.advance(1e7);
  await stream;
  assert.equal(clock.pending, 0, 'no timer stays');
  return delays;
}

test('the wait doubles up to a cap, and jitter is full', async () => {
  assert.deepEqual(await waits({ random: () => 1 }, 7), [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  assert.deepEqual(await waits({ random: () => 0.5, retryDelay: 100, maxRetryDelay: 300 }, 4), [50, 100, 150, 150]);
  assert.deepEqual(await waits({ random: () => 0 }, 2), [0, 0]);
});

test('Retry-After is the least one waits', async () => {
  assert.deepEqual(await waits({ random: () => 0 }, 1, refuse(429, { 'retry-after': '7' })), [7000]);
  assert.deepEqual(await waits({ random: () => 1 }, 1, refuse(429, { 'retry-after': '0' })), [1000]);
  const date = { 'retry-after': 'Thu, 01 Jan 2026 00:00:20 GMT' };
  assert.deepEqual(await waits({ random: () => 0 }, 1, refuse(503, date)), [20_000]);
});

test('the policy may be another', async () => {
  const backoff = (/** @type {number} */ attempt) => Math.min(30_000, 750 * 1.6 ** (attempt - 1));
  assert.deepEqual((await waits({ backoff }, 3)).map(Math.round), [750, 1200, 1920]);
  const once = await waits({ shouldRetry: (error) => error instanceof SSEHttpError && error.status === 418 }, 1, refuse(418));
  assert.equal(once.length, 1);
});

test('the server’s own delay replaces the base, within reason', async () => {
  for (const [said, base] of [[2000, 2000], [0, 250], ['99999999999999999999', 300_000]]) {
    /** @type {number[]} */
    const delays = [];
    const clock = new FakeClock();
    const { fetch } = fakeFetch(() => answer([`retry: ${said}\n\n`, token('a')]), () => answer([DONE]));
    const options = { fetch, clock, live: true, random: () => 1, maxRetryDelay: Infinity };
    const stream = streamSSE('/', null, { onRetry: ({ delay }) => void delays.push(delay) }, undefined, options);
    await clock.advance(400_000);
    await stream;
    assert.deepEqual(delays, [base]);
  }
});

test('an event starts the count of failures again', async () => {
  /** @type {number[]} */
  const attempts = [];
  const clock = new FakeClock();
  const good = () => answer([token('a'), new Error('cut')]);
  const { fetch } = fakeFetch(refuse(503), refuse(503), good, refuse(503), good, () => answer([DONE]));
  const stream = streamSSE('/', null, { onRetry: ({ attempt }) => void attempts.push(attempt) }, undefined, { fetch, clock, maxRetries: 2 });
  await clock.advance(1e6);
  assert.equal((await stream).retries, 5);
  assert.deepEqual(attempts, [1, 2, 1, 2, 1]);
});

test('a connection that stood for 10 s starts the count again, though nothing but heartbeats came', async () => {
  const clock = new FakeClock();
  /** @type {number[]} */
  const attempts = [];
  const standing = () => answer([': hi\n', clockPasses(clock, 11_000), ': hi\n', new Error('cut')]);
  const { fetch } = fakeFetch(refuse(503), standing, () => answer([DONE]));
  const stream = streamSSE('/', null, { onRetry: ({ attempt }) => void attempts.push(attempt) }, undefined, { fetch, clock });
  await clock.advance(1e6);
  await stream;
  assert.deepEqual(attempts, [1, 1]);
});

/** @param {FakeClock} clock @param {number} ms */
const clockPasses = (clock, ms) => new Promise((resolve) => void clock.setTimeout(() => resolve(undefined), ms));

test('a POST that began to answer is never sent again, whatever broke it', async () => {
  for (const broken of [[token('a'), new Error('cut')], [new Error('cut')], [': heartbeat\n\n', new Error('cut')]]) {
    const { fetch, requests } = fakeFetch(() => answer(broken), () => answer([DONE]));
    await assert.rejects(streamSSE('/', {}, {}, undefined, { fetch, retryDelay: 0 }), SSENetworkError);
    assert.equal(requests.length, 1);
  }
});

test('an idempotency key allows it until the first event; after that, event ids must say where to go on', async () => {
  const options = { idempotencyKey: 'k', retryDelay: 0 };
  const none = fakeFetch(() => answer([new Error('cut')]), () => answer([DONE]));
  await streamSSE('/', {}, {}, undefined, { ...options, fetch: none.fetch });
  assert.equal(none.requests.length, 2);

  const plain = fakeFetch(() => answer([token('a'), new Error('cut')]), () => answer([DONE]));
  await assert.rejects(streamSSE('/', {}, {}, undefined, { ...options, fetch: plain.fetch }), SSENetworkError);

  const numbered = fakeFetch(() => answer([`id: ä7\n${token('a')}`, new Error('cut')]), () => answer([DONE]));
  await streamSSE('/', {}, {}, undefined, { ...options, fetch: numbered.fetch });
  const sent = numbered.requests[1]?.headers.get('last-event-id') ?? '';
  assert.equal(Buffer.from(sent, 'latin1').toString(), 'ä7', 'as UTF-8');
});

test('the wait can be ended by hand', async () => {
  const clock = new FakeClock();
  const { fetch } = fakeFetch(refuse(503, { 'retry-after': '60' }), () => answer([DONE]));
  /** @type {RetryInfo | undefined} */
  let info;
  const stream = streamSSE('/', {}, { onRetry: (retry) => void (info = retry) }, undefined, { fetch, clock });
  await clock.advance(10);
  assert.equal(info?.delay, 60_000);
  info?.now();
  assert.equal((await stream).outcome, 'done');
});

test('time-outs fall at their time, not before', async () => {
  const never = new Promise(() => {});
  /** @type {[ms: number, options: StreamOptions, how: () => Response | Promise<any>, phase: string][]} */
  const table = [
    [15_000, {}, () => never, 'connect'],
    [500, { connectTimeout: 500 }, () => never, 'connect'],
    [45_000, {}, () => answer([never]), 'idle'],
    [9000, { timeout: 9000 }, () => answer([never]), 'idle'],
    [9000, { idleTimeout: 9000, timeout: 1 }, () => answer([never]), 'idle'],
    [700, { totalTimeout: 700 }, () => never, 'total'],
  ];
  for (const [ms, options, how, phase] of table) {
    const clock = new FakeClock();
    const { fetch } = fakeFetch(how);
    let ended = '';
    streamSSE('/', {}, {}, undefined, { fetch, clock, ...options }).catch((error) => (ended = `${error.name} ${error.phase} ${error.timeout}`));
    await clock.advance(ms - 1);
    assert.equal(ended, '', `${phase} at ${ms} ms`);
    await clock.advance(1);
    assert.equal(ended, `SSETimeoutError ${phase} ${ms}`);
    await settle();
    assert.equal(clock.pending, 0, 'no timer stays');
  }
});

test('0 turns a time-out off', async () => {
  const clock = new FakeClock();
  const { fetch } = fakeFetch(() => answer([clockPasses(clock, 3e9), DONE]));
  const stream = streamSSE('/', {}, {}, undefined, { fetch, clock, connectTimeout: 0, idleTimeout: 0, staleAfter: 0 });
  await clock.advance(4e9);
  assert.equal((await stream).outcome, 'done');
});

test('what a callback takes is not silence of the server', async () => {
  const clock = new FakeClock();
  const { fetch } = fakeFetch(() => answer([token('a'), token('b'), DONE]));
  const callbacks = { onToken: () => /** @type {Promise<void>} */ (clockPasses(clock, 60_000)) };
  const stream = streamSSE('/', {}, callbacks, undefined, { fetch, clock, idleTimeout: 1000 });
  await clock.advance(1e6);
  assert.equal((await stream).outcome, 'done');
});
