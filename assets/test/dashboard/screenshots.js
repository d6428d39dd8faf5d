/** Takes the pictures of the README: `npm run screenshots`. */

import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { launch, openPage } from './browser.js';
import { Mock } from './mock.js';

const OUT = process.env['OUT'] ?? fileURLToPath(new URL('../../screenshots/', import.meta.url));
const only = process.argv.slice(2);

/** @typedef {import('playwright-core').Page} Page */

/** @type {Record<string, { options?: import('playwright-core').BrowserContextOptions, rate?: number, hash?: string, grid?: boolean, run?: (page: Page, mock: Mock) => Promise<void> }>} */
const SHOTS = {
  light: { options: { colorScheme: 'light' } },
  dark: { options: { colorScheme: 'dark' }, hash: '#/requests?sort=state', run: openStalled },
  contrast: { options: { colorScheme: 'dark', contrast: 'more' } },
  grouped: { options: { colorScheme: 'light' }, hash: '#/requests?group=provider' },
  phone: { options: { colorScheme: 'light', viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true } },
  'phone-drawer': { options: { colorScheme: 'dark', viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true }, run: openStalled },
  empty: { options: { colorScheme: 'light' }, rate: 0 },
  busy: { options: { colorScheme: 'dark' }, rate: 60 },
  plain: { options: { colorScheme: 'light' }, grid: false },
  totals: { options: { colorScheme: 'light' }, hash: '#/totals' },
  errors: { options: { colorScheme: 'light' }, hash: '#/errors' },
  traces: { options: { colorScheme: 'dark' }, hash: '#/traces' },
  disconnected: {
    options: { colorScheme: 'light' },
    run: async (page, mock) => {
      await mock.stop();
      await page.waitForTimeout(9000);
    },
  },
  frozen: {
    options: { colorScheme: 'light' },
    run: async (page) => {
      await page.keyboard.press(' ');
      await page.waitForTimeout(3000);
    },
  },
  menu: {
    options: { colorScheme: 'light' },
    run: async (page) => {
      await page.locator('.row-menu').nth(3).click();
    },
  },
  help: {
    options: { colorScheme: 'light' },
    run: async (page) => {
      await page.keyboard.press('?');
    },
  },
  settings: {
    options: { colorScheme: 'dark' },
    run: async (page) => {
      await page.locator('#settings-button').click();
    },
  },
  disabled: {
    options: { colorScheme: 'light' },
    run: async (page, mock) => {
      mock.settings.sse = false;
      mock.cut();
      await page.waitForTimeout(3000);
    },
  },
};

/** @param {Page} page */
async function openStalled(page) {
  await page.waitForSelector('[data-look="stalled"]', { timeout: 60000 }).catch(() => {});
  await page.locator('[data-look="stalled"] .col-model').first().click();
  await page.waitForTimeout(1500);
}

await mkdir(OUT, { recursive: true });
const browser = await launch();
for (const [name, shot] of Object.entries(SHOTS)) {
  if (only.length > 0 && !only.includes(name)) continue;
  const { rate = 3 } = shot;
  const mock = new Mock({ grid: shot.grid !== false });
  const base = await mock.listen();
  // Half a minute of traffic before anybody looks, told as if it had taken its time.
  const past = Date.now;
  if (rate > 0) {
    const from = past() - 60_000;
    for (let at = 0; at < 60_000; at += 200) {
      Date.now = () => from + at;
      mock.world.stir(rate, 0.2);
    }
    Date.now = past;
  }
  mock.flush();
  const traffic = setInterval(() => mock.world.stir(rate, 0.2), 200);
  const { page, context, complaints } = await openPage(browser, { reducedMotion: 'reduce', ...shot.options });
  await page.goto(`${base}/dashboard/${shot.hash ?? ''}`);
  await page.waitForTimeout(rate > 0 ? Number(process.env['WARM'] ?? 20000) : 3000);
  await shot.run?.(page, mock);
  await page.screenshot({ path: `${OUT}/${name}.png` });
  console.log(name, complaints.length === 0 ? 'ok' : complaints.slice(0, 5));
  clearInterval(traffic);
  await context.close();
  await mock.close().catch(() => {});
}
await browser.close();
