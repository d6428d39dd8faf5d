import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BARS, Distribution } from '../../dashboard/model/distribution.js';
import { Figures, readSeries, STEPS } from '../../dashboard/model/figures.js';
import { readRow } from '../../dashboard/model/row.js';

/** A moment at which a step begins. */
const NOW = 1_701_234_560_000;
const BOUNDS = [100, 200, 400, 800];

/** @param {Record<string, unknown>} fields */
function point(fields) {
  return { t: NOW / 1000 - 10, started: 0, outcomes: {}, input_tokens: 0, output_tokens: 0, duration: [0, 0, 0, 0, 0], first_token: [0, 0, 0, 0, 0], ...fields };
}

/** @param {unknown[]} points @param {Record<string, unknown>} [fields] */
const answer = (points, fields = {}) =>
  readSeries({ step_ms: 10_000, timestamp: NOW / 1000 + 2, since: NOW / 1000 - 4000, bounds_ms: { duration: BOUNDS, first_token: BOUNDS }, points, ...fields });

/** @param {string} outcome @param {number} atMs @param {number} [durationMs] */
function ended(outcome, atMs, durationMs = 150) {
  const row = readRow({ request_id: 'req_1', start_time: (atMs - durationMs) / 1000 }, atMs);
  assert.ok(row);
  return Object.assign(row, { outcome, endedMs: atMs + 100, durationMs, output: 7 });
}

describe('the figures of five minutes', () => {
  it('are what the server counted, and what was seen since', () => {
    const figures = new Figures();
    figures.take(answer([
      point({ t: NOW / 1000 - 400, outcomes: { completed: 1000 }, duration: [1000, 0, 0, 0, 0] }),
      point({ started: 5, outcomes: { completed: 2, client_disconnect: 1, upstream_error: 1, refused: 4 }, output_tokens: 40, duration: [0, 4, 0, 0, 0], first_token: [2, 0, 0, 0, 0] }),
      point({ t: NOW / 1000, started: 1 }),
    ]));
    figures.addStart(NOW + 1000);
    figures.addEnd(ended('completed', NOW + 1000));
    figures.addStart(NOW + 3000);
    figures.addEnd(ended('body_error', NOW + 3000, 500));
    figures.addEnd(ended('gone', NOW + 3500));
    const reading = figures.read(NOW + 4000, 3);
    assert.ok(reading);
    assert.deepEqual([reading.completed, reading.byChoice, reading.failed, reading.started, reading.durations.total, reading.firsts.total], [6, 1, 2, 7, 5, 2]);
    assert.deepEqual([reading.byServer, reading.whole, reading.steps.length], [true, true, STEPS]);
    assert.deepEqual(reading.steps.slice(-3).map((step) => [step?.active, step?.failed, step?.output]), [[5, 0, 0], [2, 1, 40], [3, 1, 7]]);
  });

  it('count nothing twice when the server counts again', () => {
    const figures = new Figures();
    figures.take(answer([]));
    figures.addEnd(ended('completed', NOW + 3000));
    assert.equal(figures.read(NOW + 4000, 0)?.completed, 1);
    figures.take(answer([point({ t: NOW / 1000, outcomes: { completed: 1 }, duration: [0, 1, 0, 0, 0] })], { timestamp: NOW / 1000 + 5 }));
    assert.equal(figures.read(NOW + 6000, 0)?.completed, 1);
    figures.addEnd(ended('completed', NOW + 4900));
    assert.equal(figures.read(NOW + 6000, 0)?.completed, 1, 'told late, counted already');
  });

  it('keep what was seen when the connection is lost, and forget it with the process', () => {
    const figures = new Figures();
    figures.take(answer([]));
    figures.addEnd(ended('body_error', NOW + 3000));
    figures.pause();
    assert.equal(figures.read(NOW + 4000, 0)?.failed, 1);
    figures.restart();
    figures.take(answer([]));
    assert.equal(figures.read(NOW + 4000, 0)?.failed, 0);
  });

  it('say from when on they are, where that is not all of the time', () => {
    const figures = new Figures();
    figures.take(answer([], { since: NOW / 1000 - 95 }));
    const reading = figures.read(NOW + 4000, 0);
    assert.deepEqual([reading?.whole, reading?.fromMs], [false, NOW - 95_000]);
    assert.deepEqual(reading?.steps.map((step) => step === null).indexOf(false), STEPS - 11, 'before that is nothing known, not nothing');
  });

  it('are what this page saw, where the server does not count', () => {
    const figures = new Figures();
    assert.equal(figures.read(NOW, 0), null, 'not known yet');
    figures.lack();
    assert.equal(figures.read(NOW, 0), null, 'nothing was seen yet');
    figures.see(NOW - 20_000);
    figures.addEnd(ended('completed', NOW - 5000));
    assert.deepEqual([figures.read(NOW, 0)?.completed, figures.read(NOW, 0)?.byServer, figures.read(NOW, 0)?.fromMs], [1, false, NOW - 20_000]);
    figures.pause();
    figures.see(NOW);
    assert.equal(figures.read(NOW + 1000, 0)?.completed, 0, 'what was missed meanwhile makes the rest untrue');
  });

  it('stay bounded under any traffic, and say how far back they reach', () => {
    const figures = new Figures();
    figures.lack();
    figures.see(NOW - 250_000);
    for (let i = 0; i < 20_000; i++) figures.addEnd(ended('completed', NOW - 200_000 + i * 10));
    const reading = figures.read(NOW, 0);
    assert.ok(reading && reading.completed <= 5000);
    assert.ok(reading.fromMs > NOW - 60_000);
  });

  for (const json of [null, [], {}, { points: {} }, { points: [] }, { points: [], bounds_ms: {} }]) {
    it(`are refused in another shape: ${JSON.stringify(json)}`, () => assert.throws(() => readSeries(json), { name: 'ShapeError' }));
  }
  it('are not known where nothing is tracked', () => assert.equal(readSeries({ disabled: true }), null));
  it('take no point for what it is not', () => assert.deepEqual(answer([null, 7, {}, point({ t: 'x' }), point({ started: -1, outcomes: [3] })])?.steps.length, 1));
});

describe('a distribution', () => {
  it('tells percentiles within a bucket’s width', () => {
    const distribution = new Distribution();
    for (let ms = 1; ms <= 1000; ms++) distribution.add(ms);
    for (const part of [0.05, 0.5, 0.95, 0.99]) {
      const value = distribution.quantile(part) ?? 0;
      assert.ok(Math.abs(value / (part * 1000) - 1) < 0.13, `${part}: ${value}`);
    }
    assert.equal(new Distribution().quantile(0.5), null);
    const slow = new Distribution([10, 20]);
    slow.add(5_000_000);
    assert.equal(slow.quantile(0.5), 20, 'beyond the last bound no more is known than that');
  });

  it('is drawn in bars that hold all of it', () => {
    const distribution = new Distribution();
    for (const ms of [1, 90, 150, 700, 4000, 9000, 60_000, 1e9]) distribution.add(ms);
    const bars = distribution.bars();
    assert.equal(bars.length, BARS.length - 1);
    assert.equal(bars.reduce((sum, count) => sum + count, 0), 8);
    assert.deepEqual([bars[0], bars.at(-1)], [2, 1]);
  });
});
