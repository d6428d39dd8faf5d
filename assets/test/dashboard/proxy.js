/** The reference proxy as a child process, with its simulated provider, for tests of the page. */

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { noBrowser } from '../browser.js';

const PROXY = process.env['PROXY'] ?? fileURLToPath(new URL('../../../target/debug/active-requests-proxy', import.meta.url));
/** Why these tests cannot run; `false` where they can. */
export const noProxy = noBrowser || (existsSync(PROXY) ? false : `no proxy at ${PROXY}: cargo build -p active-requests-proxy`);

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();

/**
 * A proxy with its simulated provider; says where it listens, and can be stopped.
 * @param {{ port?: number, env?: Record<string, string> }} [options]
 */
export async function startProxy({ port = 0, env = {} } = {}) {
  const child = spawn(PROXY, ['--listen', `127.0.0.1:${port}`, '--demo'], { env: { PATH: process.env['PATH'], RUST_LOG: 'error', ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
  running.add(child);
  let said = '';
  const base = await new Promise((resolve, reject) => {
    child.stdout.on('data', (data) => {
      said += data;
      const address = /http:\/\/(127\.0\.0\.1:\d+)\/dashboard\//.exec(said);
      if (address) resolve(`http://${address[1]}`);
    });
    child.on('exit', () => reject(new Error(`the proxy did not start: ${said}`)));
  });
  return {
    base: /** @type {string} */ (base),
    port: Number(new URL(/** @type {string} */ (base)).port),
    async stop() {
      if (!running.delete(child)) return;
      const gone = new Promise((resolve) => child.on('exit', resolve));
      child.kill('SIGCONT');
      child.kill('SIGKILL');
      await gone;
    },
    /** Stands still, as a machine that is paused does, or goes on. @param {boolean} paused */
    pause: (paused) => void child.kill(paused ? 'SIGSTOP' : 'SIGCONT'),
  };
}

/** Ends all that still run. */
export function stopProxies() {
  for (const child of running) child.kill('SIGKILL');
}

/**
 * A request of our own: `model` says how the simulated provider answers it.
 * @param {string} base @param {string} model @param {Record<string, string>} [headers]
 */
export function ask(base, model, headers = {}) {
  const controller = new AbortController();
  const done = fetch(`${base}/v1/chat/completions`, {
    method: 'POST', signal: controller.signal, headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model: `demo:${model}`, stream: true, messages: [{ role: 'user', content: 'Hello' }] }),
  }).then((response) => response.text()).catch(() => '');
  return { done, abort: () => controller.abort() };
}
