/** The chat page in Chromium: in front of the real server, and of answers that go wrong. */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';

import { launchBrowser, noBrowser } from '../../browser.js';
import { openPage } from '../../dashboard/browser.js';
import { eventually, noProgram, startChat } from '../program.js';

/** @import { Browser, BrowserContextOptions, Page } from 'playwright-core' */

const skip = noBrowser || noProgram;
const axe = createRequire(import.meta.url).resolve('axe-core');

/** @type {Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof startChat>>} */
let chat;
/** @type {Awaited<ReturnType<typeof startChat>>} answers for ever */
let endless;

before(async () => {
  if (skip) return;
  [browser, chat, endless] = await Promise.all([
    launchBrowser(),
    startChat({ CHAT_MODEL: 'demo-q2-d1' }),
    startChat({ CHAT_MODEL: 'demo-c100000-d10' }),
  ]);
});

after(async () => {
  await browser?.close();
  chat?.close();
  endless?.close();
});

/**
 * A fresh page; nothing may be complained about on its console.
 *
 * @param {string} name
 * @param {(page: Page) => Promise<void>} check
 * @param {{ url?: () => string, complains?: boolean } & BrowserContextOptions} [options]
 */
function inPage(name, check, { url = () => chat.url, complains = false, ...options } = {}) {
  test(name, { skip, timeout: 60_000 }, async () => {
    const { page, context, complaints } = await openPage(browser, options);
    await page.goto(url());
    await check(page);
    if (!complains) assert.deepEqual(complaints, []);
    await context.close();
  });
}

/** @param {Page} page @param {string} question */
async function ask(page, question) {
  await page.fill('#question', question);
  await page.press('#question', 'Enter');
}

const answer = (/** @type {Page} */ page) => page.locator('.answer').last();
const text = (/** @type {Page} */ page) => answer(page).locator('.text');

inPage('an answer comes with its stages, sources, score and questions to go on with', async (page) => {
  await ask(page, 'When does a request leave the list?');
  await page.waitForSelector('.answer .questions');
  assert.deepEqual(await answer(page).locator('.trail li').allTextContents(), [
    'Understanding',
    'Searching',
    'Writing',
    'Checking',
    'Looking ahead',
  ]);
  assert.match((await text(page).textContent()) ?? '', /^A request leaves the list when its response body has ended/);
  assert.match((await answer(page).locator('.facts').textContent()) ?? '', /\d+ % in the passages.*simulated model.* s/);
  assert.equal(await page.locator('#status').textContent(), 'The answer is complete');

  await answer(page).locator('.cite').first().click();
  const source = answer(page).locator('.source').first();
  assert.equal(await source.getAttribute('open'), '');
  assert.match((await source.textContent()) ?? '', /When does a request leave the list\?.*in-flight\.md/s);
});

inPage('a question to go on with is asked by a click', async (page) => {
  await page.click('#welcome button');
  const next = page.locator('.answer .questions button').first();
  const question = await next.textContent();
  await next.click();
  assert.equal(await page.locator('.asked').last().textContent(), question);
  await page.waitForFunction(() => document.querySelectorAll('.answer .questions').length === 2);
});

inPage('Shift Enter starts a line, and an empty question is not sent', async (page) => {
  await page.press('#question', 'Enter');
  assert.equal(await page.locator('.asked').count(), 0);
  await page.type('#question', 'one');
  await page.press('#question', 'Shift+Enter');
  await page.type('#question', 'two');
  await page.press('#question', 'Enter');
  assert.equal(await page.locator('.asked').textContent(), 'one\ntwo');
  assert.equal(await page.inputValue('#question'), '');
  await page.press('#question', 'ArrowUp');
  assert.equal(await page.inputValue('#question'), 'one\ntwo');
});

inPage(
  'Escape stops the answer and the work behind it, and one can ask again',
  async (page) => {
    await ask(page, 'go on for ever');
    await page.waitForSelector('.text p');
    assert.equal((await endless.active()).length, 1);
    await page.press('#question', 'Escape');
    await eventually(async () => (await endless.active()).length === 0, 1000);
    assert.match((await answer(page).textContent()) ?? '', /Stopped.*Ask again/);
    assert.equal(await page.locator('#stop').isVisible(), false);

    await answer(page).locator('.notice button').click();
    await page.waitForFunction(() => document.querySelectorAll('.text p').length === 2);
    await page.click('#stop');
    await eventually(async () => (await endless.active()).length === 0, 1000);
  },
  { url: () => endless.url },
);

inPage(
  'leaving the page ends the work',
  async (page) => {
    await ask(page, 'go on for ever');
    await page.waitForSelector('.text p');
    const [row] = await endless.active();
    assert.equal(row?.stage, 'generation');
    await page.goto('about:blank');
    await eventually(async () => (await endless.active()).length === 0, 1000);
  },
  { url: () => endless.url },
);

inPage('the view follows the answer until one scrolls away', async (page) => {
  for (let i = 0; i < 3; i++) {
    await page.waitForFunction((n) => document.querySelectorAll('.answer .questions').length === n, i);
    await ask(page, 'What does active-requests show?');
  }
  await page.waitForFunction(() => document.querySelectorAll('.answer .questions').length === 3);
  const fromEnd = () => page.$eval('main', (main) => main.scrollHeight - main.scrollTop - main.clientHeight);
  assert.ok((await fromEnd()) < 5);
  await page.$eval('main', (main) => void (main.scrollTop = 0));
  await page.click('#latest');
  assert.ok((await fromEnd()) < 5);
  assert.equal(await page.locator('#latest').isVisible(), false);
});

inPage('a new conversation is empty, and the server does not know it', async (page) => {
  /** @type {Set<string>} */
  const sessions = new Set();
  page.on('request', (request) => {
    if (request.method() === 'POST') sessions.add(request.postDataJSON().session_id);
  });
  await page.click('#welcome button');
  await page.waitForSelector('.answer .questions');
  await page.click('#fresh');
  assert.equal(await page.locator('.answer').count(), 0);
  await page.click('#welcome button');
  await page.waitForSelector('.answer .questions');
  assert.equal(sessions.size, 2);
});

inPage('the colours can be chosen, and stay', async (page) => {
  const colours = () => page.$eval('html', (html) => getComputedStyle(html).colorScheme);
  await page.click('#theme');
  assert.equal(await colours(), 'light');
  await page.click('#theme');
  assert.equal(await colours(), 'dark');
  await page.reload();
  assert.equal(await colours(), 'dark');
});

/** @param {...unknown} events */
const stream = (...events) => ({
  contentType: 'text/event-stream',
  body: events.map((event) => `data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`).join(''),
});
const GOOD = stream({ token: 'fine' }, '[DONE]');
/** @param {number} status @param {string} message @param {Record<string, string>} [headers] */
const refusal = (status, message, headers = {}) => ({
  status,
  headers,
  contentType: 'application/json',
  body: JSON.stringify({ error: { type: 'x', message } }),
});

/** @type {[name: string, answers: (object | 'unreachable')[], told: RegExp, again: boolean][]} */
const FAILURES = [
  ['unreachable', Array(4).fill('unreachable'), /The server cannot be reached/, true],
  ['cut', [stream({ token: 'half' })], /half.*The answer may be incomplete/s, true],
  ['failed inside', [stream({ token: 'half' }, { error: 'The model fell over.' }, '[DONE]')], /half.*The answer failed.*The model fell over\./s, true],
  ['refused', [refusal(400, 'The message is too long.')], /The question was refused.*The message is too long\./s, false],
  ['busy for long', [refusal(429, 'Busy', { 'retry-after': '600' })], /Too many questions at once.*10 minutes/s, true],
  ['broken', [refusal(500, 'Out of order'), ...Array(3).fill(refusal(500, 'Out of order'))], /The server has a problem.*Out of order \(500\)/s, true],
  ['another server', [{ contentType: 'text/html', body: '<p>Log in' }], /This is no chat server/, false],
];

for (const [name, answers, told, again] of FAILURES)
  inPage(
    `${name}: said clearly, ${again ? 'and one can ask again' : 'and asking again would not help'}`,
    async (page) => {
      // Retries wait at random up to 8 s; here they need not.
      await page.addInitScript(() => (Math.random = () => 0));
      await page.reload();
      const rest = [...answers];
      await page.route('**/api/chat/stream', (route) => {
        const next = rest.shift() ?? GOOD;
        return next === 'unreachable' ? route.abort('connectionrefused') : route.fulfill(/** @type {object} */ (next));
      });
      await ask(page, 'hello');
      const notice = answer(page).locator('.notice button, .notice.failed');
      await notice.first().waitFor();
      await page.waitForFunction(() => !document.querySelector('#send')?.hasAttribute('hidden'));
      assert.match((await answer(page).textContent()) ?? '', told);
      assert.equal(await answer(page).locator('.notice button').count(), again ? 1 : 0);
      if (!again) return;
      await answer(page).locator('.notice button').click();
      await page.waitForFunction(() => document.querySelectorAll('.text').item(1)?.textContent === 'fine');
    },
    // The browser itself writes a line for each failed request.
    { complains: true },
  );

inPage(
  'while it waits for a retry it says so, and the wait can be ended',
  async (page) => {
    const rest = [refusal(503, 'Restarting', { 'retry-after': '60' })];
    await page.route('**/api/chat/stream', (route) => route.fulfill(rest.shift() ?? GOOD));
    await ask(page, 'hello');
    await page.getByText('trying again in 60 s').waitFor();
    await page.getByRole('button', { name: 'Now' }).click();
    await page.getByText('fine').waitFor();
    assert.equal(await page.locator('.notice').count(), 0);
  },
  { complains: true },
);

inPage('text is never taken for HTML', async (page) => {
  await page.route('**/api/chat/stream', (route) =>
    route.fulfill(stream({ token: '<img src=x onerror=alert(1)> **<b>bold</b>** `</code><script>`' }, { follow_up_questions: ['<i>?'] }, '[DONE]')),
  );
  await ask(page, '<u>?');
  await page.waitForSelector('.answer .questions');
  assert.equal(await text(page).textContent(), '<img src=x onerror=alert(1)> <b>bold</b> </code><script>');
  assert.equal(await page.locator('main :is(img, b, i, u, script)').count(), 0);
});

for (const colorScheme of /** @type {const} */ (['light', 'dark']))
  for (const width of [360, 1200])
    inPage(
      `nothing is wider than a screen of ${width}, and everybody can use it, in ${colorScheme} colours`,
      async (page) => {
        const check = async () => {
          assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false);
          await page.addScriptTag({ path: axe });
          const violations = await page.evaluate(async () => {
            /** @type {any} */
            const { axe } = window;
            const found = await axe.run({ rules: { 'page-has-heading-one': { enabled: true } } });
            return found.violations.map((/** @type {any} */ { id, nodes }) => `${id}: ${nodes.map((/** @type {any} */ n) => n.html).join(' ')}`);
          });
          assert.deepEqual(violations, []);
        };
        await check();
        await ask(page, 'When does a request leave the list?');
        await page.waitForSelector('.answer .questions');
        await answer(page).locator('.cite').first().click();
        await check();
      },
      { colorScheme, viewport: { width, height: 740 }, bypassCSP: true },
    );
