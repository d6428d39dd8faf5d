/** The package as others get it: how large, how typed. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

import { buildSync } from 'esbuild';

const ASSETS = fileURLToPath(new URL('../../', import.meta.url));

/** @param {string} contents @returns {number} bytes: bundled, minified, gzip -9 */
function size(contents) {
  const { outputFiles } = buildSync({
    stdin: { contents, resolveDir: join(ASSETS, 'sse') },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
  });
  return gzipSync(outputFiles[0]?.contents ?? assert.fail('no output'), { level: 9 }).length;
}

test('the core is below 4 KB, minified and gzipped', (t) => {
  const core = size('export * from "./parser.js"; export * from "./client.js"; export * from "./token-buffer.js"');
  const parser = size('export * from "./parser.js"');
  const all = size('export * from "./index.js"; export * from "./use-sse-stream.js"');
  t.diagnostic(`core ${core}, the parser alone ${parser}, everything ${all} bytes`);
  assert.ok(core < 4096, `${core} bytes`);
});

test('no module imports anything from outside', () => {
  for (const entry of ['index.js', 'use-sse-stream.js']) size(`export * from "./${entry}"`);
  const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(ASSETS, 'sse/package.json'), 'utf8'));
  assert.equal(dependencies ?? peerDependencies, undefined);
});

test('a program in TypeScript that imports the package by its name is checked against its types', () => {
  const root = mkdtempSync(join(tmpdir(), 'sse-package-'));
  try {
    const packed = join(root, 'packed');
    cpSync(join(ASSETS, 'sse'), packed, { recursive: true });
    mkdirSync(join(root, 'node_modules'));
    symlinkSync(join(ASSETS, 'node_modules/@types'), join(root, 'node_modules/@types'));
    const run = (/** @type {string} */ directory, /** @type {string[]} */ ...args) =>
      execFileSync(process.execPath, [join(ASSETS, 'node_modules/typescript/bin/tsc'), ...args], { cwd: directory, encoding: 'utf8' });
    const { prepack } = JSON.parse(readFileSync(join(packed, 'package.json'), 'utf8')).scripts;
    run(packed, ...prepack.split(' ').slice(1));
    renameSync(packed, join(root, 'node_modules/active-requests-sse'));

    const program = `
      import * as React from 'react';
      import { streamSSE, sseEvents, createSSEParser, TokenBuffer, SSEHttpError, type StreamResult } from 'active-requests-sse';
      import { useSSEStream } from 'active-requests-sse/use-sse-stream';
      const result: Promise<StreamResult> = streamSSE('/', { message: 'hi' }, { onToken: (token: string) => {}, onSources: ([s]) => s?.score.toFixed() });
      const hook = () => useSSEStream(React).startStream('/', {});
      createSSEParser({ onEvent: ({ data }) => data.length }).feed(new Uint8Array());
      new TokenBuffer((text: string) => {}).add('a');
      async function all(response: Response) { for await (const { id } of sseEvents(response)) id.length; }
      export const status = (error: unknown) => error instanceof SSEHttpError && error.status.toFixed();
    `;
    const options = ['--noEmit', '--strict', '--target', 'es2023', '--module', 'nodenext', '--skipLibCheck', 'false'];
    writeFileSync(join(root, 'package.json'), '{"type":"module"}');
    writeFileSync(join(root, 'good.ts'), program);
    run(root, ...options, 'good.ts');

    writeFileSync(join(root, 'bad.ts'), `import { streamSSE } from 'active-requests-sse'; streamSSE('/', {}, { onToken: (token: number) => {} });`);
    assert.throws(() => run(root, ...options, 'bad.ts'), /Command failed/);
  } finally {
    rmSync(root, { recursive: true });
  }
});
