/** The client in Chromium: the same scenarios, and the same bytes through the parser. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { launchBrowser, noBrowser } from '../../browser.js';
import { startServer } from '../misbehaving-server.js';
import { SCENARIOS } from '../scenarios.js';

/**
 * @import { Browser, Page } from 'playwright-core'
 * @import * as SSE from '../../../sse/index.js'
 * @import * as Scenarios from '../scenarios.js'
 */

const ASSETS = new URL('../../../', import.meta.url);
const CASES = new URL('../../../../../shared/sse-cases/cases.jsonl', import.meta.url);
const TYPES = { js: 'text/javascript', html: 'text/html' };

/** @type {Awaited<ReturnType<typeof startServer>>} */
let server;
/** @type {Browser} */
let browser;
/** @type {Page} */
let page;

before(async () => {
  if (noBrowser) return;
  server = await startServer((request, response) => {
    if (request.url === '/') return void response.setHeader('content-type', TYPES.html).end('<!doctype html><title>test</title>');
    const file = new URL(`.${request.url}`, ASSETS);
    if (!file.pathname.startsWith(ASSETS.pathname) || !existsSync(file)) return void response.writeHead(404).end();
    response.setHeader('content-type', TYPES.js).end(readFileSync(file));
  });
  browser = await launchBrowser();
  page = await browser.newPage();
  await page.goto(server.url);
});

after(async () => {
  await browser?.close();
  await server?.close();
});

for (const { name, expected } of SCENARIOS)
  test(`in the browser: ${name}`, { skip: noBrowser, timeout: 30_000 }, async () => {
    const seen = await page.evaluate(async (name) => {
      /** @type {typeof SSE} */
      const sse = await import(`${location.origin}/sse/index.js`);
      /** @type {typeof Scenarios} */
      const { SCENARIOS, observer } = await import(`${location.origin}/test/sse/scenarios.js`);
      return SCENARIOS.find((scenario) => scenario.name === name)?.run(observer(sse, location.origin), sse);
    }, name);
    assert.deepEqual(seen, expected);
  });

test('in the browser: the shared conformance cases, byte by byte', { skip: noBrowser || (!existsSync(CASES) && 'they are not here') }, async () => {
  const cases = readFileSync(CASES, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const seen = await page.evaluate(
    async (inputs) => {
      /** @type {typeof SSE} */
      const { createSSEParser } = await import(`${location.origin}/sse/index.js`);
      return inputs.map((base64) => {
        /** @type {SSE.SSEEvent[]} */
        const events = [];
        const parser = createSSEParser({ onEvent: (event) => events.push(event) });
        for (const character of atob(base64)) parser.feed(Uint8Array.of(character.charCodeAt(0)));
        parser.end();
        return events;
      });
    },
    cases.map(({ input_bytes_base64 }) => input_bytes_base64),
  );
  assert.deepEqual(
    seen,
    cases.map(({ expected }) => expected.events),
  );
});

test('in the browser: the server sees that the page was left', { skip: noBrowser }, async () => {
  const other = await browser.newPage();
  await other.goto(server.url);
  await other.evaluate(async () => {
    /** @type {typeof SSE} */
    const { streamSSE } = await import(`${location.origin}/sse/index.js`);
    return new Promise((resolve) => {
      streamSSE('/hang-in-stream?key=page', {}, { onToken: () => resolve(undefined) }).catch(() => {});
    });
  });
  const left = Date.now();
  await other.close();
  const [{ closed } = assert.fail('no request')] = server.of('page');
  assert.ok((await closed) - left < 1000);
});
