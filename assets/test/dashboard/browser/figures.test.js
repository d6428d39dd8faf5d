/** The figures of five minutes in a real browser: every page that looks says the same, however and whenever it came to look. */

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { noBrowser } from '../browser.js';
import { begun, closeBrowser, hide, onPage, soon } from '../page.js';

/** @typedef {import('playwright-core').Page} Page */

/** @param {import('../world.js').World} world */
function past(world) {
  world.since -= 3600;
  for (let i = 0; i < 250; i++) world.end(world.start({ time_to_first_token_ms: 250, start_time: Date.now() / 1000 - 1 }), i % 50 === 0 ? 'upstream_error' : i % 10 === 1 ? 'client_disconnect' : 'completed');
}

/** What a page says of the errors: the tile, the badge, and how many durations stand in the histogram. @param {Page} page */
const said = async (page) => [
  await page.locator('.tile', { hasText: 'Failed' }).locator('.tile-note').innerText(),
  await page.locator('#count-errors').innerText(),
  /\d+/.exec(await page.locator('#histogram-note').innerText())?.[0],
];

describe('the figures of five minutes', { skip: noBrowser }, () => {
  after(closeBrowser);

  it('are the same for a page just opened, one that was hidden, and one that polls', () =>
    onPage(async ({ world, page, base, context }) => {
      await soon(() => said(page), ['5 of 225 · 5m', '5', '250']);
      await hide(page, true);
      world.end(world.start(), 'truncated');
      for (let i = 0; i < 3; i++) world.end(world.start());
      await hide(page, false);
      const truth = ['6 of 229 · 5m', '6', '254'];
      await soon(() => said(page), truth);
      const other = await context.newPage();
      await other.addInitScript(() => localStorage.setItem('active-requests.settings', JSON.stringify({ live: false })));
      await other.goto(`${base}/dashboard/`);
      await begun(other);
      await soon(() => said(other), truth);
      assert.match(await other.locator('#indicator').innerText(), /Polling/);
      await page.reload();
      await begun(page);
      await soon(() => said(page), truth);
      world.end(world.start(), 'body_error');
      await soon(() => said(page), ['7 of 230 · 5m', '7', '255']);
      assert.match(String(await page.locator('.tile', { hasText: 'Failed' }).getAttribute('title')), /25 were, and are left out/);
      assert.match(String(await page.locator('.timeline').getAttribute('aria-label')), /223 completed, 25 left or cancelled, 7 failed/);
    }, { mock: ({ world }) => past(world) }));

  it('say that they begin with this page, where the server does not count', () =>
    onPage(async ({ world, page }) => {
      await soon(() => page.locator('#timeline-note').innerText(), /since this page opened/);
      world.end(world.start(), 'truncated');
      world.end(world.start());
      await soon(async () => (await said(page))[0], /^1 of 2 · /);
      await soon(async () => (await said(page))[1], '1');
    }, { complaints: /404/, mock: (mock) => {
      past(mock.world);
      mock.settings.series = false;
    } }));

  it('begin with the server, where that has just started', () =>
    onPage(async ({ page }) => {
      await soon(() => page.locator('#timeline-note').innerText(), /since the server started/);
      await soon(async () => (await said(page))[0], /^0 of 0 · /);
    }));
});
