/**
 * Measures the page's cost in the browser: `npm run bench`. A made-up server moves every row ten times a second and replaces one in a hundred; what
 * is printed is the CPU time of the page's main thread per update, by the browser's own count, so that a busy machine does not count.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { build, transform } from 'esbuild';
import { launch, openPage } from './browser.js';
import { Mock } from './mock.js';
import { World } from './world.js';

/** @typedef {import('playwright-core').Page} Page */

const HZ = 10;
/** CPU milliseconds per update. @type {Record<number, number>} */
const GOALS = { 100: 8, 1000: 8, 10_000: 15 };
const FIRST_ROW_GOAL = 300;
/** Kilobytes. */
const SIZE_GOAL = 45;

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '8' }, rows: { type: 'string', multiple: true }, plain: { type: 'boolean', default: false } } });
const seconds = Number(values.seconds);
const sizes = (values.rows ?? ['100', '1000', '10000']).map(Number);
let missed = 0;

/** @param {string} what @param {number} value @param {number} goal @param {string} unit @param {string} [more] */
function report(what, value, goal, unit, more = '') {
  const held = value <= goal;
  if (!held) missed += 1;
  console.log(`${what.padEnd(34)} ${value.toFixed(1).padStart(8)} ${unit.padEnd(14)} goal ${String(goal).padStart(5)} ${held ? 'held  ' : 'MISSED'} ${more}`);
}

/** A world of so many rows, all streaming, that moves as a whole. @param {number} size */
function crowd(size) {
  const world = new World();
  for (let i = 0; i < size; i++) begin();
  function begin() {
    return world.start({ start_time: Date.now() / 1000 - Math.random() * 60, phase: 'streaming', status: 200, usage_source: 'estimated', input_tokens: 900, time_to_first_token_ms: 310 });
  }
  return {
    world,
    step() {
      const ids = [...world.rows.keys()];
      for (let i = 0; i < size / 100; i++) {
        world.end(ids[Math.floor(Math.random() * ids.length)] ?? '');
        begin();
      }
      for (const [id, row] of world.rows) world.progress(id, { output_tokens: row['output_tokens'] + 5, response_bytes: row['response_bytes'] + 900 });
    },
  };
}

/** CPU seconds of the page's main thread, and its heap in MB. @param {import('playwright-core').CDPSession} session */
async function cost(session) {
  const { metrics } = await session.send('Performance.getMetrics');
  const of = (/** @type {string} */ name) => metrics.find((it) => it.name === name)?.value ?? 0;
  return { cpu: of('TaskDuration'), heap: of('JSHeapUsedSize') / 1e6 };
}

/** @param {Page} page */
async function measureCpu(page) {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  return session;
}

const browser = await launch();

for (const size of sizes) {
  const { world, step } = crowd(size);
  const mock = new Mock({ world, deltaMs: 1e9, grid: !values.plain });
  world.onStructure = () => {};
  const base = await mock.listen();
  const { page, context, complaints } = await openPage(browser, { viewport: { width: 1440, height: 800 } });
  await page.goto(`${base}/dashboard/`);
  await page.locator('#grid .col-state').first().waitFor();
  const ticking = setInterval(() => {
    step();
    mock.flush();
    updates += 1;
  }, 1000 / HZ);
  let updates = 0;
  await page.waitForTimeout(3000);
  const session = await measureCpu(page);
  const before = await cost(session);
  updates = 0;
  await page.waitForTimeout(seconds * 1000);
  const after = await cost(session);
  const perUpdate = ((after.cpu - before.cpu) * 1000) / updates;
  report(`${size} rows, ${(updates / seconds).toFixed(1)} updates/s`, perUpdate, GOALS[size] ?? 15, 'ms per update', `heap ${after.heap.toFixed(0)} MB${complaints.length > 0 ? ` COMPLAINTS ${complaints}` : ''}`);

  if (size === Math.max(...sizes)) {
    const other = await context.newPage();
    await other.bringToFront();
    // A headless browser hides nothing by itself.
    await page.evaluate(() => {
      Object.defineProperty(document, 'hidden', { value: true, configurable: true });
      Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
      window.requestAnimationFrame = () => 0;
    });
    await page.waitForTimeout(2500);
    const from = await cost(session);
    await page.waitForTimeout(4000);
    report('hidden', (((await cost(session)).cpu - from.cpu) * 1000) / (4 * HZ), 0.05, 'ms per update');
  }
  clearInterval(ticking);
  await context.close();
  await mock.close();
}

{
  // In a process of its own: what serves the page does not wait for what measures it.
  const server = spawn(process.execPath, [fileURLToPath(new URL('mock.js', import.meta.url)), '--port=0', '--rate=0', '--rows=100', ...(values.plain ? ['--plain'] : [])]);
  const [url] = await once(server.stdout.setEncoding('utf8'), 'data');
  // The browser's own time, here and now, is measured beside it.
  const empty = `data:text/html,${encodeURIComponent('<div id="grid"><i class="col-state">row</i></div>')}`;
  /** @type {{ page: number[], empty: number[] }} */
  const times = { page: [], empty: [] };
  for (let i = 0; i < 7; i++) {
    times.page.push(await firstRow(String(url).trim()));
    times.empty.push(await firstRow(empty));
  }
  const [page, bare] = [times.page, times.empty].map((list) => list.sort((a, b) => a - b)[3] ?? Infinity);
  report('first row painted, median of 7', page ?? Infinity, FIRST_ROW_GOAL, 'ms', `all: ${times.page.map((it) => it.toFixed(0)).join(' ')}; a page that is nothing but a row: ${bare?.toFixed(0)}`);
  server.kill();
}
await browser.close();

/** Milliseconds until a row is on the screen, in a fresh profile. @param {string} url @returns {Promise<number>} */
async function firstRow(url) {
  const { page, context } = await openPage(browser);
  await page.addInitScript(() => {
    const observer = new MutationObserver(() => {
      if (!document.querySelector('#grid .col-state')) return;
      observer.disconnect();
      requestAnimationFrame(() => setTimeout(() => Object.assign(window, { firstRow: performance.now() })));
    });
    observer.observe(document, { childList: true, subtree: true });
  });
  await page.goto(url);
  const time = await (await page.waitForFunction(() => /** @type {any} */ (window).firstRow)).jsonValue();
  await context.close();
  return time;
}

/** @param {string} directory @returns {Promise<string[]>} */
async function filesIn(directory) {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((it) => it.isFile()).map((it) => join(it.parentPath, it.name));
}
const assets = fileURLToPath(new URL('../../', import.meta.url));
const own = await filesIn(join(assets, 'dashboard'));
/** @param {RegExp} kind */
const read = async (kind) => Promise.all(own.filter((it) => kind.test(it)).map((it) => readFile(it)));
const html = await readFile(join(assets, 'dashboard/index.html'), 'utf8');
/**
 * The kilobytes of the page, minified and gzipped as libraries are compared: bundled, without comments. The files themselves are served as they
 * stand, comments and all.
 * @param {boolean} whole with the parts that come later, or only with another view, an opened request or a dialog
 */
async function weigh(whole) {
  const { outputFiles } = await build({
    entryPoints: ['main', 'compat', ...(whole ? ['fallback'] : [])].map((name) => join(assets, `dashboard/app/${name}.js`)),
    bundle: true, minify: true, charset: 'utf8', format: 'esm', write: false, outdir: 'out',
    plugins: [{
      name: 'later',
      setup: ({ onResolve }) => onResolve({ filter: /./ }, ({ kind, path }) => (kind === 'dynamic-import' && !whole && path !== './page.js' ? { external: true } : null)),
    }],
  });
  const css = await Promise.all(own.filter((it) => it.endsWith('.css') && (whole || html.includes(`/${basename(it)}"`))).map((it) => readFile(it, 'utf8')));
  const style = await transform(css.join('\n'), { loader: 'css', minify: true, charset: 'utf8' });
  const pages = (await read(/\.(html|svg)$/)).map((it) => it.toString().replace(/<!--.*?-->/gs, ''));
  return [...outputFiles.map((it) => it.contents), style.code, ...pages].reduce((sum, it) => sum + gzipSync(it, { level: 9 }).length, 0) / 1024;
}
const served = [...(await read(/\.(js|css|html|svg)$/))].reduce((sum, it) => sum + gzipSync(it).length, 0) / 1024;
report('own code of the list, gzipped', await weigh(false), SIZE_GOAL, 'KB', `with what comes later: ${(await weigh(true)).toFixed(1)}; as it stands: ${served.toFixed(0)} in ${own.length} files`);
process.exit(missed > 0 ? 1 : 0);
