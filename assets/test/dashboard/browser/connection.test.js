/** The connection of the live list in a real browser: cut, refused, switched off, at rest. */

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { noBrowser } from '../browser.js';
import { begun, closeBrowser, hide, onPage } from '../page.js';

const REFUSED = /Failed to load resource/;

describe('the connection', { skip: noBrowser }, () => {
  after(closeBrowser);

  it('outlives a restart of the server, and says so', () =>
    onPage(async ({ world, mock, page, rows, indicator, banner, soon }) => {
      world.start();
      await soon(rows, 1);
      await mock.stop();
      await soon(indicator, /○ Reconnecting\.\.\. in \d+s/);
      await soon(banner, /Not connected: .* What you see is from/s);
      mock.restart();
      world.start();
      world.start();
      await mock.listen();
      await page.locator('#banner-action').click();
      await soon(rows, 2);
      await soon(banner, /The server was restarted/);
      await soon(indicator, '● Live');
    }, { complaints: REFUSED }));

  it('goes on after the last message when it was cut', () =>
    onPage(async ({ world, mock, page, rows, indicator, soon }) => {
      const id = world.start({ model: 'kept' });
      await soon(rows, 1);
      mock.cut();
      await soon(indicator, /Reconnecting/);
      await soon(indicator, '● Live');
      const asked = mock.asked.filter((it) => it.path.includes('stream')).at(-1);
      assert.match(String(asked?.headers['last-event-id']), /-\d+$/);
      world.progress(id, { output_tokens: 9 });
      await soon(() => page.locator('.col-output').first().innerText(), '9');
    }, { complaints: REFUSED }));

  it('ends in polling with the server’s hint where the stream is switched off, and comes back with another process', () =>
    onPage(async ({ world, mock, rows, indicator, banner, soon, page }) => {
      await soon(indicator, '○ Polling every 5s');
      await soon(banner, /SSE for active requests is disabled.*Set VDM_ACTIVE_REQUESTS_SSE_ENABLED=true to enable/s);
      world.start();
      await page.locator('#refresh').click();
      await soon(rows, 1);
      mock.settings.sse = true;
      mock.restart();
      await soon(indicator, '● Live');
    }, { complaints: REFUSED, mock: (mock) => (mock.settings.sse = false) }));

  it('shows of a request that was cancelled between two polled answers how it ended, and nothing else before', () =>
    onPage(async ({ world, mock, page, rows, soon }) => {
      const id = world.start({ model: 'polled' });
      await page.locator('#refresh').click();
      await soon(rows, 1);
      await page.evaluate(() => {
        /** @type {string[]} */
        const seen = [];
        Object.assign(window, { seen });
        new MutationObserver(() => {
          const word = document.querySelector('#grid [role="row"][data-look]:not([data-look="group"]) .state-word')?.textContent;
          if (word && seen.at(-1) !== word) seen.push(word);
        }).observe(document.querySelector('#grid') ?? document, { subtree: true, childList: true, characterData: true, attributes: true });
      });
      world.end(id, 'killed', { status: 503, error: 'an operator cancelled it', error_type: 'cancelled' });
      await page.locator('#refresh').click();
      await soon(() => page.evaluate(() => /** @type {any} */ (window).seen), ['Killed']);
      assert.ok(mock.asked.length > 0);
    }, { complaints: REFUSED, mock: (mock) => (mock.settings.sse = false) }));

  it('shows the hint of a server that does not track, and comes back when it does', () =>
    onPage(async ({ mock, page, indicator, banner, soon }) => {
      await soon(indicator, '○ Polling every 5s');
      await soon(banner, /Request metrics logging is disabled.*Set LOG_REQUEST_METRICS=true to enable tracking/s);
      await soon(() => page.locator('.tile-value').first().innerText(), '–');
      assert.deepEqual([...new Set(await page.locator('.tile-value').allInnerTexts())], ['–']);
      await soon(() => page.locator('#grid-empty').innerText(), /logging is disabled.*not known/s);
      assert.equal(await page.title(), 'Active Requests');
      for (const view of ['errors', 'traces']) {
        await page.locator(`[data-view="${view}"]`).click();
        await soon(() => page.locator(`#view-${view} .nothing`).innerText(), /Nothing is tracked: what has ended is not known/);
      }
      await page.locator('[data-view="requests"]').click();
      mock.settings.tracking = true;
      await soon(indicator, '● Live');
    }, { mock: (mock) => (mock.settings.tracking = false) }));

  it('is tried again where the server is full', () =>
    onPage(async ({ mock, indicator, banner, soon }) => {
      await soon(indicator, /Reconnecting/);
      await soon(banner, /Too many streams/);
      mock.settings.full = false;
      await soon(indicator, '● Live');
    }, { complaints: REFUSED, mock: (mock) => (mock.settings.full = true) }));

  it('asks for a key, keeps it for the session, and sends it as a header only', () =>
    onPage(async ({ world, mock, page, rows, indicator, soon }) => {
      await soon(() => page.locator('#key-dialog').isVisible(), true);
      await page.locator('#key-input').fill('wrong');
      await page.keyboard.press('Enter');
      await soon(() => page.locator('#key-dialog').innerText(), /refused that key/);
      await page.locator('#key-input').fill('s3cret');
      await page.keyboard.press('Enter');
      await soon(indicator, '● Live');
      assert.equal(await page.locator('#key-dialog').isVisible(), false);
      /** @type {string[]} */
      const warned = [];
      page.on('console', (message) => void (message.type() === 'warning' && warned.push(message.text())));
      world.start();
      await soon(rows, 1);
      assert.deepEqual(warned, [], 'the stream goes on after its first list');
      await page.reload();
      await begun(page);
      await soon(indicator, '● Live');
      assert.ok(mock.asked.every((it) => !it.path.includes('s3cret')));
      assert.ok(!page.url().includes('s3cret'));
      assert.equal(await page.evaluate(() => JSON.stringify(localStorage).includes('s3cret')), false);
    }, { complaints: REFUSED, mock: (mock) => (mock.settings.key = 's3cret') }));

  it('is not asked for a key again by an answer to the one before', () =>
    onPage(async ({ page, indicator, soon }) => {
      let beLate = () => {};
      const late = new Promise((resolve) => (beLate = () => resolve(undefined)));
      const answers = /** @type {Promise<void>[]} */ ([]);
      await page.route('**/metrics/logs*', async (route) => {
        if (route.request().headers()['authorization'] !== 'Bearer wrong') return route.fallback();
        // An answer that was given up can no longer be given.
        answers.push(late.then(() => route.fulfill({ status: 401, json: {} })).catch(() => {}));
      });
      await soon(() => page.locator('#key-dialog').isVisible(), true);
      await page.locator('#key-input').fill('wrong');
      await page.keyboard.press('Enter');
      await soon(() => page.locator('#key-dialog').innerText(), /refused that key/);
      await soon(async () => answers.length, 1);
      await page.locator('#key-input').fill('s3cret');
      await page.keyboard.press('Enter');
      await soon(indicator, '● Live');
      beLate();
      await Promise.all(answers);
      assert.equal(await page.evaluate(() => fetch('/metrics/series').then(({ status }) => status)), 401);
      assert.equal(await page.locator('#key-dialog').isVisible(), false);
    }, { complaints: REFUSED, mock: (mock) => (mock.settings.key = 's3cret') }));

  it('says what is not known without a key, and asks for it again', () =>
    onPage(async ({ page, banner, soon }) => {
      await soon(() => page.locator('#key-dialog').isVisible(), true);
      await page.locator('#key-cancel').click();
      await soon(banner, /requires an API key/);
      await soon(() => page.locator('.tile-value').first().innerText(), '–');
      assert.deepEqual(new Set(await page.locator('.chip b').allInnerTexts()), new Set(['–']));
      assert.equal(await page.locator('#shown').innerText(), '');
      assert.match(await page.locator('#grid-empty').innerText(), /requires an API key/);
      await page.locator('#banner-action').click();
      await soon(() => page.locator('#key-dialog').isVisible(), true);
    }, { complaints: REFUSED, mock: (mock) => (mock.settings.key = 's3cret') }));

  it('takes no key that a header cannot carry, and says so', () =>
    onPage(async ({ mock, page, indicator, soon }) => {
      await soon(() => page.locator('#key-dialog').isVisible(), true);
      const asked = mock.asked.length;
      await page.locator('#key-input').fill('ключ');
      await page.keyboard.press('Enter');
      assert.equal(await page.locator('#key-dialog').isVisible(), true);
      assert.match(await page.locator('#key-input').evaluate((input) => /** @type {HTMLInputElement} */ (input).validationMessage), /ASCII/);
      assert.equal(mock.asked.length, asked);
      await page.locator('#key-input').fill(' s3cret ');
      await page.keyboard.press('Enter');
      await soon(indicator, '● Live');
    }, { complaints: REFUSED, mock: (mock) => (mock.settings.key = 's3cret') }));

  it('rests in views that are not live, also on the way back and forward', () =>
    onPage(async ({ mock, page, indicator, soon }) => {
      await soon(async () => mock.subscribers, 1);
      await page.locator('[data-view="errors"]').click();
      await soon(async () => mock.subscribers, 0);
      await soon(indicator, '○ Polling every 5s');
      await page.goBack();
      await soon(async () => mock.subscribers, 1);
      await soon(indicator, '● Live');
      await page.goForward();
      await soon(async () => mock.subscribers, 0);
      await page.evaluate(() => history.pushState(null, '', '#/totals'));
      await page.evaluate(() => dispatchEvent(new PopStateEvent('popstate')));
      await soon(async () => mock.subscribers, 1);
    }));

  it('is polled beside the errors, so that what the page says of now is of now', () =>
    onPage(async ({ world, page, indicator, soon }) => {
      world.start();
      await soon(() => page.locator('#count-requests').innerText(), '1');
      await page.keyboard.press('3');
      await soon(indicator, '○ Polling every 5s');
      world.start();
      await soon(() => page.locator('#count-requests').innerText(), '2');
      await soon(() => page.title(), /^2 in flight/);
      assert.equal(await page.locator('#data-age').innerText(), '');
      await page.keyboard.press('1');
      await soon(indicator, '● Live');
      await soon(() => page.locator('#grid .ag-row').count(), 2);
    }));

  it('is not called live while the server is dumb, and time stands still meanwhile', () =>
    onPage(async ({ world, mock, page, rows, indicator, banner, soon }) => {
      world.start({ phase: 'streaming', status: 200, start_time: Date.now() / 1000 - 100 });
      await soon(rows, 1);
      mock.settings.dumb = true;
      const began = Date.now();
      await soon(async () => !(await indicator()).includes('Live'), true);
      const noticed = Date.now() - began;
      assert.ok(noticed < 15_000, `after ${noticed} ms`);
      await soon(banner, /has not answered yet.*What you see is from/s);
      assert.equal(await page.evaluate(() => document.documentElement.hasAttribute('data-old')), true);
      const age = await page.locator('.age').first().innerText();
      await page.waitForTimeout(2500);
      assert.equal(await page.locator('.age').first().innerText(), age);
      assert.match(await page.title(), /^\? /);
      mock.settings.dumb = false;
      mock.cut();
      await page.evaluate(() => dispatchEvent(new Event('online')));
      await soon(indicator, '● Live');
      await soon(() => page.evaluate(() => document.documentElement.hasAttribute('data-old')), false);
    }, { complaints: REFUSED }));

  it('follows the address when another script changes it', () =>
    onPage(async ({ mock, page, soon }) => {
      await soon(async () => mock.subscribers, 1);
      await page.evaluate(() => history.pushState(null, '', '#/errors?q=gpt'));
      await soon(() => page.locator('#view-errors').isVisible(), true);
      await soon(async () => mock.subscribers, 0);
      assert.equal(await page.locator('#filter').inputValue(), 'gpt');
      await page.evaluate(() => history.replaceState(null, '', '#/requests'));
      await soon(() => page.locator('#view-requests').isVisible(), true);
      await soon(async () => mock.subscribers, 1);
    }));

  it('tells that the server is shutting down', () =>
    onPage(async ({ banner, soon }) => soon(banner, /The server is shutting down.*waits for those in flight/s), { mock: (mock) => (mock.settings.draining = true) }));

  it('keeps the title and the icon of a hidden tab true, by a slow look', () =>
    onPage(async ({ world, page, rows, soon }) => {
      const id = world.start();
      await soon(rows, 1);
      await page.clock.install();
      await hide(page, true);
      world.start({ phase: 'stalled', status: 200 });
      world.end(id);
      const icon = () => page.locator('link[rel="icon"]').getAttribute('href');
      assert.match(String(await icon()), /icon\.svg/);
      await page.clock.fastForward(16_000);
      await soon(() => page.title(), '1 in flight · ▲ 1 – Active Requests');
      assert.match(String(await icon()), /^data:image\/svg/);
    }));

  it('rests while the tab is hidden', () =>
    onPage(async ({ world, mock, page, rows, soon }) => {
      world.start();
      await soon(rows, 1);
      await soon(async () => mock.subscribers, 1);
      await hide(page, true);
      await soon(async () => mock.subscribers, 0);
      world.start();
      const asked = mock.asked.length;
      await page.waitForTimeout(1500);
      assert.equal(mock.asked.length, asked, 'nothing is asked meanwhile');
      await hide(page, false);
      await soon(rows, 2);
    }));
});
