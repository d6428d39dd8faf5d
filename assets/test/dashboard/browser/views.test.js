/** Views that have a name, and times that have a zone. */

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { noBrowser } from '../browser.js';
import { begun, closeBrowser, oneGrid, onPage } from '../page.js';

describe('a saved view', { skip: noBrowser }, () => {
  after(closeBrowser);

  for (const grid of [true, false]) {
    it(`brings filter, order, grouping and columns back in ${grid ? 'AG Grid' : 'the plain table'}, and can be forgotten`, () =>
      onPage(async ({ world, page, rows, soon }) => {
        world.start({ provider: 'openai', model: 'gpt-4o' });
        await soon(async () => (await rows()) > 0, true);
        await oneGrid(page);
        const dialog = page.locator('#views');
        async function open() {
          await page.locator('#list-menu').click();
          await page.locator('#menu button', { hasText: 'Saved views...' }).click();
        }
        await open();
        await soon(() => page.evaluate(() => document.activeElement?.id), 'view-name');
        await page.keyboard.type('the <b>dear</b> ones');
        await page.keyboard.press('Enter');
        await soon(() => dialog.isVisible(), false);
        await page.evaluate(() => void (location.hash = '#/requests'));
        await page.reload();
        await begun(page);
        await soon(() => page.locator('#filter').inputValue(), '');
        await open();
        await dialog.locator('.view-open', { hasText: 'the <b>dear</b> ones' }).click();
        await soon(() => page.locator('#filter').inputValue(), 'provider:openai');
        assert.match(page.url(), /q=provider:openai&sort=-output&columns=output,model&group=model/);
        await oneGrid(page);
        await soon(async () => (await page.locator('#grid [role="columnheader"]').allInnerTexts()).map((it) => it.trim()).filter((it) => ['Out', 'Model', 'Tools'].includes(it)).sort(), ['Model', 'Out']);
        await open();
        await dialog.locator('button', { hasText: 'Forget' }).click();
        await soon(() => dialog.locator('.view-open').count(), 0);
      }, { grid, hash: '#/requests?q=provider:openai&sort=-output&group=model&columns=output,model' }));
  }
});

describe('a time', { skip: noBrowser }, () => {
  after(closeBrowser);

  it('is local or UTC, as is set, and says so', () =>
    onPage(async ({ world, page, soon }) => {
      world.end(world.start());
      const cell = () => page.locator('#traces-table time').first().innerText();
      await soon(cell, /^\d\d:\d\d:\d\d local$/);
      await page.locator('#settings-button').click();
      await page.locator('#set-zone').selectOption('true');
      await page.keyboard.press('Escape');
      await soon(cell, /^\d\d:\d\d:\d\d UTC$/);
      await page.reload();
      await begun(page);
      await soon(cell, /UTC$/);
    }, { hash: '#/traces' }));
});
