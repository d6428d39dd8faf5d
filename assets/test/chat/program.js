/** The chat itself, as `cargo build -p active-requests-chat` leaves it. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const target = process.env['CARGO_TARGET_DIR'] ?? fileURLToPath(new URL('../../../target', import.meta.url));
const program = `${target}/debug/active-requests-chat`;

/** The value for `test`'s `skip`: `false`, or why there is no program. */
export const noProgram = !existsSync(program) && `no ${program}: cargo build -p active-requests-chat`;

/**
 * Starts it on a free port.
 *
 * @param {Record<string, string>} [env]
 */
export async function startChat(env = {}) {
  const child = spawn(program, [], { env: { CHAT_LISTEN: '127.0.0.1:0', ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  for await (const chunk of child.stdout) {
    said += chunk;
    const url = /Chat +(\S+)/.exec(said)?.[1];
    if (url) return { url, active: () => activeRequests(url), close: () => void child.kill() };
  }
  throw new Error(`the chat did not start: ${said}`);
}

/**
 * @param {string} url
 * @returns {Promise<{ stage: string, output_tokens: number }[]>} the live list
 */
async function activeRequests(url) {
  const response = await fetch(new URL('/metrics/active-requests', url));
  return (await response.json()).active_requests;
}

/**
 * @param {() => Promise<boolean>} holds
 * @param {number} [ms]
 */
export async function eventually(holds, ms = 5000) {
  for (const end = Date.now() + ms; !(await holds()); ) if (Date.now() > end) throw new Error(`not within ${ms} ms: ${holds}`);
}
