/** The page's layout in a real browser: nothing jumps while it loads, nothing is cut off or covered, at any width. */

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { noBrowser } from '../browser.js';
import { begun, closeBrowser, oneGrid, onPage } from '../page.js';

/** @typedef {import('playwright-core').Page} Page */

const NAMES = [['anthropic', 'claude-sonnet-4-5-20250929'], ['openrouter', 'anthropic/claude-sonnet-4-5'], ['openai', 'gpt-4o-mini-2024-07-18']];

/** @param {import('../world.js').World} world @param {number} count */
function fill(world, count) {
  for (let i = 0; i < count; i++) {
    const [provider, model] = NAMES[i % NAMES.length] ?? [];
    world.start({ provider, model, resolved_model: '', qualified_model: `${provider}:${model}`, phase: 'streaming', status: 200, output_tokens: 10 * i });
  }
  world.end(world.start({ provider: 'openai' }), 'upstream_error', { error: 'Overloaded, for a reason that takes more than one line of a phone to tell, as reasons do' });
}

/** The sum of the shifts that the browser saw, as it is defined for the web. @param {Page} page */
const shifts = (page) => page.evaluate(() => /** @type {any} */ (window).__shifts);

const watchShifts = (/** @type {Page} */ page) => page.addInitScript(() => {
  const seen = { sum: 0, sources: /** @type {string[]} */ ([]) };
  Object.assign(window, { __shifts: seen });
  new PerformanceObserver((list) => {
    for (const entry of /** @type {any[]} */ (list.getEntries())) {
      if (entry.hadRecentInput) continue;
      seen.sum += entry.value;
      for (const { node } of entry.sources) seen.sources.push(`${entry.value.toFixed(4)} ${node?.id || node?.className || node?.nodeName}`);
    }
  }).observe({ type: 'layout-shift', buffered: true });
});

/** The controls that lie outside of the window, or are cut off by it. @param {Page} page */
const outside = (page) => page.evaluate(() =>
  [...document.querySelectorAll('.top button, .top a, .filterbar button, .filterbar input, .filterbar select, .tile, #drawer button')].flatMap((element) => {
    const box = element.getBoundingClientRect();
    const shown = element.checkVisibility() && box.width > 0;
    const scrolls = element.closest('.chips, .drawer-body, .tabs');
    return shown && !scrolls && (box.right > innerWidth + 0.5 || box.left < -0.5) ? [element.id || element.textContent] : [];
  }));

describe('the layout', { skip: noBrowser }, () => {
  after(closeBrowser);

  for (const [width = 0, height = 0, most = 0] of [[1440, 900, 0.05], [390, 844, 0.02]]) {
    it(`shifts nothing while it loads, at ${width} pixels`, () =>
      onPage(async ({ page, rows, soon }) => {
        await soon(async () => (await rows()) > 5, true);
        await begun(page);
        if (width > 700) await oneGrid(page);
        await page.waitForTimeout(2500);
        const { sum, sources } = await shifts(page);
        assert.ok(sum < most, `shifted by ${sum}: ${sources.join(', ')}`);
      }, { begins: false, before: watchShifts, mock: ({ world }) => fill(world, 14), options: { viewport: { width, height }, hasTouch: width < 700, isMobile: width < 700 } }));
  }

  it('shows twenty requests at 1440 by 900, charts included, with their models whole', () =>
    onPage(async ({ page, rows, soon }) => {
      await soon(async () => (await rows()) >= 20, true);
      await oneGrid(page);
      const seen = await page.evaluate(() => {
        const bottom = innerHeight + 0.5;
        const rows = [...document.querySelectorAll('#grid .ag-row')];
        const names = [...document.querySelectorAll('#grid .col-model .mono')];
        return {
          whole: rows.filter((row) => row.getBoundingClientRect().bottom <= bottom).length,
          cut: names.filter((name) => name.scrollWidth > name.clientWidth).map((name) => name.textContent),
          charts: document.querySelector('#charts')?.checkVisibility(),
          menu: [...document.querySelectorAll('#grid .row-menu')].every((button) => button.getBoundingClientRect().right <= innerWidth - 4),
        };
      });
      assert.ok(seen.whole >= 20, `${seen.whole} rows`);
      assert.deepEqual([seen.cut, seen.charts, seen.menu], [[], true, true]);
    }, { mock: ({ world }) => fill(world, 30) }));

  it('cuts off no control down to 320 pixels, nor when it is enlarged', () =>
    onPage(async ({ page, rows, soon }) => {
      await soon(async () => (await rows()) > 5, true);
      for (const [width, height] of [[1440, 900], [1280, 720], [1024, 768], [900, 700], [790, 600], [768, 1024], [720, 450], [701, 500], [640, 400], [480, 640], [360, 740], [320, 568]]) {
        await page.setViewportSize({ width: Number(width), height: Number(height) });
        await page.waitForTimeout(250);
        assert.deepEqual(await outside(page), [], `at ${width} pixels`);
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `at ${width} pixels the page scrolls sideways`);
        assert.ok(await page.evaluate(() => (document.querySelector('#grid-frame')?.getBoundingClientRect().height ?? 0) >= 100), `at ${width} pixels there is room for the list`);
      }
    }, { mock: ({ world }) => fill(world, 12) }));

  it('sets the details beside the list, and covers nothing', () =>
    onPage(async ({ page, rows, soon }) => {
      await soon(async () => (await rows()) > 5, true);
      await oneGrid(page);
      const before = await page.evaluate(() => document.querySelector('#grid')?.getBoundingClientRect().top);
      await page.locator('#grid .ag-row .col-model').nth(2).click();
      await soon(() => page.locator('#drawer').isVisible(), true);
      for (const width of [1440, 1100, 960]) {
        await page.setViewportSize({ width, height: 900 });
        await page.waitForTimeout(250);
        const [main, drawer] = await page.evaluate(() => ['main', '#drawer'].map((at) => document.querySelector(at)?.getBoundingClientRect().toJSON()));
        assert.ok(main.right <= drawer.left + 0.5, `at ${width}: ${main.right} ${drawer.left}`);
        assert.deepEqual(await outside(page), [], `at ${width} pixels`);
      }
      await page.setViewportSize({ width: 1440, height: 900 });
      await page.waitForTimeout(250);
      assert.equal(await page.evaluate(() => document.querySelector('#grid')?.getBoundingClientRect().top), before, 'the list stays where it was');
    }, { mock: ({ world }) => fill(world, 12) }));

  it('closes the details by the browser’s back, and by its own button leaves no trace of them', () =>
    onPage(async ({ page, rows, soon }) => {
      await soon(async () => (await rows()) > 5, true);
      const address = page.url();
      const length = () => page.evaluate(() => history.length);
      const open = async () => {
        await page.locator('.cards .col-model').nth(1).click();
        await soon(() => page.locator('#drawer').isVisible(), true);
      };
      await open();
      const opened = await length();
      await page.goBack();
      await soon(() => page.locator('#drawer').isVisible(), false);
      await open();
      await page.locator('#drawer-close').click();
      await soon(() => page.locator('#drawer').isVisible(), false);
      await soon(async () => page.url().replace(/#.*/, ''), address.replace(/#.*/, ''));
      await open();
      assert.equal(await length(), opened);
      await page.goBack();
      await soon(() => page.locator('#drawer').isVisible(), false);
    }, { mock: ({ world }) => fill(world, 6), options: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true } }));

  it('tells an error on a phone whole: how it ended, when, of what, and why', () =>
    onPage(async ({ page, soon }) => {
      await soon(() => page.locator('#errors-table tbody tr').count(), 1);
      const seen = await page.evaluate(() => {
        const row = document.querySelector('#errors-table tbody tr');
        const inside = [...(row?.querySelectorAll('td') ?? [])].filter((cell) => cell.checkVisibility());
        return { areas: inside.map((cell) => cell.dataset['area']), fits: inside.every((cell) => cell.getBoundingClientRect().right <= innerWidth), text: row?.textContent };
      });
      assert.deepEqual(seen.areas.toSorted(), ['duration', 'http', 'message', 'model', 'outcome', 'time']);
      assert.ok(seen.fits);
      assert.match(String(seen.text), /Upstream error.*Overloaded, for a reason/s);
    }, { hash: '#/errors', mock: ({ world }) => fill(world, 1), options: { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true } }));

  it('gives a finger 44 pixels, and a pointer 24', () =>
    onPage(async ({ page, rows, soon }) => {
      await soon(async () => (await rows()) > 5, true);
      const small = (/** @type {number} */ least) => page.evaluate((least) =>
        [...document.querySelectorAll('button, a, select')].flatMap((element) => {
          const box = element.getBoundingClientRect();
          const shown = element.checkVisibility() && box.width > 1 && !element.classList.contains('skip') && getComputedStyle(element).display !== 'inline';
          return shown && (box.height < least || box.width < Math.min(least, 24)) ? [`${element.id || element.textContent} ${box.width}x${box.height}`] : [];
        }), least);
      assert.deepEqual(await small(44), []);
    }, { mock: ({ world }) => fill(world, 6), options: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true } }));
});
