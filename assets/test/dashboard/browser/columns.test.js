/** The columns of the list: those that come with what a server tells, and those that an operator moves, sizes and hides. */

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { noBrowser } from '../browser.js';
import { begun, closeBrowser, oneGrid, onPage, soon } from '../page.js';

/** @typedef {import('playwright-core').Page} Page */

/** The titles from left to right. @param {Page} page */
const titles = (page) =>
  page.evaluate(() =>
    [...document.querySelectorAll('#grid [role="columnheader"]')]
      .map((it) => ({ left: it.getBoundingClientRect().left, title: /** @type {HTMLElement} */ (it).innerText.trim() }))
      .filter(({ title }) => title !== '' && title !== 'Actions' && title !== 'Select')
      .sort((a, b) => a.left - b.left)
      .map(({ title }) => title));

/** @param {Page} page @param {string} title */
async function boxOf(page, title) {
  const box = await page.locator('#grid [role="columnheader"]', { hasText: title }).first().boundingBox();
  assert.ok(box);
  return box;
}

/** @param {Page} page @param {number} x @param {number} y @param {number} toX */
async function drag(page, x, y, toX) {
  await page.mouse.move(x, y);
  await page.mouse.down();
  for (let step = 1; step <= 12; step++) await page.mouse.move(x + ((toX - x) * step) / 12, y);
  await page.mouse.up();
}

/**
 * The settings that are there the next time. AG Grid shows columns moved and sized, and tells of it some turns later: a reload at once, as no hand
 * makes it, would come before.
 * @param {Page} page
 */
const kept = (page) => page.evaluate(() => localStorage.getItem('active-requests.settings') ?? '');

const OPTIONAL = ['Caller', 'session', 'Cost', 'Route'];

for (const grid of [true, false]) {
  describe(`the columns in ${grid ? 'AG Grid' : 'the plain table'}`, { skip: noBrowser }, () => {
    after(closeBrowser);

    it('are moved and sized by keys on their headers, and stay so', () =>
      onPage(async ({ world, page, rows, soon }) => {
        world.start();
        await soon(rows, 1);
        await oneGrid(page);
        const before = await titles(page);
        const at = before.indexOf('Waits for');
        const expected = before.with(at, String(before[at + 1])).with(at + 1, 'Waits for');
        const focused = () => page.evaluate(() => /** @type {HTMLElement | null} */ (document.activeElement?.closest('[role="columnheader"]'))?.innerText.trim() ?? null);
        await page.locator('#charts-toggle').focus();
        // The plain table itself stands before its headers.
        for (let i = grid ? 0 : 1; i >= 0; i--) await page.keyboard.press('Tab');
        assert.equal(await focused(), 'State');
        for (let i = 0; i < at; i++) await page.keyboard.press('ArrowRight');
        assert.equal(await focused(), 'Waits for');
        const { width } = await boxOf(page, 'Waits for');
        await page.keyboard.press('Alt+ArrowRight');
        await soon(async () => (await boxOf(page, 'Waits for')).width > width, true);
        const wider = (await boxOf(page, 'Waits for')).width;
        await page.keyboard.press('Shift+ArrowRight');
        await soon(() => titles(page), expected);
        await soon(focused, 'Waits for');
        await soon(() => kept(page), /"order":\[[^\]]*"input","waits"[^]*"widths":\{"waits":/);
        await page.reload();
        await begun(page);
        await oneGrid(page);
        await soon(() => titles(page), expected);
        assert.equal((await boxOf(page, 'Waits for')).width, wider);
      }, { grid }));

    it('are more where the server tells who asks and what it costs', () =>
      onPage(async ({ world, page, rows, soon }) => {
        world.start();
        await soon(rows, 1);
        await oneGrid(page);
        assert.deepEqual((await titles(page)).filter((it) => OPTIONAL.includes(it)), []);
        const id = world.start({ model: 'priced', caller: 'ann', labels: { session: 's-7' }, cost_usd: 0.0042, route: '/v1/{kind}', usage_source: 'estimated', phase: 'streaming' });
        await soon(async () => (await titles(page)).filter((it) => OPTIONAL.includes(it)), OPTIONAL);
        await oneGrid(page);
        const row = page.locator('#grid [role="row"]', { hasText: 'priced' });
        const cell = (/** @type {string} */ name) => row.locator(`[class~="col-${name}"]`).innerText();
        await soon(() => cell('cost'), '≥ $0.0042');
        assert.deepEqual([await cell('caller'), await cell('label.session')], ['ann', 's-7']);
        world.progress(id, { usage_source: 'reported', cost_usd: 0.005 });
        await soon(() => cell('cost'), '$0.0050');
        await page.locator('#group').selectOption('label.session');
        await soon(() => page.locator('#grid [data-look="group"]').first().innerText(), /s-7|–/);
        await row.locator('.col-model').click();
        await soon(() => page.locator('#drawer').innerText(), /Caller\s+ann[^]*session: s-7[^]*Cost\s+\$0\.0050/);
        // Wide enough for all: AG Grid draws no column beyond the edge.
      }, { grid, options: { viewport: { width: 2200, height: 900 } } }));

    it('are dragged to another place, and are there the next time', () =>
      onPage(async ({ world, page, rows }) => {
        world.start();
        await soon(rows, 1);
        await oneGrid(page);
        const before = await titles(page);
        const [out, model] = [await boxOf(page, 'Out'), await boxOf(page, 'Model')];
        await drag(page, out.x + out.width / 2, out.y + out.height / 2, model.x + 20);
        const after = [...before.filter((it) => it !== 'Out')];
        after.splice(after.indexOf('Model'), 0, 'Out');
        await soon(() => titles(page), after);
        await soon(() => kept(page), /"order":\["age","output","model"/);
        assert.ok(!page.url().includes('sort='), 'a drag is no click');
        await page.reload();
        await begun(page);
        await soon(rows, 1);
        await oneGrid(page);
        await soon(() => titles(page), after);
      }, { grid }));

    it('are made wider at their edge, and are so the next time', () =>
      onPage(async ({ world, page, rows }) => {
        world.start();
        await soon(rows, 1);
        await oneGrid(page);
        const before = await boxOf(page, 'Duration');
        await drag(page, before.x + before.width - 2, before.y + 15, before.x + before.width + 60);
        const width = async () => Math.round((await boxOf(page, 'Duration')).width);
        await soon(async () => (await width()) > before.width + 50, true);
        const wide = await width();
        await soon(() => kept(page), new RegExp(`"widths":\\{"age":${wide}`));
        await page.reload();
        await begun(page);
        await soon(rows, 1);
        await oneGrid(page);
        await soon(async () => Math.abs((await width()) - wide) <= 1, true);
      }, { grid }));

    it('are chosen and moved in the settings, by the keyboard too', () =>
      onPage(async ({ world, page, rows }) => {
        world.start();
        await soon(rows, 1);
        await oneGrid(page);
        const before = await titles(page);
        await page.locator('#settings-button').click();
        await page.getByLabel('Move Model up').focus();
        await page.keyboard.press('Enter');
        await soon(async () => (await titles(page)).slice(0, 3), ['State', 'Model', 'Duration']);
        await soon(() => page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.tagName), /Move Model up|BODY/);
        await page.getByLabel('Tools', { exact: true }).uncheck();
        await soon(async () => (await titles(page)).includes('Tools'), false);
        await page.locator('#set-columns button', { hasText: 'Usual columns' }).click();
        await soon(() => titles(page), before);
      }, { grid }));

    it('are those that the address names, and then change there', () =>
      onPage(async ({ world, page, rows }) => {
        world.start();
        await soon(rows, 1);
        await oneGrid(page);
        assert.deepEqual(await titles(page), ['State', 'Out', 'Model']);
        await page.locator('#settings-button').click();
        await page.getByLabel('Tools', { exact: true }).check();
        await soon(async () => (await titles(page)).includes('Tools'), true);
        assert.match(page.url(), /columns=output,tools,model/);
        assert.equal(await page.evaluate(() => JSON.parse(localStorage.getItem('active-requests.settings') ?? '{}').hidden?.length ?? 0), 0);
      }, { grid, hash: '#/requests?columns=output,model' }));
  });
}

describe('the views of the past', { skip: noBrowser }, () => {
  after(closeBrowser);

  it('say who asked and what it cost, where that is known', () =>
    onPage(async ({ world, page, base }) => {
      world.end(world.start({ provider: 'openai', caller: 'ann', labels: { team: 'blue' }, cost_usd: 0.25 }));
      world.end(world.start({ provider: 'openai', cost_usd: 0.5 }));
      world.end(world.start({ provider: 'poe' }));
      await page.goto(`${base}/dashboard/#/totals`);
      await soon(() => page.locator('#totals-facts').innerText(), /Cost\s+≥ \$0\.75\s+Requests of unknown cost\s+1/);
      await soon(() => page.locator('#provider-table').innerText(), /poe[^]*–[^]*openai[^]*\$0\.75/);
      await page.goto(`${base}/dashboard/#/traces`);
      await soon(() => page.locator('#traces-table').innerText(), /Cost\s+Caller\s+Labels[^]*\$0\.25\s+ann\s+team=blue/);
    }));

  it('have no such columns where it is not', () =>
    onPage(async ({ world, page, base }) => {
      world.end(world.start());
      await page.goto(`${base}/dashboard/#/traces`);
      await soon(() => page.locator('#traces-table tbody tr').count(), 1);
      assert.ok(!/Cost|Caller|Labels/.test(await page.locator('#traces-table').innerText()));
      await page.goto(`${base}/dashboard/#/totals`);
      await soon(() => page.locator('#provider-table tbody tr').count(), 1);
      assert.ok(!/Cost/.test(await page.locator('#view-totals').innerText()));
    }));
});
