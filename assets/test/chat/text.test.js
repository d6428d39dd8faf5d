import assert from 'node:assert/strict';
import { test } from 'node:test';

import { blocks, inlines } from '../../../examples/chat/page/text.js';

/** @type {[name: string, text: string, expected: [kind: string, ...lines: string[]][]][]} */
const TABLE = [
  ['nothing', '', []],
  ['paragraphs are parted by blank lines', 'a\nb\n\n\nc', [['paragraph', 'a', 'b'], ['paragraph', 'c']]],
  ['lists', 'so:\n- a\n* b\n\n1. c\n2) d', [['paragraph', 'so:'], ['bullets', 'a', 'b'], ['numbers', 'c', 'd']]],
  ['headings', '# a\n## b', [['heading', 'a'], ['heading', 'b']]],
  ['code keeps its lines, blank ones too', '```rust\nfn a() {}\n\n# b\n```\nc', [['code', 'fn a() {}', '', '# b'], ['paragraph', 'c']]],
  ['code that is still coming', 'a\n```\nb', [['paragraph', 'a'], ['code', 'b']]],
];

for (const [name, text, expected] of TABLE)
  test(name, () => assert.deepEqual(blocks(text).map(({ kind, lines }) => [kind, ...lines]), expected));

test('what stands in a line', () => {
  const seen = inlines('a `b *c*` **d** *e* [1], [x] 2 * 3 * 4').map(({ kind, text }) => `${kind}:${text}`);
  assert.deepEqual(seen, ['text:a ', 'code:b *c*', 'text: ', 'strong:d', 'text: ', 'emphasis:e', 'text: ', 'cite:1', 'text:, [x] 2 * 3 * 4']);
});

test('nothing of a text is lost', () => {
  const text = '** a ` b [ 12345 ] * **';
  assert.equal(inlines(text).map((part) => part.text).join(''), text);
});
