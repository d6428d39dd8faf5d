/** The page in Firefox: that it starts, shows, follows and complains of nothing. What it does is tested in one browser. */

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, it } from 'node:test';
import puppeteer from 'puppeteer-core';
import { Mock } from '../mock.js';
import { soon } from '../page.js';

const executablePath = process.env['FIREFOX'] ?? '/usr/bin/firefox-esr';
const skip = !existsSync(executablePath) && `no Firefox at ${executablePath}; set FIREFOX to its path`;

describe('the page in Firefox', { skip }, () => {
  it('shows rows in AG Grid, opens one, and walks through its views without a complaint', async () => {
    const mock = new Mock({ deltaMs: 50 });
    const browser = await puppeteer.launch({ browser: 'firefox', executablePath, headless: true, timeout: 60_000 });
    try {
      const page = await browser.newPage();
      /** @type {string[]} */
      const complaints = [];
      page.on('console', (message) => void (['error', 'warn'].includes(message.type()) && complaints.push(message.text())));
      page.on('pageerror', (error) => void complaints.push(String(error)));
      await page.setViewport({ width: 1440, height: 900 });
      await page.goto(`${await mock.listen()}/dashboard/`);
      const text = (/** @type {string} */ selector) => page.evaluate((selector) => document.querySelector(selector)?.textContent ?? null, selector);
      const count = (/** @type {string} */ selector) => page.evaluate((selector) => document.querySelectorAll(selector).length, selector);
      await soon(() => text('#indicator'), '● Live');
      const id = mock.world.start({ model: 'first', phase: 'streaming', status: 200, output_tokens: 5, usage_source: 'estimated' });
      await soon(() => count('.ag-row'), 1);
      mock.world.progress(id, { output_tokens: 42 });
      await soon(() => text('.ag-row .col-output'), '~42');
      await page.locator('.ag-row .col-model').click();
      await soon(() => text('#drawer-title'), /first/);
      mock.world.end(id, 'upstream_error', { status: 529, error: 'Overloaded' });
      await soon(() => text('.verdict'), /The upstream failed/);
      await page.keyboard.press('Escape');
      await soon(() => page.evaluate(() => document.querySelector('#drawer')?.hasAttribute('hidden')), true);
      for (const view of ['errors', 'traces', 'totals']) {
        await page.locator(`[data-view="${view}"]`).click();
        await soon(async () => (await count(`#view-${view} tbody tr`)) > 0, true);
      }
      await page.locator('#settings-button').click();
      await soon(async () => (await count('.column-list li')) > 5, true);
      assert.deepEqual(complaints, []);
    } finally {
      await browser.close();
      await mock.close();
    }
  });
});
