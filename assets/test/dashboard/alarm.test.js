import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { failing, glance, news } from '../../dashboard/model/alarm.js';
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

  it('are that many fail, once', () => {
    const many = '12% of requests failed, 24 of 200';
    assert.deepEqual(news(glance([]), glance([], many), []), [`${many} in the last five minutes.`]);
    assert.deepEqual(news(glance([], many), glance([], '13% of requests failed, 26 of 200'), []), []);
  });

  for (const [name, failed, completed, threshold, told] of /** @type {[string, number, number, [number, number], string][]} */ ([
    ['are many from the part on that was set', 20, 180, [10, 20], '10% of requests failed, 20 of 200'],
    ['are not many below it', 19, 181, [10, 20], ''],
    ['are not many where there were few requests', 10, 9, [10, 20], ''],
    ['are never many where that was set', 20, 0, [0, 1], ''],
    ['are not many where nothing ended', 0, 0, [1, 0], ''],
  ])) it(`failures ${name}`, () => assert.equal(failing({ failed, completed }, { failedPercent: threshold[0], failedLeast: threshold[1] }), told));
});
