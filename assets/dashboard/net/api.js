/** Asks the monitor for JSON, with the operator's key where there is one. */

import { messageIn } from '../../sse/errors.js';
import { hasKey, keepKey, keyHeaders } from './key.js';

export class ApiError extends Error {
  name = 'ApiError';

  /** @param {number} status @param {string} message @param {unknown} json */
  constructor(status, message, json) {
    super(message);
    this.status = status;
    this.json = json;
  }
}

export class Api {
  #base;
  #fetch;
  #session;

  /** @param {{ base: string, fetch: typeof globalThis.fetch, session: import('./key.js').Session }} parts */
  constructor({ base, fetch, session }) {
    this.#base = base.replace(/\/$/, '');
    this.#fetch = fetch;
    this.#session = session;
  }

  get hasKey() {
    return hasKey(this.#session);
  }

  /** @param {string | null} key */
  setKey(key) {
    keepKey(this.#session, key);
  }

  headers() {
    return keyHeaders(this.#session);
  }

  /** @param {string} path */
  url(path) {
    return `${this.#base}/${path}`;
  }

  /** @param {string} path @param {AbortSignal} [signal] */
  get(path, signal) {
    return this.#ask('GET', path, signal);
  }

  /** @param {string} path */
  delete(path) {
    return this.#ask('DELETE', path);
  }

  /** Whether the server answers within some time, whatever it says. @param {string} path @param {number} ms */
  async answers(path, ms) {
    const ask = this.#fetch;
    try {
      await ask(this.url(path), { method: 'HEAD', cache: 'no-store', headers: this.headers(), signal: AbortSignal.timeout(ms) });
      return true;
    } catch {
      return false;
    }
  }

  /** @param {string} method @param {string} path @param {AbortSignal} [signal] @returns {Promise<{ json: unknown, etag: string | null }>} */
  async #ask(method, path, signal) {
    const ask = this.#fetch;
    const response = await ask(this.url(path), { method, headers: { accept: 'application/json', ...this.headers() }, ...(signal ? { signal } : {}) });
    const body = await response.text();
    /** @type {unknown} */
    let json;
    try {
      json = JSON.parse(body);
    } catch {
      throw new ApiError(response.status, `${path} answered ${response.status} with something that is not JSON`, null);
    }
    if (!response.ok) throw new ApiError(response.status, messageIn(json) || `${path} answered ${response.status}`, json);
    return { json, etag: response.headers.get('etag') };
  }
}
