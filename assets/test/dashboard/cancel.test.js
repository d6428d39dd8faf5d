import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { question, report } from '../../dashboard/model/cancellation.js';
import { readRow } from '../../dashboard/model/row.js';
import { ApiError } from '../../dashboard/net/api.js';
import { AT_ONCE, cancelRequests } from '../../dashboard/net/cancel.js';

/** @param {Record<string, unknown>} [fields] */
function row(fields = {}) {
  const it = readRow({ request_id: 'req_1-1', provider: 'openai', model: 'gpt-4o', qualified_model: 'openai:gpt-4o', ...fields }, 0);
  assert.ok(it);
  return it;
}

/** An interface that answers with these statuses in turn, and then with 202. @param {number[]} statuses */
function answering(statuses) {
  /** @type {string[]} */
  const asked = [];
  let open = 0;
  let most = 0;
  return {
    asked,
    get most() {
      return most;
    },
    /** @param {string} path */
    async delete(path) {
      asked.push(path);
      most = Math.max(most, (open += 1));
      await Promise.resolve();
      open -= 1;
      const status = statuses.shift() ?? 202;
      if (status === 0) throw new TypeError('Failed to fetch');
      if (status >= 300) throw new ApiError(status, `status ${status}`, null);
    },
  };
}

describe('cancelling', () => {
  it('asks for a few at a time, and for each once', async () => {
    const api = answering([]);
    const ids = Array.from({ length: 50 }, (_, index) => `req_1-${index}`);
    /** @type {number[]} */
    const steps = [];
    assert.deepEqual(await cancelRequests(api, ids, (done) => steps.push(done)), { cancelled: 50, ended: 0, fixed: 0, unreached: 0, unanswered: 0, untried: 0, refusal: null });
    assert.deepEqual(api.asked, ids.map((id) => `active-requests/${id}`));
    assert.equal(api.most, AT_ONCE);
    assert.deepEqual(steps, Array.from({ length: 50 }, (_, index) => index + 1));
  });

  it('goes on after one that has ended, and one that cannot be cancelled', async () => {
    const result = await cancelRequests(answering([404, 409]), ['a', 'b', 'c']);
    assert.deepEqual(result, { cancelled: 1, ended: 1, fixed: 1, unreached: 0, unanswered: 0, untried: 0, refusal: null });
  });

  for (const status of [0, 401, 403, 500]) {
    it(`stops at ${status || 'an answer that did not come'}, which the others would get, too`, async () => {
      const api = answering([202, status]);
      const ids = Array.from({ length: 40 }, (_, index) => String(index));
      const result = await cancelRequests(api, ids);
      assert.ok(api.asked.length <= 2 * AT_ONCE, String(api.asked.length));
      assert.equal(result.refusal?.status, status);
      assert.equal(result.cancelled + result.untried, 40);
    });
  }

  it('puts a path together that no id breaks out of', async () => {
    const api = answering([]);
    await cancelRequests(api, ['../logs?x#y']);
    assert.deepEqual(api.asked, ['active-requests/..%2Flogs%3Fx%23y']);
  });

  it('asks with what the clients will see', () => {
    const one = question([row()]);
    assert.equal(one.title, 'Cancel this request?');
    assert.equal(one.subject, 'openai · gpt-4o · req_1-1');
    assert.match(one.effects.join(' '), /^It has no answer yet: the client gets a 503/);
    assert.match(question([row({ status: 200 })]).effects.join(' '), /^Its answer has begun: the client sees it break off/);
    const many = question([row(), row({ status: 200 }), row({ status: 200 })]);
    assert.equal(many.title, 'Cancel 3 requests?');
    assert.equal(many.confirm, 'Cancel 3 requests');
    assert.match(many.effects.join(' '), /1 has no answer yet.*2 answers have begun/);
  });

  for (const [result, done, problem] of /** @type {[Partial<import('../../dashboard/model/cancellation.js').Cancelled>, string, RegExp][]} */ ([
    [{ cancelled: 3 }, '3 cancelled', /^$/],
    [{ cancelled: 2, ended: 1 }, '2 cancelled, 1 had already ended', /^$/],
    [{ ended: 1 }, '1 had already ended', /^$/],
    [{ unreached: 2 }, '0 cancelled', /^2 requests were not cancelled: the replica that has them could not be reached\.$/],
    [{ unanswered: 1 }, '0 cancelled', /^Of 1 request it is not known: the replica did not answer in time, and may still cancel it\.$/],
    [{ fixed: 1 }, '0 cancelled', /^1 request cannot be cancelled: the server has no CancelRequestLayer around it\.$/],
    [{ untried: 2, refusal: { status: 403, message: 'The right "operate" is missing.' } }, '0 cancelled', /^2 requests were left running: you may not cancel here\. The server says: The right "operate" is missing\.$/],
    [{ untried: 1, refusal: { status: 401, message: '' } }, '0 cancelled', /asks for an API key/],
    [{ untried: 1, refusal: { status: 0, message: 'Failed to fetch' } }, '0 cancelled', /cannot be reached/],
  ])) {
    it(`says “${done}${problem.source === '^$' ? '' : ` ${problem.source}`}”`, () => {
      const said = report({ cancelled: 0, ended: 0, fixed: 0, unreached: 0, unanswered: 0, untried: 0, refusal: null, ...result });
      assert.equal(said.done, done);
      assert.match(said.problem, problem);
    });
  }
});
