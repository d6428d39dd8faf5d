/** The monitor's compressed stream, read by Chromium's own `EventSource` and `fetch`. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { launchBrowser, noBrowser } from '../../browser.js';
import { noProgram, startChat } from '../../chat/program.js';

/** @import { Browser, Page } from 'playwright-core' */

const skip = noBrowser || noProgram;

/** @type {Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof startChat>>} never ends an answer */
let chat;
/** @type {Page} */
let page;

before(async () => {
  if (skip) return;
  [browser, chat] = await Promise.all([launchBrowser(), startChat({ CHAT_MODEL: 'demo-c100000-d10', VDM_ACTIVE_REQUESTS_SSE_INTERVAL: '0.2' })]);
  page = await browser.newPage();
  await page.goto(chat.url);
  // A request that goes on, so that there is always something to tell.
  await page.evaluate(() => {
    void fetch('/api/chat/stream', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ message: 'Go on', session_id: 'endless' }),
    });
  });
});

after(async () => {
  await browser?.close();
  chat?.close();
});

for (const format of ['update', 'delta']) {
  test(`EventSource reads a compressed ${format} stream, each event when it comes`, { skip }, async () => {
    const headers = page.waitForResponse((response) => response.url().includes(`stream?format=${format}`)).then((response) => response.headers());
    const events = await page.evaluate(
      (format) =>
        new Promise((resolve) => {
          const source = new EventSource(`/metrics/active-requests/stream?format=${format}`);
          /** @type {string[]} */
          const events = [];
          for (const name of ['update', 'delta'])
            source.addEventListener(name, ({ data }) => {
              if (events.push(data) < 4) return;
              source.close();
              resolve(events);
            });
        }),
      format,
    );
    assert.equal((await headers)['content-encoding'], 'gzip');
    const [first, ...others] = /** @type {string[]} */ (events).map((event) => JSON.parse(event));
    assert.equal(first.disabled, false);
    assert.ok(others.every(({ timestamp }) => timestamp > first.timestamp));
  });

  test(`fetch reads a compressed ${format} stream, each event when it comes`, { skip }, async () => {
    const { encoding, text } = await page.evaluate(async (format) => {
      const response = await fetch(`/metrics/active-requests/stream?format=${format}`);
      const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
      const decoder = new TextDecoder();
      let text = '';
      while (text.split(/^event: /m).length < 5) text += decoder.decode((await reader.read()).value, { stream: true });
      await reader.cancel();
      return { encoding: response.headers.get('content-encoding'), text };
    }, format);
    assert.equal(encoding, 'gzip');
    assert.match(text, /^retry: 2000\n\nevent: update\nid: /);
  });
}
