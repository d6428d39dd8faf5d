/** The hook with the real React, in the build in which StrictMode mounts everything twice. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { launchBrowser, noBrowser } from '../../browser.js';
import { openPage } from '../../dashboard/browser.js';
import { eventually, noProgram, startChat } from '../program.js';

/** @import { Browser, Page } from 'playwright-core' */

const skip = noBrowser || noProgram;

/** @type {Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof startChat>>} */
let chat;
/** @type {Awaited<ReturnType<typeof startChat>>} */
let endless;
let react = '';

before(async () => {
  if (skip) return;
  react = execFileSync(process.execPath, [fileURLToPath(new URL('../../../bundle-react.js', import.meta.url)), 'development'], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  [browser, chat, endless] = await Promise.all([
    launchBrowser(),
    startChat({ CHAT_MODEL: 'demo-q1-d1' }),
    startChat({ CHAT_MODEL: 'demo-c100000-d10' }),
  ]);
});

after(async () => {
  await browser?.close();
  chat?.close();
  endless?.close();
});

/**
 * @param {string} name
 * @param {() => string} url
 * @param {(page: Page, requests: string[]) => Promise<void>} check
 */
const inReact = (name, url, check) =>
  test(name, { skip, timeout: 60_000 }, async () => {
    const { page, context, complaints } = await openPage(browser);
    /** @type {string[]} */
    const requests = [];
    page.on('request', (request) => void (request.method() === 'POST' && requests.push(request.url())));
    await page.route('**/vendor/react.js', (route) => route.fulfill({ contentType: 'text/javascript', body: react }));
    await page.goto(new URL('/react/', url()).href);
    await page.waitForSelector('form');
    await check(page, requests);
    assert.deepEqual(complaints, []);
    await context.close();
  });

const status = (/** @type {Page} */ page) => page.getByRole('status').textContent();

inReact('an answer, from idle to done, asked for once', () => chat.url, async (page, requests) => {
  assert.equal(await status(page), 'idle');
  await page.getByRole('button', { name: 'Ask' }).click();
  await page.waitForFunction(() => document.querySelector('[role=status]')?.textContent?.startsWith('done'));
  assert.match((await page.textContent('#answer')) ?? '', /^A request leaves the list when its response body has ended.*lets go of it\. \[1\]$/);
  assert.equal(requests.length, 1);
});

inReact('asking again stops the answer before, whose words no longer come', () => endless.url, async (page, requests) => {
  for (let i = 0; i < 3; i++) {
    await page.getByRole('button', { name: 'Ask' }).click();
    await page.waitForFunction(() => (document.querySelector('#answer')?.textContent?.length ?? 0) > 80);
  }
  assert.equal(requests.length, 3);
  await eventually(async () => (await endless.active()).length === 1, 10_000);
  // One answer that starts at the beginning: the words of others are not in it.
  assert.match((await page.textContent('#answer')) ?? '', /^Every request stands in the list while it is in flight, counts/);
  await page.getByRole('button', { name: 'Stop' }).click();
  assert.match((await status(page)) ?? '', /^stopped/);
  await eventually(async () => (await endless.active()).length === 0, 10_000);
});

inReact('unmounting stops the answer', () => endless.url, async (page) => {
  await page.getByRole('button', { name: 'Ask' }).click();
  await page.waitForFunction(() => document.querySelector('#answer')?.textContent !== '');
  await page.getByRole('button', { name: 'Unmount' }).click();
  await eventually(async () => (await endless.active()).length === 0, 10_000);
  await page.getByRole('button', { name: 'Mount' }).click();
  assert.equal(await status(page), 'idle');
});

inReact('a failure is shown', () => chat.url, async (page) => {
  await page.getByLabel('Question').fill('');
  await page.route('**/api/chat/stream', (route) => route.fulfill({ contentType: 'text/event-stream', body: 'data: {"error":"Out of words"}\n\n' }));
  await page.getByRole('button', { name: 'Ask' }).click();
  assert.equal(await page.getByRole('alert').textContent(), 'Out of words');
});
