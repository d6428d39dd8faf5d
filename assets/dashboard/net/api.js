/** Asks the monitor for JSON, with the operator's key where there is one. */

import { messageIn } from '../../sse/errors.js';
import { withScope } from '../model/scope.js';
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

/** Whether an answer was given up, since the operator looks at other replicas now, or asks with another key. @param {unknown} error */
export const isGivenUp = (error) => error instanceof DOMException && error.name === 'AbortError';

/** Whether the server says that it cannot answer for others: it belongs to no fleet, or that replica is gone. @param {unknown} json */
export const isNoFleet = (json) => ['no_fleet', 'no_replica'].includes(typeOf(json));

export class Api {
  /** The scopes that the server answers in, as it said last; empty where it belongs to no fleet. */
  scopes = '';
  /** @type {import('../types.js').Scope} */
  #scope = 'local';
  #wanted = new AbortController();
  #onScopes;
  #base;
  #fetch;
  #session;

  /** @param {{ base: string, fetch: typeof globalThis.fetch, session: import('./key.js').Session, onScopes?: () => void }} parts `onScopes`: told when the server answers in other scopes */
  constructor({ base, fetch, session, onScopes = () => {} }) {
    this.#onScopes = onScopes;
    this.#base = base.replace(/\/$/, '');
    this.#fetch = fetch;
    this.#session = session;
  }

  get scope() {
    return this.#scope;
  }

  /** Asks for others from now on; what was asked before and is not answered yet is given up. @param {import('../types.js').Scope} scope */
  set scope(scope) {
    this.#scope = scope;
    this.#giveUp('other replicas are looked at');
  }

  /** Takes what the head of an answer tells of the server. @param {Headers} headers */
  learn(headers) {
    const scopes = headers.get('active-requests-scopes') ?? '';
    if (scopes === this.scopes) return;
    this.scopes = scopes;
    this.#onScopes();
  }

  get hasKey() {
    return hasKey(this.#session);
  }

  /** Asks with another key from now on. What was asked with the one before is given up: its refusal says nothing of this one. @param {string | null} key */
  setKey(key) {
    keepKey(this.#session, key);
    this.#giveUp('another key is asked with');
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
    const wanted = this.#wanted.signal;
    return this.#ask('GET', withScope(path, this.#scope), signal ? AbortSignal.any([wanted, signal]) : wanted);
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

  /** @param {string} why */
  #giveUp(why) {
    this.#wanted.abort(new DOMException(why, 'AbortError'));
    this.#wanted = new AbortController();
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
    this.learn(response.headers);
    return { json, etag: response.headers.get('etag') };
  }
}

/** The `type` of an error of the server's. @param {unknown} json */
export function typeOf(json) {
  const error = /** @type {{ error?: { type?: unknown } } | null} */ (json)?.error;
  return typeof error?.type === 'string' ? error.type : '';
}
