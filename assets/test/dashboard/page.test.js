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
  const named = [...html.matchAll(/<(?:link rel="modulepreload"|script type="module")[^>]* (?:href|src)="([^"]+)"/g)].map(([, path]) => path);
  assert.deepEqual(named.toSorted(), [...(await imports('dashboard/app/live.js'))].sort());
});

it('the page asks nobody else for anything, and has no script or style of its own', () => {
  assert.ok(!/(?:src|href)="(?:https?:)?\/\//.test(html));
  assert.ok(!/<style|style="|<script(?![^>]*src=)|\son[a-z]+="/.test(html));
});

it('modules of the model know no page and no network', async () => {
  for (const name of await readdir(join(assets, 'dashboard/model'))) {
    const source = (await readFile(join(assets, 'dashboard/model', name), 'utf8')).replace(/\/\*.*?\*\/|^\s*\/\/.*$/gms, '');
    assert.ok(!/\b(?:document|window|fetch|localStorage|location)\b[.(]/.test(source), name);
    for (const [, from = ''] of source.matchAll(/from\s+["']([^"']+)["']/g)) assert.match(from, /^\.\/[a-z]+\.js$/, name);
  }
});
