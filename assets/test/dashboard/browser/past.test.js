/** Totals, errors and traces in a real browser, against a made-up server. */

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { noBrowser } from '../browser.js';
import { closeBrowser, onPage, soon } from '../page.js';

describe('the views of the past', { skip: noBrowser }, () => {
  after(closeBrowser);

  it('show totals, errors and traces, with details', () =>
    onPage(async ({ world, page, base, soon }) => {
      world.end(world.start({ provider: 'openai', resolved_model: 'gpt', input_tokens: 100, output_tokens: 40, cache_read_tokens: 30 }));
      const bad = world.start({ provider: 'Poe', resolved_model: 'gem' });
      world.end(bad, 'upstream_error', { status: 529, error: 'Overloaded' });
      await page.goto(`${base}/dashboard/#/totals`);
      await soon(() => page.locator('#provider-table tbody tr').count(), 2);
      assert.match(await page.locator('#donut').innerText(), /Cache read\s+30/);
      const heads = await page.locator('#provider-table th:visible').allInnerTexts();
      const median = page.locator('#provider-table tbody tr', { hasText: 'Poe' }).locator('td').nth(heads.indexOf('Median'));
      assert.match(await median.innerText(), /^\d+(\.\d+)?m?s$/);
      assert.match((await median.locator('span').getAttribute('title')) ?? '', /^p50 \S+, p90 \S+, p95 \S+, p99 \S+ of 1$/);
      assert.deepEqual(heads.filter((it) => /First token|Cache write/.test(it)), [], 'a column that has nothing to show is not shown');
      await page.locator('#provider-table th button', { hasText: 'Errors' }).click();
      await soon(() => page.locator('#provider-table tbody tr').first().innerText(), /Poe/);
      await page.locator('[data-view="errors"]').click();
      await soon(() => page.locator('#errors-table tbody tr').count(), 1);
      await page.locator('#errors-table tbody tr').click();
      await soon(() => page.locator('#drawer').innerText(), /Overloaded/);
      assert.ok(page.url().includes(`row=${bad}`));
      await page.locator('[data-view="traces"]').click();
      await soon(() => page.locator('#traces-table tbody tr').count(), 2);
      await page.goto(`${base}/dashboard/#/traces?q=status:529`);
      await soon(() => page.locator('#traces-table tbody tr').count(), 1);
    }));

  it('show in the drawer what the server knows of an end, when it comes', () =>
    onPage(async ({ world, page, rows, soon }) => {
      const id = world.start({ model: 'watched', usage_source: 'estimated', output_tokens: 70, start_time: Date.now() / 1000 - 3 });
      await soon(rows, 1);
      await page.keyboard.press('j');
      await page.keyboard.press('Enter');
      const drawer = () => page.locator('#drawer').innerText();
      await soon(drawer, /Counted by\s+this server \(estimate\)/);
      world.end(id, 'completed', { usage_source: 'reported', output_tokens: 72, response_bytes: 4096, time_to_first_token_ms: 350 });
      await soon(drawer, /Counted by\s+the provider\s/);
      await soon(drawer, /350ms to the first token/);
      await soon(drawer, /Received\s+4\.0 KiB/);
      await soon(() => page.locator('#grid .col-output', { hasText: '72' }).innerText(), '72');
    }));

  it('are counted where errors are, as they come', () =>
    onPage(async ({ world, page, soon }) => {
      const count = () => page.locator('#count-errors').innerText();
      world.end(world.start(), 'upstream_error');
      await soon(count, '1');
      world.end(world.start(), 'truncated');
      world.end(world.start());
      await soon(count, '2');
      await page.keyboard.press('3');
      await soon(() => page.locator('#errors-table tbody tr').count(), 2);
      assert.equal(await count(), '2');
    }));

  it('can be filtered where they are, and say what they leave out', () =>
    onPage(async ({ world, page, soon }) => {
      for (const model of ['one', 'two']) world.end(world.start({ model, resolved_model: model }), 'upstream_error');
      await soon(() => page.locator('#errors-table').innerText(), /No error matches “state:stalled”/);
      assert.equal(await page.locator('#filter').inputValue(), 'state:stalled');
      await page.locator('#errors-table button', { hasText: 'Clear the filter' }).click();
      await soon(() => page.locator('#errors-table tbody tr').count(), 2);
      await page.keyboard.press('/');
      await page.keyboard.type('model:two');
      await soon(() => page.locator('#errors-table tbody tr').count(), 1);
      await page.locator('[data-view="requests"]').click();
      await soon(() => page.locator('#filter').inputValue(), 'model:two');
      await soon(() => page.locator('#chips').isVisible(), true);
    }, { hash: '#/errors?q=state:stalled' }));

  it('are not redrawn under the operator’s hand', () =>
    onPage(async ({ world, page, soon }) => {
      world.end(world.start());
      await soon(() => page.locator('#traces-table tbody tr').count(), 1);
      world.end(world.start());
      const began = Date.now();
      while (Date.now() - began < 6500) {
        await page.locator('#traces-table').hover({ position: { x: 20 + (Date.now() % 40), y: 20 } });
        await page.waitForTimeout(150);
      }
      assert.equal(await page.locator('#traces-table tbody tr').count(), 1);
      await page.mouse.move(5, 5);
      await soon(() => page.locator('#traces-table tbody tr').count(), 2);
    }, { hash: '#/traces' }));

  it('shows as ended what ended while the stream rested', () =>
    onPage(async ({ world, page, rows, soon }) => {
      const id = world.start({ model: 'gone' });
      await soon(rows, 1);
      await page.keyboard.press('2');
      await soon(() => page.locator('#view-totals').isVisible(), true);
      world.end(id);
      await page.keyboard.press('4');
      await soon(() => page.locator('#traces-table tbody tr').count(), 1);
      await page.locator('#traces-table tbody tr').click();
      await soon(() => page.locator('#drawer').innerText(), /Completed after/);
    }));

  it('say that an answer of another shape cannot be used', () =>
    onPage(async ({ page, banner }) => {
      await soon(banner, /The last answer could not be used.*totals have an object/s);
      assert.ok(page);
    }, { hash: '#/totals', before: (page) => page.route('**/running-totals*', (route) => route.fulfill({ json: { totals: 'no' } })) }));
});
