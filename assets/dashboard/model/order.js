/** Which lines the list shows, and in what order: filter, sort, group. Both grids only draw what comes out of here. */

import { concernsOf } from './concern.js';
import { badge, isEstimate, isInputKnown } from './format.js';
import { labelOf } from './labels.js';
import { ageOf, isSilent } from './row.js';
import * as words from './words.js';

/** @typedef {import('../types.js').Row} Row */
/** @typedef {import('../types.js').Group} Group */
/** @typedef {import('../types.js').Line} Line */
/** @typedef {import('../types.js').Sort} Sort */
/** @typedef {import('../types.js').GroupField} GroupField */

/** Newest first. @type {Sort} */
export const DEFAULT_SORT = { column: 'age', descending: false };

/** The attention that a state needs, most first. @type {Record<string, number>} */
const URGENCY = { stalled: 0, waiting: 1, responding: 2, streaming: 3, active: 4 };

/** The value a column sorts by; numbers and texts, never mixed in one column. @type {Record<string, (row: Row, nowMs: number) => number | string>} */
const SORT_KEYS = {
  state: (row) => (isSilent(row) ? 4.5 : row.concern !== null ? -1 : row.outcome === null ? (URGENCY[row.phase] ?? 4) : words.failed(row.outcome) ? 5 : 6),
  age: (row, nowMs) => ageOf(row, nowMs) ?? Infinity,
  model: (row) => row.qualified.toLowerCase(),
  resolved: (row) => row.resolved.toLowerCase(),
  streaming: (row) => (row.streaming ? 0 : 1),
  waits: (row) => (row.outcome === null ? row.waitingOn : '~'),
  input: (row) => row.input,
  output: (row) => row.output,
  rate: (row) => (row.outcome === null && !isSilent(row) ? (row.rate ?? -1) : -1),
  ttft: (row) => row.ttftMs ?? Infinity,
  tools: (row) => row.toolCalls,
  path: (row) => row.path,
  route: (row) => row.route,
  caller: (row) => row.caller,
  replica: (row) => row.replica,
  cost: (row) => row.cost ?? -1,
  id: (row) => row.id,
};

/** @param {string} column @returns {((row: Row, nowMs: number) => number | string) | undefined} */
const sortKey = (column) => (Object.hasOwn(SORT_KEYS, column) ? SORT_KEYS[column] : readLabel(column));

/** @param {string} field */
function readLabel(field) {
  const label = labelOf(field);
  return label === null ? undefined : (/** @type {Row} */ row) => row.labels.get(label) ?? '';
}

/** @param {string} column */
export const isSortable = (column) => sortKey(column) !== undefined;

/** Columns whose values move while a request runs, so that their order has to be found again from time to time. */
const LIVE = new Set(['state', 'waits', 'input', 'output', 'rate', 'ttft', 'tools', 'cost']);

/** @param {Sort} sort */
export const isLiveSort = (sort) => LIVE.has(sort.column);

/**
 * When a row began, so that ties (and the default order) are newest first. An ended row keeps the place it had.
 * @param {Row} row
 */
const began = (row) => row.startMs ?? (row.outcome === null ? 0 : row.endedMs - row.durationMs);

/**
 * @param {Iterable<Row>} rows
 * @param {(row: Row, nowMs: number) => boolean} test
 * @param {Sort} sort
 * @param {number} nowMs
 * @returns {Row[]}
 */
export function arrange(rows, test, sort, nowMs) {
  /** @type {Row[]} */
  const kept = [];
  for (const row of rows) if (test(row, nowMs)) kept.push(row);
  if (sort.column === 'age') {
    // Youngest first is newest first; the start is steadier than the age, which stops at the end.
    return kept.sort(sort.descending ? (a, b) => began(a) - began(b) : (a, b) => began(b) - began(a));
  }
  const key = sortKey(sort.column);
  if (!key) return kept.sort((a, b) => began(b) - began(a));
  const keyed = kept.map((row) => ({ row, key: key(row, nowMs) }));
  const sign = sort.descending ? -1 : 1;
  keyed.sort((a, b) => (a.key < b.key ? -sign : a.key > b.key ? sign : began(b.row) - began(a.row)));
  return keyed.map((it) => it.row);
}

/** The key of the group of those that need a look. */
export const ATTENTION = 'attention';

/**
 * Puts the rows that need a look under a line of their own at the top, and those that have ended at the bottom; each keep their order.
 * @param {Row[]} rows @param {ReadonlySet<string>} closed keys of the groups that are folded
 * @returns {Line[]}
 */
export function rank(rows, closed) {
  const concerned = rows.filter((row) => row.concern !== null);
  const calm = rows.filter((row) => row.concern === null && row.outcome === null);
  const ended = rows.filter((row) => row.outcome !== null);
  const [first] = concerned;
  if (!first) return [...calm, ...ended];
  const line = emptyGroup(ATTENTION, ATTENTION, first, !closed.has(ATTENTION));
  for (const row of concerned) addTo(line, row);
  line.concerns = concernsOf(concerned);
  return [line, ...(line.open ? concerned : []), ...calm, ...ended];
}

/** @type {Record<string, (row: Row) => string>} */
const GROUP_KEYS = {
  provider: (row) => row.provider,
  model: (row) => row.qualified,
  resolved: (row) => row.resolved,
  state: (row) => words.state(row).word,
  waits: (row) => (row.outcome === null ? row.waitingOn : 'ended'),
  path: (row) => row.path,
  route: (row) => row.route,
  caller: (row) => row.caller,
  replica: (row) => row.replica,
};

/** @param {string} field */
const groupKey = (field) => (Object.hasOwn(GROUP_KEYS, field) ? GROUP_KEYS[field] : readLabel(field));

/** @param {unknown} name @returns {name is GroupField} */
export const isGroupField = (name) => typeof name === 'string' && groupKey(name) !== undefined;

/**
 * Puts rows (in their order) under lines of sums: first the groups in which most need a look, then the greatest.
 * @param {Row[]} rows @param {GroupField} field @param {ReadonlySet<string>} closed keys of the groups that are folded
 * @returns {Line[]}
 */
export function group(rows, field, closed) {
  /** @type {Map<string, { line: Group, rows: Row[] }>} */
  const groups = new Map();
  const keyOf = groupKey(field) ?? (() => '');
  for (const row of rows) {
    const key = keyOf(row) || '–';
    let it = groups.get(key);
    if (!it) {
      it = { line: emptyGroup(field, key, row, !closed.has(key)), rows: [] };
      groups.set(key, it);
    }
    it.rows.push(row);
    addTo(it.line, row);
  }
  return [...groups.values()]
    .sort((a, b) => b.line.concerned - a.line.concerned || b.line.count - a.line.count || (a.line.key < b.line.key ? -1 : 1))
    .flatMap(({ line, rows }) => (line.open ? [line, ...rows] : [line]));
}

/** Sums the same groups again, in place, as their rows move. @param {Line[]} lines @param {Iterable<Row>} rows */
export function resum(lines, rows) {
  /** @type {Map<string, Group>} */
  const groups = new Map();
  for (const line of lines) {
    if (line.kind !== 'group') continue;
    Object.assign(line, NO_SUMS);
    groups.set(line.key, line);
  }
  const first = groups.values().next().value;
  const keyOf = first && (first.field === ATTENTION ? () => ATTENTION : groupKey(first.field));
  if (!keyOf) return;
  const summed = first.field === ATTENTION ? Array.from(rows).filter((row) => row.concern !== null) : rows;
  for (const row of summed) {
    const line = groups.get(keyOf(row) || '–');
    if (line) addTo(line, row);
  }
  if (first.field === ATTENTION) first.concerns = concernsOf(summed);
}

/** The sums of no rows. */
const NO_SUMS = {
  count: 0, concerned: 0, oldestMs: null, input: 0, output: 0, estimated: false, toolCalls: 0, rate: /** @type {number | null} */ (null),
  cost: /** @type {number | null} */ (null), unpriced: 0, costLacks: false, costEstimated: false,
};

/** @param {Group['field']} field @param {string} key @param {Row} row @param {boolean} open @returns {Group} */
const emptyGroup = (field, key, row, open) => ({
  kind: 'group', id: `group:${key}`, field, key, open, badge: field === 'provider' ? badge(key) : field === 'model' ? row.badge : null, concerns: '',
  ...NO_SUMS,
});

/** @param {Group} line @param {Row} row */
function addTo(line, row) {
  if (row.outcome === null) {
    line.count += 1;
    if (row.concern !== null) line.concerned += 1;
    if (row.startMs !== null && !isSilent(row) && row.startMs < (line.oldestMs ?? Infinity)) line.oldestMs = row.startMs;
    if (row.rate !== null && !isSilent(row)) line.rate = (line.rate ?? 0) + row.rate;
  }
  line.input += row.input;
  line.output += row.output;
  if (isEstimate(row.usageSource) && row.output > 0) line.estimated = true;
  line.toolCalls += row.toolCalls;
  if (row.cost === null) {
    line.unpriced += 1;
    return;
  }
  line.cost = (line.cost ?? 0) + row.cost;
  if (!isInputKnown(row)) line.costLacks = true;
  else if (row.usageSource !== 'reported') line.costEstimated = true;
}
