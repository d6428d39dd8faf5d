/**
 * The parser against a table of bytes, each cut in every way that could matter: the result must not depend on the cut.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

import { SSELimitError } from '../../sse/errors.js';
import { createSSEParser } from '../../sse/parser.js';

/** @import { SSEEvent } from '../../sse/parser.js' */

/**
 * @typedef {object} Seen
 * @property {SSEEvent[]} events
 * @property {number | null} retry
 * @property {string} last_event_id
 */

/**
 * @param {Iterable<Uint8Array>} chunks
 * @param {'discard' | 'emit'} [flush]
 * @returns {Seen}
 */
function parse(chunks, flush) {
  /** @type {Seen} */
  const seen = { events: [], retry: null, last_event_id: '' };
  const parser = createSSEParser({
    onEvent: (event) => seen.events.push(event),
    onRetry: (ms) => (seen.retry = ms),
  });
  for (const chunk of chunks) parser.feed(chunk);
  parser.end(flush);
  seen.last_event_id = parser.lastEventId;
  return seen;
}

/**
 * @param {Uint8Array} bytes
 * @returns {Generator<[string, Uint8Array[]]>}
 */
function* cuts(bytes) {
  const none = new Uint8Array();
  yield ['whole', [bytes]];
  yield ['byte by byte', Array.from(bytes, (_, i) => bytes.subarray(i, i + 1))];
  yield ['byte by byte, with empty chunks', Array.from(bytes, (_, i) => [none, bytes.subarray(i, i + 1), none]).flat()];
  // Long inputs are cut near both ends and at strides in between; short ones everywhere.
  const stride = Math.max(1, Math.floor(bytes.length / 4000));
  for (let at = 0; at <= bytes.length; at += stride) {
    yield [`cut at ${at}`, [bytes.subarray(0, at), bytes.subarray(at)]];
    yield [`cut at ${at}, with an empty chunk`, [bytes.subarray(0, at), none, bytes.subarray(at)]];
  }
}

/**
 * @param {Uint8Array} bytes
 * @param {Seen} expected
 * @param {SSEEvent[]} [flushed] what a tolerant reader gets in addition
 */
function assertParses(bytes, expected, flushed = []) {
  for (const [how, chunks] of cuts(bytes)) {
    assert.deepEqual(parse(chunks), expected, how);
    assert.deepEqual(parse(chunks, 'emit').events, [...expected.events, ...flushed], `${how}, emitted at the end`);
  }
}

/** @param {string} data @param {string} [event] @param {string} [id] */
const event = (data, event = 'message', id = '') => ({ event, data, id });

/** @type {[name: string, input: string | number[], events: SSEEvent[], more?: Partial<Seen>, flushed?: SSEEvent[]][]} */
const TABLE = [
  ['LF ends lines', 'data: a\n\ndata: b\n\n', [event('a'), event('b')]],
  ['CR ends lines', 'data: a\r\rdata: b\r\r', [event('a'), event('b')]],
  ['CRLF ends lines', 'data: a\r\n\r\ndata: b\r\n\r\n', [event('a'), event('b')]],
  ['line ends may be mixed', 'data: a\r\n\ndata: b\n\rdata: c\r\r\ndata: d\n\r\n', [event('a'), event('b'), event('c'), event('d')]],
  ['the space after the colon is not needed', 'data:a\nevent:x\nid:1\n\n', [event('a', 'x', '1')], { last_event_id: '1' }],
  ['one space is removed, not two', 'data:  a\n\n', [event(' a')]],
  ['lines of data are joined by LF', 'data: a\ndata\ndata: b\ndata:\n\n', [event('a\n\nb\n')]],
  ['an empty data line is an event', 'data\n\n', [event('')]],
  ['an event without data is none', 'event: x\n\ndata: a\n\n', [event('a')]],
  ['comments are no part of an event', ': hi\ndata: a\n:\ndata: b\n\n', [event('a\nb')]],
  ['unknown fields are ignored', 'datum: x\nDATA: x\n data: x\ndata: a\n\n', [event('a')]],
  ['the name is kept as sent', 'event: __proto__ \ndata: a\n\n', [event('a', '__proto__ ')]],
  ['the id stays', 'id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n', [event('a', 'message', '1'), event('b', 'message', '1'), event('c')]],
  ['the id counts without data', 'id: 7\n\n', [], { last_event_id: '7' }],
  ['an id with NUL is ignored', 'id: 1\n\nid: 2\0\ndata: a\n\n', [event('a', 'message', '1')], { last_event_id: '1' }],
  ['retry is ASCII digits', 'retry: 20\nretry: 1.5\nretry: -1\nretry: 3s\nretry:\nretry: ٣\n', [], { retry: 20 }],
  ['a huge retry saturates', 'retry: 99999999999999999999\n\n', [], { retry: Number.MAX_SAFE_INTEGER }],
  ['one BOM is dropped', '\uFEFFdata: a\n\n', [event('a')]],
  ['a second BOM is part of the name', '\uFEFF\uFEFFdata: a\n\ndata: b\n\n', [event('b')]],
  ['a BOM elsewhere is text', 'data: \uFEFFa\n\n', [event('\uFEFFa')]],
  ['characters may be cut', 'data: äß€😀👩‍👩‍👧\n\n', [event('äß€😀👩‍👩‍👧')]],
  ['U+2028 and U+0085 end no line', 'data: a\u2028b\u0085c\n\n', [event('a\u2028b\u0085c')]],
  ['bytes that are no UTF-8 are replaced', [0x64, 0x61, 0x74, 0x61, 0x3a, 0xff, 0xe2, 0x82, 10, 10], [event('\uFFFD\uFFFD')]],
  ['data without the last blank line', 'data: a\n\ndata: [DONE]\n', [event('a')], {}, [event('[DONE]')]],
  ['data without the last line end', 'data: a\n\ndata: [DONE]', [event('a')], {}, [event('[DONE]')]],
  ['a cut character at the end', [0x64, 0x61, 0x74, 0x61, 0x3a, 0xe2, 0x82], [], {}, [event('\uFFFD')]],
  ['half an id or retry is worth nothing', 'id: 1\ndata: a\n\nretry: 30', [event('a', 'message', '1')], { last_event_id: '1' }],
  ['an id that was not dispatched', 'data: a\n\nid: 2\n', [event('a')]],
  ['nothing', '', []],
];

for (const [name, input, events, more, flushed] of TABLE) {
  test(name, () => {
    const bytes = typeof input === 'string' ? new TextEncoder().encode(input) : Uint8Array.from(input);
    assertParses(bytes, { events, retry: null, last_event_id: '', ...more }, flushed);
  });
}

const CASES = new URL('../../../../shared/sse-cases/cases.jsonl', import.meta.url);

test('the shared conformance cases', { skip: !existsSync(CASES) && 'they are not here' }, async (t) => {
  for (const line of readFileSync(CASES, 'utf8').trim().split('\n')) {
    const { name, input_bytes_base64, expected, expected_eof_flush } = JSON.parse(line);
    // More than a double holds is written as a string, and saturates here.
    if (typeof expected.retry === 'string') expected.retry = Number.MAX_SAFE_INTEGER;
    await t.test(name, () => assertParses(Buffer.from(input_bytes_base64, 'base64'), expected, expected_eof_flush));
  }
});

test('an event comes out with the byte that ends it', () => {
  for (const ending of ['\n\n', '\r\r', '\r\n\r']) {
    /** @type {SSEEvent[]} */
    const events = [];
    const parser = createSSEParser({ onEvent: (event) => events.push(event) });
    parser.feed(new TextEncoder().encode(`data: a${ending}`));
    assert.deepEqual(events, [event('a')], JSON.stringify(ending));
  }
});

test('comments and ids are told as they come', () => {
  /** @type {string[]} */
  const seen = [];
  const parser = createSSEParser({ onComment: (text) => seen.push(`:${text}`), onId: (id) => seen.push(`#${id}`) });
  parser.feed(new TextEncoder().encode(': heartbeat\n\nid: 1\n\nid: 1\n\nid\n\n:\n'));
  assert.deepEqual(seen, [':heartbeat', '#1', '#', ':']);
});

test('what is kept of an event is bounded, however it comes', () => {
  const long = new TextEncoder().encode('a'.repeat(1000));
  const inputs = {
    'a line without end': [new TextEncoder().encode('data: '), ...Array(10).fill(long)],
    'a comment without end': [new TextEncoder().encode(': '), ...Array(10).fill(long)],
    'an event without end': Array(500).fill(new TextEncoder().encode('data: 0123456789\n')),
    'empty lines of data without end': Array(500).fill(new TextEncoder().encode('data\n'.repeat(10))),
    'a whole event': [new TextEncoder().encode(`data: ${'a'.repeat(5000)}\n\n`)],
  };
  for (const [name, chunks] of Object.entries(inputs)) {
    const parser = createSSEParser({ maxEventBytes: 4096 });
    assert.throws(() => chunks.forEach((chunk) => parser.feed(chunk)), SSELimitError, name);
  }
  const parser = createSSEParser({ maxEventBytes: 4096 });
  for (let i = 0; i < 1000; i++) parser.feed(new TextEncoder().encode(`data: ${'a'.repeat(4000)}\n\n`));
});

test('time is linear in the size of an event that comes in small pieces', () => {
  // Counted, not timed: every character is looked at a bounded number of times when the chunks are.
  let searched = 0;
  const { indexOf } = String.prototype;
  String.prototype.indexOf = function (...args) {
    searched += this.length - (args[1] ?? 0);
    return indexOf.apply(this, args);
  };
  try {
    const parser = createSSEParser();
    const chunk = new TextEncoder().encode('x'.repeat(100));
    parser.feed(new TextEncoder().encode('data: '));
    for (let i = 0; i < 10_000; i++) parser.feed(chunk);
    parser.feed(new TextEncoder().encode('\n\n'));
  } finally {
    String.prototype.indexOf = indexOf;
  }
  assert.ok(searched < 10_000 * 100 * 4, `searched ${searched} characters`);
});
