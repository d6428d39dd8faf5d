import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as format from '../../dashboard/model/format.js';
import { readPlace } from '../../dashboard/model/place.js';
import { readViews, withView } from '../../dashboard/model/saved-views.js';

describe('saved views', () => {
  const place = readPlace('#/requests?q=state:stalled&sort=-output&group=model&frozen=1&row=req_1-2');

  it('hold filter, order, grouping and columns, and no request', () => {
    const [view] = withView([], 'mine', place, ['model', 'cost']);
    assert.deepEqual(view, { name: 'mine', hash: '#/requests?q=state:stalled&sort=-output&columns=model,cost&group=model' });
  });

  it('are replaced by one of the same name, and are not without end', () => {
    const views = withView(withView([], 'a', place, []), 'a', readPlace('#/errors'), []);
    assert.deepEqual(views.map((it) => [it.name, readPlace(it.hash).view]), [['a', 'errors']]);
    let many = /** @type {import('../../dashboard/model/saved-views.js').SavedView[]} */ ([]);
    for (let index = 0; index < 80; index++) many = withView(many, String(index), place, []);
    assert.deepEqual([many.length, many.at(-1)?.name], [50, '79']);
  });

  for (const kept of [null, '', '{', '7', '{"name":"x"}', '[null,1,{"name":7,"hash":"#/"},{"name":"x"},{"name":"","hash":"#/"}]']) {
    it(`are none where ${JSON.stringify(kept)} was kept`, () => assert.deepEqual(readViews(kept), []));
  }

  it('lead nowhere but into the page', () => assert.deepEqual(readViews('[{"name":"x","hash":"javascript:alert(1)"}]'), [{ name: 'x', hash: '#/requests' }]));
});

describe('times', () => {
  const ms = Date.UTC(2026, 10, 24, 23, 5, 9);
  it('say their zone, and the day where it is another', () => {
    try {
      format.showUtc(true);
      assert.equal(format.timeOfDay(ms), '23:05:09 UTC');
      assert.equal(format.dateTime(ms), '2026-11-24 23:05:09 UTC');
      assert.equal(format.moment(ms, ms + 60_000), '23:05:09 UTC');
      assert.equal(format.moment(ms, ms + 3_600_000), '2026-11-24 23:05:09 UTC');
    } finally {
      format.showUtc(false);
    }
    assert.match(format.timeOfDay(ms), /^\d\d:05:09 local$/);
    assert.equal(format.moment(null, ms), 'N/A');
  });
});
