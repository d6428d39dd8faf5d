/** The surroundings of a page's test: a made-up server, a tab, and functions that read what the tab shows. */

import assert from 'node:assert/strict';
import { launch, openPage } from './browser.js';
import { Mock } from './mock.js';

/** @typedef {import('playwright-core').Page} Page */

/** @type {import('playwright-core').Browser | undefined} */
let browser;

/** One browser for all tests of a file; each has a fresh profile in it. */
export const open = async () => (browser ??= await launch());

export async function closeBrowser() {
  await browser?.close();
  browser = undefined;
}

/**
 * A page on a made-up server, closed again whatever happens; complaints fail the test unless it says that it expects them.
 * @param {(it: Awaited<ReturnType<typeof setUp>>) => Promise<void>} test
 * @param {{ hash?: string, grid?: boolean, begins?: boolean, complaints?: RegExp, mock?: (mock: Mock) => void, options?: import('playwright-core').BrowserContextOptions, before?: (page: Page) => Promise<unknown> }} [options]
 */
export async function onPage(test, options = {}) {
  const it = await setUp(options);
  try {
    await test(it);
    const unexpected = it.complaints.filter((text) => !options.complaints?.test(text));
    assert.deepEqual(unexpected, [], 'the page complained');
  } catch (error) {
    if (process.env['SHOT']) await it.page.screenshot({ path: process.env['SHOT'] });
    throw error;
  } finally {
    await it.context.close();
    await it.mock.close().catch(() => {});
  }
}

/** @param {{ hash?: string, grid?: boolean, begins?: boolean, mock?: (mock: Mock) => void, options?: import('playwright-core').BrowserContextOptions, before?: (page: Page) => Promise<unknown> }} options */
async function setUp(options) {
  const mock = new Mock({ deltaMs: 50, grid: options.grid !== false });
  options.mock?.(mock);
  const base = await mock.listen();
  const { page, context, complaints } = await openPage(await open(), options.options);
  await options.before?.(page);
  if (process.env['SLOW']) await slow(page, Number(process.env['SLOW']));
  await page.goto(`${base}/dashboard/${options.hash ?? ''}`);
  if (options.begins !== false) await begun(page);
  const text = (/** @type {string} */ id) => page.locator(`#${id}`).innerText();
  return {
    mock, page, context, complaints, base,
    world: mock.world,
    rows: () => page.locator('#grid [role="row"]:not([data-look="group"]) .col-state').count(),
    indicator: () => text('indicator'),
    banner: () => text('banner'),
    /** The names of the models, from top to bottom. */
    models: () => modelsOf(page),
    /** @param {() => Promise<unknown>} read @param {unknown} expected */
    soon: (read, expected) => soon(read, expected),
  };
}

/** Each of the page's modules and styles comes so many milliseconds later, as over a slow network: shows tests that take for granted that a part is there. @param {Page} page @param {number} ms */
const slow = (page, ms) =>
  page.route(/\/page\/.*\.(js|css)$/, async (route) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    await route.fallback();
  });

/** Hides the tab, as far as the page can tell, or shows it again: a headless browser hides nothing by itself. @param {Page} page @param {boolean} hidden */
export const hide = (page, hidden) =>
  page.evaluate((hidden) => {
    Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  }, hidden);

/** The page shows rows before all that one can press is there. @param {Page} page */
export const begun = (page) => page.waitForFunction(() => '__vdmActiveRequestsSSE' in window);

/** While AG Grid comes, the plain table stands in for it, and all that a list has is there twice. @param {Page} page */
export const oneGrid = (page) => page.waitForFunction(() => document.querySelectorAll('#grid .grid-layer').length < 2);

/** What is asked for by such an address comes when `release` is called, and not before. @param {string} addresses */
export function held(addresses) {
  let release = () => {};
  /** @type {Promise<void>} */
  const released = new Promise((resolve) => (release = resolve));
  /** @param {Page} page */
  const before = (page) =>
    page.route(addresses, async (route) => {
      await released;
      await route.continue();
    });
  return { release: () => release(), before };
}

export const heldGrid = () => held('**/vendor/*');

/** @param {Page} page */
const modelsOf = (page) =>
  page.evaluate(() =>
    [...document.querySelectorAll('#grid [role="row"]:not([data-look="group"])')]
      .map((row) => ({ top: row.getBoundingClientRect().top, name: row.querySelector('.col-model .mono')?.textContent ?? null }))
      .filter((it) => it.name !== null)
      .sort((a, b) => a.top - b.top)
      .map((it) => it.name),
  );

/**
 * Waits, some seconds at most, until the value read is the one expected (a value, or a pattern).
 * @param {() => Promise<unknown>} read @param {unknown} expected
 */
export async function soon(read, expected) {
  // Shorter than the 30 s for which the list holds its order: what comes only then is late.
  const until = Date.now() + 20_000;
  for (;;) {
    const value = await read();
    try {
      if (expected instanceof RegExp) assert.match(String(value), expected);
      else assert.deepEqual(value, expected);
      return;
    } catch (error) {
      if (Date.now() > until) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
}
