/** The page of a server that belongs to a fleet: which replicas are shown, how they are, and what is done with their requests. */

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { findings } from '../axe.js';
import { noBrowser } from '../browser.js';
import { closeBrowser, onPage } from '../page.js';

/** @typedef {import('../mock.js').Mock} Mock */

const SECOND = '24d0822e';
const THIRD = '6dcdaeab';

/** @param {string} epoch @param {string} replica @param {Record<string, unknown>} [fields] */
const listed = (epoch, replica, fields = {}) => ({ replica, epoch, state: 'live', rows: 1, silent_ms: 0, clock_offset_ms: 0, version: '0.1.0', self: false, ...fields });

/** A fleet of three, with a request at each. @param {Mock} mock */
function fleetOfThree(mock) {
  const { world } = mock;
  mock.fleet = { state: 'live', since: null, engine: 'nats', mode: 'rows', replicas: [listed(world.epoch, 'proxy-1', { self: true, clock_offset_ms: null }), listed(SECOND, 'proxy-2'), listed(THIRD, 'proxy-3')] };
  mock.settings.cancel = true;
  world.start({ model: 'own' });
  world.start({ request_id: `req_${SECOND}-1`, model: 'second', phase: 'streaming', status: 200 });
  world.start({ request_id: `req_${THIRD}-1`, model: 'third', phase: 'streaming', status: 200 });
}

/** Changes what is told of a replica. @param {Mock} mock @param {string} epoch @param {Record<string, unknown>} fields */
const change = (mock, epoch, fields) => Object.assign(mock.fleet?.['replicas'].find((/** @type {any} */ it) => it.epoch === epoch), fields);

/** Takes a replica from the list. @param {Mock} mock @param {string} epoch */
function remove(mock, epoch) {
  if (mock.fleet) mock.fleet['replicas'] = mock.fleet['replicas'].filter((/** @type {any} */ it) => it.epoch !== epoch);
  mock.tell({ gone: [epoch] });
}

/** The part for a fleet has come, and has seen it well. @param {import('playwright-core').Page} page */
const met = (page) => page.locator('#scope').waitFor();
/** @param {import('playwright-core').Page} page @param {string} model */
const lineOf = (page, model) => page.locator('#grid [role="row"]', { has: page.locator('.col-model', { hasText: model }) });
/** @param {import('playwright-core').Page} page */
const clean = async (page) => assert.deepEqual(await findings(page), []);

const FLEET = '#/requests?scope=fleet';

describe('a fleet in the page', { skip: noBrowser }, () => {
  after(closeBrowser);

  it('is not offered where the server has none', () =>
    onPage(async ({ page, mock, world, rows, soon }) => {
      world.start();
      await soon(rows, 1);
      assert.equal(await page.locator('#scope').isVisible(), false);
      assert.equal(await page.locator('.tabs [data-view="replicas"]').isVisible(), false);
      assert.ok(mock.asked.every(({ path }) => !/fleet|scope/.test(path)));
    }));

  it('is left, with a word, where an address asks a server without one', () =>
    onPage(async ({ page, world, rows, banner, soon }) => {
      world.start();
      await soon(rows, 1);
      await soon(banner, /This server belongs to no fleet: you see its own requests/);
      assert.equal(await page.evaluate(() => localStorage.getItem('active-requests.scope')), 'local');
    }, { hash: FLEET, complaints: /404/ }));

  it('is switched to and from, remembered and in the address, and no number of one is left in the other', () =>
    onPage(async ({ page, mock, models, rows, soon }) => {
      await soon(models, ['own']);
      assert.equal(await page.locator('.tile', { hasText: 'In flight' }).locator('.tile-value').innerText(), '1');
      await page.locator('#scope').selectOption('fleet');
      await soon(rows, 3);
      await soon(() => page.evaluate(() => location.hash), FLEET);
      await soon(() => page.locator('.tile', { hasText: 'In flight' }).locator('.tile-value').innerText(), '3');
      await soon(() => lineOf(page, 'second').locator('.col-replica').innerText(), 'proxy-2');
      const before = mock.asked.length;
      await page.locator('.tabs [data-view="traces"]').click();
      mock.world.end(`req_${SECOND}-1`);
      await page.locator('#refresh').click();
      await soon(() => page.locator('#traces-table tbody tr').allInnerTexts().then((all) => all.join()), /proxy-2/);
      assert.deepEqual(mock.asked.slice(before).filter(({ path }) => /^\/metrics\/(logs|series|running-totals|active-requests\/stream)/.test(path) && !path.includes('scope=fleet')), []);
      await page.locator('#scope').selectOption('local');
      await soon(() => page.locator('#traces-table tbody tr').count(), 0);
      await page.locator('.tabs [data-view="requests"]').click();
      await soon(models, ['own']);
      await soon(() => page.locator('#grid .col-replica').count(), 0);
      await page.locator('#scope').selectOption('fleet');
      await soon(async () => (await models()).length, 2);
      await page.goto(page.url().replace(/#.*/, ''));
      await soon(async () => (await models()).toSorted().join(), 'own,third');
    }, { mock: fleetOfThree }));

  it('takes no answer that was asked for before the switch', () =>
    onPage(async ({ page, mock, models, soon }) => {
      await soon(models, ['own']);
      let release = () => {};
      /** @type {Promise<void>} */
      const held = new Promise((resolve) => (release = resolve));
      await page.route(/running-totals(?!.*scope)/, async (route) => {
        await held;
        await route.continue().catch(() => {});
      });
      mock.world.end(`req_${SECOND}-1`);
      await page.locator('.tabs [data-view="totals"]').click();
      await page.locator('#scope').selectOption('fleet');
      await soon(() => page.locator('#totals-facts').innerText(), /Requests ended\s+1/);
      release();
      await page.waitForTimeout(300);
      assert.match(await page.locator('#totals-facts').innerText(), /Requests ended\s+1/);
    }, { mock: fleetOfThree }));

  it('is filtered and grouped by replica', () =>
    onPage(async ({ page, models, soon }) => {
      await soon(async () => (await models()).length, 3);
      await page.locator('#filter').pressSequentially('replica=proxy-', { delay: 40 });
      await soon(() => page.locator('[role="option"]').allInnerTexts().then((all) => all.join(' ')), /proxy-1\s+1.*proxy-2\s+1.*proxy-3\s+1/s);
      await page.locator('#filter').fill('replica=proxy-2');
      await soon(models, ['second']);
      await page.locator('#filter').fill('');
      await page.locator('#group').selectOption('replica');
      await soon(() => page.locator('#grid [data-look="group"]').allInnerTexts().then((all) => ['proxy-1', 'proxy-2', 'proxy-3'].every((name) => all.join().includes(name))), true);
    }, { hash: FLEET, mock: fleetOfThree }));

  it('shows the requests of a silent replica grey, with their clocks stopped, and then no more', () =>
    onPage(async ({ page, mock, models, banner, soon }) => {
      await soon(async () => (await models()).length, 3);
      await met(page);
      change(mock, SECOND, { state: 'stale', silent_ms: 5000 });
      mock.tell();
      const line = lineOf(page, 'second');
      await soon(() => line.getAttribute('data-look'), 'unheard');
      await soon(() => line.locator('.col-state').innerText(), /Not heard \d+s/);
      await soon(banner, /proxy-2 has not been heard from since \d\d:\d\d:\d\d .*1 request is from then/s);
      const age = await line.locator('.col-age').innerText();
      await soon(() => line.locator('.col-state').innerText(), /Not heard ([89]|\d\d)s/);
      assert.equal(await line.locator('.col-age').innerText(), age, 'nobody knows whether it still runs');
      await clean(page);
      await line.locator('.col-model').click();
      await soon(() => page.locator('.verdict').innerText(), /^proxy-2 has not been heard from for .*is not known\.$/);
      await page.keyboard.press('Escape');
      // Neither the pointer nor the focus holds the lines.
      await page.mouse.move(0, 0);
      await page.locator('#filter').focus();
      remove(mock, SECOND);
      await soon(async () => (await models()).toSorted().join(), 'own,third');
      await soon(banner, /proxy-2 is gone/);
      mock.fleet?.['replicas'].push(listed(SECOND, 'proxy-2'));
      mock.world.start({ request_id: `req_${SECOND}-1`, model: 'second', phase: 'streaming', start_time: Date.now() / 1000 - 60 });
      mock.tell();
      await soon(() => lineOf(page, 'second').locator('.col-state').innerText(), /Streaming/);
    }, { hash: FLEET, mock: fleetOfThree }));

  it('says that the server between the replicas is lost, and who was there', () =>
    onPage(async ({ page, mock, models, banner, soon }) => {
      await soon(async () => (await models()).length, 3);
      await met(page);
      for (const epoch of [SECOND, THIRD]) change(mock, epoch, { state: 'stale', silent_ms: 5200 });
      Object.assign(mock.fleet ?? {}, { state: 'lost', since: Date.now() / 1000 - 5 });
      mock.tell();
      await soon(banner, /Fleet view lost since \d\d:\d\d:\d\d .*: this replica only\. The NATS server between them cannot be reached\. There were 2 others with 2 requests then\./);
      remove(mock, SECOND);
      remove(mock, THIRD);
      await soon(models, ['own']);
      await soon(banner, /Fleet view lost since .* There were 2 others with 2 requests then\./);
      await clean(page);
    }, { hash: FLEET, mock: fleetOfThree }));

  it('says whose answer is missing, whose clock differs, and who runs another version', () =>
    onPage(async ({ page, mock, models, banner, soon }) => {
      await soon(async () => (await models()).length, 3);
      change(mock, SECOND, { clock_offset_ms: 3200 });
      change(mock, THIRD, { version: '0.2.0' });
      mock.tell();
      await soon(banner, /The clock of proxy-2 is 3s ahead\./);
      await page.locator('#banner-action').click();
      change(mock, SECOND, { clock_offset_ms: 20 });
      mock.tell();
      await soon(banner, /proxy-3 runs another version than this server\. 0\.2\.0 there, 0\.1\.0 here\./);
      await page.locator('#banner-action').click();
      await soon(() => page.locator('#banner').isVisible(), false);
      mock.missing = ['proxy-3'];
      await page.locator('.tabs [data-view="totals"]').click();
      await soon(banner, /These numbers are without proxy-3\. No answer came in time\./);
    }, { hash: FLEET, mock: fleetOfThree }));

  it('lists the replicas, by mouse and by key', () =>
    onPage(async ({ page, mock, models, soon }) => {
      change(mock, THIRD, { state: 'stale', silent_ms: 7000, rows: 4 });
      await page.keyboard.press('5');
      const lines = () => page.locator('#replica-table tbody tr').allInnerTexts().then((all) => all.map((text) => text.replace(/\s+/g, ' ').trim()));
      await soon(async () => (await lines()).length, 3);
      assert.match((await lines()).join('\n'), /^proxy-3 ◌ Not heard 4 \d+s ago agrees 0\.1\.0\nproxy-1 \(this one\) ● Live 1 now – 0\.1\.0\nproxy-2 ● Live 1 now agrees 0\.1\.0$/);
      await clean(page);
      await page.setViewportSize({ width: 390, height: 844 });
      await clean(page);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
      await page.locator('#replica-table tbody tr', { hasText: 'proxy-2' }).focus();
      await page.keyboard.press('Enter');
      await soon(models, ['second']);
      await soon(() => page.evaluate(() => location.hash), '#/requests?scope=fleet&q=replica%3Dproxy-2');
    }, { mock: fleetOfThree }));

  it('shows sums where there are too many requests, and the requests of the replica that is chosen', () =>
    onPage(async ({ page, mock, models, soon }) => {
      await soon(async () => (await models()).length, 3);
      Object.assign(mock.fleet ?? {}, { mode: 'sums' });
      mock.sums = [
        { replica: 'proxy-2', epoch: SECOND, rows: 30_000, models: [['openai', 'gpt-4o', 10, 20, 29_950, 20, 5, 900, 4000, 812.5, 61_000, 31_000, 1000, 7]], callers: [] },
        { replica: 'proxy-3', epoch: THIRD, rows: 5, models: [['poe', 'gemini', 0, 0, 5, 0, 0, 10, 20, 1.5, 2000, 9, 4, 0]], callers: [] },
      ];
      mock.tell({ gone: [mock.world.epoch] });
      const line = page.locator('#sums-table tbody tr');
      await soon(() => line.count(), 2);
      assert.match(await line.first().innerText(), /proxy-2\s+openai\s+gpt-4o\s+30,000/);
      await soon(() => page.locator('#sums-note').innerText(), /^30,005 requests are in flight, more than one list holds/);
      await soon(() => page.locator('.tile', { hasText: 'In flight' }).locator('.tile-value').innerText(), '30,005');
      assert.equal(await page.locator('#grid-frame').isVisible(), false);
      await clean(page);
      await page.setViewportSize({ width: 390, height: 844 });
      await clean(page);
      mock.world.start({ request_id: `req_${SECOND}-7`, provider: 'openai', model: 'gpt-4o', qualified_model: 'openai:gpt-4o' });
      await line.first().focus();
      await page.keyboard.press('Enter');
      await soon(models, ['gpt-4o']);
      await soon(() => page.locator('#scope option:checked').innerText(), 'Only proxy-2');
      assert.ok(mock.asked.every(({ path }) => !/(logs|series|totals).*replica:/.test(path)));
      await page.goBack();
      await soon(() => line.count(), 2);
    }, { hash: FLEET, mock: fleetOfThree }));

  for (const [refusal, said] of /** @type {[[number, string, string], RegExp][]} */ ([
    [[503, 'fleet_lost', 'No server'], /not cancelled: the replica that has it could not be reached/],
    [[504, 'fleet_timeout', 'No answer'], /it is not known: the replica did not answer in time, and may still cancel it/],
    [[403, 'forbidden', 'Nobody has the right here.'], /left running: you may not cancel here\. The server says: Nobody has the right here\./],
  ])) {
    it(`tells what came of a cancellation elsewhere: ${refusal[1]}`, () =>
      onPage(async ({ page, mock, models, soon }) => {
        mock.refusals['proxy-2'] = refusal;
        await soon(async () => (await models()).length, 3);
        await lineOf(page, 'second').locator('.row-menu').click();
        await page.locator('#menu button', { hasText: 'Cancel...' }).click();
        await page.locator('#confirm button', { hasText: 'Cancel the request' }).click();
        await soon(() => page.locator('#confirm').innerText(), said);
      }, { hash: FLEET, mock: fleetOfThree, complaints: new RegExp(String(refusal[0])) }));
  }

  it('goes on with the list when another replica serves the page', () =>
    onPage(async ({ page, mock, models, banner, soon }) => {
      await soon(async () => (await models()).length, 3);
      await lineOf(page, 'second').locator('.col-model').click();
      await page.mouse.move(0, 0);
      mock.world.epoch = SECOND;
      mock.cut();
      await soon(() => page.locator('#indicator').innerText(), '● Live');
      mock.world.start({ request_id: `req_${SECOND}-2`, model: 'later' });
      await page.locator('#filter').focus();
      await soon(async () => (await models()).length, 4);
      assert.doesNotMatch(await banner().catch(() => ''), /restarted/);
      assert.equal(await page.locator('#drawer').isVisible(), true);
    }, { hash: FLEET, mock: fleetOfThree, complaints: /INCOMPLETE_CHUNKED/ }));
});
