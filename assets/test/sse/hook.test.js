/** The store under the hook; the hook itself is seen in the browser, with React. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { createStreamStore } from '../../sse/use-sse-stream.js';
import { answer, fakeFetch, settle } from './fake.js';

const never = new Promise(() => {});
const token = 'data: {"token":"a"}\n\n';
const DONE = 'data: [DONE]\n\n';

/** @param {ReturnType<typeof createStreamStore>} store */
function statuses(store) {
  /** @type {string[]} */
  const seen = [];
  store.subscribe(() => seen.push(store.getSnapshot().status));
  return seen;
}

test('a stream from start to end', async () => {
  const store = createStreamStore();
  const seen = statuses(store);
  const { fetch } = fakeFetch(() => new Response('', { status: 503 }), () => answer([token, DONE]));
  const end = await store.startStream('/', {}, {}, { fetch, retryDelay: 0 });
  assert.equal(end.status, 'done');
  assert.deepEqual(seen, ['connecting', 'waiting', 'streaming', 'done']);
  assert.equal(store.getSnapshot().attempt, 1);
});

test('a cut, a failure and a stop are told apart, and none of them rejects', async () => {
  const store = createStreamStore();
  const cut = await store.startStream('/', {}, {}, { fetch: fakeFetch(() => answer([token])).fetch });
  assert.equal(cut.status, 'truncated');

  const failed = await store.startStream('/', {}, {}, { fetch: fakeFetch(() => new Response('', { status: 400 })).fetch });
  assert.equal(failed.status, 'error');
  assert.match(String(store.getSnapshot().error), /SSEHttpError/);

  const stopped = store.startStream('/', {}, { onError: () => assert.fail('told') }, { fetch: fakeFetch(() => answer([token, never])).fetch });
  await settle();
  store.stopStream('enough');
  assert.deepEqual(await stopped, { status: 'stopped', reason: 'enough' });
  assert.deepEqual(store.getSnapshot(), { status: 'stopped', error: undefined, attempt: 0 });
});

test('a stream that was superseded has no say any more', async () => {
  const store = createStreamStore();
  let late = 0;
  const callbacks = { onToken: () => void late++, onError: () => void late++, onComplete: () => void late++ };
  /** @type {(value?: unknown) => void} */
  let release = () => {};
  const held = new Promise((resolve) => (release = resolve));
  const first = store.startStream('/', {}, callbacks, { fetch: fakeFetch(() => answer([held, token, DONE])).fetch });
  await settle();
  const second = store.startStream('/', {}, {}, { fetch: fakeFetch(() => answer([never])).fetch });
  assert.equal((await first).status, 'stopped');
  release();
  await settle();
  assert.equal(late, 0);
  assert.equal(store.getSnapshot().status, 'streaming');
  store.stopStream();
  await second;
});

test('stopping when nothing runs changes nothing', () => {
  const store = createStreamStore();
  const seen = statuses(store);
  store.stopStream();
  assert.deepEqual(seen, []);
});

test('an exception of a callback is told as the error', async () => {
  const store = createStreamStore();
  const bug = new RangeError('mine');
  const end = await store.startStream('/', {}, { onToken: () => { throw bug; } }, { fetch: fakeFetch(() => answer([token])).fetch });
  assert.deepEqual(end, { status: 'error', error: bug });
});
