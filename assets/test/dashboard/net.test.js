import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Api, isGivenUp } from '../../dashboard/net/api.js';
import { Connection } from '../../dashboard/net/connection.js';
import { Poller } from '../../dashboard/net/poller.js';
import { FakeClock, settle } from '../sse/fake.js';

/** An answer that is a stream, written to by hand. */
function stream() {
  /** @type {ReadableStreamDefaultController<Uint8Array> | undefined} */
  let controller;
  let cancelled = false;
  const body = new ReadableStream({
    start: (it) => void (controller = it),
    cancel: () => void (cancelled = true),
  });
  return {
    response: new Response(body, { headers: { 'content-type': 'text/event-stream; charset=utf-8' } }),
    /** @param {string} text */
    async send(text) {
      controller?.enqueue(new TextEncoder().encode(text));
      await settle();
    },
    async close() {
      controller?.close();
      await settle();
    },
    get cancelled() {
      return cancelled;
    },
  };
}

/** @param {number} status @param {unknown} json @param {Record<string, string>} [headers] */
const json = (status, json, headers = {}) => () => new Response(JSON.stringify(json), { status, headers: { 'content-type': 'application/json', ...headers } });

/** @param {(() => Response)[]} answers one for each try; where there is none, nobody answers */
function connecting(answers) {
  const clock = new FakeClock();
  const states = /** @type {string[]} */ ([]);
  const asked = /** @type {Headers[]} */ ([]);
  const events = /** @type {string[]} */ ([]);
  let heard = 0;
  let key = false;
  let alive = true;
  /** @type {any} */
  let verdict = { kind: 'taken' };
  const connection = new Connection({
    url: () => 'http://server/stream', headers: () => ({ authorization: 'Bearer k', 'last-event-id': 'e1-4' }), hasKey: () => key, now: clock.now, random: () => 0.5, clock,
    onOpen: () => {}, onHeard: () => (heard += 1), answers: async () => alive,
    onEvent: (event) => {
      events.push(event.event);
      return event.event === 'disabled' ? { kind: 'disabled', hint: { message: 'off', suggestion: '' } } : verdict;
    },
    onState: (state) => states.push(state.name),
    fetch: async (_, init) => {
      asked.push(new Headers(init?.headers));
      const answer = answers.shift();
      if (!answer) throw new TypeError('Failed to fetch');
      return answer();
    },
  });
  return {
    connection, clock, states, asked, events,
    /** Read anew each time. */
    state: () => connection.state,
    get heard() {
      return heard;
    },
    /** @param {boolean} has */
    setKey: (has) => (key = has),
    /** @param {boolean} answers */
    setAlive: (answers) => (alive = answers),
    /** @param {any} next */
    setVerdict: (next) => (verdict = next),
    async look() {
      connection.wish({ visible: true, here: true });
      await settle();
    },
  };
}

describe('the connection', () => {
  it('is made only while the page is seen and the list is shown', async () => {
    const { response } = stream();
    const it = connecting([() => response]);
    it.connection.wish({ visible: true });
    assert.deepEqual([it.state(), it.asked.length], [{ name: 'paused', why: 'elsewhere' }, 0]);
    it.connection.wish({ visible: false, here: true });
    assert.deepEqual([it.state(), it.asked.length], [{ name: 'paused', why: 'hidden' }, 0]);
    await it.look();
    assert.equal(it.state().name, 'live');
    assert.equal(it.asked[0]?.get('authorization'), 'Bearer k');
    assert.equal(it.asked[0]?.get('last-event-id'), 'e1-4');
  });

  it('is given up as soon as nobody looks, and made again', async () => {
    const first = stream();
    const second = stream();
    const it = connecting([() => first.response, () => second.response]);
    await it.look();
    it.connection.wish({ visible: false });
    await settle();
    assert.equal(first.cancelled, true);
    await first.send('event: update\ndata: {}\n\n').catch(() => {});
    assert.deepEqual(it.events, [], 'what comes late is not taken');
    await it.look();
    await second.send('event: update\ndata: {}\n\n');
    assert.deepEqual(it.events, ['update']);
  });

  it('is tried again after 750 ms x 1.6^n', async () => {
    const it = connecting([]);
    await it.look();
    for (const expected of [1200, 1920, 3072, 4915, 7864, 12_583, 20_133, 30_000, 30_000]) {
      const { state } = it.connection;
      assert.ok(state.name === 'waiting');
      assert.equal(state.untilMs - it.clock.now(), expected);
      await it.clock.advance(expected);
    }
    assert.equal(it.asked.length, 10);
  });

  it('is tried at once when asked', async () => {
    const { response } = stream();
    const it = connecting([json(502, {}), () => response]);
    await it.look();
    assert.equal(it.state().name, 'waiting');
    it.connection.retry();
    await settle();
    assert.equal(it.state().name, 'live');
  });

  it('is doubted after five silent seconds in which answers stream, and made anew where the server does not answer', async () => {
    const first = stream();
    const second = stream();
    const it = connecting([() => first.response, () => second.response]);
    await it.look();
    await it.clock.advance(4900);
    it.connection.watch(true);
    await settle();
    assert.equal(it.state().name, 'live');
    await it.clock.advance(200);
    it.connection.watch(false);
    await settle();
    assert.equal(it.state().name, 'live', 'nothing streams, nothing need come');
    it.connection.watch(true);
    await settle();
    assert.equal(it.state().name, 'live', 'the server answers');
    it.setAlive(false);
    await it.clock.advance(5000);
    it.states.length = 0;
    it.connection.watch(true);
    await settle();
    await settle();
    assert.deepEqual(it.states, ['stale', 'connecting', 'connecting', 'connecting', 'live']);
    assert.equal(first.cancelled, true);
    assert.equal(it.asked.length, 2);
  });

  it('is made anew where the server answers and the stream stays silent', async () => {
    const it = connecting([() => stream().response, () => stream().response]);
    await it.look();
    await it.clock.advance(15_000);
    it.connection.watch(true);
    await settle();
    assert.deepEqual([it.state().name, it.asked.length], ['live', 2]);
  });

  it('waits as long as a full server asks, and then tries again', async () => {
    const { response } = stream();
    const it = connecting([json(503, { error: { type: 'too_many_subscribers', message: 'Too many' } }, { 'retry-after': '5' }), () => response]);
    await it.look();
    const { state } = it.connection;
    assert.ok(state.name === 'waiting');
    assert.deepEqual([state.untilMs - it.clock.now(), state.cause], [5000, 'Too many']);
    await it.clock.advance(5000);
    assert.equal(it.state().name, 'live');
  });

  it('ends in polling, with the server’s words, where the stream is switched off', async () => {
    const it = connecting([json(503, { disabled: true, message: 'SSE is off', suggestion: 'Set it' })]);
    await it.look();
    assert.deepEqual(it.state(), { name: 'polling', hint: { message: 'SSE is off', suggestion: 'Set it' } });
    await it.clock.advance(600_000);
    assert.equal(it.asked.length, 1, 'and does not ask again and again');
  });

  it('ends in polling after a disabled event', async () => {
    const { response, send } = stream();
    const it = connecting([() => response]);
    await it.look();
    await send('event: disabled\ndata: {"disabled":true}\n\n');
    await settle();
    assert.deepEqual(it.state(), { name: 'polling', hint: { message: 'off', suggestion: '' } });
  });

  it('ends in polling where there is no such path, and says what the server said', async () => {
    const it = connecting([json(404, { error: { message: 'Nothing is here' } })]);
    await it.look();
    assert.deepEqual(it.state(), { name: 'polling', hint: { message: 'Nothing is here', suggestion: '' } });
  });

  it('is tried again by whoever comes back to a page that polls', async () => {
    const { response } = stream();
    const it = connecting([json(503, { disabled: true }), () => response]);
    await it.look();
    it.connection.wish({ here: false });
    await it.look();
    assert.equal(it.state().name, 'live');
  });

  it('wants a key, says when the one it has is refused, and goes on with a new one', async () => {
    const { response } = stream();
    const it = connecting([json(401, {}), json(401, {}), () => response]);
    await it.look();
    assert.deepEqual(it.state(), { name: 'locked', refused: false });
    await it.clock.advance(600_000);
    assert.equal(it.asked.length, 1);
    it.setKey(true);
    it.connection.retry();
    await settle();
    assert.deepEqual(it.state(), { name: 'locked', refused: true });
    it.connection.retry();
    await settle();
    assert.equal(it.state().name, 'live');
  });

  it('is made anew, at once, when a message was missed', async () => {
    const first = stream();
    const second = stream();
    const it = connecting([() => first.response, () => second.response]);
    await it.look();
    it.setVerdict({ kind: 'resync' });
    await first.send('event: delta\ndata: {}\n\n');
    await settle();
    assert.deepEqual([first.cancelled, it.asked.length, it.state().name], [true, 2, 'live']);
  });

  it('is silent after 45 s without a byte, alive with a heartbeat, and given up after 75 s', async () => {
    const { response, send } = stream();
    const it = connecting([() => response]);
    await it.look();
    await it.clock.advance(44_000);
    await send(': heartbeat\n\n');
    assert.equal(it.heard, 1);
    await it.clock.advance(44_000);
    assert.equal(it.state().name, 'live');
    await it.clock.advance(2000);
    assert.equal(it.state().name, 'stale');
    assert.equal(it.connection.connected, true);
    await send(': heartbeat\n\n');
    assert.equal(it.state().name, 'live');
    await it.clock.advance(76_000);
    assert.notEqual(it.state().name, 'live');
  });

  it('is tried again when the server closes it', async () => {
    const first = stream();
    const second = stream();
    const it = connecting([() => first.response, () => second.response]);
    await it.look();
    await first.send('event: update\ndata: {}\n\n');
    await first.close();
    assert.equal(it.state().name, 'waiting');
    await it.clock.advance(1200);
    assert.equal(it.state().name, 'live');
  });

  it('can be switched off and on', async () => {
    const first = stream();
    const second = stream();
    const it = connecting([() => first.response, () => second.response]);
    await it.look();
    it.connection.wish({ enabled: false });
    await settle();
    assert.deepEqual([it.state().name, it.connection.connected, first.cancelled], ['off', false, true]);
    it.connection.wish({ enabled: true });
    await settle();
    assert.equal(it.connection.connected, true);
  });
});

describe('the poller', () => {
  function polling() {
    const clock = new FakeClock();
    let busy = false;
    let done = 0;
    const poller = new Poller({
      intervalMs: 5000, busy: () => busy, setTimeout: clock.setTimeout, clearTimeout: (id) => clock.clearTimeout(Number(id)),
      task: async () => void (done += 1),
    });
    return {
      poller, clock,
      /** @param {boolean} is */
      setBusy: (is) => (busy = is),
      get done() {
        return done;
      },
    };
  }

  it('does its task at once, and then every interval', async () => {
    const it = polling();
    it.poller.set(true);
    await settle();
    assert.equal(it.done, 1);
    await it.clock.advance(15_000);
    assert.equal(it.done, 4);
    it.poller.set(false);
    await it.clock.advance(60_000);
    assert.equal(it.done, 4);
  });

  it('waits while the operator is busy', async () => {
    const it = polling();
    it.poller.set(true);
    await settle();
    it.setBusy(true);
    await it.clock.advance(30_000);
    assert.equal(it.done, 1);
    it.setBusy(false);
    await it.clock.advance(500);
    assert.equal(it.done, 2);
  });

  it('counts the interval from a refresh by hand', async () => {
    const it = polling();
    it.poller.set(true);
    await settle();
    await it.clock.advance(4000);
    await it.poller.now();
    await it.clock.advance(4000);
    assert.equal(it.done, 2);
    await it.clock.advance(1000);
    assert.equal(it.done, 3);
  });
});

describe('asking the monitor', () => {
  /** @param {(signal: AbortSignal | null | undefined) => Response | Promise<Response>} answer */
  function asking(answer) {
    /** @type {Map<string, string>} */
    const kept = new Map();
    const asked = /** @type {[string, Headers][]} */ ([]);
    const api = new Api({
      base: 'http://server/metrics/',
      session: { getItem: (name) => kept.get(name) ?? null, setItem: (name, value) => void kept.set(name, value), removeItem: (name) => void kept.delete(name) },
      fetch: async (url, init) => {
        asked.push([String(url), new Headers(init?.headers)]);
        return answer(init?.signal);
      },
    });
    return { api, asked };
  }

  it('sends the key as a header, never in the address', async () => {
    const { api, asked } = asking(json(200, { a: 1 }, { etag: 'W/"e1-2"' }));
    assert.equal(api.hasKey, false);
    api.setKey('s3cret');
    assert.deepEqual(await api.get('logs'), { json: { a: 1 }, etag: 'W/"e1-2"' });
    assert.deepEqual([asked[0]?.[0], asked[0]?.[1].get('authorization')], ['http://server/metrics/logs', 'Bearer s3cret']);
    api.setKey('');
    await api.get('logs');
    assert.equal(asked[1]?.[1].has('authorization'), false);
  });

  it('gives up what was asked with another key', async () => {
    const { api, asked } = asking((signal) => new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason))));
    api.setKey('wrong');
    const refused = assert.rejects(api.get('logs'), isGivenUp);
    api.setKey('s3cret');
    await refused;
    void api.get('logs').catch(() => {});
    assert.deepEqual(asked.map(([, headers]) => headers.get('authorization')), ['Bearer wrong', 'Bearer s3cret']);
  });

  it('tells a refusal from an answer, in the server’s words', async () => {
    await assert.rejects(asking(json(401, { error: { message: 'A key is needed' } })).api.get('logs'), { name: 'ApiError', status: 401, message: 'A key is needed' });
    await assert.rejects(asking(json(500, {})).api.get('logs'), { status: 500, message: 'logs answered 500' });
    await assert.rejects(asking(() => new Response('<html>login</html>')).api.get('logs'), { message: 'logs answered 200 with something that is not JSON' });
  });
});
