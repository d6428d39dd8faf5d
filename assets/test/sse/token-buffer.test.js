import assert from 'node:assert/strict';
import { test } from 'node:test';

import { TokenBuffer } from '../../sse/token-buffer.js';
import { FakeClock } from './fake.js';

/** A page that paints when told. */
function page() {
  /** @type {Map<number, () => void>} */
  const frames = new Map();
  let ids = 0;
  /** @type {string[]} */
  const flushed = [];
  const clock = new FakeClock();
  const buffer = new TokenBuffer((text) => flushed.push(text), {
    clock,
    requestFrame: (run) => (frames.set(++ids, run), ids),
    cancelFrame: (id) => void frames.delete(id),
  });
  const paint = () => {
    const due = [...frames.values()];
    frames.clear();
    for (const run of due) run();
  };
  return { buffer, flushed, clock, frames, paint };
}

test('tokens between two frames are one flush', async () => {
  const { buffer, flushed, clock, frames, paint } = page();
  for (const token of 'abc') buffer.add(token);
  assert.equal(frames.size, 1);
  paint();
  assert.deepEqual(flushed, ['abc']);
  await clock.advance(1000);
  assert.deepEqual(flushed, ['abc'], 'the timer is gone with it');
  buffer.add('d');
  paint();
  assert.deepEqual(flushed, ['abc', 'd']);
});

test('where no frame comes, the timer flushes', async () => {
  const { buffer, flushed, clock, frames } = page();
  buffer.add('a');
  await clock.advance(49);
  assert.deepEqual(flushed, []);
  await clock.advance(1);
  assert.deepEqual(flushed, ['a']);
  assert.equal(frames.size, 0, 'the frame is gone with it');
});

test('a flush by hand leaves nothing behind', async () => {
  const { buffer, flushed, clock, frames } = page();
  buffer.add('a');
  buffer.flush();
  buffer.flush();
  buffer.dispose();
  assert.deepEqual(flushed, ['a']);
  assert.equal(clock.pending + frames.size, 0);
});

test('dispose hands over the rest', () => {
  const { buffer, flushed } = page();
  buffer.add('the last words');
  buffer.dispose();
  assert.deepEqual(flushed, ['the last words']);
});

test('what gathers is bounded', () => {
  const { buffer, flushed } = page();
  for (let i = 0; i < 100; i++) buffer.add('x'.repeat(1000));
  assert.deepEqual(flushed.map((text) => text.length), [66_000]);
});

test('empty tokens are no flush', async () => {
  const { buffer, flushed, paint } = page();
  buffer.add('');
  paint();
  assert.deepEqual(flushed, []);
});
