/** The details of a request, while it runs and after its end. */

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { noBrowser } from '../browser.js';
import { closeBrowser, oneGrid, onPage } from '../page.js';

describe('the details', { skip: noBrowser }, () => {
  after(closeBrowser);

  it('keep the silence of the upstream beyond the end', () =>
    onPage(async ({ world, page, rows, soon }) => {
      const now = Date.now();
      const id = world.start({ model: 'stuck', start_time: now / 1000 - 20, phase: 'stalled', status: 200, time_to_first_token_ms: 300, response_bytes: 900, output_tokens: 5 });
      const row = world.rows.get(id);
      assert.ok(row);
      row['moved'] = now - 19_000;
      await soon(async () => (await rows()) > 0, true);
      await page.evaluate((id) => void (location.hash = `#/requests?row=${id}`), id);
      await soon(() => page.locator('.verdict').innerText(), /Stalled: the upstream has sent nothing for/);
      world.end(id, 'client_disconnect', { error: 'the client went away', error_type: 'client_disconnect' });
      await soon(() => page.locator('.phase-notes').innerText(), /300ms to the first token.*streaming.*(19|2\d)\.\ds silent, then the client left/);
      await soon(() => page.locator('.verdict').innerText(), /The client left .*the upstream had sent nothing for (19|2\d)\.\ds/);
    }));

  it('have the error on top, mark its line, and go on to the next', () =>
    onPage(async ({ world, page, soon }) => {
      for (const model of ['older', 'newer']) world.end(world.start({ model, resolved_model: model }), 'upstream_error', { status: 529, error: `Overloaded: ${model}` });
      await soon(() => page.locator('#errors-table tbody tr').count(), 2);
      await page.locator('#errors-table tbody tr').first().click();
      const problem = page.locator('.drawer-error');
      await soon(() => problem.innerText(), 'upstream_error: Overloaded: newer');
      const marked = () => page.locator('#errors-table tr[data-selected]').allInnerTexts();
      assert.match((await marked()).join(), /newer/);
      const above = await page.evaluate(() => (document.querySelector('.drawer-error')?.getBoundingClientRect().top ?? 0) < (document.querySelector('.sections')?.getBoundingClientRect().top ?? 0));
      assert.ok(above);
      await page.locator('[aria-label="Next request"]').click();
      await soon(() => problem.innerText(), 'upstream_error: Overloaded: older');
      await soon(async () => (await marked()).join(), /older/);
      assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('aria-label')), 'Next request', 'the hand stays where it was');
    }, { hash: '#/errors' }));

  for (const grid of [true, false]) {
    it(`go on to the next request of ${grid ? 'AG Grid' : 'the plain table'}`, () =>
      onPage(async ({ world, page, rows, soon }) => {
        const now = Date.now() / 1000;
        for (const [index, model] of ['third', 'second', 'first'].entries()) world.start({ model, provider: 'openai', start_time: now - 9 + index });
        await soon(rows, 3);
        await oneGrid(page);
        await page.locator('#grid .col-model', { hasText: 'first' }).click();
        const title = () => page.locator('#drawer-title').innerText();
        await soon(title, /first/);
        await page.locator('[aria-label="Next request"]').click();
        await soon(title, /second/);
        await page.locator('[aria-label="Next request"]').click();
        await soon(title, /third/);
        await page.locator('[aria-label="Previous request"]').click();
        await soon(title, /second/);
      }, { grid }));
  }

  it('say where a link leads to a request that nobody remembers, and so that it can be read', () =>
    onPage(async ({ banner, soon }) => {
      await soon(banner, /That request has ended and is no longer remembered/);
    }, { hash: '#/requests?row=req_0-gone' }));

  it('and the list show what hides in a name', () =>
    onPage(async ({ world, page, models, soon }) => {
      world.start({ model: 'gpt\u202Eo4-tpg' });
      await soon(models, ['gpt⟨U+202E⟩o4-tpg']);
      await page.locator('#grid .col-model').first().click();
      await soon(() => page.locator('#drawer-title').innerText(), /gpt⟨U\+202E⟩o4-tpg/);
    }));
});
