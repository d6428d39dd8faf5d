/** Typed keys arrive, whatever the page does meanwhile. */

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { noBrowser } from '../browser.js';
import { begun, closeBrowser, heldGrid, oneGrid, onPage } from '../page.js';

/** @typedef {import('playwright-core').Page} Page */

/** @param {import('../world.js').World} world */
function startThree(world) {
  const now = Date.now() / 1000;
  for (const [index, model] of ['third', 'second', 'first'].entries()) world.start({ model, provider: 'openai', start_time: now - 30 + index });
}

/** The model of the line that the focus is on. @param {Page} page */
const focusedModel = (page) =>
  page.evaluate(() => {
    const at = document.activeElement;
    const row = at?.closest('[role="row"]') ?? at?.querySelector('[data-focused]');
    return row?.querySelector('.col-model .mono')?.textContent ?? null;
  });

describe('the keyboard', { skip: noBrowser }, () => {
  after(closeBrowser);

  it('loses no letter of the filter while AG Grid takes the list over', async () => {
    const { release, before } = heldGrid();
    await onPage(async ({ world, page, rows, models, soon }) => {
      startThree(world);
      await soon(rows, 3);
      await page.keyboard.press('/');
      await page.keyboard.type('model:');
      release();
      for (const letter of 'second') {
        await page.keyboard.type(letter);
        await page.waitForTimeout(40);
      }
      await oneGrid(page);
      await soon(models, ['second']);
      assert.equal(await page.locator('#filter').inputValue(), 'model:second');
      await soon(async () => page.url(), /q=model:second/);
    }, { before });
  });

  it('stays at its request when AG Grid takes the list over', async () => {
    const { release, before } = heldGrid();
    await onPage(async ({ world, page, rows, soon }) => {
      startThree(world);
      await soon(rows, 3);
      await page.keyboard.press('j');
      await page.keyboard.press('j');
      assert.equal(await focusedModel(page), 'second');
      release();
      await oneGrid(page);
      assert.equal(await focusedModel(page), 'second');
      await page.keyboard.press('j');
      assert.equal(await focusedModel(page), 'third');
    }, { before });
  });

  it('is back in the list after a menu or details under which AG Grid took it over', async () => {
    for (const [key, opened] of [['m', '#menu'], ['Enter', '#drawer']]) {
      const { release, before } = heldGrid();
      await onPage(async ({ world, page, rows, soon }) => {
        startThree(world);
        await soon(rows, 3);
        await page.keyboard.press('j');
        await page.keyboard.press(String(key));
        if (key === 'Enter') await page.locator('#drawer-close').focus();
        release();
        await oneGrid(page);
        await page.keyboard.press('Escape');
        await soon(() => page.locator(String(opened)).isVisible(), false);
        assert.equal(await focusedModel(page), 'first', opened);
      }, { before });
    }
  });

  for (const grid of [true, false]) {
    const name = grid ? 'AG Grid' : 'the plain table';

    it(`reaches the menu of a row in ${name} with the very next key`, () =>
      onPage(async ({ world, page, rows, soon }) => {
        startThree(world);
        await oneGrid(page);
        await soon(rows, 3);
        await page.keyboard.press('j');
        for (const key of ['m', 'ArrowDown']) await page.keyboard.press(key);
        assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Copy link');
      }, { grid }));

    it(`stays in the list in ${name} when the request it is at leaves`, () =>
      onPage(async ({ world, page, rows, soon }) => {
        startThree(world);
        await oneGrid(page);
        await soon(rows, 3);
        await page.keyboard.press('j');
        await page.keyboard.press('j');
        assert.equal(await focusedModel(page), 'second');
        const [, second] = world.rows.keys();
        world.end(String(second));
        await soon(async () => await page.locator('#grid .col-state').allInnerTexts().then((all) => all.join()), /Completed/);
        await page.keyboard.press('n');
        await soon(rows, 2);
        assert.equal(await focusedModel(page), 'third');
        await page.keyboard.press('k');
        assert.equal(await focusedModel(page), 'first');
      }, { grid, before: (page) => page.addInitScript(() => localStorage.setItem('active-requests.settings', '{"lingerMs":0}')) }));
  }

  it('means the request that is seen: in the list, in its menu, and in its details', () =>
    onPage(async ({ world, page, rows, soon }) => {
      startThree(world);
      await oneGrid(page);
      await soon(rows, 3);
      const toast = () => page.locator('#toast').innerText();
      await page.keyboard.press('j');
      await page.keyboard.press(' ');
      await soon(() => page.locator('#freeze').getAttribute('aria-pressed'), 'true');
      await page.keyboard.press(' ');
      await page.keyboard.press('p');
      await soon(toast, 'Pinned');
      await page.keyboard.press('m');
      await page.keyboard.press('p');
      await soon(toast, 'No longer pinned');
      await soon(() => page.locator('#menu').isVisible(), false);
      await page.keyboard.press('Enter');
      await soon(() => page.locator('#drawer-title').innerText(), /first/);
      await page.keyboard.press('j');
      await soon(() => page.locator('#drawer-title').innerText(), /second/);
      assert.equal(await focusedModel(page), 'second');
    }));

  it('skips to the list, and leaves the address as it is', () =>
    onPage(async ({ world, page, base, rows, soon }) => {
      startThree(world);
      await oneGrid(page);
      await soon(rows, 2);
      const address = page.url();
      await page.locator('#skip').focus();
      await page.keyboard.press('Enter');
      assert.equal(await focusedModel(page), 'third');
      assert.equal(page.url(), address);
      await page.goto(`${base}/dashboard/#/errors`);
      await page.locator('#skip').focus();
      await page.keyboard.press('Enter');
      assert.equal(await page.evaluate(() => document.activeElement?.id), 'errors-table');
      assert.match(page.url(), /#\/errors$/);
    }, { hash: '#/requests?q=model:*d&sort=-age' }));

  it('keeps what was typed into the filter before the page was there', () => {
    const { release, before } = heldGrid();
    return onPage(async ({ world, page, models, soon }) => {
      startThree(world);
      await page.locator('#filter').fill('model:second');
      release();
      await begun(page);
      await soon(models, ['second']);
    }, { begins: false, before: async (page) => {
      await before(page);
      await page.route('**/page/app/compat.js', async (route) => {
        await page.locator('#filter').waitFor();
        await new Promise((resolve) => setTimeout(resolve, 400));
        await route.continue();
      });
    } });
  });

  it('closes the settings with Escape, and leaves the details open', () =>
    onPage(async ({ world, page, rows, soon }) => {
      startThree(world);
      await soon(rows, 3);
      await page.keyboard.press('j');
      await page.keyboard.press('Enter');
      await soon(() => page.locator('#drawer').isVisible(), true);
      await page.locator('#settings-button').focus();
      await page.keyboard.press('Enter');
      await soon(() => page.locator('#settings').isVisible(), true);
      await page.keyboard.press('Escape');
      await soon(() => page.locator('#settings').isVisible(), false);
      assert.equal(await page.locator('#drawer').isVisible(), true);
    }));

  it('stays at its entry when the table of errors is read anew', () =>
    onPage(async ({ world, page, soon }) => {
      for (const error of ['one', 'two']) world.end(world.start(), 'upstream_error', { error });
      await page.keyboard.press('3');
      const lines = page.locator('#errors-table tbody tr');
      await soon(() => lines.count(), 2);
      const focused = () => page.evaluate(() => document.activeElement?.querySelector('.message')?.textContent);
      await lines.nth(1).focus();
      assert.equal(await focused(), 'one');
      world.end(world.start(), 'upstream_error', { error: 'three' });
      await page.evaluate(() => document.getElementById('refresh')?.click());
      await soon(() => lines.count(), 3);
      assert.equal(await focused(), 'one');
      await page.keyboard.press('Enter');
      await soon(() => page.locator('#drawer').innerText(), /one/);
      assert.equal(await focused(), 'one');
    }));

  it('walks in every table as in the list, with one stop for all its lines', () =>
    onPage(async ({ world, page, soon }) => {
      for (const error of ['one', 'two', 'three']) world.end(world.start(), 'upstream_error', { error });
      const focused = () => page.evaluate(() => document.activeElement?.querySelector('.message')?.textContent);
      await soon(() => page.locator('#errors-table tbody tr').count(), 3);
      assert.equal(await page.locator('#errors-table tbody [tabindex="0"]').count(), 1);
      await page.keyboard.press('j');
      assert.equal(await focused(), 'three');
      await page.keyboard.press('j');
      await page.keyboard.press('ArrowDown');
      assert.equal(await focused(), 'one');
      await page.keyboard.press('k');
      assert.equal(await focused(), 'two');
      await page.keyboard.press('c');
      await soon(() => page.locator('#toast').innerText(), /curl command copied/);
      await page.keyboard.press('Enter');
      await soon(() => page.locator('#drawer').innerText(), /two/);
      await page.keyboard.press('j');
      await soon(() => page.locator('#drawer').innerText(), /one/);
      await page.keyboard.press('/');
      assert.equal(await page.evaluate(() => document.activeElement?.id), 'filter');
    }, { hash: '#/errors' }));

  it('loses nothing of a key when a second answer asks for it', () =>
    onPage(async ({ page, soon }) => {
      await soon(() => page.locator('#key-dialog').isVisible(), true);
      await page.keyboard.type('s3cr');
      await page.evaluate(() => document.getElementById('refresh')?.click());
      await page.waitForTimeout(300);
      await page.keyboard.type('et');
      assert.equal(await page.locator('#key-input').inputValue(), 's3cret');
    }, { complaints: /401/, mock: (mock) => (mock.settings.key = 's3cret') }));
});
