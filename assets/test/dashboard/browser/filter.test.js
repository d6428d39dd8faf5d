/** Writing a filter: what is offered, what is said to be wrong, and where it goes along. */

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { noBrowser } from '../browser.js';
import { closeBrowser, held, oneGrid, onPage } from '../page.js';

describe('the filter field', { skip: noBrowser }, () => {
  after(closeBrowser);

  it('offers fields and values, which the keyboard takes', () =>
    onPage(async ({ world, page, models, rows, soon }) => {
      world.start({ model: 'alpha', caller: 'Ann Lee' });
      world.start({ model: 'beta', caller: 'bob' });
      await soon(rows, 2);
      await oneGrid(page);
      const field = page.locator('#filter');
      const options = async () => (await page.locator('#completion li bdi').allInnerTexts()).join(' ');
      await page.keyboard.press('/');
      await page.keyboard.type('call');
      await soon(options, 'caller:');
      assert.equal(await field.getAttribute('aria-expanded'), 'true');
      await page.keyboard.press('ArrowDown');
      const active = await field.getAttribute('aria-activedescendant');
      assert.equal(await page.locator(`#${active}`).getAttribute('aria-selected'), 'true');
      await page.keyboard.press('Enter');
      await soon(options, 'Ann Lee bob');
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Tab');
      assert.equal(await field.inputValue(), 'caller:"Ann Lee"');
      await soon(models, ['alpha']);
      assert.ok(await page.evaluate(() => document.activeElement?.id === 'filter'), 'the focus stays in the field');
      await page.keyboard.type(' sta');
      await soon(async () => /state:/.test(await options()), true);
      await page.keyboard.press('Escape');
      await soon(() => page.locator('#completion').isVisible(), false);
      assert.equal(await field.inputValue(), 'caller:"Ann Lee" sta', 'the first Esc closes the list');
      await page.keyboard.press('Escape');
      await soon(() => field.inputValue(), '');
    }));

  it('offers what fits to what was written before it could offer anything', () => {
    const { release, before } = held('**/view/completion.js');
    return onPage(async ({ world, page, rows, soon }) => {
      world.start({ caller: 'Ann Lee' });
      await soon(rows, 1);
      await page.keyboard.press('/');
      await page.keyboard.type('call');
      assert.equal(await page.locator('#completion').count(), 0);
      release();
      await soon(async () => (await page.locator('#completion li bdi').allInnerTexts()).join(' '), 'caller:');
    }, { before });
  });

  it('takes an option by the mouse', () =>
    onPage(async ({ world, page, rows, models, soon }) => {
      world.start({ model: 'alpha', provider: 'poe' });
      world.start({ model: 'beta', provider: 'groq' });
      await soon(rows, 2);
      await page.locator('#filter').pressSequentially('provider:p');
      await page.locator('#completion li', { hasText: 'poe' }).click();
      await soon(models, ['alpha']);
      assert.equal(await page.locator('#filter').inputValue(), 'provider:poe');
    }));

  it('says what was perhaps meant, and holds back nothing for it', () =>
    onPage(async ({ world, page, rows, soon }) => {
      world.start({ provider: 'openai', model: 'gpt-4o', qualified_model: 'openai:gpt-4o' });
      await soon(rows, 1);
      const said = () => page.locator('#filter-error').innerText();
      await page.locator('#filter').fill('state:streeming');
      await soon(said, '“state” is never “streeming”; did you mean “streaming”?');
      assert.equal(await page.locator('#filter').getAttribute('aria-invalid'), 'true');
      await soon(rows, 1);
      await page.locator('#filter').fill('foo:bar');
      await soon(said, '“foo” is no field, so “foo:bar” is looked for as a word.');
      assert.equal(await page.locator('#filter').getAttribute('aria-invalid'), 'false');
      await page.locator('#filter').fill('openai:gpt');
      await soon(() => page.locator('#filter-error').isVisible(), false);
      await soon(rows, 1);
    }));

  it('combines quick filters, and counts what each would show', () =>
    onPage(async ({ world, page, models, rows, soon }) => {
      world.start({ model: 'one', provider: 'poe', phase: 'streaming' });
      world.start({ model: 'two', provider: 'poe', phase: 'responding' });
      world.start({ model: 'three', provider: 'groq', phase: 'streaming' });
      await soon(rows, 3);
      const chip = (/** @type {string} */ name) => page.locator('.chip', { hasText: name });
      await soon(() => chip('Streaming').innerText(), /2/);
      await chip('Streaming').click();
      await soon(async () => (await models()).sort(), ['one', 'three']);
      await chip('Responding').click();
      await soon(rows, 3);
      assert.equal(await page.locator('#filter').inputValue(), 'state:streaming,responding');
      for (const name of ['Streaming', 'Responding']) assert.equal(await chip(name).getAttribute('aria-pressed'), 'true');
      await page.locator('#filter').fill('state:streaming,responding provider:poe');
      await soon(() => chip('Streaming').innerText(), /1/);
      await chip('Streaming').click();
      await soon(models, ['two']);
    }));

  it('takes only along to the past what can match there', () =>
    onPage(async ({ world, page, soon }) => {
      for (const model of ['one', 'two']) world.end(world.start({ model, resolved_model: model }), 'upstream_error');
      await page.locator('[data-view="errors"]').click();
      await soon(() => page.locator('#filter').inputValue(), 'model=one');
      await soon(() => page.locator('#errors-table tbody tr').count(), 1);
      await page.locator('#filter').fill('model=three');
      await soon(() => page.locator('#errors-table').innerText(), /No error matches “model=three”/);
      await page.locator('#filter').pressSequentially(' outcome:ups');
      await soon(() => page.locator('#completion').innerText(), /upstream_error/);
    }, { hash: '#/requests?q=state:stalled+model%3Done' }));

  it('is exact for “Only this model”', () =>
    onPage(async ({ world, page, rows, models, soon }) => {
      world.start({ model: 'gpt-4o' });
      world.start({ model: 'gpt-4o-mini' });
      await soon(rows, 2);
      await oneGrid(page);
      await page.locator('#grid').getByText('gpt-4o', { exact: true }).click({ button: 'right' });
      await page.locator('#menu button', { hasText: 'Only this model' }).click();
      await soon(models, ['gpt-4o']);
      assert.equal(await page.locator('#filter').inputValue(), 'model=gpt-4o');
    }));
});
