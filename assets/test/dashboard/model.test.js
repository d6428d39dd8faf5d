import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gridDelay, GRID_TRIES, reconnectDelay } from '../../dashboard/model/backoff.js';
import { ServerClock } from '../../dashboard/model/clock.js';
import * as format from '../../dashboard/model/format.js';
import { concernOf } from '../../dashboard/model/concern.js';
import { arrange, ATTENTION, DEFAULT_SORT, group, rank, resum } from '../../dashboard/model/order.js';
import { Pending } from '../../dashboard/model/pending.js';
import { readPlace, writePlace } from '../../dashboard/model/place.js';
import { readLogs } from '../../dashboard/model/records.js';
import { composition, readTotals } from '../../dashboard/model/totals.js';
import { ageOf, idleOf, progressRow, putOut, readRow, rereadRow, sampleRow, SPARK_POINTS } from '../../dashboard/model/row.js';
import { toCurl, toJson } from '../../dashboard/model/share.js';
import { Stats, WINDOW } from '../../dashboard/model/stats.js';
import { verdict } from '../../dashboard/model/verdict.js';
import { epochOf, epochOfEtag, readDisabled } from '../../dashboard/model/wire.js';

const NOW = 1_701_234_568_490;

/** @param {Record<string, unknown>} [fields] */
function row(fields = {}) {
  const made = readRow({ request_id: 'req_1', provider: 'openai', model: 'gpt-4o', qualified_model: 'openai:gpt-4o', start_time: NOW / 1000 - 12, ...fields }, NOW);
  assert.ok(made);
  return made;
}

describe('a row of the wire', () => {
  it('turns seconds into milliseconds, and takes milliseconds as they are', () => {
    assert.equal(row({ start_time: 1_701_234_567 }).startMs, 1_701_234_567_000);
    assert.equal(row({ start_time: 1_701_234_567_000 }).startMs, 1_701_234_567_000);
  });

  it('tells its start by the monotonic duration where there is one', () => {
    assert.equal(row({ start_time: 1_701_234_500, duration_ms: 1240 }).startMs, NOW - 1240);
  });

  for (const start of ['2023-11-29T05:09:27Z', '1701234567', null, undefined, NaN, -1, 0, {}, Infinity]) {
    it(`shows N/A for the start ${JSON.stringify(start) ?? start}, and keeps the rest`, () => {
      const it = row({ start_time: start, output_tokens: 7 });
      assert.equal(it.startMs, null);
      assert.equal(format.duration(ageOf(it, NOW)), 'N/A');
      assert.equal(it.output, 7);
    });
  }

  for (const wire of [null, 7, 'row', [], {}, { request_id: '' }, { request_id: 7 }, { id: 'req_1' }]) {
    it(`is none without an id: ${JSON.stringify(wire)}`, () => assert.equal(readRow(wire, NOW), null));
  }

  it('takes what is no number for nothing known', () => {
    const it = row({ input_tokens: '150', output_tokens: -3, tool_calls: NaN, status: 'ok', time_to_first_token_ms: '310' });
    assert.deepEqual([it.input, it.output, it.toolCalls, it.status, it.ttftMs], [0, 0, 0, null, null]);
  });

  it('never has a negative age', () => assert.equal(ageOf(row({ start_time: NOW / 1000 + 60 }), NOW), 0));

  it('reads one of the earlier system, which knows no phases', () => {
    const it = row({ is_streaming: true, input_tokens: 150, output_tokens: 200, resolved_model: 'gpt-4-0125-preview' });
    assert.deepEqual([it.badge, it.phase, it.resolved], ['primary', '', 'gpt-4-0125-preview']);
  });

  it('moves on by a progress entry', () => {
    const it = row();
    progressRow(it, ['req_1', 'streaming', 'client', 'estimated', 150, 212, 1, 2, 3, 4, 53110], NOW + 500);
    assert.deepEqual(
      [it.phase, it.waitingOn, it.usageSource, it.input, it.output, it.cacheRead, it.cacheCreation, it.reasoning, it.toolCalls, it.bytes, it.movedMs],
      ['streaming', 'client', 'estimated', 150, 212, 1, 2, 3, 4, 53110, NOW + 500],
    );
    progressRow(it, ['req_1', 'stalled', 'upstream', 'estimated', 150, 212, 1, 2, 3, 4, 53110], NOW + 9500);
    assert.equal(idleOf(it, NOW + 9500), 9000, 'a change of phase moves nothing');
  });

  it('is silent for as long as no byte came, however its estimate changes', () => {
    const it = row({ phase: 'stalled', usage_source: 'estimated', output_tokens: 181, response_bytes: 41_700, idle_ms: 16_000 });
    for (const [index, output] of [148, 164, 138, 121, 144, 190].entries()) {
      progressRow(it, ['req_1', 'stalled', 'upstream', 'estimated', 0, output, 0, 0, 0, 0, 41_700], NOW + 1000 * (index + 1));
    }
    assert.equal(idleOf(it, NOW + 6000), 22_000);
    rereadRow(it, { request_id: 'req_1', output_tokens: 102, response_bytes: 41_700, idle_ms: 23_000 }, NOW + 7000);
    assert.equal(idleOf(it, NOW + 7000), 23_000, 'the server says how long');
  });

  it('has no rate in the first second after its first token', () => {
    assert.equal(row({ duration_ms: 305, time_to_first_token_ms: 300, output_tokens_per_second: 114_000 }).rate, null);
    assert.equal(row({ duration_ms: 1300, time_to_first_token_ms: 300, output_tokens_per_second: 80 }).rate, 80);
  });

  it('has no rate where the stream has stopped', () => {
    assert.equal(row({ duration_ms: 9000, time_to_first_token_ms: 300, output_tokens_per_second: 80, idle_ms: 4000 }).rate, null);
    const it = row({ duration_ms: 9000, time_to_first_token_ms: 300, output_tokens_per_second: 80 });
    it.phase = 'stalled';
    sampleRow(it, 1, NOW);
    assert.equal(it.rate, null);
  });

  it('counts tokens per second, and no replaced estimate as negative', () => {
    const it = row({ output_tokens: 10 });
    const rates = [60, 60, 40, 60, 60, 60, 160].map((output) => {
      putOut(it, output);
      sampleRow(it, 1, NOW);
      return it.rate;
    });
    // The first sample is of a part of a second; 50 tokens of it are in the mean as long as it is one of five.
    assert.deepEqual(rates, [null, 25, 50 / 3, 12.5, 10, 0, 20]);
    for (let second = 0; second < 60; second++) sampleRow(it, 1, NOW);
    assert.deepEqual([it.rate, it.spark.length], [0, SPARK_POINTS]);
  });

  it('takes as the rate of a stream that is young the mean since its first token', () => {
    const it = row({ duration_ms: 0 });
    it.ttftMs = 700;
    const rates = [[1000, 12], [2000, 52], [3000, 92], [8000, 292]].map(([at = 0, output = 0], index) => {
      putOut(it, output);
      sampleRow(it, index < 3 ? 1 : 5, NOW + at);
      return it.rate;
    });
    assert.deepEqual(rates.map((rate) => rate && Math.round(rate)), [null, 40, 40, 40]);
  });
});

describe('how values read', () => {
  for (const [ms, text] of /** @type {[number | null, string][]} */ ([
    [null, 'N/A'], [NaN, 'N/A'], [0, '<1s'], [1, '<1s'], [999, '<1s'], [12_900, '12s'], [184_000, '3m 04s'], [7_500_000, '2h 05m'], [97_200_000, '1d 03h'],
  ])) it(`a duration of ${ms} ms as ${text}`, () => assert.equal(format.duration(ms), text));

  for (const [ms, text] of /** @type {[number | null, string][]} */ ([
    [null, '–'], [310.4, '310ms'], [999.9, '1.00s'], [1893, '1.89s'], [12_444, '12.4s'], [59_990, '59s'], [61_000, '1m 01s'],
  ])) it(`a latency of ${ms} ms as ${text}`, () => assert.equal(format.latency(ms), text));

  for (const [provider, badge] of [['openai', 'primary'], ['OpenAI', 'primary'], ['OPENROUTER', 'info'], ['Anthropic', 'danger'], ['poe', 'success'], ['groq', 'secondary'], ['', 'secondary'], ['constructor', 'secondary']]) {
    it(`the badge of “${provider}” as ${badge}`, () => assert.equal(format.badge(provider ?? ''), badge));
  }

  for (const [seconds, step] of [[0, 0], [4.9, 0], [5, 1], [20, 2], [120, 3], [600, 4], [1800, 5], [3600, 6], [99_999, 6]]) {
    it(`the dot after ${seconds} s in step ${step}`, () => assert.equal(format.recency((seconds ?? 0) * 1000), step));
  }

  it('tokens, and what is not known of them', () => {
    const inputs = /** @type {[number, string, string][]} */ ([[0, 'none', '–'], [0, 'estimated', '–'], [0, 'partial', '0'], [0, 'reported', '0'], [1234, 'estimated', '1,234']]);
    for (const [input, usageSource, text] of inputs) assert.equal(format.inputOf({ input, usageSource }), text);
    const outputs = /** @type {[number, string, string, string][]} */ ([
      [0, 'none', 'full', '0'], [0, 'none', 'none', '–'], [0, 'reported', 'none', '0'], [5, 'reported', 'none', '5'], [1234, 'estimated', 'full', '~1,234'], [7, 'partial', 'full', '~7'], [7, 'reported', 'full', '7'],
    ]);
    for (const [output, usageSource, observation, text] of outputs) assert.equal(format.outputOf({ output, usageSource, observation }), text);
  });

  it('sizes, shares and rates', () => {
    assert.deepEqual([format.bytes(512), format.bytes(51_200), format.bytes(3 * 1024 ** 2)], ['512 B', '50.0 KiB', '3.0 MiB']);
    assert.deepEqual([format.percent(0, 0), format.percent(0, 5), format.percent(1, 2000), format.percent(1, 80), format.percent(1, 2)], ['–', '0%', '< 0.1%', '1.3%', '50%']);
    assert.deepEqual([format.rate(null), format.rate(3.14), format.rate(1234.5)], ['–', '3.1', '1,235']);
  });

  it('times that are none', () => {
    assert.equal(format.iso(NaN), 'N/A');
    assert.equal(format.timeOfDay(8.64e15 + 1), 'N/A');
    assert.equal(format.dateTime(null), 'N/A');
  });
});

describe('the clock of the server', () => {
  it('is the one that came with the least delay', () => {
    let here = 1_000_000;
    const clock = new ServerClock(() => here);
    clock.observe(5_000_000 - 400);
    assert.equal(clock.now(), 4_999_600);
    here += 1000;
    clock.observe(5_001_000 - 20);
    assert.equal(clock.now(), 5_000_980);
    here += 1000;
    clock.observe(5_002_000 - 900);
    assert.equal(clock.now(), 5_001_980, 'a late message does not set it back');
  });

  it('follows a server whose clock was set', () => {
    const clock = new ServerClock(() => 0);
    clock.observe(10_000_000);
    clock.observe(6_400_000);
    assert.equal(clock.now(), 6_400_000);
  });
});

describe('waiting', () => {
  it('for a connection: 750 ms x 1.6^n, give or take a quarter, at least 250 ms, at most 30 s', () => {
    for (let attempt = 1; attempt < 30; attempt++) {
      const base = Math.min(30_000, 750 * 1.6 ** attempt);
      assert.equal(reconnectDelay(attempt, () => 0.5), Math.round(base));
      assert.ok(Math.abs(reconnectDelay(attempt, () => 0) - base * 0.75) <= 1);
      assert.ok(Math.abs(reconnectDelay(attempt, () => 0.999999) - Math.min(30_000, base * 1.25)) <= 1);
    }
    assert.equal(reconnectDelay(-20, () => 0), 250);
  });

  it('for the grid: 25 ms x 1.35^n, at most 250 ms', () => {
    assert.deepEqual([0, 1, 2, 7, 8, 100].map((tries) => Math.round(gridDelay(tries))), [25, 34, 46, 204, 250, 250]);
  });
});

describe('what waits for the grid', () => {
  /** @param {() => boolean} ready */
  function waiting(ready) {
    /** @type {{ run: () => void, ms: number } | null} */
    let timer = null;
    const applied = /** @type {number[]} */ ([]);
    const late = /** @type {boolean[]} */ ([]);
    const delays = /** @type {number[]} */ ([]);
    /** @type {Pending<number>} */
    const pending = new Pending({
      ready,
      apply: (value) => applied.push(value),
      onLate: (is) => late.push(is),
      setTimeout: (run, ms) => {
        timer = { run, ms };
        delays.push(ms);
        return timer;
      },
      clearTimeout: () => (timer = null),
    });
    const pass = () => {
      const due = timer;
      timer = null;
      due?.run();
    };
    return { pending, applied, late, delays, pass };
  }

  it('is given at once to a grid that is ready', () => {
    const { pending, applied, delays } = waiting(() => true);
    pending.offer(1);
    pending.offer(2);
    assert.deepEqual([applied, delays], [[1, 2], []]);
  });

  it('is the newest only, and never lost, however late the grid is', () => {
    let ready = false;
    const { pending, applied, late, delays, pass } = waiting(() => ready);
    pending.offer(1);
    for (let tries = 1; tries < GRID_TRIES + 20; tries++) {
      if (tries === 5) pending.offer(2);
      pass();
    }
    pending.offer(3);
    assert.deepEqual([applied, late], [[], [true]]);
    assert.equal(delays.at(-1), 250);
    ready = true;
    pass();
    assert.deepEqual([applied, late], [[3], [true, false]]);
  });

  it('is forgotten when it is stopped', () => {
    const { pending, applied, pass } = waiting(() => false);
    pending.offer(1);
    pending.stop();
    pass();
    assert.deepEqual(applied, []);
  });
});

describe('the order of the list', () => {
  const rows = [
    row({ request_id: 'a', start_time: NOW / 1000 - 30, output_tokens: 5 }),
    row({ request_id: 'b', start_time: NOW / 1000 - 10, output_tokens: 50, provider: 'anthropic', qualified_model: 'anthropic:sonnet' }),
    row({ request_id: 'c', start_time: NOW / 1000 - 20, output_tokens: 5 }),
    row({ request_id: 'd', start_time: 'soon', output_tokens: 0 }),
  ];
  const all = () => true;
  /** @param {import('../../dashboard/types.js').Sort} sort */
  const ids = (sort) => arrange(rows, all, sort, NOW).map((it) => it.id).join('');

  it('is newest first', () => assert.equal(ids(DEFAULT_SORT), 'bcad'));
  it('may be oldest first', () => assert.equal(ids({ column: 'age', descending: true }), 'dacb'));
  it('breaks ties by the newest', () => assert.equal(ids({ column: 'output', descending: true }), 'bcad'));
  it('is the usual one for a column that does not sort', () => assert.equal(ids({ column: 'nonsense', descending: true }), 'bcad'));
  it('drops what the filter drops', () => assert.equal(arrange(rows, (it) => it.output === 5, DEFAULT_SORT, NOW).length, 2));
  it('puts what needs a look first when sorted by state', () => {
    const states = [row({ request_id: 's', phase: 'streaming' }), row({ request_id: 'x', phase: 'stalled' }), row({ request_id: 'w', phase: 'waiting' })];
    assert.equal(arrange(states, all, { column: 'state', descending: false }, NOW).map((it) => it.id).join(''), 'xws');
  });

  it('has what needs a look on top, under a line that says why, and what has ended below', () => {
    const ended = Object.assign(row({ request_id: 'e', start_time: NOW / 1000 - 1 }), { outcome: 'completed' });
    const stuck = Object.assign(row({ request_id: 's', start_time: NOW / 1000 - 90, phase: 'stalled', output_tokens: 3 }), { concern: /** @type {const} */ ('unanswered') });
    const all = [ended, ...rows.slice(0, 2), stuck];
    const lines = rank(all, new Set());
    assert.deepEqual(lines.map((line) => line.id), ['group:attention', 's', 'a', 'b', 'e']);
    const [line] = lines;
    assert.ok(line?.kind === 'group');
    assert.deepEqual([line.count, line.concerns, line.oldestMs], [1, '1 without an answer', stuck.startMs]);
    stuck.output = 8;
    resum(lines, all);
    assert.deepEqual([line.count, line.output], [1, 8], 'its sums are of its rows only');
    const [calm] = all.filter((it) => it.concern === null && it.outcome === null);
    assert.ok(calm);
    calm.concern = 'stalled';
    resum(lines, all);
    assert.deepEqual([line.count, line.concerns], [2, '1 stalled, 1 without an answer'], 'its words are of the same rows as its count');
    calm.concern = null;
    assert.deepEqual(rank(all, new Set([ATTENTION])).map((line) => line.id), ['group:attention', 'a', 'b', 'e']);
    assert.deepEqual(rank(rows, new Set()).map((line) => line.id), ['a', 'b', 'c', 'd']);
  });

  it('puts groups above their rows, the greatest first, with live sums', () => {
    const lines = group(arrange(rows, all, DEFAULT_SORT, NOW), 'provider', new Set());
    assert.deepEqual(lines.map((line) => (line.kind === 'group' ? `${line.key}:${line.count}:${line.output}` : line.id)), ['openai:3:10', 'c', 'a', 'd', 'anthropic:1:50', 'b']);
    const [first] = rows;
    assert.ok(first);
    first.output += 7;
    resum(lines, rows);
    assert.deepEqual(lines.flatMap((line) => (line.kind === 'group' ? [line.output] : [])), [17, 50]);
    first.output -= 7;
  });

  it('hides the rows of a folded group, not its sums', () => {
    const lines = group(rows, 'provider', new Set(['openai']));
    assert.deepEqual(lines.map((line) => line.id), ['group:openai', 'group:anthropic', 'b']);
    assert.equal(lines[0]?.output, 10);
  });
});

describe('what needs a look', () => {
  const MINUTE = 60_000;
  for (const [concern, fields] of /** @type {[string | null, Record<string, unknown>][]} */ ([
    ['stalled', { phase: 'stalled', status: 200 }],
    ['unanswered', { phase: 'stalled', status: null }],
    ['unanswered', { phase: 'waiting', waiting_on: 'upstream', idle_ms: 31_000 }],
    [null, { phase: 'waiting', waiting_on: 'upstream', idle_ms: 9_000 }],
    ['unread', { phase: 'streaming', waiting_on: 'client', idle_ms: 18_000, status: 200 }],
    [null, { phase: 'streaming', waiting_on: 'client', idle_ms: 2_000, status: 200 }],
    ['long', { phase: 'streaming', status: 200, start_time: NOW / 1000 - 301, duration_ms: 301_000 }],
    [null, { phase: 'streaming', status: 200, start_time: NOW / 1000 - 299, duration_ms: 299_000 }],
    [null, { phase: 'streaming', status: 200, start_time: 'x' }],
  ])) it(`is ${concern ?? 'not'} with ${JSON.stringify(fields)}`, () => assert.equal(concernOf(row(fields), NOW, 5 * MINUTE), concern));

  it('is nothing that has ended, and no long request where none is too long', () => {
    assert.equal(concernOf(Object.assign(row({ phase: 'stalled' }), { outcome: 'killed' }), NOW, MINUTE), null);
    assert.equal(concernOf(row({ phase: 'streaming', duration_ms: 9e9 }), NOW, 0), null);
  });
});

describe('statistics', () => {
  it('count what came between two ticks', () => {
    const stats = new Stats();
    stats.addTokens(50);
    stats.tick(10_000);
    assert.equal(stats.recent(10), null, 'what came before the first is of no known time');
    stats.addTokens(120);
    stats.addStart();
    stats.tick(11_000);
    assert.deepEqual(stats.seconds.at(-1), { tokens: 120, started: 1 });
    assert.deepEqual(stats.recent(10), { tokensPerSecond: 120, startsPerSecond: 1 });
  });

  it('spread a late tick, and leave a gap where nobody looked', () => {
    const stats = new Stats();
    stats.tick(10_000);
    stats.addTokens(90);
    stats.tick(13_000);
    assert.deepEqual(stats.seconds.slice(-3).map((it) => it?.tokens), [30, 30, 30]);
    stats.addTokens(50);
    stats.tick(18_000, 7);
    assert.deepEqual(stats.seconds.slice(-5).map((it) => it?.tokens), [10, 10, 10, 10, 10], 'as polled');
    stats.tick(60_000);
    assert.equal(stats.seconds.at(-2), null);
    assert.equal(stats.seconds.length, WINDOW);
    assert.deepEqual(stats.recent(10), { tokensPerSecond: 0, startsPerSecond: 0 }, 'before the gap is another time');
  });
});

describe('the address', () => {
  for (const hash of ['#/requests', '#/totals', '#/errors?q=gpt', '#/requests?q=state:stalled+age%3E30s&sort=-output&group=provider&frozen=1&row=req_1-2', '#/requests?sort=-age', '#/requests?columns=model,label.session,cost&group=label.session']) {
    it(`says ${hash} and reads it again`, () => assert.equal(writePlace(readPlace(hash)), hash));
  }
  it('is the plain list where it says nothing, or nonsense', () => {
    const plain = { view: 'requests', scope: null, filter: '', sort: DEFAULT_SORT, group: null, columns: null, row: null, frozen: false };
    for (const hash of ['', '#', '#/', '#/nowhere', '#/requests?sort=colour&group=weather&frozen=maybe']) assert.deepEqual(readPlace(hash), plain, hash);
  });
});

describe('polled answers', () => {
  for (const json of [null, [], 'no', {}, { providers: [] }, { errors: [] }, { errors: {}, traces: [] }]) {
    it(`are refused in another shape: ${JSON.stringify(json)}`, () => {
      assert.throws(() => readTotals(json), { name: 'ShapeError' });
      assert.throws(() => readLogs(json), { name: 'ShapeError' });
    });
  }

  it('totals', () => {
    const t = { requests: 3, errors: 1, input_tokens: 100, output_tokens: 40, cache_read_tokens: 30, cache_creation_tokens: 10, tool_calls: 2, average_duration_ms: 50, total_duration_ms: 150 };
    const totals = readTotals({
      last_accessed: { top: '2026-11-20T22:08:10Z' }, total_requests: 3, total_errors: 1, total_input_tokens: 100, total_output_tokens: 40, total_cache_read_tokens: 30,
      total_cache_creation_tokens: 10, active_requests: 4, average_duration_ms: 50, total_duration_ms: 150,
      providers: { openai: { last_accessed: '2026-11-20T22:08:10Z', rollup: { total: t, streaming: t }, models: { 'gpt-4o': { last_accessed: 'N/A', total: t, latency: { duration_ms: { 16: 1, 20: 2, inf: 1 }, first_token_ms: {} } }, broken: 7 } }, broken: null },
    });
    assert.equal(totals.providers.length, 1);
    assert.deepEqual([totals.providers[0]?.requests, totals.providers[0]?.streamingMs, totals.providers[0]?.otherMs], [3, 50, null]);
    assert.deepEqual([totals.models.length, totals.models[0]?.model, totals.models[0]?.lastMs], [1, 'gpt-4o', null]);
    assert.deepEqual([0.25, 0.5, 1].map((part) => totals.models[0]?.durations?.quantile(part)), [16, 18, 2_097_152], 'spread evenly within a bucket; no more is known of what is beyond the last');
    assert.deepEqual([totals.models[0]?.firstTokens, totals.all.durations], [null, null]);
    assert.deepEqual(composition(totals.all).map((part) => part.value), [60, 30, 10, 40], 'cached input is not counted twice');
  });

  it('say that they are disabled', () => {
    assert.deepEqual(readDisabled({ disabled: true, message: 'off', suggestion: 'on' }), { message: 'off', suggestion: 'on' });
    assert.deepEqual(readDisabled({ disabled: true }), { message: 'Switched off by the server', suggestion: '' });
    for (const json of [null, {}, { disabled: 'true' }, { disabled: false }]) assert.equal(readDisabled(json), null);
  });

  it('name the process they come from', () => {
    assert.equal(epochOf('7f3a9c01-18'), '7f3a9c01');
    assert.equal(epochOf('7f3a9c01-u18'), '7f3a9c01');
    assert.equal(epochOf('18'), null);
    assert.equal(epochOfEtag('W/"7f3a9c01-5"'), '7f3a9c01');
    assert.equal(epochOfEtag('"7f3a9c01-5"'), '7f3a9c01');
    assert.equal(epochOfEtag('W/"7f3a9c01-5-operate"'), '7f3a9c01');
    assert.equal(epochOfEtag(null), null);
  });
});

describe('a sentence on a request', () => {
  for (const [fields, text] of /** @type {[Record<string, unknown>, string][]} */ ([
    [{ phase: 'waiting', waiting_on: 'upstream' }, 'Waits for the upstream: no answer yet, for 12s.'],
    [{ phase: 'stalled', waiting_on: 'upstream', idle_ms: 45_000 }, 'No answer yet: the upstream has sent nothing for 45s.'],
    [{ phase: 'stalled', status: 200, waiting_on: 'upstream', idle_ms: 14_000 }, 'Stalled: the upstream has sent nothing for 14s.'],
    [{ phase: 'waiting', waiting_on: 'client', idle_ms: 9_000 }, 'Waits for the client, which is still sending its request.'],
    [{ phase: 'streaming', waiting_on: 'client', idle_ms: 9_000 }, 'Waits for the client: it has not asked for more for 9s.'],
    [{ phase: 'streaming', output_tokens_per_second: 53, duration_ms: 12_000, time_to_first_token_ms: 300 }, 'Streams 53 tokens per second.'],
    [{ phase: 'responding' }, 'The upstream has answered; no token yet.'],
    [{}, 'In flight.'],
  ])) it(text, () => assert.equal(verdict(row(fields), NOW), text));

  for (const [outcome, text] of [
    ['completed', 'Completed after 1.89s, HTTP 200.'], ['client_disconnect', 'The client left after 1.89s, before the end of the answer.'], ['shutdown', 'Cut off after 1.89s: the server ended before the answer did.'],
    ['upstream_error', 'The upstream failed after 1.89s, HTTP 200.'], ['killed', 'Killed after 1.89s, HTTP 200.'], ['truncated', "Cut short after 1.89s: the upstream closed before the stream's own end."],
  ]) it(text ?? '', () => assert.equal(verdict(Object.assign(row({ status: 200 }), { outcome, durationMs: 1893 }), NOW), text));
});

describe('a request to take away', () => {
  it('as curl, with nothing that could break out of its quotes', () => {
    const text = toCurl(row({ requested_model: "o'brien", path: '/v1/messages', is_streaming: true }), 'http://h');
    assert.ok(text.startsWith("curl -N 'http://h/v1/messages'"));
    assert.ok(text.includes("\"model\":\"o'\\''brien\""));
    assert.ok(text.includes('"max_tokens":1024') && text.includes('"stream":true') && text.includes('$API_KEY'));
  });
  it('as JSON, by the names of the wire', () => {
    const json = JSON.parse(toJson(row({ output_tokens: 7 })));
    assert.deepEqual([json.request_id, json.output_tokens, json.start_time], ['req_1', 7, NOW / 1000 - 12]);
  });
});
