/** The client against streams that providers have sent, whole, cut at random and byte by byte. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';

import { SSEServerError, streamSSE } from '../../sse/client.js';
import { answer, fakeFetch } from './fake.js';

/** @import { SSEEvent } from '../../sse/parser.js' */

const CORPUS = new URL('../../../../shared/corpus/', import.meta.url);

/** The decoders that node 20 has; `fetch` does this in a browser. @type {Record<string, (bytes: Buffer) => Buffer>} */
const DECODERS = { gz: gunzipSync, br: brotliDecompressSync, zz: inflateSync, sse: (bytes) => bytes };

/** Reads the same bytes by an oracle of ten lines; good for LF, CRLF and CR alike. @param {string} text */
function oracle(text) {
  const blocks = text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n').replaceAll('\r', '\n').split('\n\n');
  return blocks.flatMap((block) => {
    const data = block.split('\n').filter((line) => /^data(:|$)/.test(line));
    return data.length ? [data.map((line) => line.replace(/^data:? ?/, '')).join('\n')] : [];
  });
}

/** @param {Buffer} bytes @param {(left: number) => number} size */
function* chunks(bytes, size) {
  for (let at = 0; at < bytes.length; ) {
    const next = at + size(bytes.length - at);
    yield bytes.subarray(at, next);
    at = next;
  }
}

/**
 * The visible text of a data event in the dialects that can be told in a line each.
 *
 * @param {any} json
 * @returns {string}
 */
function textIn(json) {
  if (typeof json?.token === 'string') return json.token;
  if (json?.type === 'response.output_text.delta') return json.delta;
  if (json?.type === 'content_block_delta') return json.delta.text ?? '';
  return '';
}

const exists = existsSync(CORPUS);
const streams = exists
  ? readFileSync(new URL('manifest.jsonl', CORPUS), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
      .filter(({ file, content_type }) => /\.sse(\.(gz|br|zz))?$/.test(file) && (content_type ?? 'text/event-stream').startsWith('text/event-stream'))
  : [];

test('recorded streams', { skip: !exists && 'they are not here' }, async (t) => {
  for (const { id, file, dialect, expected } of streams) {
    await t.test(id, async () => {
      const decode = DECODERS[file.split('.').at(-1)] ?? assert.fail(file);
      const bytes = decode(readFileSync(new URL(file, CORPUS)));
      const sizes = [() => bytes.length, () => 1 + Math.floor(Math.random() * 400)];
      if (bytes.length < 4096) sizes.push(() => 1);
      const all = oracle(bytes.toString());
      for (const size of sizes) {
        /** @type {string[]} */
        const data = [];
        let text = '';
        const callbacks = {
          onEvent: (/** @type {SSEEvent} */ event, /** @type {unknown} */ json) => {
            data.push(event.data);
            text += textIn(json);
          },
        };
        const { fetch } = fakeFetch(() => answer([...chunks(bytes, size)]));
        const end = await streamSSE('/', {}, callbacks, undefined, { fetch }).catch((error) => error);
        assert.deepEqual(data, all.slice(0, data.length), 'the events that were sent, in their order');

        if (end instanceof Error) {
          assert.ok(end instanceof SSEServerError, `${end}`);
          assert.ok(expected.error, 'an error was sent');
        } else {
          if (expected.done_marker) assert.equal(end.outcome, 'done');
          if (end.truncated) assert.equal(data.length, all.length, 'read to the end');
        }
        const hash = createHash('sha256').update(text).digest('hex');
        if (['rag-chat', 'openai-responses', 'anthropic'].includes(dialect) && expected.text_sha256 && text)
          assert.equal(hash, expected.text_sha256, 'the text that the provider sent');
      }
    });
  }
});
