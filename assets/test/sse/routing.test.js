/** Which callback gets what, and how the end is told. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { streamSSE } from '../../sse/client.js';
import { answer, fakeFetch } from './fake.js';

/** @import { StreamResult } from '../../sse/client.js' */

/**
 * @param {string} stream
 * @param {object} [options]
 * @returns {Promise<unknown[]>} the callbacks' names and values, and how it ended
 */
async function seen(stream, options) {
  /** @type {unknown[]} */
  const calls = [];
  const names = ['onStage', 'onToken', 'onSources', 'onQualityScore', 'onFollowUps', 'onMetadata'];
  const callbacks = Object.fromEntries(names.map((name) => [name, (/** @type {unknown} */ value) => void calls.push([name, value])]));
  try {
    const { outcome } = await streamSSE('/', {}, callbacks, undefined, { fetch: fakeFetch(() => answer([stream])).fetch, ...options });
    return [...calls, outcome];
  } catch (error) {
    return [...calls, /** @type {Error} */ (error).message];
  }
}

const json = (/** @type {unknown} */ value) => `data: ${JSON.stringify(value)}\n\n`;
const DONE = 'data: [DONE]\n\n';

test('each key has its callback, and a value is a value, though it be false', async () => {
  const sources = [{ chunk_id: 'c1', document_name: 'doc.pdf', text: 'text', score: 0.95 }];
  const stream = [
    { stage: 'retrieval' },
    { sources },
    { token: '' },
    { token: 'a', metadata: null },
    { quality_score: 0 },
    { quality_score: null },
    { follow_up_questions: [] },
    { metadata: false },
  ];
  assert.deepEqual(await seen(stream.map(json).join('') + DONE), [
    ['onStage', 'retrieval'],
    ['onSources', sources],
    ['onToken', ''],
    ['onToken', 'a'],
    ['onMetadata', null],
    ['onQualityScore', 0],
    ['onQualityScore', null],
    ['onFollowUps', []],
    ['onMetadata', false],
    'done',
  ]);
});

test('what is no JSON object is left to onEvent, and counted', async () => {
  /** @type {unknown[]} */
  const events = [];
  const stream = 'data: null\n\ndata: 7\n\ndata: "token"\n\ndata: {"token"\n\ndata\n\nevent: __proto__\ndata: {}\n\ndata: {"constructor":1}\n\n';
  const { fetch } = fakeFetch(() => answer([stream + DONE]));
  const result = await streamSSE('/', {}, { onEvent: ({ event }, value) => void events.push([event, value]) }, undefined, { fetch });
  assert.deepEqual(events, [
    ['message', null],
    ['message', 7],
    ['message', 'token'],
    ['message', undefined],
    ['message', undefined],
    ['__proto__', {}],
    ['message', { constructor: 1 }],
    ['message', undefined],
  ]);
  assert.equal(result.ignored, 5);
  assert.equal(result.events, 8);
});

for (const [name, end] of Object.entries({
  'OpenAI chat': DONE,
  Anthropic: 'event: message_stop\ndata: {"type":"message_stop"}\n\n',
  'Anthropic without names': 'data: {"type":"message_stop"}\n\n',
  'OpenAI Responses': 'event: response.completed\ndata: {"type":"response.completed","response":{"error":null}}\n\n',
  'OpenAI Responses, cut by its own limit': 'data: {"type":"response.incomplete"}\n\n',
  Cohere: 'data: {"type":"message-end"}\n\n',
}))
  test(`the end mark of ${name}`, async () => assert.deepEqual(await seen(end + json({ token: 'after' })), ['done']));

for (const [name, error, message] of [
  ['a text', json({ error: 'Out of tokens' }), 'Out of tokens'],
  ['an object', json({ error: { message: 'Out of tokens', type: 'x' } }), 'Out of tokens'],
  ['an object without a message', json({ error: { code: 7 } }), 'The server reported an error'],
  ['an empty text', json({ error: '' }), 'The server reported an error'],
  ['event: error with text', 'event: error\ndata: Out of tokens\n\n', 'Out of tokens'],
  ['event: error, Responses', 'event: error\ndata: {"type":"error","message":"Out of tokens"}\n\n', 'Out of tokens'],
  ['response.failed', json({ type: 'response.failed', response: { error: { message: 'Out of tokens' } } }), 'Out of tokens'],
])
  test(`an error as ${name}`, async () => assert.deepEqual(await seen(error + DONE), [message]));

test('"error": null is no error', async () =>
  assert.deepEqual(await seen(json({ error: null, token: 'a' }) + DONE), [['onToken', 'a'], 'done']));

test('another end mark can be named', async () => {
  const isDone = (/** @type {unknown} */ _, /** @type {any} */ value) => value?.finish === true;
  assert.deepEqual(await seen(json({ finish: true }) + json({ token: 'a' }), { isDone }), ['done']);
});

test('the result says what came', async () => {
  /** @type {StreamResult[]} */
  const completed = [];
  const stream = `id: 7\n${json({ token: 'a' })}`;
  const { fetch } = fakeFetch(() => answer([stream]));
  const result = await streamSSE('/', {}, { onComplete: (end) => void completed.push(end) }, undefined, { fetch });
  assert.deepEqual(result, { outcome: 'eof', truncated: true, events: 1, bytes: stream.length, ignored: 0, retries: 0, lastEventId: '7' });
  assert.deepEqual(completed, [result]);
});

test('other routes replace those of the chat, and without any there is `onEvent`', async () => {
  const stream = json({ token: 'a', percent: 40, step: 'copy' }) + DONE;
  /** @type {unknown[]} */
  const calls = [];
  const callbacks = {
    onToken: () => void calls.push('token'),
    onPercent: (/** @type {number} */ percent) => void calls.push(percent),
    onStep: (/** @type {string} */ step) => void calls.push(step),
    onEvent: () => void calls.push('event'),
  };
  await streamSSE('/', {}, callbacks, undefined, { fetch: fakeFetch(() => answer([stream])).fetch, routes: { step: 'onStep', percent: 'onPercent' } });
  assert.deepEqual(calls, ['event', 'copy', 40, 'event']);
  calls.length = 0;
  await streamSSE('/', {}, callbacks, undefined, { fetch: fakeFetch(() => answer([stream])).fetch, routes: {} });
  assert.deepEqual(calls, ['event', 'event']);
});
