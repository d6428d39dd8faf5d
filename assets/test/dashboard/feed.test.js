import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ServerClock } from '../../dashboard/model/clock.js';
import { Feed } from '../../dashboard/model/feed.js';
import { Figures } from '../../dashboard/model/figures.js';
import { Stats } from '../../dashboard/model/stats.js';
import { progressOf } from './mock.js';
import { seeded, World } from './world.js';

const T0 = 1_701_234_568;

function listening() {
  const warnings = /** @type {string[]} */ ([]);
  let restarts = 0;
  let here = T0 * 1000;
  const stats = new Stats();
  const figures = new Figures();
  figures.lack();
  const clock = new ServerClock(() => here);
  const feed = new Feed({ clock, stats, figures, onRestart: () => (restarts += 1), warn: (message) => warnings.push(message) });
  let seq = 0;
  return {
    feed, stats, figures, clock, warnings,
    get restarts() {
      return restarts;
    },
    /** @param {number} ms */
    pass: (ms) => (here += ms),
    /** @param {unknown[]} rows @param {{ seq?: number, epoch?: string, at?: number }} [of] */
    update(rows, { seq: of = 0, epoch = 'e1', at = 0 } = {}) {
      seq = of;
      const json = { disabled: false, active_requests: rows, timestamp: T0 + at, seq };
      return feed.take({ event: 'update', data: JSON.stringify(json), id: `${epoch}-${seq}` }, json);
    },
    /** @param {Record<string, unknown>} delta @param {{ seq?: number, epoch?: string, at?: number }} [of] */
    delta(delta, { seq: of = seq + 1, epoch = 'e1', at = 1 } = {}) {
      seq = of;
      const json = { seq, started: [], changed: [], progressed: [], ended: [], ended_omitted: 0, timestamp: T0 + at, ...delta };
      return feed.take({ event: 'delta', data: JSON.stringify(json), id: `${epoch}-${seq}` }, json);
    },
  };
}

/** @param {string} id @param {Record<string, unknown>} [fields] */
const wire = (id, fields = {}) => ({ request_id: id, provider: 'openai', model: 'gpt-4o', start_time: T0 - 5, output_tokens: 0, ...fields });

describe('the feed', () => {
  it('shows what a snapshot shows, one row per id, the newer start winning', () => {
    const { feed, update } = listening();
    update([wire('a'), wire('b'), wire('a', { start_time: T0 - 1, model: 'newer' }), wire('a', { start_time: T0 - 3, model: 'older' })]);
    assert.deepEqual([...feed.store.rows.keys()], ['a', 'b']);
    assert.equal(feed.store.rows.get('a')?.model, 'newer');
    assert.equal(feed.store.active, 2);
  });

  it('skips malformed rows and entries, and keeps the others', () => {
    const { feed, update, delta, warnings } = listening();
    update([null, wire('a'), { provider: 'x' }, wire('b', { start_time: 'soon' }), 7]);
    assert.deepEqual([...feed.store.rows.keys()], ['a', 'b']);
    assert.equal(feed.store.rows.get('b')?.startMs, null);
    delta({ started: [{}], changed: [7, wire('a', { model: 'm2' })], progressed: [null, ['nobody'], 7], ended: ['x', [], [7]] });
    assert.equal(feed.store.rows.get('a')?.model, 'm2');
    assert.equal(warnings.length, 3 + 1 + 2 + 3);
  });

  it('skips an event that is no JSON or has another shape, and goes on', () => {
    const { feed, update, delta, warnings } = listening();
    update([wire('a')]);
    for (const json of [undefined, null, 7, [], {}, { active_requests: {} }]) {
      assert.equal(feed.take({ event: 'update', data: '', id: 'e1-1' }, json).kind, 'ignored');
      assert.equal(feed.take({ event: 'delta', data: '', id: 'e1-1' }, json).kind, 'ignored');
    }
    assert.equal(feed.take({ event: 'novelty', data: '', id: '' }, {}).kind, 'ignored');
    assert.equal(warnings.length, 12);
    assert.equal(delta({ started: [wire('b')] }).kind, 'taken');
    assert.equal(feed.store.active, 2);
  });

  it('goes on after the last delta, and asks anew when one was missed', () => {
    const { feed, update, delta } = listening();
    update([], { seq: 17 });
    assert.equal(delta({ started: [wire('a')] }).kind, 'taken');
    assert.equal(feed.lastEventId, 'e1-18');
    assert.equal(delta({}, { seq: 18 }).kind, 'ignored', 'seen already');
    assert.equal(delta({ started: [wire('b')] }, { seq: 20 }).kind, 'resync');
    assert.equal(feed.lastEventId, null);
    assert.equal(feed.store.active, 1, 'nothing was taken from it');
    assert.equal(update([wire('a'), wire('b')], { seq: 20 }).kind, 'taken');
    assert.equal(delta({ ended: [['a', 'completed', 200, 5, 1, 2, 'openai', 'gpt-4o', '/p']] }).kind, 'taken');
  });

  it('asks anew when a delta comes before any snapshot, or from another process', () => {
    const { update, delta } = listening();
    assert.equal(delta({}, { seq: 3 }).kind, 'resync');
    update([], { seq: 3 });
    assert.equal(delta({}, { seq: 4, epoch: 'e2' }).kind, 'resync');
  });

  it('lets an ended row stay with its outcome, for some seconds', () => {
    const { feed, update, delta } = listening();
    update([wire('a')]);
    delta({ ended: [['a', 'client_disconnect', 200, 1893, 150, 220, 'openai', 'gpt-4o', '/v1/chat/completions']] });
    const row = feed.store.rows.get('a');
    assert.deepEqual([row?.outcome, row?.durationMs, row?.output, row?.status, feed.store.active], ['client_disconnect', 1893, 220, 200, 0]);
    feed.store.expire((T0 + 1) * 1000 + 4999);
    assert.equal(feed.store.rows.size, 1);
    feed.store.expire((T0 + 1) * 1000 + 5000);
    assert.equal(feed.store.rows.size, 0);
  });

  it('takes the numbers of a whole answer, where it has an input, for what the provider counted', () => {
    const { feed, update, delta } = listening();
    update(['a', 'b', 'c'].map((id) => wire(id, { input_tokens: 0, usage_source: 'estimated' })));
    delta({ ended: [['a', 'completed', 200, 5, 150, 220], ['b', 'completed', 200, 5, 0, 220], ['c', 'client_disconnect', 200, 5, 150, 220]] });
    assert.deepEqual([...feed.store.rows.values()].map((row) => [row.id, row.usageSource]), [['a', 'reported'], ['b', 'estimated'], ['c', 'estimated']]);
  });

  it('takes the numbers that a request ended with', () => {
    const { feed, update, delta } = listening();
    update([wire('a', { input_tokens: 0, usage_source: 'estimated', cost_usd: 0.0001 })]);
    const rest = [200, 5, 150, 220, 'openai', 'gpt-4o', '/p', 4, null, 'reported', 64, 8, 30, 2, 900, 0.0042, 3, true];
    delta({ ended: [['a', 'completed', ...rest], ['z', 'completed', ...rest]] });
    for (const id of ['a', 'z']) {
      const { usageSource, cacheRead, cacheCreation, reasoning, toolCalls, bytes, cost, ttftMs, streaming } = /** @type {import('../../dashboard/types.js').Row} */ (feed.store.rows.get(id));
      assert.deepEqual([usageSource, cacheRead, cacheCreation, reasoning, toolCalls, bytes, cost, ttftMs, streaming], ['reported', 64, 8, 30, 2, 900, 0.0042, 3, true], id);
    }
  });

  it('shows what came and went inside one delta', () => {
    const { feed, update, delta, figures, clock } = listening();
    figures.see(T0 * 1000);
    update([]);
    delta({ ended: [['z', 'completed', 200, 40, 1, 2, 'Anthropic', 'sonnet', '/v1/messages']], ended_omitted: 9 });
    const row = feed.store.rows.get('z');
    assert.deepEqual([row?.qualified, row?.badge, row?.outcome, feed.store.active], ['Anthropic:sonnet', 'danger', 'completed', 0]);
    assert.equal(figures.read(clock.now(), 0)?.completed, 1);
  });

  it('keeps a pinned row after its end', () => {
    const { feed, update, delta } = listening();
    update([wire('a')]);
    feed.store.pin('a', true);
    delta({ ended: [['a', 'completed', 200, 5, 1, 2]] });
    feed.store.expire(Infinity);
    assert.equal(feed.store.rows.size, 1);
    feed.store.pin('a', false);
    feed.store.expire(Infinity);
    assert.equal(feed.store.rows.size, 0);
  });

  it('believes the server when the last byte came and who was waited for, and an older one reckons itself', () => {
    const { feed, update, delta } = listening();
    update([wire('a', { response_bytes: 9 }), wire('b', { response_bytes: 9, waiting_on: 'client' })]);
    delta({ ended: [['a', 'client_disconnect', 200, 20_000, 1, 2, 'openai', 'gpt-4o', '/p', 800, 'upstream'], ['b', 'client_disconnect', 200, 20_000, 1, 2, 'openai', 'gpt-4o', '/p']] });
    const [a, b] = ['a', 'b'].map((id) => feed.store.rows.get(id));
    assert.deepEqual([a?.lastByteMs, a?.waitingOn, b?.waitingOn], [800, 'upstream', 'client']);
    assert.equal(typeof b?.lastByteMs, 'number');
  });

  it('keeps a bounded number of ended rows, however many end', () => {
    const { feed, update, delta } = listening();
    update([]);
    for (let i = 0; i < 50; i++) delta({ ended: Array.from({ length: 100 }, (_, n) => [`r${i}-${n}`, 'completed', 200, 5, 1, 2]) });
    assert.equal(feed.store.rows.size, 300);
    assert.ok(feed.store.rows.has('r49-99'), 'the newest are kept');
  });

  it('begins anew when the server was restarted, and keeps only what is pinned', () => {
    const it = listening();
    it.update([wire('a'), wire('b')], { seq: 4 });
    it.feed.store.pin('b', true);
    it.update([wire('c')], { seq: 1, epoch: 'e2' });
    assert.equal(it.restarts, 1);
    assert.deepEqual([...it.feed.store.rows.keys()], ['b', 'c']);
    assert.equal(it.feed.store.rows.get('b')?.outcome, 'gone');
    assert.equal(it.feed.store.active, 1);
  });

  it('takes rows that a snapshot of the earlier format lacks for ended, if the last one was not long ago', () => {
    const { feed } = listening();
    /** @param {string[]} ids @param {number} at */
    const snapshot = (ids, at) => feed.snapshot({ active_requests: ids.map((id) => wire(id)), timestamp: T0 + at }, 'e1');
    snapshot(['a', 'b'], 0);
    snapshot(['a'], 2);
    assert.deepEqual([feed.store.rows.get('b')?.outcome, feed.store.active], ['gone', 1]);
    snapshot([], 300);
    assert.equal(feed.store.rows.has('a'), false, 'nobody knows when');
  });

  it('counts what happens, not what it is told about the past', () => {
    const { feed, stats, update, delta, clock } = listening();
    stats.tick(T0 * 1000);
    update([wire('a', { output_tokens: 5000 })]);
    delta({ started: [wire('b', { output_tokens: 10 })], progressed: [['a', 'streaming', 'upstream', 'estimated', 1, 5100, 0, 0, 0, 0, 9]] });
    stats.tick(clock.now());
    assert.deepEqual([stats.seconds.at(-1)?.tokens, stats.seconds.at(-1)?.started], [110, 1]);
    // Away for a while, and told what was missed.
    feed.opened();
    delta({ started: [wire('c')], progressed: [['a', 'streaming', 'upstream', 'estimated', 1, 9000, 0, 0, 0, 0, 9]] }, { at: 0.5 });
    stats.tick(clock.now() + 1000);
    assert.deepEqual([stats.seconds.at(-1)?.tokens, stats.seconds.at(-1)?.started], [0, 0]);
    assert.equal(feed.store.rows.get('a')?.output, 9000);
  });

  it('hands on the words of a server that has tracking off', () => {
    const { feed } = listening();
    const json = { disabled: true, message: 'm', suggestion: 's' };
    assert.deepEqual(feed.take({ event: 'disabled', data: '', id: '' }, json), { kind: 'disabled', hint: { message: 'm', suggestion: 's' } });
    assert.equal(feed.take({ event: 'disabled', data: '', id: '' }, undefined).kind, 'disabled');
  });

  it('holds the same rows as the server after any number of deltas', () => {
    const { feed, update, delta } = listening();
    const world = new World(11);
    const random = seeded(3);
    update(world.snapshot().active_requests);
    for (let round = 0; round < 300; round++) {
      for (let n = 0; n < 5; n++) {
        const ids = [...world.rows.keys()];
        const id = ids[Math.floor(random() * ids.length)] ?? '';
        const dice = random();
        if (dice < 0.35 || ids.length === 0) world.start();
        else if (dice < 0.5) world.change(id, { phase: 'streaming', resolved_model: `r${round}`, status: 200 });
        else if (dice < 0.8) world.progress(id, { output_tokens: Math.floor(random() * 500), phase: 'streaming' });
        else world.end(id);
      }
      const { started, changed, progressed, ended } = world.pending;
      world.pending = World.nothing();
      const rows = (/** @type {Iterable<string>} */ ids) => Array.from(ids, (id) => world.row(id)).filter(Boolean);
      delta({ started: rows(started), changed: rows(changed), progressed: Array.from(progressed, (id) => progressOf(world.rows.get(id) ?? {})), ended });
    }
    const there = world.snapshot().active_requests.map((row) => [row['request_id'], row['output_tokens'], row['resolved_model'], row['phase']]).sort();
    const here = [...feed.store.rows.values()].filter((row) => row.outcome === null).map((row) => [row.id, row.output, row.resolved, row.phase]).sort();
    assert.deepEqual(here, there);
    assert.equal(feed.store.active, there.length);
  });
});
