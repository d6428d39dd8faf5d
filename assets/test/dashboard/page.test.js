import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';

const assets = fileURLToPath(new URL('../../', import.meta.url));
const html = await readFile(join(assets, 'dashboard/index.html'), 'utf8');

/** The modules that `path` imports, itself included. @param {string} path @param {Set<string>} [found] */
async function imports(path, found = new Set()) {
  if (found.has(path)) return found;
  found.add(path);
  const source = await readFile(join(assets, path), 'utf8');
  for (const [, from = ''] of source.matchAll(/^(?:import|export)[^;]*?from\s+["']([^"']+)["']/gms)) await imports(normalize(join(dirname(path), from)), found);
  return found;
}

it('the page names beforehand every module that the first rows need, and no other', async () => {
  const named = [...html.matchAll(/<(?:link rel="modulepreload"|script type="module")[^>]* (?:href|src)="([^"]+)"/g)].map(([, path = '']) => path.replace(/^page\//, 'dashboard/'));
  assert.deepEqual(named.toSorted(), [...new Set([...(await imports('dashboard/app/early.js')), ...(await imports('dashboard/app/main.js'))])].sort());
});

it('the page asks nobody else for anything, and has no style of its own and no script but the one with a nonce', () => {
  assert.ok(!/(?:src|href)="(?:https?:)?\/\//.test(html));
  assert.ok(!/<style|style="|<script(?![^>]*(?:src=|nonce="{{nonce}}"))|\son[a-z]+="/.test(html));
  assert.equal(html.match(/<script(?![^>]*src=)/g)?.length, 1);
});

/** The source without its comments. @param {string} path @returns {Promise<string>} */
const sourceOf = async (path) => (await readFile(join(assets, path), 'utf8')).replace(/\/\*.*?\*\/|^\s*\/\/.*$/gms, '');

/** The files of a layer, as paths below `assets`. @param {string} layer */
const filesOf = async (layer) => (await readdir(join(assets, 'dashboard', layer))).map((name) => `dashboard/${layer}/${name}`);

it('modules of the model know no page and no network', async () => {
  for (const path of await filesOf('model')) assert.ok(!/\b(?:document|window|fetch|localStorage|location)\b[.(]/.test(await sourceOf(path)), path);
});

it('no import runs back up from one layer to another', async () => {
  /** @type {Record<string, string[]>} */
  const below = { model: [], net: ['model', 'sse'], view: ['model'], app: ['model', 'net', 'view'] };
  for (const [layer, allowed] of Object.entries(below)) {
    for (const path of await filesOf(layer)) {
      for (const [, from = ''] of (await sourceOf(path)).matchAll(/(?:from\s+|import\()["']([^"']+)["']/g)) {
        const target = normalize(join(dirname(path), from)).replace(/^dashboard\//, '').split('/')[0];
        assert.ok(target === layer || allowed.includes(String(target)), `${path} imports ${from}`);
      }
    }
  }
});

it('modules do nothing when they are imported, but for the entries', async () => {
  const entries = ['dashboard/app/early.js', 'dashboard/app/compat.js', 'dashboard/app/fallback.js', 'dashboard/app/main.js'];
  const paths = (await Promise.all(['model', 'net', 'view', 'app'].map(filesOf))).flat();
  // There is no page here: what touched one would fail.
  for (const path of paths) if (!entries.includes(path)) await import(join(assets, path));
  const started = html + (await sourceOf('dashboard/app/compat.js'));
  for (const path of entries) assert.ok(started.includes(path.replace(/^dashboard\//, 'page/')), path);
});
