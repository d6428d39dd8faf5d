/** The page of three reference proxies that share a NATS server. */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { after, describe, it } from 'node:test';
import { openPage } from '../browser.js';
import { begun, closeBrowser, open, soon } from '../page.js';
import { ask, noProxy, startProxy, stopProxies } from '../proxy.js';

const skip = noProxy || (spawnSync('nats-server', ['--version']).error ? 'there is no nats-server' : false);

/** A port that nobody listens on. @returns {Promise<number>} */
const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });

/** @param {number} port */
async function startNats(port) {
  const child = spawn('nats-server', ['-a', '127.0.0.1', '-p', String(port)], { stdio: ['ignore', 'ignore', 'pipe'] });
  await new Promise((resolve, reject) => {
    child.stderr.on('data', (data) => /Server is ready/.test(String(data)) && resolve(undefined));
    child.on('exit', () => reject(new Error('nats-server did not start')));
  });
  return child;
}

describe('the dashboard of a fleet of proxies', { skip }, () => {
  after(async () => {
    await closeBrowser();
    stopProxies();
  });

  it('shows, cancels and loses the requests of the others', async () => {
    const port = await freePort();
    let nats = await startNats(port);
    const names = ['proxy-1', 'proxy-2', 'proxy-3'];
    const env = { PROXY_API_KEY: 'k', VDM_ACTIVE_REQUESTS_ALLOW_CANCEL: 'true', VDM_ACTIVE_REQUESTS_FLEET_URL: `nats://127.0.0.1:${port}` };
    const proxies = await Promise.all(names.map((name) => startProxy({ env: { ...env, VDM_ACTIVE_REQUESTS_FLEET_REPLICA: name } })));
    const { page, context } = await openPage(await open());
    const row = page.locator('#grid [role="row"]', { has: page.locator('.col-model', { hasText: 'demo-c3000-d51' }) });
    const replicas = () => row.locator('.col-replica').allInnerTexts().then((all) => all.toSorted().join());
    const key = { authorization: 'Bearer k' };
    try {
      await page.addInitScript(() => sessionStorage.setItem('active-requests.key', 'k'));
      const asked = proxies.map(({ base }) => ask(base, 'demo-c3000-d51', key));
      await page.goto(`${proxies[0]?.base}/dashboard/#/requests?scope=fleet&q=model:demo-c3000-d51`);
      await begun(page);
      await soon(replicas, names.join());

      // The numbers are those of each replica's own list.
      const second = proxies[1];
      assert.ok(second);
      const own = await (await fetch(`${second.base}/metrics/active-requests`, { headers: key })).json();
      const { request_id: id } = own.active_requests.find((/** @type {any} */ it) => it.model === 'demo-c3000-d51');
      const read = async () => Number((await row.filter({ hasText: 'proxy-2' }).locator('.col-output').innerText()).replace(/[~,]/g, ''));
      const early = await read();
      await soon(async () => (await read()) > early, true);

      // Cancelled from here, ended there.
      await row.filter({ hasText: 'proxy-2' }).locator('.row-menu').click();
      await page.locator('#menu button', { hasText: 'Cancel...' }).click();
      await page.locator('#confirm button', { hasText: 'Cancel the request' }).click();
      await asked[1]?.done;
      const logs = await (await fetch(`${second.base}/metrics/logs`, { headers: key })).json();
      assert.equal(logs.traces.find((/** @type {any} */ it) => it.request_id === id).outcome, 'killed');
      await page.mouse.move(0, 0);
      await page.locator('#filter').focus();
      await soon(replicas, 'proxy-1,proxy-3');

      // One stands still: grey, then gone; and back when it goes on.
      const third = proxies[2];
      third?.pause(true);
      await soon(() => row.filter({ hasText: 'proxy-3' }).getAttribute('data-look'), 'unheard');
      await soon(() => page.locator('#banner').innerText(), /proxy-3 has not been heard from since/);
      await soon(replicas, 'proxy-1');
      third?.pause(false);
      await soon(replicas, 'proxy-1,proxy-3');

      // The server between them ends, and comes back.
      nats.kill('SIGKILL');
      await soon(() => page.locator('#banner').innerText(), /Fleet view lost since/);
      await soon(replicas, 'proxy-1');
      nats = await startNats(port);
      await soon(replicas, 'proxy-1,proxy-3');

      await page.locator('.tabs [data-view="replicas"]').click();
      await soon(() => page.locator('#replica-table tbody tr').count(), 3);
      for (const { abort } of asked) abort();
    } finally {
      await context.close();
      await Promise.all(proxies.map((proxy) => proxy.stop()));
      nats.kill('SIGKILL');
    }
  });
});
