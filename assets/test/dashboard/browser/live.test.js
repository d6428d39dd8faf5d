/** The live list in a real browser, against a made-up server that speaks the contract. */

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { noBrowser } from '../browser.js';
import { begun, closeBrowser, heldGrid, oneGrid, onPage } from '../page.js';

for (const grid of [true, false]) {
  describe(`the live list in ${grid ? 'AG Grid' : 'the plain table'}`, { skip: noBrowser }, () => {
    after(closeBrowser);

    it('shows requests as they come, count and leave', () =>
      onPage(async ({ world, page, rows, models, soon }) => {
        await soon(rows, 0);
        await soon(() => page.locator('#grid-empty').innerText(), /No requests in flight/);
        const id = world.start({ model: 'alpha', provider: 'OpenAI', start_time: Date.now() / 1000 - 3 });
        await soon(models, ['alpha']);
        assert.equal(await page.locator('#grid .badge').getAttribute('data-badge'), 'primary');
        world.start({ model: 'beta' });
        await soon(models, ['beta', 'alpha']);
        world.change(id, { phase: 'streaming', status: 200, usage_source: 'estimated' });
        const row = page.locator('#grid [role="row"]', { hasText: 'alpha' });
        await soon(() => row.locator('.col-state').innerText(), /Streaming/);
        world.progress(id, { output_tokens: 1234 });
        await soon(() => row.locator('.col-output').innerText(), '~1,234');
        assert.equal(await row.locator('.col-input').innerText(), '–', 'not reported yet');
        world.progress(id, { usage_source: 'reported', input_tokens: 0 });
        await soon(() => row.locator('.col-input').innerText(), '0');
        world.progress(id, { phase: 'stalled' });
        await soon(() => row.getAttribute('data-look'), 'attention');
        await soon(() => row.locator('.col-waits').innerText(), '↑ upstream');
        world.end(id, 'client_disconnect');
        await soon(() => row.locator('.col-state').innerText(), /Client left/);
        await soon(() => row.getAttribute('data-look'), 'ended');
        await soon(models, ['beta']);
      }, { grid }));

    it('keeps its rows in the order asked for', () =>
      onPage(async ({ world, page, base, models, soon }) => {
        const old = Date.now() / 1000 - 60;
        world.start({ model: 'much', output_tokens: 900, start_time: old });
        world.start({ model: 'little', output_tokens: 3, start_time: old + 1 });
        world.start({ model: 'some', output_tokens: 50, start_time: old + 2 });
        await soon(models, ['some', 'little', 'much']);
        await oneGrid(page);
        const header = page.locator('[role="columnheader"]', { hasText: 'Out' });
        const press = async () => (grid ? header.click() : header.locator('button').click());
        await press();
        await soon(models, ['little', 'some', 'much']);
        assert.match(page.url(), /sort=output/);
        await press();
        await soon(models, ['much', 'some', 'little']);
        assert.match(page.url(), /sort=-output/);
        await soon(() => header.getAttribute('aria-sort'), 'descending');
        await press();
        await soon(models, ['some', 'little', 'much']);
        await page.goto(`${base}/dashboard/#/requests?sort=-output`);
        await soon(models, ['much', 'some', 'little']);
      }, { grid }));

    it('groups with live sums, and folds', () =>
      onPage(async ({ world, page, rows, soon }) => {
        const id = world.start({ provider: 'openai', output_tokens: 10 });
        world.start({ provider: 'openai', output_tokens: 5 });
        world.start({ provider: 'poe', output_tokens: 1 });
        await soon(rows, 3);
        const group = page.locator('#grid [data-look="group"]').first();
        await soon(() => group.locator('.col-output').innerText(), '15');
        world.progress(id, { output_tokens: 110 });
        await soon(() => group.locator('.col-output').innerText(), '115');
        await group.click();
        await soon(rows, 1);
      }, { grid, hash: '#/requests?group=provider' }));

    it('can be used by the keyboard alone', () =>
      onPage(async ({ world, page, rows, models, soon }) => {
        const now = Date.now() / 1000;
        for (const [index, model] of ['third', 'second', 'first'].entries()) world.start({ model, provider: 'openai', start_time: now - 30 + index });
        await soon(rows, 3);
        await page.keyboard.press('j');
        await page.keyboard.press('j');
        await page.keyboard.press('Enter');
        await soon(() => page.locator('#drawer').isVisible(), true);
        const opened = await page.locator('#drawer-title').innerText();
        assert.match(opened, /(first|second|third)/);
        await page.keyboard.press('Escape');
        await soon(() => page.locator('#drawer').isVisible(), false);
        await page.keyboard.press('m');
        await soon(() => page.locator('#menu').isVisible(), true);
        await page.keyboard.press('ArrowDown');
        assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Copy link');
        await page.keyboard.press('Escape');
        await soon(() => page.locator('#menu').isVisible(), false);
        assert.ok(await page.evaluate(() => document.querySelector('#grid')?.contains(document.activeElement)), 'the focus is back in the list');
        await page.keyboard.press('/');
        await page.keyboard.type('model:second');
        await soon(models, ['second']);
        await soon(async () => page.url(), /q=model:second/);
        await page.keyboard.press('Escape');
        await soon(rows, 3);
        await page.keyboard.press('Escape');
        await page.keyboard.press('?');
        await soon(() => page.locator('#help').isVisible(), true);
        await page.keyboard.press('Escape');
        await soon(() => page.locator('#help').isVisible(), false);
        await page.keyboard.press('2');
        await soon(() => page.locator('#view-totals').isVisible(), true);
      }, { grid }));

    it('keeps the focus on its request when others come above it', () =>
      onPage(async ({ world, page, models, soon }) => {
        const now = Date.now() / 1000;
        world.start({ model: 'lower', start_time: now - 20 });
        world.start({ model: 'upper', start_time: now - 10 });
        await soon(() => page.locator(grid ? '.ag-row' : '.plain-body .plain-row').count(), 2);
        await page.keyboard.press('j');
        await soon(async () => (await page.locator('#grid :focus').count()) === 1, true);
        const focused = () => page.evaluate(() => {
          const row = document.querySelector('.plain-row[data-focused]') ?? document.activeElement?.closest('[role="row"]');
          return row?.querySelector('.col-model .mono')?.textContent;
        });
        const before = await focused();
        world.start({ model: 'newest', start_time: now });
        await soon(() => page.locator('#waiting').innerText(), '1 new ↑');
        assert.deepEqual(await models(), ['upper', 'lower']);
        await page.keyboard.press('n');
        await soon(models, ['newest', 'upper', 'lower']);
        await soon(focused, before);
        await page.keyboard.press('Enter');
        await soon(() => page.locator('#drawer-title').innerText(), new RegExp(String(before)));
      }, { grid }));
  });
}

describe('the list', { skip: noBrowser }, () => {
  after(closeBrowser);

  for (const grid of [true, false]) {
    it(`shows first what needs a look, in a group that can be folded, in ${grid ? 'AG Grid' : 'the plain table'}`, () =>
      onPage(async ({ world, page, models, soon }) => {
        const now = Date.now() / 1000;
        world.start({ model: 'silent', start_time: now - 45, moved: Date.now() - 45_000, phase: 'stalled' });
        world.start({ model: 'unread', start_time: now - 40, phase: 'streaming', status: 200, waiting_on: 'client', output_tokens: 9 });
        world.start({ model: 'fine', start_time: now - 5, phase: 'streaming', status: 200 });
        const ended = world.start({ model: 'ended', start_time: now - 2 });
        await soon(models, ['silent', 'ended', 'fine', 'unread']);
        world.end(ended);
        await soon(models, ['silent', 'fine', 'unread', 'ended']);
        const [, unread] = world.rows.keys();
        world.change(String(unread), { moved: Date.now() - 18_000 });
        await soon(models, ['unread', 'silent', 'fine', 'ended']);
        const first = page.locator('#grid [data-look="group"]');
        await soon(() => first.locator('.col-state').innerText(), /2 need attention/);
        assert.match(await first.locator('.col-model').innerText(), /1 without an answer, 1 not read by the client/);
        await soon(() => page.locator('.tile-value').first().innerText(), '2');
        await soon(() => page.title(), /▲ 2/);
        await soon(() => page.locator('#grid [data-look="attention"] .col-state').allInnerTexts().then((all) => all.join()), /Not read 1\ds.*No answer 4\ds/s);
        await first.click();
        await soon(models, ['fine', 'ended']);
        await page.locator('.tile').first().click();
        await soon(async () => page.url(), /q=state:attention/);
        await first.click();
        await soon(models, ['unread', 'silent']);
      }, { grid, before: (page) => page.addInitScript(() => localStorage.setItem('active-requests.settings', JSON.stringify({ lingerMs: 60_000 }))) }));

    it(`holds its lines under the pointer while their numbers go on, in ${grid ? 'AG Grid' : 'the plain table'}`, () =>
      onPage(async ({ world, page, models, soon }) => {
        const old = Date.now() / 1000 - 60;
        const lower = world.start({ model: 'lower', start_time: old, status: 200, phase: 'streaming' });
        const upper = world.start({ model: 'upper', start_time: old + 1 });
        await soon(models, ['upper', 'lower']);
        await oneGrid(page);
        const line = page.locator('#grid [role="row"]', { hasText: 'lower' });
        await line.locator('.col-model').hover();
        for (let i = 0; i < 12; i++) world.start({ model: `new-${i}` });
        world.progress(lower, { output_tokens: 321 });
        world.end(upper, 'truncated');
        await soon(() => page.locator('#waiting').innerText(), '12 new ↑');
        await soon(() => line.locator('.col-output').innerText(), '321');
        await soon(() => page.locator('#grid [role="row"]', { hasText: 'upper' }).locator('.col-state').innerText(), /Truncated/);
        world.progress(lower, { phase: 'stalled' });
        await soon(() => page.locator('#waiting').innerText(), '12 new, 1 needs attention ↑');
        assert.deepEqual(await models(), ['upper', 'lower']);
        await page.mouse.down();
        await page.mouse.up();
        await soon(() => page.locator('#drawer-title').innerText(), /lower/);
        assert.deepEqual(await models(), ['upper', 'lower'], 'opening one moves none');
        await page.locator('#waiting').click();
        await soon(async () => (await models()).length, 14);
        assert.equal(await page.locator('#waiting').isVisible(), false);
        world.start({ model: 'last' });
        await page.mouse.move(700, 20);
        await page.locator('#drawer-title').focus();
        await soon(async () => (await models()).includes('last'), true);
      }, { grid, before: (page) => page.addInitScript(() => localStorage.setItem('active-requests.settings', JSON.stringify({ lingerMs: 60_000 }))) }));
  }

  it('has one grid, whether it waited for rows or not', () =>
    onPage(async ({ world, page, models, soon }) => {
      const grids = () => page.locator('.ag-root').count();
      await soon(grids, 1);
      world.start({ model: 'late' });
      await soon(models, ['late']);
      await soon(() => page.locator('.ag-row').count(), 1);
      assert.equal(await grids(), 1);
    }));

  it('stands still while frozen, and loses nothing', () =>
    onPage(async ({ world, page, models, banner, soon }) => {
      const id = world.start({ model: 'before' });
      await soon(models, ['before']);
      await page.keyboard.press(' ');
      await soon(banner, /Frozen at .*\+0 changes behind/s);
      assert.match(page.url(), /frozen=1/);
      world.start({ model: 'meanwhile' });
      world.progress(id, { output_tokens: 77 });
      world.end(id);
      await soon(banner, /\+2 changes behind/);
      assert.deepEqual(await models(), ['before']);
      assert.equal(await page.locator('.col-output').first().innerText(), '0');
      await page.keyboard.press(' ');
      await soon(async () => (await models()).includes('meanwhile'), true);
    }));

  it('says one thing while frozen, wherever one looks', () =>
    onPage(async ({ world, page, indicator, soon }) => {
      world.start();
      world.start();
      await soon(() => page.locator('.tile-value').nth(1).innerText(), '2');
      world.start();
      await soon(() => page.locator('#grid .ag-row').count(), 3);
      await page.keyboard.press(' ');
      const seen = async () => [await page.locator('.tile-value').nth(1).innerText(), await page.locator('#count-requests').innerText(), (await page.title()).split(' ')[1]];
      await soon(seen, ['3', '3', '3']);
      await soon(indicator, '❚❚ Frozen');
      world.end(world.start(), 'upstream_error');
      await page.waitForTimeout(1500);
      assert.deepEqual(await seen(), ['3', '3', '3']);
      await page.keyboard.press('3');
      await soon(() => page.locator('#errors-table').innerText(), /No errors/);
      await page.keyboard.press('1');
      await page.keyboard.press(' ');
      await page.keyboard.press('3');
      await soon(() => page.locator('#errors-table tbody tr').count(), 1);
    }));

  it('never shows a stall that is longer than the request', () =>
    onPage(async ({ world, page, soon }) => {
      const id = world.start({ start_time: Date.now() / 1000 - 12, phase: 'streaming', status: 200 });
      const row = page.locator('#grid [data-look="attention"]');
      await page.waitForTimeout(1100);
      world.change(id, { phase: 'stalled', moved: Date.now() - 12_000 });
      await soon(() => row.locator('.col-state').innerText(), /Stalled \d/);
      for (let reading = 0; reading < 40; reading++) {
        const [state, age] = await page.evaluate(() => ['.col-state', '.age'].map((at) => Number(/(\d+)s/.exec(document.querySelector(`#grid [data-look="attention"] ${at}`)?.textContent ?? '')?.[1])));
        assert.ok(state !== undefined && age !== undefined && state <= age, `stalled ${state} s of ${age} s`);
        await page.waitForTimeout(100);
      }
    }));

  it('shows details, and a link to them that works elsewhere', () =>
    onPage(async ({ world, page, rows, base, context, soon }) => {
      const id = world.start({ model: 'shared', phase: 'stalled', idle_ms: 0, time_to_first_token_ms: 310, status: 200 });
      await soon(rows, 1);
      await page.locator('[data-look="attention"] .col-model').first().click();
      await soon(() => page.locator('#drawer .verdict').innerText(), /Stalled: the upstream has sent nothing/);
      await soon(() => page.locator('#drawer').innerText(), /Usage from the provider/);
      assert.ok(page.url().includes(`row=${id}`));
      const other = await context.newPage();
      await other.goto(page.url());
      await soon(() => other.locator('#drawer-title').innerText(), /shared/);
      await other.close();
      world.end(id, 'upstream_error', { error: 'Overloaded' });
      await soon(() => page.locator('#drawer .verdict').innerText(), /The upstream failed/);
      // Long after its end the server still remembers it.
      const later = await context.newPage();
      await later.goto(`${base}/dashboard/#/requests?row=${id}`);
      await soon(() => later.locator('#drawer').innerText(), /Overloaded/);
    }));

  it('filters by the address, and tells what it cannot read', () =>
    onPage(async ({ world, page, models, soon }) => {
      world.start({ model: 'stuck', phase: 'stalled' });
      world.start({ model: 'fine', phase: 'streaming' });
      await soon(models, ['stuck']);
      assert.equal(await page.locator('#filter').inputValue(), 'state:stalled');
      assert.equal(await page.locator('.chip', { hasText: 'Stalled' }).getAttribute('aria-pressed'), 'true');
      await page.locator('.chip', { hasText: 'Stalled' }).click();
      await soon(async () => (await models()).length, 2);
      await page.locator('#filter').fill('age>soon');
      await soon(() => page.locator('#filter-error').innerText(), /“age” takes a time/);
      await soon(async () => (await models()).length, 2);
      await page.locator('#filter').fill('nothing-like-it');
      await soon(() => page.locator('#grid-empty').innerText(), /No request matches “nothing-like-it”/);
      await page.locator('#grid-empty-action').click();
      await soon(async () => (await models()).length, 2);
    }, { hash: '#/requests?q=state:stalled' }));

  it('shows malformed rows as far as they can be read, and logs what it skipped', () =>
    onPage(async ({ world, page, mock, rows, soon }) => {
      const warnings = /** @type {string[]} */ ([]);
      page.on('console', (message) => void (message.type() === 'warning' && warnings.push(message.text())));
      world.start({ start_time: 'yesterday', model: 'odd' });
      world.start({ request_id: undefined });
      world.start({ model: 'good' });
      await soon(rows, 2);
      assert.equal(await page.locator('#grid [role="row"]', { hasText: 'odd' }).locator('.col-age').innerText(), 'N/A');
      mock.raw('event: delta\nid: x-1\ndata: {"seq":\n\n');
      mock.raw('event: update\ndata: []\n\n');
      await soon(async () => warnings.length >= 3, true);
      world.start({ model: 'still here' });
      await soon(rows, 3);
    }));

  it('mends itself after a missed delta', () =>
    onPage(async ({ world, mock, rows, indicator, soon }) => {
      world.start();
      await soon(rows, 1);
      mock.skip();
      world.start();
      await soon(rows, 2);
      await soon(indicator, '● Live');
      assert.ok(mock.asked.filter((it) => it.path.includes('stream')).length >= 2);
    }));

  it('says in the console what comes, when asked to', () =>
    onPage(async ({ world, page, rows, soon }) => {
      const lines = /** @type {string[]} */ ([]);
      page.on('console', (message) => lines.push(message.text()));
      await page.locator('#settings-button').click();
      await page.locator('#set-debug').check();
      world.start();
      await soon(rows, 1);
      await soon(async () => lines.some((line) => line.includes('event delta')), true);
    }));

  it('can be switched off and on by script and by hand, and polls meanwhile', () =>
    onPage(async ({ world, page, mock, rows, indicator, soon }) => {
      await soon(indicator, '● Live');
      const is = () => page.evaluate(() => /** @type {any} */ (window).__vdmActiveRequestsSSE.isConnected());
      assert.equal(await is(), true);
      await page.evaluate(() => /** @type {any} */ (window).__vdmActiveRequestsSSE.disable());
      await soon(indicator, '○ Polling every 5s');
      await soon(async () => mock.subscribers, 0);
      assert.equal(await is(), false);
      world.start();
      await page.locator('#refresh').click();
      await soon(rows, 1);
      await page.locator('#settings-button').click();
      await page.locator('#set-live').check();
      await soon(is, true);
    }));

  it('ticks durations as often as it is told', () =>
    onPage(async ({ world, page, rows, soon }) => {
      world.start({ start_time: Date.now() / 1000 - 100 });
      await soon(rows, 1);
      const age = () => page.locator('.col-age .age').innerText();
      await soon(age, /1m 4[0-9]s/);
      const seen = new Set();
      for (let i = 0; i < 30; i++) {
        seen.add(await age());
        await page.waitForTimeout(100);
      }
      assert.ok(seen.size >= 3, [...seen].join());
    }, { before: (page) => page.addInitScript(() => Object.assign(window, { __vdm_active_requests_duration_tick_ms: 300 })) }));

  it('remembers what was set', () =>
    onPage(async ({ page, soon }) => {
      await page.locator('#settings-button').click();
      await page.locator('#set-theme').selectOption('dark');
      await page.locator('#set-poll').selectOption('30000');
      await page.reload();
      await begun(page);
      await soon(() => page.evaluate(() => document.documentElement.dataset['theme']), 'dark');
      assert.equal(await page.locator('#set-poll').inputValue(), '30000');
    }));

  it('leaves out the columns that the operator hid, also the next time', () =>
    onPage(async ({ world, page, rows, soon }) => {
      world.start({ model: 'here' });
      await soon(rows, 1);
      await oneGrid(page);
      const titles = async () => (await page.locator('#grid [role="columnheader"]').allInnerTexts()).map((it) => it.trim()).filter((it) => it !== '' && it !== 'Actions');
      const before = await titles();
      assert.ok(before.includes('Resolved') && before.includes('Tools'));
      const left = before.filter((it) => it !== 'Resolved' && it !== 'Tools');
      await page.locator('#settings-button').click();
      await page.getByLabel('Resolved', { exact: true }).uncheck();
      await page.getByLabel('Tools', { exact: true }).uncheck();
      await soon(titles, left);
      await page.reload();
      await begun(page);
      await soon(titles, left);
      await page.locator('#settings-button').click();
      await page.getByLabel('Tools', { exact: true }).check();
      await soon(titles, before.filter((it) => it !== 'Resolved'));
      // Wide enough for all: a narrow window leaves out what can be spared.
    }, { options: { viewport: { width: 2200, height: 900 } } }));

  it('is a list of cards on a phone', () =>
    onPage(async ({ world, page, rows, soon }) => {
      world.start({ model: 'small', phase: 'streaming', output_tokens: 5 });
      await soon(rows, 1);
      assert.equal(await page.locator('.plain.cards').count(), 1);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing is cut off at the side');
      await page.locator('.col-model').click();
      await soon(() => page.locator('#drawer').isVisible(), true);
      assert.ok(await page.evaluate(() => document.querySelector('.drawer-body')?.scrollWidth === document.querySelector('.drawer-body')?.clientWidth));
    }, { options: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true } }));

  it('is a plain polled table where the browser lacks what the page needs', () =>
    onPage(async ({ world, page, soon }) => {
      await soon(() => page.locator('main').innerText(), /0 in flight.*polled every 5s/s);
      world.start({ start_time: 'x', duration_ms: 'x', model: 'plain', qualified_model: 'a:plain' });
      await soon(() => page.locator('main').innerText(), /N\/A\s+a:plain/);
    }, { begins: false, before: (page) => page.addInitScript(() => void delete (/** @type {any} */ (window).ReadableStream)) }));

  it('is put right when the grid comes late', () => {
    const { release, before } = heldGrid();
    return onPage(async ({ world, page, rows, banner, soon }) => {
      world.start();
      await soon(() => page.locator('#indicator').innerText(), '● Live');
      await soon(rows, 1);
      assert.equal(await page.locator('.plain').count(), 1, 'the plain table stands in');
      await soon(banner, /AG Grid is late/);
      world.start();
      release();
      await soon(() => page.locator('.ag-row').count(), 2);
      assert.equal(await page.locator('.plain').count(), 0);
    }, { before });
  });

  it('says that the build is without the grid where it is', () =>
    onPage(async ({ page }) => assert.match(await page.locator('#foot').innerText(), /without AG Grid/), { grid: false }));
});
