/** What is shown can be taken away as a file, and what is set in one tab holds in the other. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, describe, it } from 'node:test';
import { noBrowser } from '../browser.js';
import { begun, closeBrowser, onPage } from '../page.js';

describe('the list', { skip: noBrowser }, () => {
  after(closeBrowser);

  it('is saved as it is shown, in flight and in the past', () =>
    onPage(async ({ world, page, rows, soon }) => {
      world.start({ model: 'kept', labels: { team: 'blue' } });
      world.start({ model: 'hidden' });
      world.end(world.start({ model: 'kept-too', resolved_model: 'kept-too' }));
      await soon(async () => (await rows()) > 0, true);
      /** @param {string} label */
      async function save(label) {
        await page.locator('#list-menu').click();
        const coming = page.waitForEvent('download');
        await page.locator('#menu button', { hasText: label }).click();
        const file = await coming;
        return { name: file.suggestedFilename(), text: await readFile(await file.path(), 'utf8') };
      }
      await page.locator('#filter').fill('model=kept');
      await soon(rows, 1);
      const csv = await save('Save the 1 shown as CSV');
      assert.match(csv.name, /^active-requests-.*Z\.csv$/);
      assert.match(csv.text, /label\.team[^]*,kept,[^]*blue/);
      assert.ok(!/hidden/.test(csv.text));
      await page.locator('#filter').fill('model:kept');
      await page.keyboard.press('Escape');
      await page.evaluate(() => void (location.hash = '#/traces?q=model:kept'));
      await soon(() => page.locator('#traces-table tbody tr').count(), 1);
      const json = await save('Save the 1 shown as JSON');
      assert.deepEqual(JSON.parse(json.text).map((/** @type {any} */ it) => it.model), ['kept-too']);
    }));

  it('has the settings of the other tab, and overwrites none of them', () =>
    onPage(async ({ page, context, soon }) => {
      const other = await context.newPage();
      await other.goto(page.url());
      await begun(other);
      await page.locator('#settings-button').click();
      await page.locator('#set-theme').selectOption('dark');
      await soon(() => other.evaluate(() => document.documentElement.dataset['theme']), 'dark');
      await other.locator('#settings-button').click();
      await other.locator('#set-poll').selectOption('30000');
      await soon(() => page.locator('#set-poll').inputValue(), '30000');
      assert.equal(await page.evaluate(() => document.documentElement.dataset['theme']), 'dark');
      await other.close();
    }));
});
