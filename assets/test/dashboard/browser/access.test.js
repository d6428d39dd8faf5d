/** The page for everybody: axe's rules in every view and theme, and the content policy kept. */

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { findings } from '../axe.js';
import { noBrowser } from '../browser.js';
import { closeBrowser, onPage, soon } from '../page.js';

/** @param {import('../world.js').World} world */
function fill(world) {
  world.start({ provider: 'openai', phase: 'waiting' });
  world.start({ provider: 'anthropic', phase: 'streaming', output_tokens: 900, usage_source: 'estimated' });
  world.start({ provider: 'openrouter', phase: 'stalled' });
  world.start({ provider: 'poe', phase: 'streaming', waiting_on: 'client' });
  world.start({ provider: 'groq', phase: 'responding' });
  world.end(world.start({ provider: 'openai' }));
  world.end(world.start({ provider: 'poe' }), 'upstream_error', { status: 529, error: 'Overloaded' });
}

describe('the page', { skip: noBrowser }, () => {
  after(closeBrowser);

  for (const theme of ['light', 'dark', 'contrast']) {
    it(`has no finding of axe in ${theme}`, () =>
      onPage(async ({ world, page, base }) => {
        fill(world);
        await soon(() => page.locator('.ag-row').count(), 8);
        /** @param {string} where */
        const clean = async (where) => assert.deepEqual(await findings(page), [], where);
        await clean('requests');
        await page.locator('.ag-row .col-model').first().click();
        await clean('drawer');
        await page.keyboard.press('Escape');
        await page.keyboard.press(' ');
        await clean('frozen');
        await page.keyboard.press('?');
        await clean('help');
        await page.keyboard.press('Escape');
        await page.locator('#settings-button').click();
        await clean('settings');
        for (const view of ['totals', 'errors', 'traces']) {
          await page.goto(`${base}/dashboard/#/${view}`);
          await soon(async () => (await page.locator(`#view-${view} tbody tr`).count()) > 0, true);
          await clean(view);
        }
      }, { before: (page) => page.addInitScript((theme) => localStorage.setItem('active-requests.settings', JSON.stringify({ theme, lingerMs: 60_000 })), theme) }));
  }

  it('has none in the plain table, on a phone, grouped, and while it asks for a key', async () => {
    await onPage(async ({ world, page }) => {
      fill(world);
      await soon(() => page.locator('.plain-body .plain-row').count(), 12);
      assert.deepEqual(await findings(page), []);
    }, { grid: false, hash: '#/requests?group=provider' });
    await onPage(async ({ world, page }) => {
      fill(world);
      await soon(async () => (await page.locator('.plain-body .plain-row').count()) >= 6, true);
      assert.deepEqual(await findings(page), []);
    }, { options: { viewport: { width: 390, height: 844 } } });
    await onPage(async ({ page }) => {
      await soon(() => page.locator('#key-dialog').isVisible(), true);
      assert.deepEqual(await findings(page), []);
    }, { mock: (mock) => (mock.settings.key = 'k'), complaints: /401/ });
  });

  it('says in shapes what it says in colours, where the system decides on colours', () =>
    onPage(async ({ world, page }) => {
      fill(world);
      await soon(() => page.locator('[data-look="attention"]').count(), 1);
      await soon(async () => (await page.locator('.bar-fill').evaluateAll((bars) => bars.some((bar) => bar.getBoundingClientRect().height > 2))), true);
      const seen = await page.evaluate(() => {
        const style = (/** @type {string} */ at) => getComputedStyle(/** @type {Element} */ (document.querySelector(at)));
        return { page: style('body').backgroundColor, bar: style('.bar-fill').backgroundColor, row: style('[data-look="attention"]').borderLeftWidth, dot: style('.dot').backgroundColor };
      });
      assert.notEqual(seen.bar, seen.page);
      assert.notEqual(seen.dot, seen.page);
      assert.equal(seen.row, '4px');
    }, { options: { forcedColors: 'active' } }));

  it('tells those who listen that a request needs attention, once', () =>
    onPage(async ({ world, page }) => {
      const spoken = () => page.locator('#spoken-attention').innerText();
      await page.evaluate(() => {
        const said = /** @type {string[]} */ ([]);
        Object.assign(window, { __said: said });
        const region = /** @type {Element} */ (document.querySelector('#spoken-attention'));
        new MutationObserver(() => said.push(region.textContent)).observe(region, { childList: true, characterData: true, subtree: true });
      });
      world.start({ phase: 'stalled', status: 200 });
      await soon(spoken, '1 request needs attention: 1 stalled');
      world.start({ phase: 'streaming', status: 200 });
      await page.waitForTimeout(2500);
      assert.equal(await page.evaluate(() => /** @type {any} */ (window).__said.length), 1);
    }));

  it('does not cut off what it says, down to a narrow window', () =>
    onPage(async ({ world, page }) => {
      fill(world);
      for (const width of [1920, 1440, 1100, 800, 600, 360]) {
        await page.setViewportSize({ width, height: 800 });
        await page.waitForTimeout(300);
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `at ${width} px`);
      }
    }));
});
