/** An operator ends requests in flight, where the server allows it. */

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { noBrowser } from '../browser.js';
import { closeBrowser, oneGrid, onPage } from '../page.js';

/** @typedef {import('playwright-core').Page} Page */

/** @param {import('../mock.js').Mock} mock */
const allowed = (mock) => void (mock.settings.cancel = true);

/** @param {import('../world.js').World} world */
function startTwo(world) {
  const now = Date.now() / 1000;
  world.start({ model: 'waits', start_time: now - 20 });
  world.start({ model: 'streams', start_time: now - 10, phase: 'streaming', status: 200 });
}

/** @param {Page} page */
const dialog = (page) => page.locator('#confirm');
/** @param {Page} page */
const focusedText = (page) => page.evaluate(() => document.activeElement?.textContent);
/** @param {import('../mock.js').Mock} mock */
const deletions = (mock) => mock.asked.filter((it) => it.method === 'DELETE').length;

describe('cancelling', { skip: noBrowser }, () => {
  after(closeBrowser);

  for (const grid of [true, false]) {
    const name = grid ? 'AG Grid' : 'the plain table';

    it(`ends a request by key in ${name}, after a question, and the focus is back in the list`, () =>
      onPage(async ({ world, page, mock, rows, soon }) => {
        startTwo(world);
        await soon(rows, 2);
        await oneGrid(page);
        await page.keyboard.press('j');
        await page.keyboard.press('x');
        await soon(() => dialog(page).isVisible(), true);
        assert.match(await dialog(page).innerText(), /Cancel this request\?[^]*streams[^]*break off with an error/);
        assert.equal(await focusedText(page), 'Keep running', 'the harmless button comes first');
        await page.keyboard.press('Escape');
        await soon(() => dialog(page).isVisible(), false);
        assert.equal(deletions(mock), 0);
        assert.ok(await page.evaluate(() => document.querySelector('#grid')?.contains(document.activeElement)));
        await page.keyboard.press('x');
        await page.keyboard.press('Tab');
        await page.keyboard.press('Enter');
        await soon(() => page.locator('#toast').innerText(), '1 cancelled');
        const row = page.locator('#grid [role="row"]', { hasText: 'streams' });
        await soon(() => row.locator('.col-state').innerText(), /Killed/);
        assert.ok(await page.evaluate(() => document.querySelector('#grid')?.contains(document.activeElement)));
      }, { grid, mock: allowed }));

    it(`ends one from its menu in ${name}, and from its details`, () =>
      onPage(async ({ world, page, rows, soon }) => {
        startTwo(world);
        await soon(rows, 2);
        await oneGrid(page);
        await page.locator('#grid [role="row"]', { hasText: 'waits' }).locator('.row-menu').click();
        await page.locator('#menu button', { hasText: 'Cancel...' }).click();
        assert.match(await dialog(page).innerText(), /waits[^]*the client gets a 503/);
        await dialog(page).locator('button', { hasText: 'Cancel the request' }).click();
        await soon(() => page.locator('#grid [role="row"]', { hasText: 'waits' }).locator('.col-state').innerText(), /Killed/);
        await page.locator('#grid .col-model', { hasText: 'streams' }).click();
        const button = page.locator('#drawer button', { hasText: 'Cancel...' });
        await button.click();
        await dialog(page).locator('button', { hasText: 'Cancel the request' }).click();
        await soon(() => page.locator('#drawer .verdict').innerText(), /^Killed after/);
        await soon(() => button.isVisible(), false);
      }, { grid, mock: allowed }));
  }

  it('is not offered where the server does not allow it', () =>
    onPage(async ({ world, page, rows, soon }) => {
      startTwo(world);
      await soon(rows, 2);
      await oneGrid(page);
      await page.keyboard.press('j');
      await page.keyboard.press('m');
      const offered = await page.locator('#menu').innerText();
      assert.match(offered, /Copy link/);
      assert.doesNotMatch(offered, /Cancel/);
      await page.keyboard.press('Escape');
      await page.keyboard.press('Enter');
      await soon(() => page.locator('#drawer').isVisible(), true);
      assert.equal(await page.locator('#drawer button', { hasText: 'Cancel...' }).isVisible(), false);
      await page.keyboard.press('x');
      await soon(() => page.locator('#toast').innerText(), /may not cancel/);
      assert.equal(await dialog(page).isVisible(), false);
    }));

  it('says what the server answers, and does not go on', () =>
    onPage(async ({ world, page, mock, rows, soon }) => {
      world.start({ model: 'one', cancellable: false });
      await soon(rows, 1);
      await oneGrid(page);
      const tryIt = async () => {
        await page.keyboard.press('x');
        await dialog(page).locator('button', { hasText: 'Cancel the request' }).click();
      };
      const problem = () => dialog(page).locator('[role="alert"]').innerText();
      await page.keyboard.press('j');
      await tryIt();
      await soon(problem, /cannot be cancelled: the server has no CancelRequestLayer/);
      await soon(() => focusedText(page), 'Close');
      await page.keyboard.press('Enter');
      await soon(() => dialog(page).isVisible(), false);
      mock.settings.cancel = false;
      await tryIt();
      await soon(problem, /you may not cancel here. The server says: This needs the right "operate"/);
      await page.keyboard.press('Escape');
      await soon(() => dialog(page).isVisible(), false);
      mock.settings.key = 'another';
      await tryIt();
      await soon(() => page.locator('#key-dialog').isVisible(), true);
    }, { mock: allowed, complaints: /40[139]/ }));

  it('becomes possible with the key that has the right', () =>
    onPage(async ({ world, page, mock, rows, soon }) => {
      startTwo(world);
      await soon(rows, 2);
      mock.settings.cancel = true;
      await page.locator('#settings-button').click();
      await page.locator('#set-key').click();
      await page.locator('#key-input').fill('operator');
      await page.keyboard.press('Enter');
      await soon(async () => mock.asked.filter((it) => it.path.includes('stream')).length, 2);
      await oneGrid(page);
      await soon(rows, 2);
      await soon(() => page.locator('#indicator').innerText(), '● Live');
      await page.keyboard.press('j');
      await page.keyboard.press('m');
      await soon(() => page.locator('#menu').innerText(), /Cancel\.\.\./);
    }));
});

for (const grid of [true, false]) {
  describe(`cancelling several in ${grid ? 'AG Grid' : 'the plain table'}`, { skip: noBrowser }, () => {
    after(closeBrowser);

    /** @param {import('../world.js').World} world @param {number} number */
    function startMany(world, number) {
      const now = Date.now() / 1000;
      for (let index = 0; index < number; index++) world.start({ model: `m${index}`, start_time: now - 40 + index, status: index < 2 ? 200 : null });
    }
    /** @param {Page} page @param {string} model */
    const box = (page, model) => page.locator('#grid [role="row"]', { has: page.getByText(model, { exact: true }) }).locator('.row-pick');
    /** @param {Page} page */
    const bar = (page) => page.locator('.picked-bar');

    it('picks them with the mouse, a range with shift, and with a key, and says how many', () =>
      onPage(async ({ world, page, mock, rows, soon }) => {
        startMany(world, 8);
        await soon(rows, 8);
        await oneGrid(page);
        await box(page, 'm7').click();
        await soon(() => bar(page).locator('[role="status"]').innerText(), '1 selected');
        assert.equal(await page.locator('#drawer').isVisible(), false, 'a click on the box opens nothing');
        await box(page, 'm4').click({ modifiers: ['Shift'] });
        await soon(() => bar(page).locator('[role="status"]').innerText(), '4 selected');
        await box(page, 'm5').click();
        await soon(() => bar(page).locator('[role="status"]').innerText(), '3 selected');
        assert.equal(await box(page, 'm5').isChecked(), false);
        world.end(String([...world.rows.keys()][7]));
        await soon(() => bar(page).locator('[role="status"]').innerText(), '2 selected');
        await bar(page).locator('button', { hasText: 'Clear' }).click();
        await soon(() => bar(page).isVisible(), false);
        await page.locator('#grid').getByText('m6', { exact: true }).click();
        await page.keyboard.press('Escape');
        await page.keyboard.press('s');
        await page.keyboard.press('j');
        await page.keyboard.press('s');
        await soon(() => bar(page).locator('[role="status"]').innerText(), '2 selected');
        await page.keyboard.press('x');
        assert.match(await dialog(page).innerText(), /Cancel 2 requests\?/);
        await dialog(page).locator('button', { hasText: 'Cancel 2 requests' }).click();
        await soon(() => page.locator('#toast').innerText(), '2 cancelled');
        await soon(() => bar(page).isVisible(), false);
        assert.equal(deletions(mock), 2);
      }, { grid, mock: allowed }));

    it('asks with the number of all that are shown, and cancels those and no others', () =>
      onPage(async ({ world, page, mock, rows, soon }) => {
        startMany(world, 12);
        world.start({ model: 'spared', provider: 'poe' });
        await soon(rows, 12);
        await page.locator('#list-menu').click();
        await page.locator('#menu button', { hasText: 'Cancel all 12 shown...' }).click();
        assert.match(await dialog(page).innerText(), /Cancel 12 requests\?[^]*10 have no answer yet[^]*2 answers have begun/);
        world.start({ model: 'm99' });
        await soon(rows, 13);
        await dialog(page).locator('button', { hasText: 'Cancel 12 requests' }).click();
        await soon(() => page.locator('#toast').innerText(), '12 cancelled');
        assert.equal(deletions(mock), 12);
        assert.deepEqual([...world.rows.values()].map((row) => row['model']).sort(), ['m99', 'spared']);
      }, { grid, mock: allowed, hash: '#/requests?q=model:m*' }));

    it('offers no boxes where the server does not allow it', () =>
      onPage(async ({ world, page, rows, soon }) => {
        startMany(world, 3);
        await soon(rows, 3);
        await oneGrid(page);
        await page.keyboard.press('j');
        await page.keyboard.press('s');
        assert.equal(await page.locator('.row-pick').count(), 0);
        assert.equal(await bar(page).isVisible(), false);
      }, { grid }));
  });
}
