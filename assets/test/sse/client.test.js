/** The client in node, against a real server that misbehaves. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import * as sse from '../../sse/index.js';
import { startServer } from './misbehaving-server.js';
import { observer, SCENARIOS, sleep } from './scenarios.js';

/** @type {Awaited<ReturnType<typeof startServer>>} */
let server;
before(async () => void (server = await startServer()));
after(() => server.close());

for (const { name, run, expected } of SCENARIOS)
  test(name, { timeout: 20_000 }, async () => assert.deepEqual(await run(observer(sse, server.url), sse), expected));

test('the request is JSON and asks for an event stream', async () => {
  await sse.streamSSE(`${server.url}/good?key=request`, { message: 'é', session_id: 's' }, {}, undefined, {
    headers: { 'x-api-key': 'k' },
    idempotencyKey: 'once',
  });
  const [{ request, body } = assert.fail('no request')] = server.of('request');
  assert.equal(request.method, 'POST');
  assert.equal(request.headers['content-type'], 'application/json');
  assert.equal(request.headers.accept, 'text/event-stream');
  assert.equal(request.headers['x-api-key'], 'k');
  assert.equal(request.headers['idempotency-key'], 'once');
  assert.deepEqual(JSON.parse(body), { message: 'é', session_id: 's' });
});

test('the server sees that the client left within 100 ms', async () => {
  const controller = new AbortController();
  const stream = sse.streamSSE(`${server.url}/hang-in-stream?key=left`, {}, {}, controller.signal);
  while (!server.of('left').length) await sleep(5);
  await sleep(20);
  const left = Date.now();
  controller.abort();
  await assert.rejects(stream, { name: 'AbortError' });
  const [{ closed } = assert.fail('no request')] = server.of('left');
  assert.ok((await closed) - left < 100);
});

test('a callback that throws makes the server stop as well', async () => {
  const stream = sse.streamSSE(`${server.url}/flood?key=bug`, {}, { onToken: () => assert.fail('a bug') });
  await assert.rejects(stream, { message: 'a bug' });
  const [{ closed } = assert.fail('no request')] = server.of('bug');
  await closed;
});

test('the connection is used again after an end that was announced', async () => {
  for (let i = 0; i < 3; i++) {
    await sse.streamSSE(`${server.url}/good?key=again`, {});
    await sleep(20);
  }
  const ports = server.of('again').map(({ request }) => request.socket.remotePort);
  assert.equal(new Set(ports).size, 1);
});

test('a server that stays on after [DONE] is left', async () => {
  await sse.streamSSE(`${server.url}/open-after-done?key=stays`, {});
  const [{ closed, at } = assert.fail('no request')] = server.of('stays');
  assert.ok((await closed) - at < 1000);
});

test('a slow callback slows the server: what is in between is bounded', async () => {
  const controller = new AbortController();
  let tokens = 0;
  const stream = sse.streamSSE(
    `${server.url}/flood?key=slow`,
    {},
    {
      onToken: async () => {
        tokens += 1;
        await sleep(5);
      },
    },
    controller.signal,
  );
  await sleep(600);
  const [{ request } = assert.fail('no request')] = server.of('slow');
  const before = request.socket.bytesWritten;
  await sleep(300);
  const sent = request.socket.bytesWritten;
  controller.abort();
  await assert.rejects(stream);
  assert.ok(tokens < 300, `${tokens} tokens`);
  // The sockets' buffers of both sides hold megabytes; without back-pressure it would be hundreds.
  assert.ok(sent < 32 * 1024 * 1024, `${sent} bytes`);
  assert.ok(sent - before < 4 * 1024 * 1024, `${sent - before} more bytes while the callback took its time`);
});

test('states are told as they change, the last one once', async () => {
  /** @type {string[]} */
  const states = [];
  await sse.streamSSE(
    `${server.url}/status?code=503&times=1&key=states`,
    {},
    { onStateChange: (state) => states.push(state) },
    undefined,
    { retryDelay: 1 },
  );
  assert.deepEqual(states, ['connecting', 'waiting', 'connecting', 'open', 'closed']);
});

test('a stream without bytes becomes stale, and open again with the next', async () => {
  /** @type {string[]} */
  const states = [];
  await sse.streamSSE(`${server.url}/heartbeats?n=2&ms=80&key=stale`, {}, { onStateChange: (state) => states.push(state) }, undefined, {
    staleAfter: 40,
  });
  assert.deepEqual(states.slice(0, 4), ['connecting', 'open', 'stale', 'open']);
  assert.equal(states.at(-1), 'closed');
});

test('no listener stays on a signal that lives long', async () => {
  const controller = new AbortController();
  let listeners = 0;
  const { signal } = controller;
  const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
  signal.addEventListener = (/** @type {any[]} */ ...args) => (listeners++, Reflect.apply(add, signal, args));
  signal.removeEventListener = (/** @type {any[]} */ ...args) => (listeners--, Reflect.apply(remove, signal, args));
  for (const path of ['/good', '/status?code=400', '/error-event', '/no-done'])
    await sse.streamSSE(`${server.url}${path}`, {}, {}, signal).catch(() => {});
  assert.equal(listeners, 0);
});

test('sseEvents ends the body of a loop that is left', async () => {
  const response = await fetch(`${server.url}/flood?key=loop`);
  for await (const { data } of sse.sseEvents(response)) {
    assert.match(data, /^{"token":"x+"}$/);
    break;
  }
  const [{ closed } = assert.fail('no request')] = server.of('loop');
  await closed;
});
