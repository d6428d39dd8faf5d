/**
 * The shapes shared by the page's modules: what the monitor sends (`Wire...`, see the HTTP contract) and what the page makes of it.
 * Every wire field is optional here, because nothing that comes over the network is believed before `model/row.js` has read it.
 */

export interface WireRow {
  request_id?: unknown;
  [field: string]: unknown;
}

export interface UpdatePayload {
  rows: unknown[];
  /** Epoch milliseconds at the server, or `null` where it did not say. */
  timestampMs: number | null;
  seq: number | null;
  /** Whether the operator may cancel requests. */
  canCancel: boolean;
  /** The server is shutting down. */
  draining: boolean;
  /** The list of replicas and the sums of each, as the fleet's viewers are sent them. */
  fleet: unknown;
  sums: unknown;
}

export interface DeltaPayload {
  seq: number;
  started: unknown[];
  changed: unknown[];
  progressed: unknown[];
  ended: unknown[];
  endedOmitted: number;
  timestampMs: number | null;
  /** Processes whose rows are to be dropped first. */
  gone: unknown[];
  /** The list of replicas, where it has changed; the sums that have. */
  fleet: unknown;
  sums: unknown;
}

export type Badge = 'primary' | 'info' | 'danger' | 'success' | 'secondary';

/** A process of a fleet. */
export interface Replica {
  epoch: string;
  name: string;
  /** `live`, `learning`, `stale`, `incompatible` or `conflict`. */
  state: string;
  /** Requests in flight there; `null` where that is not known. */
  rows: number | null;
  /** When it was last heard, epoch milliseconds on the server's clock. */
  heardMs: number;
  /** How far its clock is ahead of the server's, in milliseconds; `null` where that is not known. */
  skewMs: number | null;
  version: string;
  /** It is the one that serves the page. */
  self: boolean;
}

/** The replicas as one of them knows them. */
export interface Fleet {
  /** Since when that one hears nobody; `null` while it does. */
  lostSinceMs: number | null;
  engine: string;
  /** There are too many requests to show each: sums are sent. */
  sums: boolean;
  replicas: Replica[];
}

/** One request, in flight or just ended. Changed in place, so that a tick of ten thousand rows makes no garbage. */
export interface Row {
  kind: 'row';
  id: string;
  provider: string;
  model: string;
  requested: string;
  resolved: string;
  qualified: string;
  badge: Badge;
  streaming: boolean;
  /** Epoch milliseconds on the server's clock; `null` where the wire's value was unusable (shown as N/A). */
  startMs: number | null;
  input: number;
  output: number;
  cacheRead: number;
  cacheCreation: number;
  reasoning: number;
  toolUses: number;
  toolResults: number;
  toolCalls: number;
  requestSize: number;
  messages: number;
  bytes: number;
  usageSource: string;
  observation: string;
  phase: string;
  waitingOn: string;
  stage: string;
  status: number | null;
  ttftMs: number | null;
  method: string;
  path: string;
  /** The pattern of the route, where the application told it; else empty. */
  route: string;
  /** Who asks, where that is configured; else empty. */
  caller: string;
  /** The replica that has it, in the view of a fleet; else empty. */
  replica: string;
  labels: ReadonlyMap<string, string>;
  /** US dollars; `null` where no price is known. */
  cost: number | null;
  /** When its replica was last heard, where that is silent: nothing is known of later. Else `Infinity`. */
  knownUntilMs: number;
  /** Where it stood in the last message that moved it. */
  turn: number;
  /** When bytes last came, epoch milliseconds on the server's clock. */
  movedMs: number;
  /** Output tokens per second, smoothed; `null` while nothing is known. */
  rate: number | null;
  /** Tokens in each of the last seconds, oldest first. */
  spark: number[];
  /** The most that `output` ever was: tokens that are counted already. */
  counted: number;
  /** `counted` at the last sample. */
  sampled: number;
  /** `null` while in flight. */
  outcome: string | null;
  /** When it ended, epoch milliseconds on the server's clock. */
  endedMs: number;
  /** Final, in milliseconds; meaningful once `outcome` is set. */
  durationMs: number;
  /** From the start to the last byte of the answer, in milliseconds, once `outcome` is set; `null` where that is not known. */
  lastByteMs: number | null;
  pinned: boolean;
  /** Why it needs a look; `null` where it needs none. */
  concern: Concern | null;
}

/** Stalled in mid-answer, without any answer, not read by its client, or in flight for long. */
export type Concern = 'stalled' | 'unanswered' | 'unread' | 'long';

/** A line of sums standing above the rows it sums. */
export interface Group {
  kind: 'group';
  id: string;
  /** What its rows have in common; `attention`: they need a look. */
  field: GroupField | 'attention';
  key: string;
  badge: Badge | null;
  open: boolean;
  count: number;
  /** Those of them that need a look. */
  concerned: number;
  /** What its rows need a look for, in words; only of the group of those that do. */
  concerns: string;
  /** When the oldest of them began; `null` where no start is known. */
  oldestMs: number | null;
  input: number;
  output: number;
  /** A part of `output` is an estimate. */
  estimated: boolean;
  toolCalls: number;
  rate: number | null;
  /** US dollars of the rows whose cost is known; `null` where it is of none. */
  cost: number | null;
  /** Rows whose cost is not known. */
  unpriced: number;
  /** A part of `cost` is without the input, which is not known yet. */
  costLacks: boolean;
  /** A part of `cost` is reckoned from an estimate. */
  costEstimated: boolean;
}

export type Line = Row | Group;

/** The name of a field that rows can be grouped by, `label.session` among them. */
export type GroupField = string;

export interface Sort {
  column: string;
  descending: boolean;
}

/** What the address says; everything an operator would want to share. */
export interface Place {
  view: ViewName;
  /** `null`: the one that the operator chose last. */
  scope: Scope | null;
  filter: string;
  sort: Sort;
  group: GroupField | null;
  /** The columns shown, in their order, instead of those of the settings. */
  columns: string[] | null;
  row: string | null;
  frozen: boolean;
}

export type ViewName = 'requests' | 'totals' | 'errors' | 'traces' | 'replicas';

/** The replicas that are shown: the one that serves the page, all of its fleet, or the one of an epoch. */
export type Scope = 'local' | 'fleet' | `replica:${string}`;

/** An entry of `/metrics/logs`, read. */
export interface Entry {
  id: string;
  seq: number;
  endMs: number | null;
  provider: string;
  model: string;
  resolved: string;
  requested: string;
  streaming: boolean;
  durationMs: number;
  input: number;
  output: number;
  cacheRead: number;
  cacheCreation: number;
  reasoning: number;
  toolCalls: number;
  failed: boolean;
  error: string;
  errorType: string;
  outcome: string;
  status: number | null;
  ttftMs: number | null;
  finishReason: string;
  usageSource: string;
  observation: string;
  method: string;
  path: string;
  route: string;
  caller: string;
  replica: string;
  labels: ReadonlyMap<string, string>;
  cost: number | null;
  bytes: number;
  lastByteMs: number | null;
  /** The side it waited for when it was cut off; else empty. */
  waitingOn: string;
  providerUsage: Record<string, unknown> | null;
}

/** What happened in ten seconds. */
export interface Step {
  /** When it begins, epoch milliseconds on the server's clock. */
  ms: number;
  started: number;
  completed: number;
  /** Ended by their client or an operator. */
  byChoice: number;
  failed: number;
  /** Output tokens of the requests that ended. */
  output: number;
  /** Requests in flight at its end; `null` while that is not known. */
  active: number | null;
  /** Durations and times to the first token of the requests that ended, by bucket. */
  durations: number[];
  firsts: number[];
}

/** The answer of `/metrics/series`, read. */
export interface Series {
  stepMs: number;
  timestampMs: number;
  /** When the server began to count. */
  sinceMs: number;
  durationBounds: number[];
  firstBounds: number[];
  steps: Step[];
}

/** The figures of the last five minutes. */
export interface Reading {
  started: number;
  completed: number;
  byChoice: number;
  failed: number;
  /** From when on they are known; `whole`: that is all of the five minutes. */
  fromMs: number;
  whole: boolean;
  /** Counted by the server; else by this page since it looks. */
  byServer: boolean;
  stepMs: number;
  nowMs: number;
  /** Oldest first; `null` where nothing is known. */
  steps: (Step | null)[];
  durations: import('./model/distribution.js').Distribution;
  firsts: import('./model/distribution.js').Distribution;
}

/** One line of the totals: a provider or a model. */
export interface Total {
  provider: string;
  model: string;
  badge: Badge;
  lastMs: number | null;
  requests: number;
  errors: number;
  input: number;
  output: number;
  cacheRead: number;
  cacheCreation: number;
  tools: number;
  averageMs: number;
  totalMs: number;
  /** Average duration of streaming and of other requests, `null` where there were none. */
  streamingMs: number | null;
  otherMs: number | null;
  /** How long requests took that have ended, and their first tokens; `null` where there were none, or the server does not say. */
  durations: import('./model/distribution.js').Distribution | null;
  firstTokens: import('./model/distribution.js').Distribution | null;
  /** US dollars of the requests whose cost is known; `null` where it is of none. */
  cost: number | null;
  /** Requests whose cost is not known; `null` where the server does not say. */
  unpriced: number | null;
}

export interface Totals {
  all: Total;
  active: number;
  providers: Total[];
  models: Total[];
  disabled: Hint | null;
}

/** What came of an event of the stream: `resync` asks for a new snapshot, `disabled` says that the server has no stream to give. */
export type Verdict = { kind: 'taken' | 'ignored' | 'resync' } | { kind: 'disabled'; hint: Hint };

/** The server's own words on why something is off. */
export interface Hint {
  message: string;
  suggestion: string;
}

export type ConnectionState =
  | { name: 'off' }
  | { name: 'paused'; why: 'hidden' | 'elsewhere' }
  | { name: 'connecting' }
  | { name: 'live' }
  | { name: 'stale'; sinceMs: number }
  | { name: 'waiting'; untilMs: number; attempt: number; cause: string }
  | { name: 'polling'; hint: Hint | null }
  | { name: 'locked'; refused: boolean };
