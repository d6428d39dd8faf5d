import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cost, costOf, costSum } from '../../dashboard/model/format.js';
import { labelOf, NO_LABELS, readLabels } from '../../dashboard/model/labels.js';
import { inOrder, layOut, moved, readLayout } from '../../dashboard/model/layout.js';
import { arrange, group, isGroupField, isSortable } from '../../dashboard/model/order.js';
import { Presence } from '../../dashboard/model/presence.js';
import { progressRow, readRow } from '../../dashboard/model/row.js';
import { toJson } from '../../dashboard/model/share.js';

/** @param {string} id @param {Record<string, unknown>} [fields] */
function row(id, fields = {}) {
  const it = readRow({ request_id: id, provider: 'openai', model: 'gpt-4o', ...fields }, 0);
  assert.ok(it);
  return it;
}

const COLUMNS = [
  { id: 'pick', width: 36, fixed: /** @type {const} */ ('start'), optional: true },
  { id: 'state', width: 150, fixed: /** @type {const} */ ('start') },
  { id: 'age', width: 100 },
  { id: 'model', width: 200, flex: 5 },
  { id: 'caller', width: 120, optional: true },
  { id: 'id', width: 130 },
  { id: 'menu', width: 44, fixed: /** @type {const} */ ('end') },
];
const NOTHING = { hidden: [], order: [], widths: {} };

/** @param {Partial<import('../../dashboard/model/layout.js').Layout>} layout @param {string[]} [present] @param {string[] | null} [only] */
const laid = (layout, present = [], only = null) => layOut(COLUMNS, { ...NOTHING, ...layout }, new Set(present), only).map((it) => it.id).join(' ');

describe('columns', () => {
  for (const [expected, layout, present, only] of /** @type {[string, Partial<import('../../dashboard/model/layout.js').Layout>, string[]?, (string[] | null)?][]} */ ([
    ['state age model id menu', {}],
    ['pick state age model caller id menu', {}, ['caller', 'pick']],
    ['state model menu', { hidden: ['age', 'id', 'state', 'menu'] }],
    ['state id age model menu', { order: ['id', 'age', 'model'] }],
    ['state model caller id age menu', { order: ['model', 'id', 'age'] }, ['caller']],
    ['state model id age menu', { order: ['menu', 'nonsense', 'model', 'state', 'age'] }],
    ['state id age menu', { hidden: ['id'], order: ['age', 'id'] }, [], ['id', 'age']],
    ['state id menu', {}, [], ['caller', 'id']],
    ['state menu', {}, [], ['nonsense']],
  ])) {
    it(`are ${expected} for ${JSON.stringify([layout, present, only])}`, () => assert.equal(laid(layout, present, only), expected));
  }

  it('keep the width that they were given, and grow no more', () => {
    const [, , model] = layOut(COLUMNS, { ...NOTHING, widths: { model: 320 } }, new Set()).map(({ width, flex }) => [width, flex]);
    assert.deepEqual(model, [320, undefined]);
  });

  it('are moved among the others, hidden ones included', () => {
    assert.deepEqual(moved(['a', 'b', 'c', 'd'], 'a', 'c'), ['b', 'c', 'a', 'd']);
    assert.deepEqual(moved(['a', 'b', 'c', 'd'], 'd', 'b'), ['a', 'd', 'b', 'c']);
    assert.deepEqual(moved(['a', 'b'], 'a', 'x'), ['a', 'b']);
    assert.deepEqual(inOrder(['a', 'h', 'b', 'c'].map((id) => ({ id, width: 1 })), ['c', 'a', 'b']).map((it) => it.id), ['c', 'a', 'h', 'b']);
  });

  for (const kept of [null, 7, 'x', [], { hidden: 'age', order: { 0: 'x' }, widths: [1] }, { hidden: [1, null], order: [{}], widths: { age: '100', id: -5, model: Infinity, state: 1 } }]) {
    it(`are the usual ones where ${JSON.stringify(kept)} was kept`, () => assert.deepEqual(readLayout(kept), NOTHING));
  }

  it('of what a server may be set not to tell are there once it was seen', () => {
    const presence = new Presence();
    assert.equal(presence.look([row('1')]), false);
    assert.equal(presence.look([row('1', { caller: 'ann', labels: { session: 's1' } })]), true);
    assert.equal(presence.look([row('2', { labels: { session: 's2', team: 't' }, cost_usd: 0 })]), true);
    assert.equal(presence.look([row('3')]), false, 'and do not go again');
    assert.deepEqual([...presence.fields].sort(), ['caller', 'cost', 'label.session', 'label.team']);
    presence.look([row('4', { labels: Object.fromEntries(Array.from({ length: 32 }, (_, index) => [`l${index}`, 'v'])) })]);
    assert.equal(presence.labels.size, 16);
  });
});

describe('what a request may carry', () => {
  it('is read, and nothing else is believed', () => {
    const it = row('1', { caller: 'ann', route: '/v1/{model}', labels: { session: 's1', odd: 7, empty: '' }, cost_usd: 0.0042 });
    assert.deepEqual([it.caller, it.route, [...it.labels], it.cost], ['ann', '/v1/{model}', [['session', 's1']], 0.0042]);
    const odd = row('2', { caller: null, route: 5, labels: ['a'], cost_usd: '1' });
    assert.deepEqual([odd.caller, odd.route, odd.labels, odd.cost], ['', '', NO_LABELS, null]);
    assert.deepEqual([...readLabels(JSON.parse('{"__proto__":"x","constructor":"y"}'))], [['__proto__', 'x'], ['constructor', 'y']]);
    assert.deepEqual(JSON.parse(toJson(it)).labels, { session: 's1' });
  });

  it('costs what progress says, and nothing known where it says nothing', () => {
    const it = row('1', { cost_usd: 1 });
    progressRow(it, ['1', 'streaming', 'upstream', 'estimated', 1, 2, 0, 0, 0, 0, 9, 1.5], 0);
    assert.equal(it.cost, 1.5);
    for (const last of [[null], []]) {
      progressRow(it, ['1', 'streaming', 'upstream', 'estimated', 1, 2, 0, 0, 0, 0, 9, ...last], 0);
      assert.equal(it.cost, null);
    }
  });

  it('sorts and groups', () => {
    const rows = [row('1', { labels: { s: 'b' }, cost_usd: 0.2 }), row('2', { labels: { s: 'a' } }), row('3', { labels: { s: 'b' }, cost_usd: 0.1 })];
    const order = (/** @type {string} */ column) => arrange(rows, () => true, { column, descending: false }, 0).map((it) => it.id).join('');
    assert.equal(order('label.s')[0], '2');
    assert.equal(order('cost'), '231');
    const [first, , , second] = group(rows, 'label.s', new Set());
    assert.ok(first?.kind === 'group' && second?.kind === 'group');
    assert.deepEqual([first.key, first.count, first.unpriced], ['b', 2, 0]);
    assert.ok(Math.abs((first.cost ?? 0) - 0.3) < 1e-9);
    assert.deepEqual([second.key, second.cost, second.unpriced], ['a', null, 1]);
    for (const field of ['label.x', 'caller', 'route']) assert.ok(isSortable(field) && isGroupField(field), field);
    for (const field of ['label.', 'labels', 'toString']) assert.ok(!isSortable(field) && !isGroupField(field), field);
    assert.equal(labelOf('label.a.b'), 'a.b');
  });

  for (const [usd, text] of /** @type {[number | null, string][]} */ ([[null, '–'], [0, '$0.00'], [1e-7, '< $0.00001'], [0.000012, '$0.000012'], [0.0042, '$0.0042'], [0.0999, '$0.10'], [0.5, '$0.50'], [0.9951, '$1.00'], [1234.5, '$1,234.50']])) {
    it(`costs ${text}`, () => assert.equal(cost(usd), text));
  }

  it('says which cost is an estimate, and which sum lacks something', () => {
    for (const [usd, input, usageSource, text] of /** @type {[number | null, number, string, string][]} */ ([
      [1, 7, 'estimated', '~$1.00'], [1, 7, 'partial', '~$1.00'], [1, 0, 'partial', '~$1.00'], [1, 0, 'estimated', '≥ $1.00'], [1, 7, 'reported', '$1.00'], [1, 0, 'reported', '$1.00'],
      [1e-7, 7, 'estimated', '< $0.00001'], [1e-7, 0, 'estimated', '> $0.00'], [0, 7, 'estimated', '~$0.00'], [0, 0, 'estimated', '≥ $0.00'], [null, 7, 'estimated', '–'],
    ])) assert.equal(costOf({ cost: usd, input, usageSource }), text);
    assert.equal(costSum({ cost: 1e-7, unpriced: 1 }), '> $0.00');
    assert.deepEqual([costSum({ cost: 1, unpriced: 0, costLacks: true, costEstimated: true }), costSum({ cost: 1, unpriced: 0, costEstimated: true })], ['≥ $1.00', '~$1.00']);
    assert.deepEqual([costSum({ cost: 1, unpriced: 0 }), costSum({ cost: 1, unpriced: 2 }), costSum({ cost: null, unpriced: 2 }), costSum({ cost: 1, unpriced: null })], ['$1.00', '≥ $1.00', '–', '$1.00']);
  });
});
