/**
 * Takes the pictures of the README from the reference proxy and its simulated traffic: `npm run screenshots`, after
 * `cargo build -p active-requests-proxy`. Names as arguments take only those. With `PAGE=http://127.0.0.1:8082/dashboard/` they are taken of a proxy that
 * runs already: `fleet` of the one that `make fleet-demo` starts.
 */

import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { launch, openPage } from './browser.js';

const OUT = process.env['OUT'] ?? fileURLToPath(new URL('../../screenshots/', import.meta.url));
const PROXY = process.env['PROXY'] ?? fileURLToPath(new URL('../../../target/debug/active-requests-proxy', import.meta.url));
/** Milliseconds of traffic before anybody looks: five minutes fill the chart. */
const WARM = Number(process.env['WARM'] ?? 310_000);
/** The address of a page to take them of. */
const PAGE = process.env['PAGE'];
const only = process.argv.slice(2);

/** @typedef {import('playwright-core').Page} Page */

const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

/** @type {Record<string, { options?: import('playwright-core').BrowserContextOptions, hash?: string, run?: (page: Page) => Promise<unknown> }>} */
const SHOTS = {
  light: { options: { colorScheme: 'light' } },
  dark: { options: { colorScheme: 'dark' }, run: openConcerned },
  phone: { options: { ...PHONE, colorScheme: 'light' } },
  'phone-errors': { options: { ...PHONE, colorScheme: 'dark' }, hash: '#/errors' },
  grouped: { options: { colorScheme: 'light' }, hash: '#/requests?group=model' },
  totals: { options: { colorScheme: 'light' }, hash: '#/totals' },
  errors: { options: { colorScheme: 'dark' }, hash: '#/errors' },
  contrast: { options: { colorScheme: 'dark', contrast: 'more' } },
  tablet: { options: { colorScheme: 'light', viewport: { width: 768, height: 1024 } } },
  fleet: { options: { colorScheme: 'light' }, hash: '#/requests?scope=fleet' },
  small: { options: { colorScheme: 'dark', viewport: { width: 1280, height: 720 } } },
};

/** @param {Page} page */
async function openConcerned(page) {
  await page.locator('[data-look="attention"] .col-model').first().click();
  await page.mouse.move(5, 5);
  await page.waitForTimeout(1500);
}

const proxy = PAGE ? null : spawn(PROXY, ['--listen', '127.0.0.1:0', '--demo'], { env: { PATH: process.env['PATH'], RUST_LOG: 'error' }, stdio: ['ignore', 'pipe', 'inherit'] });
try {
  let said = '';
  const base = PAGE ?? await new Promise((resolve, reject) => {
    proxy?.stdout.on('data', (data) => {
      said += data;
      const address = /http:\/\/127\.0\.0\.1:\d+\/dashboard\//.exec(said);
      if (address) resolve(address[0]);
    });
    proxy?.on('exit', () => reject(new Error(`the proxy did not start: ${said}`)));
  });
  if (proxy) await new Promise((resolve) => setTimeout(resolve, WARM));
  await mkdir(OUT, { recursive: true });
  const browser = await launch();
  for (const [name, shot] of Object.entries(SHOTS)) {
    if (only.length > 0 ? !only.includes(name) : name === 'fleet') continue;
    const { page, context, complaints } = await openPage(browser, { reducedMotion: 'reduce', ...shot.options });
    await page.goto(`${base}${shot.hash ?? ''}`);
    // The sparklines look twenty seconds back.
    await page.waitForTimeout(shot.hash?.match(/totals|errors/) ? 3000 : 20_000);
    await shot.run?.(page);
    await page.screenshot({ path: `${OUT}/${name}.png` });
    console.log(name, complaints.length === 0 ? 'ok' : complaints.slice(0, 5));
    await context.close();
  }
  await browser.close();
} finally {
  proxy?.kill();
}
