/** The page as the reference proxy serves it, with the requests that go through it. */

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { openPage } from '../browser.js';
import { begun, closeBrowser, hide, open, soon } from '../page.js';
import { ask, noProxy, startProxy, stopProxies } from '../proxy.js';

/**
 * @param {(it: { page: import('playwright-core').Page, base: string, proxy: Awaited<ReturnType<typeof startProxy>>, complaints: string[] }) => Promise<void>} test
 * @param {{ env?: Record<string, string>, hash?: string, complaints?: RegExp }} [options]
 */
async function throughProxy(test, { env = {}, hash = '', complaints: expected } = {}) {
  const proxy = await startProxy({ env });
  const { page, context, complaints } = await openPage(await open());
  try {
    await page.goto(`${proxy.base}/dashboard/${hash}`);
    await begun(page);
    await test({ page, base: proxy.base, proxy, complaints });
    assert.deepEqual(complaints.filter((text) => !expected?.test(text)), [], 'the page complained');
  } catch (error) {
    if (process.env['SHOT']) await page.screenshot({ path: process.env['SHOT'] });
    throw error;
  } finally {
    await context.close();
    await proxy.stop();
  }
}

const INDICATOR = '#indicator';
const REFUSED = /Failed to load resource/;

describe('the dashboard of the proxy', { skip: noProxy }, () => {
  after(async () => {
    await closeBrowser();
    stopProxies();
  });

  it('shows a request come, count and leave', () =>
    throughProxy(async ({ page, base }) => {
      const row = page.locator('#grid [role="row"]', { has: page.locator('.col-model .mono', { hasText: 'demo-c101-d30' }) });
      await soon(() => page.locator(INDICATOR).innerText(), '● Live');
      const { done } = ask(base, 'demo-c101-d30');
      await soon(() => row.count(), 1);
      await soon(() => row.locator('.col-state').innerText(), /Streaming/);
      const read = async () => Number((await row.locator('.col-output').innerText()).replace(/[~,]/g, ''));
      await soon(async () => (await read()) > 5, true);
      const early = await read();
      await soon(async () => (await read()) > early, true);
      await done;
      await soon(() => row.locator('.col-state').innerText(), /Completed/);
      await soon(() => row.count(), 0);
    }, { hash: '#/requests?q=model:demo-c101-d30' }));

  it('says that a client left', () =>
    throughProxy(async ({ page, base }) => {
      const request = ask(base, 'demo-c900-d31');
      await soon(() => page.locator('#grid .col-state').first().innerText(), /Streaming/);
      request.abort();
      await soon(() => page.locator('#grid .col-state').first().innerText(), /Client left/);
    }, { hash: '#/requests?q=model:demo-c900-d31' }));

  it('shows who is waited for in a stalled stream', () =>
    throughProxy(async ({ page, base }) => {
      const request = ask(base, 'demo-c90-d20-s20');
      await soon(() => page.locator('#grid [data-look="attention"] .col-state').first().innerText(), /Stalled/);
      await soon(() => page.locator('#grid [data-look="attention"] .col-waits').first().innerText(), '↑ upstream');
      await page.locator('#grid [data-look="attention"] .col-model').first().click();
      await soon(() => page.locator('.verdict').innerText(), /Stalled: the upstream has sent nothing for/);
      request.abort();
    }, { hash: '#/requests?q=model:demo-c90-d20-s20', env: { VDM_ACTIVE_REQUESTS_STALL_AFTER: '1' } }));

  it('lives through a restart', () =>
    throughProxy(async ({ page, proxy }) => {
      await soon(async () => (await page.locator('#grid .col-state').count()) > 0, true);
      await proxy.stop();
      await soon(() => page.locator(INDICATOR).innerText(), /Reconnecting/);
      const again = await startProxy({ port: proxy.port });
      try {
        await soon(() => page.locator(INDICATOR).innerText(), '● Live');
        await soon(() => page.locator('#banner').innerText(), /The server was restarted/);
        await soon(async () => (await page.locator('#grid .col-state').count()) > 0, true);
      } finally {
        await again.stop();
      }
    }, { complaints: REFUSED }));

  it('goes on where it was after the tab was hidden', () =>
    throughProxy(async ({ page }) => {
      await soon(() => page.locator(INDICATOR).innerText(), '● Live');
      const asked = /** @type {(string | undefined)[]} */ ([]);
      page.on('request', (request) => void (request.url().includes('/stream') && asked.push(request.headers()['last-event-id'])));
      await hide(page, true);
      await page.waitForTimeout(500);
      await hide(page, false);
      await soon(() => page.locator(INDICATOR).innerText(), '● Live');
      assert.match(String(asked.at(-1)), /^[0-9a-f]{8}-\d+$/);
    }));

  it('asks for the key, and shows nothing without it', () =>
    throughProxy(async ({ page }) => {
      await soon(() => page.locator('#key-dialog').isVisible(), true);
      assert.equal(await page.locator('#grid .col-state').count(), 0);
      await page.locator('#key-input').fill('s3cret');
      await page.keyboard.press('Enter');
      await soon(() => page.locator(INDICATOR).innerText(), '● Live');
      await soon(async () => (await page.locator('#grid .col-state').count()) > 0, true);
    }, { env: { PROXY_API_KEY: 's3cret' }, complaints: /401/ }));

  it('polls where the stream is switched off', () =>
    throughProxy(async ({ page }) => {
      await soon(() => page.locator(INDICATOR).innerText(), '○ Polling every 5s');
      await soon(() => page.locator('#banner').innerText(), /Set VDM_ACTIVE_REQUESTS_SSE_ENABLED=true to enable/);
      await soon(async () => (await page.locator('#grid .col-state').count()) > 0, true);
    }, { env: { VDM_ACTIVE_REQUESTS_SSE_ENABLED: 'false' }, complaints: /503/ }));

  it('says that nothing is tracked', () =>
    throughProxy(async ({ page }) => {
      await soon(() => page.locator('#banner').innerText(), /Set LOG_REQUEST_METRICS=true to enable tracking/);
    }, { env: { LOG_REQUEST_METRICS: 'false' } }));

  it('shows totals, errors and traces', () =>
    throughProxy(async ({ page, base }) => {
      await ask(base, 'demo-e429').done;
      await ask(base, 'demo-c5-d1').done;
      await page.goto(`${base}/dashboard/#/totals`);
      await soon(async () => (await page.locator('#model-table tbody tr').count()) >= 2, true);
      await page.goto(`${base}/dashboard/#/errors`);
      await soon(async () => (await page.locator('#errors-table tbody tr').allInnerTexts()).some((text) => /429/.test(text)), true);
      await page.goto(`${base}/dashboard/#/traces?q=model:demo-c5-d1`);
      await soon(() => page.locator('#traces-table tbody tr').count(), 1);
      await page.locator('#traces-table tbody tr').click();
      await soon(() => page.locator('#drawer').innerText(), /Completed after/);
    }));
});
