import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readLogs, rowOfEntry } from '../../dashboard/model/records.js';
import { emptyRow } from '../../dashboard/model/row.js';
import { timelineOf } from '../../dashboard/model/timeline.js';
import { verdict } from '../../dashboard/model/verdict.js';
import { visible } from '../../dashboard/model/visible.js';

const NOW = 1_701_234_568_000;
const ended = { ...emptyRow('req_1-1', NOW), outcome: 'client_disconnect', startMs: NOW - 20_000, endedMs: NOW, durationMs: 20_000, ttftMs: 21, lastByteMs: 821, bytes: 10, waitingOn: 'upstream' };

describe('the time of a request', () => {
  for (const [text, row] of /** @type {[string, import('../../dashboard/types.js').Row][]} */ ([
    ['21ms to the first token  ·  800ms streaming  ·  19.2s silent, then the client left', ended],
    ['21ms to the first token  ·  800ms streaming  ·  19.2s not read by the client, then an operator cancelled it', { ...ended, outcome: 'killed', waitingOn: 'client' }],
    ['21ms to the first token  ·  20.0s streaming', { ...ended, lastByteMs: null }],
    ['21ms to the first token  ·  20.0s streaming', { ...ended, lastByteMs: 19_500 }],
    ['', { ...ended, ttftMs: null, lastByteMs: null }],
    ['21ms to the first token  ·  2.98s streaming  ·  17.0s silent', { ...ended, outcome: null, movedMs: NOW - 17_000 }],
    ['no token for 20.0s', { ...ended, outcome: null, ttftMs: null }],
  ])) it(`is “${text}”`, () => assert.equal(timelineOf(row, NOW).text, text));

  it('adds up', () => {
    const { wait, stream, silence } = timelineOf(ended, NOW);
    assert.deepEqual([wait, stream, silence], [21, 800, 19_179]);
  });

  it('tells whose silence it was that the client gave up', () => {
    assert.equal(verdict(ended, NOW), 'The client left after 20.0s, before the end of the answer; the upstream had sent nothing for 19.2s.');
    assert.equal(verdict({ ...ended, waitingOn: 'client' }, NOW), 'The client left after 20.0s, before the end of the answer.');
    assert.equal(verdict({ ...ended, lastByteMs: null }, NOW), 'The client left after 20.0s, before the end of the answer.');
  });

  it('says of a stream how long nothing has come', () => {
    const silent = { ...ended, outcome: null, phase: 'streaming', status: 200, output: 40, rate: 12, movedMs: NOW - 7000 };
    assert.equal(verdict(silent, NOW), 'Streams; nothing has come for 7s.');
    assert.equal(verdict({ ...silent, movedMs: NOW - 1000 }, NOW), 'Streams 12 tokens per second.');
  });

  it('is read from what the server remembers', () => {
    const { traces } = readLogs({ errors: [], traces: [{ request_id: 'a', ts: NOW / 1000, duration_ms: 20_000, last_byte_ms: 821, waiting_on: 'client', outcome: 'client_disconnect' }, { request_id: 'b', last_byte_ms: 'x' }] });
    const rows = traces.map(rowOfEntry);
    assert.deepEqual(rows.map((row) => [row.lastByteMs, row.waitingOn]), [[821, 'client'], [null, '']]);
  });
});

describe('text of others', () => {
  for (const [text, shown] of [
    ['gpt-4o', 'gpt-4o'], ['模型 مرحبا 🙂', '模型 مرحبا 🙂'], ['a\u202Eb', 'a⟨U+202E⟩b'], ['a\u200Bb\u2066', 'a⟨U+200B⟩b⟨U+2066⟩'], ['\u0000\u001b[31m', '⟨U+0000⟩⟨U+001B⟩[31m'], ['a\u00adb\ufeff', 'a⟨U+00AD⟩b⟨U+FEFF⟩'], ['two\nlines\tand', 'two\nlines\tand'],
  ]) it(`is shown as ${JSON.stringify(shown)}`, () => assert.equal(visible(String(text)), shown));
});
