/**
 * A server that speaks the monitor's contract and serves the page: for tests, for the benchmark, and for working on the page without a
 * proxy: `node test/dashboard/mock.js --port 8123 --rate 4`. So many requests a second come and go; `--rows` are there from the beginning.
 */

import { readFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { randomBytes } from 'node:crypto';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { World } from './world.js';

/** @typedef {import('node:http').IncomingMessage} Request */
/** @typedef {import('node:http').ServerResponse} Response */

const ASSETS = fileURLToPath(new URL('../../', import.meta.url));
const GRID = 'vendor/ag-grid-community.min.noStyle.js';
/** @type {Record<string, string>} */
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml' };
const RING = 256;
/** Read once, so that the disk is no part of what is measured. @type {Map<string, Buffer>} */
const files = new Map();

const TRACKING_OFF = { disabled: true, message: 'Request metrics logging is disabled', suggestion: 'Set LOG_REQUEST_METRICS=true to enable tracking' };
const SSE_OFF = { disabled: true, message: 'SSE for active requests is disabled', suggestion: 'Set VDM_ACTIVE_REQUESTS_SSE_ENABLED=true to enable' };

export class Mock {
  world;
  /** The settings of the server. */
  settings = { dumb: false, draining: false, tracking: true, series: true, sse: true, full: false, down: false, key: /** @type {string | null} */ (null), grid: true, cancel: false, deltaMs: 250, heartbeatMs: 30_000 };
  /** The list of replicas, where the server belongs to a fleet; rows name theirs, and have its epoch in their ids. @type {Record<string, any> | null} */
  fleet = null;
  /** The sums of each replica, while the fleet is in that mode. @type {Record<string, any>[]} */
  sums = [];
  /** Names of replicas that answer nothing. @type {string[]} */
  missing = [];
  /** How cancelling the requests of a replica is answered, by its name. @type {Record<string, [status: number, type: string, message: string]>} */
  refusals = {};
  /** Every request of the monitor's, by path. @type {{ method: string, path: string, headers: import('node:http').IncomingHttpHeaders }[]} */
  asked = [];
  #server = createServer((request, response) => void this.#answer(request, response));
  /** @type {Map<Response, { format: string, scope: string }>} */
  #subscribers = new Map();
  #seq = 0;
  /** @type {{ seq: number, frame: string }[]} */
  #ring = [];
  #updates = 0;
  /** @type {ReturnType<typeof setTimeout> | null} */
  #soon = null;
  #timer;
  #beat;
  port = 0;

  /** @param {{ world?: World, deltaMs?: number, grid?: boolean }} [options] */
  constructor({ world = new World(), deltaMs = 250, grid = true } = {}) {
    this.world = world;
    this.settings.deltaMs = deltaMs;
    this.settings.grid = grid;
    this.world.onStructure = () => (this.#soon ??= setTimeout(() => this.flush(), 20));
    this.#timer = setInterval(() => this.flush(), deltaMs);
    this.#beat = setInterval(() => {
      for (const subscriber of this.#subscribers.keys()) subscriber.write(': heartbeat\n\n');
    }, this.settings.heartbeatMs);
  }

  /** @param {number} [port] */
  async listen(port = this.port) {
    await new Promise((resolve) => this.#server.listen(port, '127.0.0.1', () => resolve(undefined)));
    const address = this.#server.address();
    this.port = typeof address === 'object' && address ? address.port : 0;
    return `http://127.0.0.1:${this.port}`;
  }

  get subscribers() {
    return this.#subscribers.size;
  }

  /** Cuts every connection and answers no more, until `listen` is called again. */
  async stop() {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    this.#subscribers.clear();
    await closed;
  }

  async close() {
    clearInterval(this.#timer);
    clearInterval(this.#beat);
    if (this.#soon) clearTimeout(this.#soon);
    await this.stop();
  }

  /** Another process on the same port. */
  restart() {
    this.world.restart();
    this.#seq = 0;
    this.#ring = [];
    for (const subscriber of this.#subscribers.keys()) subscriber.destroy();
    this.#subscribers.clear();
  }

  /** Ends the streams, as a load balancer does. */
  cut() {
    for (const subscriber of this.#subscribers.keys()) subscriber.destroy();
    this.#subscribers.clear();
  }

  /** Sends what is to be sent as it stands. @param {string} frame */
  raw(frame) {
    for (const subscriber of this.#subscribers.keys()) subscriber.write(frame);
  }

  /** Loses a delta on the way. */
  skip() {
    this.#seq += 1;
  }

  /** Sends what happened. */
  flush() {
    if (this.#soon) clearTimeout(this.#soon);
    this.#soon = null;
    const { started, changed, progressed, ended } = this.world.pending;
    if (started.size + changed.size + progressed.size + ended.length === 0) return;
    this.world.pending = World.nothing();
    if (this.#subscribers.size === 0) {
      // Nobody listens: the feed stands still, and nothing can be resumed.
      this.#ring = [];
      this.#seq += 1;
      return;
    }
    this.#seq += 1;
    const rows = (/** @type {Iterable<string>} */ ids) => Array.from(ids, (id) => this.world.row(id)).filter(Boolean);
    const delta = {
      seq: this.#seq,
      started: rows(started),
      changed: rows(changed),
      progressed: Array.from(progressed, (id) => this.world.rows.get(id)).flatMap((row) => (row ? [progressOf(row)] : [])),
      ended: ended.slice(0, 1000),
      ended_omitted: Math.max(0, ended.length - 1000),
      timestamp: Date.now() / 1000,
    };
    this.#ring.push({ seq: this.#seq, frame: this.#delta(delta, 'local') });
    if (this.#ring.length > RING) this.#ring.shift();
    for (const [subscriber, { format, scope }] of this.#subscribers) subscriber.write(format === 'delta' ? this.#delta(delta, scope) : this.#update(format, scope));
  }

  /** A delta as the viewers of `scope` get it. @param {Record<string, any>} delta @param {string} scope */
  #delta(delta, scope) {
    const shown = { ...delta };
    for (const name of ['started', 'changed']) shown[name] = (delta[name] ?? []).filter((/** @type {any} */ row) => this.#shows(row.request_id, scope)).map((/** @type {any} */ row) => this.#named(row, scope));
    for (const name of ['progressed', 'ended']) shown[name] = (delta[name] ?? []).filter((/** @type {any} */ it) => this.#shows(it[0], scope));
    return `event: delta\nid: ${this.#id(this.#seq, scope)}\ndata: ${JSON.stringify(shown)}\n\n`;
  }

  /** @param {number | string} number @param {string} scope */
  #id(number, scope) {
    return `${this.world.epoch}${scope === 'local' ? '' : `-${scope.replace('replica:', '')}`}-${number}`;
  }

  /** @param {string} id of a request @param {string} scope */
  #shows(id, scope) {
    if (!this.fleet) return true;
    const epoch = id.slice('req_'.length).split('-')[0];
    return scope === 'fleet' ? this.fleet?.['mode'] !== 'sums' : epoch === (scope === 'local' ? this.world.epoch : scope.slice('replica:'.length));
  }

  /** @param {Record<string, any>} row @param {string} scope */
  #named(row, scope) {
    const { replica, ...rest } = row;
    if (scope === 'local') return rest;
    const epoch = row['request_id'].slice('req_'.length).split('-')[0];
    return { ...rest, replica: replica ?? this.fleet?.['replicas'].find((/** @type {any} */ it) => it.epoch === epoch)?.replica };
  }

  /** Tells the viewers of the fleet that the list of replicas, or their sums, are others. @param {{ gone?: string[] }} [more] */
  tell({ gone = [] } = {}) {
    this.flush();
    for (const [id] of this.world.rows) if (gone.some((epoch) => id.startsWith(`req_${epoch}-`))) this.world.rows.delete(id);
    this.#seq += 1;
    const delta = { seq: this.#seq, ...(gone.length > 0 ? { gone } : {}), ended_omitted: 0, timestamp: Date.now() / 1000 };
    this.#ring.push({ seq: this.#seq, frame: this.#delta(delta, 'local') });
    for (const [subscriber, { scope }] of this.#subscribers) {
      subscriber.write(scope === 'local' ? this.#delta(delta, scope) : this.#delta({ ...delta, ...(this.sums.length > 0 ? { sums: this.sums } : {}), fleet: this.fleet }, scope));
    }
  }

  /** @param {string} scope */
  #snapshot(scope) {
    const snapshot = this.world.snapshot();
    const rows = snapshot.active_requests.filter((row) => this.#shows(row['request_id'], scope)).map((row) => this.#named(row, scope));
    const fleet = scope === 'local' ? {} : { fleet: this.fleet, ...(this.sums.length > 0 ? { sums: this.sums } : {}) };
    return { ...snapshot, active_requests: rows, ...fleet, can_cancel: this.settings.cancel, ...(this.settings.draining ? { draining: true } : {}) };
  }

  /** @param {string} format @param {string} scope */
  #update(format, scope) {
    const snapshot = this.#snapshot(scope);
    if (format !== 'delta') return `event: update\nid: ${this.#id(`u${++this.#updates}`, scope)}\ndata: ${JSON.stringify(snapshot)}\n\n`;
    return `event: update\nid: ${this.#id(this.#seq, scope)}\ndata: ${JSON.stringify({ ...snapshot, seq: this.#seq })}\n\n`;
  }

  /** @param {Request} request @param {Response} response */
  async #answer(request, response) {
    const url = new URL(request.url ?? '/', 'http://mock');
    const path = url.pathname;
    if (path === '/') return void response.writeHead(302, { location: '/dashboard/' }).end();
    if (path.startsWith('/dashboard')) return this.#page(path, response);
    if (this.settings.dumb) return;
    if (!path.startsWith('/metrics/')) return json(response, 404, { error: { type: 'not_found', message: 'Nothing is here' } });
    this.asked.push({ method: request.method ?? '', path: path + url.search, headers: request.headers });
    if (this.settings.key !== null && request.headers.authorization !== `Bearer ${this.settings.key}`) {
      return json(response, 401, { error: { type: 'unauthorized', message: 'A key is needed' } }, { 'www-authenticate': 'Bearer' });
    }
    const scope = url.searchParams.get('scope') ?? 'local';
    if ((scope !== 'local' || path === '/metrics/fleet') && !this.fleet) return json(response, 404, { error: { type: 'no_fleet', message: 'This server belongs to no fleet' } });
    if (this.fleet) response.setHeader('active-requests-scopes', 'local, fleet');
    if (path === '/metrics/fleet') return json(response, 200, this.fleet);
    const replicas = scope === 'local' ? {} : { replicas: { answered: [], missing: this.missing } };
    if (path === '/metrics/active-requests') {
      if (!this.settings.tracking) return json(response, 200, { ...TRACKING_OFF, active_requests: [] });
      return json(response, 200, this.#snapshot(scope), scope !== 'local' ? {} : { etag: `W/"${this.world.epoch}-${Date.now()}"` });
    }
    if (path === '/metrics/active-requests/stream') return this.#stream(request, response, url.searchParams.get('format') ?? 'update', scope);
    if (path.startsWith('/metrics/active-requests/')) {
      const id = path.slice('/metrics/active-requests/'.length);
      const row = this.world.row(id);
      if (request.method === 'DELETE' && !this.settings.cancel) {
        return json(response, 403, { error: { type: 'forbidden', message: 'This needs the right "operate".' } });
      }
      const [status, type, message] = this.refusals[this.#named(row ?? { request_id: id }, 'fleet')['replica']] ?? [];
      if (request.method === 'DELETE' && status !== undefined) return json(response, status, { error: { type, message } });
      if (!row) return json(response, 404, { error: { type: 'not_found', message: 'No such request is in flight' } });
      if (request.method === 'DELETE') {
        if (this.world.rows.get(id)?.['cancellable'] === false) return json(response, 409, { error: { type: 'not_cancellable', message: 'This request cannot be cancelled.' } });
        this.world.end(id, 'killed', { status: row['status'] ?? 503, error: 'an operator cancelled it', error_type: 'cancelled' });
        return json(response, 202, row);
      }
      return json(response, 200, { ...row, provider_usage: { input_tokens: row['input_tokens'], output_tokens: null, total_tokens: null } });
    }
    if (path === '/metrics/series') {
      if (!this.settings.series) return json(response, 404, { error: { type: 'not_found', message: 'Nothing is here' } });
      return json(response, 200, this.settings.tracking ? { ...this.world.series(), ...replicas } : TRACKING_OFF);
    }
    if (path === '/metrics/running-totals') return json(response, 200, { ...totalsOf(this.world, (id) => this.#shows(id, scope)), ...replicas });
    if (path === '/metrics/logs') {
      const traces = this.settings.tracking ? this.world.traces.filter((it) => this.#shows(it['request_id'], scope)).map((it) => this.#named(it, scope)) : [];
      return json(response, 200, { ...replicas, errors: traces.filter((it) => it['status'] === 'error').slice(0, 100), traces });
    }
    return json(response, 404, { error: { type: 'not_found', message: 'Nothing is here' } });
  }

  /** @param {Request} request @param {Response} response @param {string} format @param {string} scope */
  #stream(request, response, format, scope) {
    if (!this.settings.sse) return json(response, 503, SSE_OFF);
    if (this.settings.full) return json(response, 503, { error: { type: 'too_many_subscribers', message: 'Too many streams' } }, { 'retry-after': '1' });
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache', 'access-control-allow-origin': '*' });
    if (!this.settings.tracking) return void response.end(`event: disabled\ndata: ${JSON.stringify(TRACKING_OFF)}\n\n`);
    response.write('retry: 2000\n\n');
    this.flush();
    const [epoch, seq] = String(request.headers['last-event-id'] ?? '').split('-');
    const missed = this.#ring.filter((it) => it.seq > Number(seq));
    const resumes = format === 'delta' && scope === 'local' && epoch === this.world.epoch && Number(seq) <= this.#seq && missed.length === this.#seq - Number(seq);
    response.write(resumes ? missed.map((it) => it.frame).join('') || ': resumed\n\n' : this.#update(format, scope));
    this.#subscribers.set(response, { format, scope });
    response.on('close', () => this.#subscribers.delete(response));
  }

  /** @param {string} path @param {Response} response */
  async #page(path, response) {
    if (path === '/dashboard') return void response.writeHead(308, { location: '/dashboard/' }).end();
    const name = path === '/dashboard/' ? 'dashboard/index.html' : normalize(path.slice('/dashboard/'.length)).replace(/^page\//, 'dashboard/');
    const extension = extname(name);
    if (name.startsWith('..') || !TYPES[extension]) return void response.writeHead(404).end();
    try {
      const nonce = randomBytes(16).toString('base64');
      let body = files.get(name) ?? (await readFile(join(ASSETS, name)));
      files.set(name, body);
      if (extension === '.html') {
        const grid = this.settings.grid && existsSync(join(ASSETS, GRID)) ? GRID : '';
        body = Buffer.from(body.toString().replaceAll('{{nonce}}', nonce).replaceAll('{{metrics}}', '../metrics').replaceAll('{{grid}}', grid));
        response.setHeader(
          'content-security-policy',
          `default-src 'none'; script-src 'self' 'nonce-${nonce}'; style-src 'self' 'nonce-${nonce}'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
        );
      }
      response.writeHead(200, { 'content-type': TYPES[extension], 'cache-control': 'no-cache' }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  }
}

/** @param {import('./world.js').Wire} row */
export const progressOf = (row) => [
  row['request_id'],
  row['phase'],
  row['waiting_on'],
  row['usage_source'],
  row['input_tokens'],
  row['output_tokens'],
  row['cache_read_tokens'],
  row['cache_creation_tokens'],
  row['reasoning_tokens'],
  row['tool_calls'],
  row['response_bytes'],
  row['cost_usd'],
];

/** @param {Response} response @param {number} status @param {unknown} body @param {Record<string, string>} [headers] */
function json(response, status, body, headers = {}) {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-cache', ...headers }).end(JSON.stringify(body));
}

/** @param {World} world @param {(id: string) => boolean} shows whether a request is counted */
function totalsOf(world, shows) {
  const empty = () => ({
    requests: 0,
    errors: 0,
    input_tokens: 0,
    output_tokens: 0,
    cache_read_tokens: 0,
    cache_creation_tokens: 0,
    tool_uses: 0,
    tool_results: 0,
    tool_calls: 0,
    average_duration_ms: 0,
    total_duration_ms: 0,
    cost_usd: /** @type {number | null} */ (null),
    unpriced_requests: 0,
  });
  /** @param {ReturnType<typeof empty>} total @param {import('./world.js').Wire} it */
  const add = (total, it) => {
    total.requests += 1;
    if (it['status'] === 'error') total.errors += 1;
    if (it['cost_usd'] === null) total.unpriced_requests += 1;
    else total.cost_usd = (total.cost_usd ?? 0) + it['cost_usd'];
    for (const name of /** @type {const} */ (['input_tokens', 'output_tokens', 'cache_read_tokens', 'cache_creation_tokens'])) total[name] += it[name];
    total.tool_calls += it['tool_call_count'];
    total.total_duration_ms += it['duration_ms'];
    total.average_duration_ms = Math.round(total.total_duration_ms / total.requests);
  };
  const all = empty();
  /** @type {Record<string, any>} */
  const providers = {};
  for (const it of world.traces) {
    if (!shows(it['request_id'])) continue;
    const last = new Date(it['ts'] * 1000).toISOString();
    const latency = () => ({ duration_ms: {}, first_token_ms: {} });
    const provider = (providers[it['provider']] ??= { last_accessed: last, rollup: { total: empty() }, latency: latency(), models: {} });
    const model = (provider.models[it['model']] ??= { last_accessed: last, total: empty(), latency: latency() });
    const split = it['is_streaming'] ? 'streaming' : 'non_streaming';
    add(all, it);
    for (const { latency } of [provider, model]) {
      const bound = Math.max(1, Math.ceil(it['duration_ms']));
      latency.duration_ms[bound] = (latency.duration_ms[bound] ?? 0) + 1;
    }
    for (const of of [provider.rollup, model]) {
      add(of.total, it);
      add((of[split] ??= empty()), it);
    }
  }
  return {
    last_accessed: { top: world.traces[0] ? new Date(world.traces[0]['ts'] * 1000).toISOString() : null },
    ...Object.fromEntries(
      Object.entries(all).flatMap(([name, value]) => (name.endsWith('duration_ms') || name === 'unpriced_requests' ? [[name, value]] : [[`total_${name}`, value]])),
    ),
    active_requests: [...world.rows.keys()].filter(shows).length,
    providers,
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const number = (/** @type {string} */ value) => ({ type: /** @type {const} */ ('string'), default: value });
  const { values } = parseArgs({ options: { port: number('8123'), rate: number('4'), rows: number('0'), plain: { type: 'boolean', default: false } } });
  const mock = new Mock({ grid: !values.plain });
  for (let i = 0; i < Number(values.rows); i++) mock.world.start();
  if (Number(values.rate) > 0) setInterval(() => mock.world.stir(Number(values.rate), 0.2), 200);
  console.log(`${await mock.listen(Number(values.port))}/dashboard/`);
}
