/** What an operator sets: taken at once, and kept. */

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { noBrowser } from '../browser.js';
import { begun, closeBrowser, hide, onPage } from '../page.js';

describe('the settings', { skip: noBrowser }, () => {
  after(closeBrowser);

  it('say from when on a request is long, and keep it', () =>
    onPage(async ({ world, page, rows, soon }) => {
      world.start({ model: 'old', start_time: Date.now() / 1000 - 120, phase: 'streaming', status: 200 });
      await soon(rows, 1);
      const attention = () => page.locator('.tile').first().innerText();
      await soon(attention, /^Attention\s+0/);
      await page.locator('#settings-button').click();
      await page.locator('#set-long').selectOption('60000');
      await soon(attention, /^Attention\s+1/);
      await page.reload();
      await begun(page);
      await soon(attention, /^Attention\s+1/);
      await page.locator('#settings-button').click();
      await page.locator('#set-long').selectOption('0');
      await soon(attention, /^Attention\s+0/);
    }));

  it('have a hidden tab notify of too many failures, as the server counts them', () =>
    onPage(async ({ world, page, soon }) => {
      await page.locator('#settings-button').click();
      await page.locator('#set-notify').check();
      await page.locator('#set-failed').selectOption('25');
      await page.locator('#set-failed-least').selectOption('5');
      await page.reload();
      await begun(page);
      await page.locator('#settings-button').click();
      assert.deepEqual([await page.locator('#set-failed').inputValue(), await page.locator('#set-failed-least').inputValue()], ['25', '5']);
      await hide(page, true);
      for (let i = 0; i < 5; i++) world.end(world.start(), i < 2 ? 'upstream_error' : 'completed');
      await page.clock.runFor(16_000);
      await soon(() => page.evaluate(() => /** @type {any} */ (window).told), ['40% of requests failed, 2 of 5 in the last five minutes.']);
      await page.clock.runFor(16_000);
      assert.equal(await page.evaluate(() => /** @type {any} */ (window).told.length), 1);
    }, {
      before: async (page) => {
        await page.clock.install();
        await page.addInitScript(() => {
          /** @type {string[]} */
          const told = [];
          class Notification extends EventTarget {
            static permission = 'granted';
            static requestPermission = async () => 'granted';
            /** @param {string} _ @param {{ body: string }} options */
            constructor(_, { body }) {
              super();
              told.push(body);
            }
          }
          Object.assign(window, { told, Notification });
        });
      },
    }));
});
