import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fileName, toCsv, toJsonList } from '../../dashboard/model/export.js';
import { readRow } from '../../dashboard/model/row.js';
import { hasKey, keepKey, keyHeaders } from '../../dashboard/net/key.js';

/** @param {string} model @param {Record<string, unknown>} [fields] */
function row(model, fields = {}) {
  const it = readRow({ request_id: 'req_1-1', provider: 'openai', model, ...fields }, 0);
  assert.ok(it);
  return it;
}

/** The cells of a column. @param {string} csv @param {string} name */
function column(csv, name) {
  const [head = '', ...lines] = csv.trimEnd().split('\r\n');
  const at = head.split(',').indexOf(name);
  return lines.map((line) => line.split(/,(?=(?:[^"]*"[^"]*")*[^"]*$)/)[at]);
}

describe('an export', () => {
  for (const [model, cell] of [['gpt-4o', 'gpt-4o'], ['=1+1', "'=1+1"], ['+cmd|calc', "'+cmd|calc"], ['-2', "'-2"], ['@x', "'@x"], ['\tx', "'\tx"], ['a,"b"', '"a,""b"""'], ['=HYPERLINK("x","y")', '"\'=HYPERLINK(""x"",""y"")"']]) {
    it(`writes ${JSON.stringify(model)} as ${cell}`, () => assert.deepEqual(column(toCsv([row(String(model))]), 'model'), [cell]));
  }

  it('keeps numbers numbers, and what is not known empty', () => {
    const csv = toCsv([row('a', { input_tokens: 7, cost_usd: 0.5 }), row('b')]);
    assert.deepEqual(column(csv, 'input_tokens'), ['7', '']);
    assert.deepEqual(column(csv, 'cost_usd'), ['0.5', '']);
  });

  it('has a column for each label', () => {
    const csv = toCsv([row('a', { labels: { team: 'blue' } }), row('b', { labels: { session: '=s' } })]);
    assert.deepEqual([column(csv, 'label.team'), column(csv, 'label.session')], [['blue', ''], ['', "'=s"]]);
  });

  it('of nothing is empty, and JSON is a list', () => {
    assert.equal(toCsv([]), '\r\n');
    assert.deepEqual(JSON.parse(toJsonList([row('a', { labels: { t: 'x' } })])).map((/** @type {any} */ it) => [it.model, it.labels]), [['a', { t: 'x' }]]);
    assert.equal(fileName(1_701_234_568_000, 'csv'), 'active-requests-2023-11-29T05-09-28Z.csv');
  });
});

it('an API key that no header can carry is none', () => {
  /** @type {Map<string, string>} */
  const kept = new Map();
  const session = { getItem: (/** @type {string} */ name) => kept.get(name) ?? null, setItem: (/** @type {string} */ name, /** @type {string} */ value) => void kept.set(name, value), removeItem: (/** @type {string} */ name) => void kept.delete(name) };
  keepKey(session, 'schlüssel€');
  assert.deepEqual([hasKey(session), keyHeaders(session)], [false, {}]);
  keepKey(session, 'key');
  assert.deepEqual(keyHeaders(session), { authorization: 'Bearer key' });
});
