/** A made-up server's requests: started, moved on and ended by a script, or by a little traffic of its own. */

/** @typedef {Record<string, any>} Wire */

const MODELS = [
  ['openai', 'gpt-4o', 'gpt-4o-2024-11-20'],
  ['openai', 'gpt-4o-mini', ''],
  ['anthropic', 'sonnet', 'claude-sonnet-4-5-20250929'],
  ['anthropic', 'claude-haiku-4-5', ''],
  ['openrouter', 'kwaipilot/kat-coder-pro:free', ''],
  ['poe', 'gemini-2.5-pro', ''],
  ['groq', 'llama-3.3-70b', 'llama-3.3-70b-versatile'],
];

/** A random source that gives the same numbers each time. @param {number} seed */
export function seeded(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export class World {
  epoch = '';
  /** @type {Map<string, Wire>} */
  rows = new Map();
  /** @type {Wire[]} */
  traces = [];
  /** The changes since they were last taken. */
  pending = World.nothing();
  /** Told when rows came, changed or went. @type {() => void} */
  onStructure = () => {};
  /** When each request started, in seconds, and how each ended. @type {{ started: number[], ended: Wire[] }} */
  counted = { started: [], ended: [] };
  since = Date.now() / 1000;
  #next = 1;
  #epochs = 0;
  #random;

  /** @param {number} [seed] */
  constructor(seed = 7) {
    this.#random = seeded(seed);
    this.restart();
  }

  static nothing() {
    return {
      started: /** @type {Set<string>} */ (new Set()),
      changed: /** @type {Set<string>} */ (new Set()),
      progressed: /** @type {Set<string>} */ (new Set()),
      ended: /** @type {any[]} */ ([]),
    };
  }

  restart() {
    this.#epochs += 1;
    this.epoch = (0x7f3a9c00 + this.#epochs).toString(16);
    this.rows.clear();
    this.traces = [];
    this.counted = { started: [], ended: [] };
    this.since = Date.now() / 1000;
    this.pending = World.nothing();
  }

  /** @param {Wire} [fields] what differs from a streaming chat that has just begun */
  start(fields = {}) {
    const [provider = '', model = '', resolved = ''] = MODELS[Math.floor(this.#random() * MODELS.length)] ?? [];
    const now = Date.now();
    /** @type {Wire} */
    const row = {
      request_id: `req_${this.epoch}-${(this.#next++).toString(16)}`,
      provider,
      model,
      requested_model: `${provider}:${model}`,
      resolved_model: resolved,
      qualified_model: `${provider}:${model}`,
      is_streaming: true,
      start_time: now / 1000,
      duration_ms: 0,
      input_tokens: 0,
      output_tokens: 0,
      cache_read_tokens: 0,
      cache_creation_tokens: 0,
      tool_uses: 0,
      tool_results: 0,
      tool_calls: 0,
      request_size: 2048 + Math.floor(this.#random() * 40000),
      message_count: 1 + Math.floor(this.#random() * 20),
      reasoning_tokens: 0,
      usage_source: 'none',
      observation: 'full',
      phase: 'waiting',
      waiting_on: 'upstream',
      stage: null,
      status: null,
      time_to_first_token_ms: null,
      output_tokens_per_second: null,
      response_bytes: 0,
      idle_ms: 0,
      method: 'POST',
      path: provider === 'anthropic' ? '/v1/messages' : '/v1/chat/completions',
      route: null,
      caller: null,
      labels: {},
      cost_usd: null,
      ...fields,
    };
    row['moved'] ??= now;
    this.rows.set(row['request_id'], row);
    this.counted.started.push(now / 1000);
    this.pending.started.add(row['request_id']);
    this.onStructure();
    return /** @type {string} */ (row['request_id']);
  }

  /** A full row is sent for it. @param {string} id @param {Wire} fields */
  change(id, fields) {
    const row = this.rows.get(id);
    if (!row) return;
    Object.assign(row, { moved: Date.now() }, fields);
    if (!this.pending.started.has(id)) this.pending.changed.add(id);
    this.onStructure();
  }

  /** Only the columns of progress. @param {string} id @param {Wire} fields */
  progress(id, fields) {
    const row = this.rows.get(id);
    if (!row) return;
    Object.assign(row, fields);
    if (fields['output_tokens'] !== undefined && fields['response_bytes'] === undefined) row['response_bytes'] += 100;
    if (fields['output_tokens'] !== undefined || fields['response_bytes'] !== undefined) row['moved'] = Date.now();
    this.pending.progressed.add(id);
  }

  /** @param {string} id @param {string} [outcome] @param {Wire} [fields] */
  end(id, outcome = 'completed', fields = {}) {
    const row = this.rows.get(id);
    if (!row) return;
    Object.assign(row, { status: 200 }, fields);
    this.rows.delete(id);
    const ts = Date.now() / 1000;
    const duration = Math.round((ts - row['start_time']) * 1000);
    const bad = outcome !== 'completed' && outcome !== 'upgraded';
    this.traces.unshift({
      seq: this.traces.length + 1,
      ts,
      request_id: id,
      provider: row['provider'],
      model: row['resolved_model'] || row['model'],
      is_streaming: row['is_streaming'],
      duration_ms: duration,
      input_tokens: row['input_tokens'],
      output_tokens: row['output_tokens'],
      cache_read_tokens: row['cache_read_tokens'],
      cache_creation_tokens: row['cache_creation_tokens'],
      tool_use_count: 0,
      tool_call_count: row['tool_calls'],
      tool_result_count: 0,
      status: bad ? 'error' : 'ok',
      error: bad ? (fields['error'] ?? 'upstream answered 529 Overloaded') : null,
      error_type: bad ? (fields['error_type'] ?? 'upstream_error') : null,
      outcome,
      http_status: row['status'],
      time_to_first_token_ms: row['time_to_first_token_ms'],
      finish_reason: bad ? null : 'stop',
      response_bytes: row['response_bytes'],
      last_byte_ms: row['response_bytes'] > 0 ? Math.round(row['moved'] - row['start_time'] * 1000) : null,
      waiting_on: outcome === 'client_disconnect' ? row['waiting_on'] : null,
      usage_source: 'reported',
      observation: 'full',
      reasoning_tokens: row['reasoning_tokens'],
      requested_model: row['requested_model'],
      resolved_model: row['resolved_model'],
      provider_usage: { input_tokens: row['input_tokens'], output_tokens: row['output_tokens'], total_tokens: row['input_tokens'] + row['output_tokens'] },
      method: row['method'],
      path: row['path'],
      route: row['route'],
      caller: row['caller'],
      labels: row['labels'],
      cost_usd: row['cost_usd'],
    });
    this.traces.length = Math.min(this.traces.length, 200);
    this.counted.ended.push(/** @type {Wire} */ (this.traces[0]));
    for (const set of [this.pending.started, this.pending.changed, this.pending.progressed]) set.delete(id);
    this.pending.ended.push([
      id,
      outcome,
      row['status'],
      duration,
      row['input_tokens'],
      row['output_tokens'],
      row['provider'],
      row['model'],
      row['path'],
      this.traces[0]?.['last_byte_ms'],
      this.traces[0]?.['waiting_on'],
      this.traces[0]?.['usage_source'],
      row['cache_read_tokens'],
      row['cache_creation_tokens'],
      row['reasoning_tokens'],
      row['tool_calls'],
      row['response_bytes'],
      row['cost_usd'],
      row['time_to_first_token_ms'],
      row['is_streaming'],
    ]);
    this.onStructure();
  }

  /** What was counted, by steps of ten seconds; as the server does. */
  series() {
    const bounds = [50, 100, 200, 300, 500, 800, 1200, 2000, 3000, 5000, 8000, 12_000, 20_000, 60_000];
    /** @type {Map<number, Wire>} */
    const points = new Map();
    const at = (/** @type {number} */ seconds) => {
      const t = Math.floor(seconds / 10) * 10;
      const empty = () => new Array(bounds.length + 1).fill(0);
      const point = points.get(t) ?? { t, started: 0, outcomes: {}, input_tokens: 0, output_tokens: 0, duration: empty(), first_token: empty() };
      points.set(t, point);
      return point;
    };
    const bucket = (/** @type {number} */ ms) => {
      const found = bounds.findIndex((bound) => ms <= bound);
      return found < 0 ? bounds.length : found;
    };
    for (const seconds of this.counted.started) at(seconds)['started'] += 1;
    for (const it of this.counted.ended) {
      const point = at(it['ts']);
      point['outcomes'][it['outcome']] = (point['outcomes'][it['outcome']] ?? 0) + 1;
      point['output_tokens'] += it['output_tokens'];
      point['duration'][bucket(it['duration_ms'])] += 1;
      if (it['time_to_first_token_ms'] !== null) point['first_token'][bucket(it['time_to_first_token_ms'])] += 1;
    }
    const ordered = [...points.values()].sort((a, b) => a['t'] - b['t']);
    return { step_ms: 10_000, timestamp: Date.now() / 1000, since: this.since, bounds_ms: { duration: bounds, first_token: bounds }, points: ordered };
  }

  /** A row as it stands now. @param {Wire} row */
  wire(row) {
    const now = Date.now();
    const { moved, fate, first, length, cancellable, ...wire } = row;
    if (typeof wire['start_time'] === 'number') wire['duration_ms'] = Math.max(0, Math.round(now - wire['start_time'] * 1000));
    wire['idle_ms'] = Math.max(0, now - moved);
    return wire;
  }

  /** @param {string} id */
  row(id) {
    const row = this.rows.get(id);
    return row && this.wire(row);
  }

  snapshot() {
    const rows = [...this.rows.values()].map((row) => this.wire(row));
    rows.sort((a, b) => b['start_time'] - a['start_time']);
    return { disabled: false, active_requests: rows, timestamp: Date.now() / 1000 };
  }

  /**
   * Traffic of its own: about `rate` requests a second, of which some stall, fail or lose their client. Call it a few times a second.
   * @param {number} rate @param {number} seconds since the last call
   */
  stir(rate, seconds) {
    const random = this.#random;
    for (let due = rate * seconds; due > 0; due--) if (random() < due) this.start(random() < 0.2 ? { is_streaming: false } : {});
    const now = Date.now();
    for (const [id, row] of this.rows) {
      const fate = (row['fate'] ??= random());
      const age = now - row['start_time'] * 1000;
      const first = (row['first'] ??= 250 + random() * random() * 3500);
      const length = (row['length'] ??= 2000 + random() * random() * 26000);
      if (age < first) continue;
      if (row['phase'] === 'waiting') {
        if (fate > 0.95) {
          this.end(id, 'upstream_error', { status: 529 });
          continue;
        }
        this.change(id, {
          phase: 'streaming',
          status: 200,
          time_to_first_token_ms: Math.round(first),
          usage_source: 'estimated',
          input_tokens: 200 + Math.floor(random() * 9000),
          cache_read_tokens: random() < 0.3 ? 150 : 0,
        });
      } else if (fate > 0.85 && fate < 0.9 && age > first + length * 0.4) {
        if (row['phase'] !== 'stalled' && now - row['moved'] > 4000) this.progress(id, { phase: 'stalled' });
        if (age > length + 40000) this.end(id, 'client_disconnect', { error_type: 'client_disconnect', error: 'the client went away' });
      } else if (fate > 0.9 && fate < 0.93) {
        this.progress(id, { waiting_on: 'client', output_tokens: row['output_tokens'] + (random() < 0.1 ? 3 : 0) });
        if (age > length * 2) this.end(id);
      } else if (age > first + length) this.end(id);
      else if (row['is_streaming']) {
        const more = Math.round((20 + fate * 120) * seconds * (0.5 + random()));
        this.progress(id, {
          output_tokens: row['output_tokens'] + more,
          response_bytes: row['response_bytes'] + more * 180,
          tool_calls: row['tool_calls'] + (random() < 0.01 ? 1 : 0),
        });
      }
    }
  }
}
