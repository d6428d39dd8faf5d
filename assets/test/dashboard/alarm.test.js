import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { glance, news } from '../../dashboard/model/alarm.js';
import { readRow } from '../../dashboard/model/row.js';

/** @param {string} id @param {import('../../dashboard/types.js').Concern | null} [concern] */
function row(id, concern = null) {
  const made = readRow({ request_id: id, model: `model-${id}`, phase: 'stalled', status: 200 }, 1e12);
  assert.ok(made);
  return Object.assign(made, { concern });
}

describe('the news for an operator who looks elsewhere', () => {
  for (const [name, before, now, watched, told] of /** @type {[string, ReturnType<typeof row>[], ReturnType<typeof row>[], string[], string[]][]} */ ([
    ['are none where nothing changed', [row('a', 'stalled')], [row('a', 'stalled')], ['a'], []],
    ['are that a watched request has ended', [row('a'), row('b')], [], ['a'], ['model-a has ended.']],
    ['are that a watched request needs a look', [row('a'), row('b')], [row('a', 'stalled'), row('b', 'stalled')], ['a'], ['model-a: Stalled.']],
    ['are that many need a look, once', [row('a', 'stalled'), row('b')], [row('a', 'stalled'), row('b', 'unread'), row('c', 'unanswered')], [], ['3 requests need attention: 1 stalled, 1 without an answer, 1 not read by the client.']],
    ['are not told again', ['a', 'b', 'c'].map((id) => row(id, 'stalled')), ['a', 'b', 'c', 'd'].map((id) => row(id, 'stalled')), [], []],
  ])) it(name, () => assert.deepEqual(news(glance(before), glance(now), watched), told));
});
