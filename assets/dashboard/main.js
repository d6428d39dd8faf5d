/** The page's entry: makes the parts and ties them together. What a part does stands in its own module. */

import { monotonicEpoch, ServerClock } from './model/clock.js';
import { Feed } from './model/feed.js';
import { hasTerm, toggleTerm } from './model/filter.js';
import { GROUP_FIELDS, isGroupField, DEFAULT_SORT } from './model/order.js';
import { isLiveView, readPlace, VIEWS, writePlace } from './model/place.js';
import { readLogs, readTotals, rowOfEntry } from './model/records.js';
import { Stats } from './model/stats.js';
import { epochOfEtag, readDisabled } from './model/wire.js';
import { Api, ApiError } from './net/api.js';
import { Connection, isReachable } from './net/connection.js';
import { Poller } from './net/poller.js';
import { copyText, requestActions } from './view/actions.js';
import { createHistogram, createTimeline } from './view/charts.js';
import { createDrawer } from './view/drawer.js';
import { byId, h, setText, textIn, typed } from './view/dom.js';
import { createGrids } from './view/grid.js';
import { bindKeys } from './view/keys.js';
import { createList } from './view/list.js';
import { createMenu } from './view/menu.js';
import { createLogs, createTotals } from './view/records.js';
import { bindSettings, loadSettings, THEMES, tickOf } from './view/settings.js';
import { createStatus } from './view/status.js';
import { createStrip, tally } from './view/strip.js';
import { startTicker, watchBusy } from './view/ticker.js';

/** @typedef {import('./types.js').Row} Row */
/** @typedef {import('./types.js').Place} Place */
/** @typedef {import('./types.js').Hint} Hint */
/** @typedef {import('./types.js').Entry} Entry */

/** @param {string} name */
const meta = (name) => document.querySelector(`meta[name="${name}"]`)?.getAttribute('content') ?? '';

const settings = loadSettings();
const clock = new ServerClock(monotonicEpoch(performance));
const stats = new Stats();
const api = new Api({ base: new URL(meta('metrics'), document.baseURI).href, fetch: (input, init) => fetch(input, init), session: sessionStorage });

/** @param {string} message @param {unknown} detail */
const warn = (message, detail) => console.warn(`active-requests: ${message}`, detail);
/** @param {string} message @param {unknown} [detail] */
const debug = (message, detail) => {
  if (settings.debug) console.info(`active-requests: ${message}`, detail ?? '');
};

/** When the server was last heard, epoch milliseconds here. @type {number | null} */
let heardMs = null;
let late = false;
/** @type {Hint | null} */
let trackingOff = null;
/** @type {string | null} */
let pollError = null;
/** The newest polled logs, for the details of what ended. @type {Entry[]} */
let entries = [];

const feed = new Feed({
  clock, stats, warn,
  onRestart: () => status.notice('The server was restarted; the list began anew.'),
});
feed.store.lingerMs = settings.lingerMs;

// The address.

let place = readPlace(location.hash);

/** @param {Partial<Place>} change @param {'push' | 'replace'} how */
function go(change, how) {
  place = { ...place, ...change };
  const hash = writePlace(place);
  if (hash !== location.hash) history[how === 'push' ? 'pushState' : 'replaceState'](null, '', hash);
  applyPlace();
}

const views = new Map(VIEWS.map((view) => [view, byId(`view-${view}`)]));
const tabs = [...document.querySelectorAll('.tabs a')];
const filterInput = typed('filter', HTMLInputElement);
const filterError = byId('filter-error');
const groupSelect = typed('group', HTMLSelectElement);

function applyPlace() {
  for (const [view, element] of views) element.hidden = view !== place.view;
  for (const tab of tabs) {
    const view = VIEWS.find((it) => it === tab.getAttribute('data-view')) ?? 'requests';
    if (view === place.view) tab.setAttribute('aria-current', 'page');
    else tab.removeAttribute('aria-current');
    tab.setAttribute('href', writePlace({ ...place, view, row: null }));
  }
  if (filterInput.value.trim() !== place.filter.trim()) filterInput.value = place.filter;
  groupSelect.value = place.group ?? '';
  const errors = list.wish(place);
  filterError.hidden = errors.length === 0;
  filterError.textContent = errors.join(' ');
  filterInput.setAttribute('aria-invalid', String(errors.length > 0));
  drawChips(tally(list.rows));
  showEntries();
  list.show(place.view === 'requests');
  if (!place.frozen || feed.lastMs !== null) list.freeze(place.frozen);
  byId('freeze').setAttribute('aria-pressed', String(place.frozen));
  openPlaceRow();
  connection.wish({ here: isLiveView(place.view) });
  poller.set(pollsNow());
  if (place.view !== polledView) void poller.now();
  drawStatus();
}

function readAddress() {
  place = readPlace(location.hash);
  applyPlace();
}
addEventListener('popstate', readAddress);

// The stream.

const connection = new Connection({
  url: api.url('active-requests/stream?format=delta'),
  headers: () => ({ ...api.headers(), ...(feed.lastEventId !== null ? { 'last-event-id': feed.lastEventId } : {}) }),
  hasKey: () => api.hasKey,
  now: () => Date.now(),
  random: Math.random,
  onHeard: () => {
    heardMs = Date.now();
  },
  onOpen: () => {
    debug('stream opened');
    feed.opened();
  },
  onEvent: (event, json) => {
    debug(`event ${event.event} ${event.id}`, json);
    const verdict = feed.take(event, json);
    if (verdict.kind === 'disabled') trackingOff = verdict.hint;
    if (verdict.kind === 'taken') came();
    return verdict;
  },
  onState: (state) => {
    debug(`connection ${state.name}`, state);
    if (state.name === 'locked') askKey(state.refused);
    list.waiting(state.name === 'waiting' ? 'No connection to the server yet.' : state.name === 'locked' ? 'This server wants a key.' : 'Connecting...');
    poller.set(pollsNow());
    drawStatus();
  },
});

/** New rows, by stream or poll. */
function came() {
  heardMs = Date.now();
  trackingOff = null;
  pollError = null;
  if (place.frozen && list.frozen === null) list.freeze(true);
  list.changed();
  if (place.row !== null && drawer.row === null) openPlaceRow();
}

// What is polled.

/** Whether the list comes by polling: by the operator's choice, or since there is no stream to be had. */
const listIsPolled = () => {
  const { state } = connection;
  return state.name === 'off' || state.name === 'polling' || (state.name === 'waiting' && state.attempt > 1 && isReachable(state));
};

const pollsNow = () => !document.hidden && connection.state.name !== 'locked' && (place.view !== 'requests' || listIsPolled());

/** @type {Place['view'] | null} */
let polledView = null;

const poller = new Poller({
  intervalMs: settings.pollMs,
  busy: watchBusy(document.querySelectorAll('[data-busy]'), () => performance.now()),
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (timer) => clearTimeout(/** @type {number} */ (timer)),
  task: async () => {
    const { view } = place;
    polledView = view;
    try {
      if (listIsPolled()) await pollList();
      if (view === 'totals') totals.show(readTotals((await api.get('running-totals?include_active=false')).json));
      else await pollLogs();
      pollError = null;
    } catch (error) {
      if (error instanceof ApiError && (error.status === 401 || error.status === 403)) askKey(api.hasKey);
      else pollError = error instanceof Error ? error.message : String(error);
      debug('poll failed', error);
    }
    drawStatus();
  },
});

async function pollList() {
  const { json, etag } = await api.get('active-requests');
  const epoch = epochOfEtag(etag);
  const restarted = epoch !== null && feed.epoch !== null && epoch !== feed.epoch;
  feed.snapshot(json, epoch);
  const was = trackingOff;
  came();
  trackingOff = readDisabled(json);
  // Another process, or tracking switched on again: perhaps there is a stream now.
  if (connection.state.name === 'polling' && (restarted || (was !== null && trackingOff === null))) connection.retry();
}

async function pollLogs() {
  const logs = readLogs((await api.get('logs')).json);
  entries = logs.traces;
  errors = logs.errors;
  showEntries();
  return logs;
}

/** @type {Entry[]} */
let errors = [];
const totals = createTotals(() => clock.now());
const logs = createLogs((entry) => go({ row: entry.id }, 'replace'));
const errorsCount = textIn(byId('count-errors'));
const errorsNote = textIn(byId('errors-note'));
const tracesNote = textIn(byId('traces-note'));

function showEntries() {
  const test = list.test;
  const nowMs = clock.now();
  /** @param {Entry[]} all */
  const kept = (all) => all.filter((it) => test(rowOfEntry(it), nowMs));
  /** @param {Entry[]} shown @param {Entry[]} all */
  const note = (shown, all) => (place.filter.trim() === '' ? `the newest ${all.length}` : `${shown.length} of the newest ${all.length} match “${place.filter.trim()}”`);
  setText(errorsCount, errors.length === 0 ? '' : String(errors.length));
  if (place.view === 'errors') {
    const shown = kept(errors);
    logs.errors.show(shown);
    setText(errorsNote, note(shown, errors));
  } else if (place.view === 'traces') {
    const shown = kept(entries);
    logs.traces.show(shown);
    setText(tracesNote, note(shown, entries));
  }
}

// The views.

const createGrid = createGrids({
  source: meta('grid'),
  nonce: meta('csp-nonce'),
  onPlain: () => {
    byId('foot').textContent = 'Plain table. For AG Grid: npm ci && npm run vendor in assets/, or make run.';
  },
  onLate: (is) => {
    late = is;
    if (is) warn('the grid is late; still trying', null);
    drawStatus();
  },
});

const list = createList({
  feed, clock, createGrid,
  lost: () => connection.state.name === 'waiting',
  onSort: (sort) => go({ sort: sort ?? DEFAULT_SORT }, 'replace'),
  onOpen: (row) => go({ row: place.row === row.id ? null : row.id }, 'replace'),
  onMenu: (row, at) => menu.open(row, at),
});

/** @param {string} text */
function toast(text) {
  const element = byId('toast');
  element.textContent = text;
  element.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => (element.hidden = true), 2200);
}
/** @type {ReturnType<typeof setTimeout> | undefined} */
let toastTimer;

/** @param {Row} row */
function pin(row) {
  row.pinned = !row.pinned;
  feed.store.pin(row.id, row.pinned);
  toast(row.pinned ? 'Pinned' : 'No longer pinned');
  list.select(place.row);
}

const actions = requestActions({
  open: (row) => go({ row: row.id }, 'replace'),
  copy: (text, what) => void copyText(text).then(() => toast(`${what} copied`)),
  linkTo: (row) => location.href.replace(/#.*/, '') + writePlace({ ...place, row: row.id, frozen: false }),
  filter: (field, value) => go({ filter: toggleTerm(place.filter, field, value), view: place.view === 'totals' ? 'requests' : place.view }, 'replace'),
  pin,
  origin: location.origin,
});
const menu = createMenu(actions);
const drawer = createDrawer({ actions, onClose: () => go({ row: null }, 'replace') });

function openPlaceRow() {
  const id = place.row;
  list.select(id);
  if (id === null) return drawer.close();
  const entry = entries.find((it) => it.id === id) ?? errors.find((it) => it.id === id);
  const row = list.find(id) ?? (drawer.row?.id === id ? drawer.row : null) ?? (entry ? rowOfEntry(entry) : null);
  if (row) {
    const fresh = drawer.row?.id !== id;
    drawer.open(row);
    drawer.draw(list.now());
    if (fresh) void lookUp(id);
  } else if (feed.lastMs !== null && soughtId !== id) void lookUp(id);
}
/** @type {string | null} */
let soughtId = null;

/** What the server knows of a request beyond its row; and whether it ended before we could see it. @param {string} id */
async function lookUp(id) {
  soughtId = id;
  try {
    const inFlight = list.find(id)?.outcome === null;
    if (inFlight) {
      const { json } = await api.get(`active-requests/${encodeURIComponent(id)}`);
      const usage = /** @type {{ provider_usage?: Record<string, unknown> }} */ (json).provider_usage;
      return drawer.detail(id, { usage: usage ?? null, entry: null });
    }
    const { traces, errors } = await pollLogs();
    const entry = traces.find((it) => it.id === id) ?? errors.find((it) => it.id === id);
    if (entry && drawer.row === null && place.row === id) {
      drawer.open(rowOfEntry(entry));
      drawer.draw(list.now());
    }
    if (entry) drawer.detail(id, { usage: entry.providerUsage, entry });
    else if (drawer.row === null && place.row === id) toast('That request has ended and is no longer remembered.');
  } catch (error) {
    debug('no details', error);
  }
}

const strip = createStrip(byId('strip'), {
  onAll: () => go({ filter: '' }, 'replace'),
  onFilter: (field, value) => go({ filter: toggleTerm(place.filter, field, value) }, 'replace'),
  onErrors: () => go({ view: 'errors', row: null }, 'push'),
  onSort: (column) => go({ sort: { column, descending: !(place.sort.column === column && place.sort.descending) } }, 'replace'),
});
const timeline = createTimeline(byId('timeline'));
const histogram = createHistogram(byId('histogram'), (from, to) => go({ view: 'traces', filter: `age:${from / 1000}s..${to === Infinity ? '' : `${to / 1000}s`}` }, 'push'));

/** @type {{ value: string, label: string, count: (of: ReturnType<typeof tally>) => number }[]} */
const CHIPS = [
  { value: 'waiting', label: 'Waiting', count: (of) => of.waiting },
  { value: 'responding', label: 'Responding', count: (of) => of.responding },
  { value: 'streaming', label: 'Streaming', count: (of) => of.streaming },
  { value: 'stalled', label: 'Stalled', count: (of) => of.stalled },
  { value: 'ended', label: 'Just ended', count: (of) => of.ended },
];
const chips = CHIPS.map((it) => {
  const count = h('b');
  const button = h('button', { type: 'button', class: 'chip', onclick: () => go({ filter: toggleTerm(place.filter, 'state', it.value) }, 'replace') }, it.label, count);
  byId('chips').append(button);
  return { ...it, button, count: textIn(count), read: it.count };
});

/** @param {ReturnType<typeof tally>} counts */
function drawChips(counts) {
  for (const chip of chips) {
    setText(chip.count, String(chip.read(counts)));
    chip.button.setAttribute('aria-pressed', String(hasTerm(place.filter, 'state', chip.value)));
  }
}

// Controls.

const status = createStatus({
  now: () => Date.now(),
  onIndicator: () => refresh(),
  onRetry: () => (place.frozen ? go({ frozen: false }, 'replace') : refresh()),
});

function drawStatus() {
  status.draw(connection.state, {
    heardMs, pollMs: settings.pollMs, late, pollError,
    frozen: list.frozen,
    disabled: trackingOff,
  });
}

function refresh() {
  connection.retry();
  void poller.now();
}

const { set } = bindSettings(settings, (changed) => {
  if (changed === 'live') connection.wish({ enabled: settings.live });
  if (changed === 'pollMs') poller.intervalMs = settings.pollMs;
  if (changed === 'lingerMs') feed.store.lingerMs = settings.lingerMs;
  if (changed === 'pollMs' && pollsNow()) void poller.now();
  poller.set(pollsNow());
  drawStatus();
});

const chartsToggle = byId('charts-toggle');
function showCharts() {
  byId('charts').hidden = !settings.charts;
  chartsToggle.setAttribute('aria-expanded', String(settings.charts));
}
chartsToggle.addEventListener('click', () => {
  set('charts', !settings.charts);
  showCharts();
});
showCharts();

/** @type {ReturnType<typeof setTimeout> | undefined} */
let typing;
filterInput.addEventListener('input', () => {
  clearTimeout(typing);
  typing = setTimeout(() => go({ filter: filterInput.value.trim() }, 'replace'), 120);
});
filterInput.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape') return;
  event.preventDefault();
  if (filterInput.value === '') filterInput.blur();
  else go({ filter: '' }, 'replace');
});
filterInput.addEventListener('clear', () => go({ filter: '' }, 'replace'));
groupSelect.addEventListener('change', () => go({ group: isGroupField(groupSelect.value) ? groupSelect.value : null }, 'replace'));
byId('refresh').addEventListener('click', refresh);
byId('freeze').addEventListener('click', () => go({ frozen: !place.frozen }, 'replace'));

const keyDialog = typed('key-dialog', HTMLDialogElement);
const keyInput = typed('key-input', HTMLInputElement);
/** @param {boolean} refused */
function askKey(refused) {
  byId('key-note').textContent = refused
    ? 'The server did not take that key. Another one is kept for this session in this tab, and sent as a header only.'
    : 'It is kept for this session in this tab, and sent as a header only.';
  if (!keyDialog.open) keyDialog.showModal();
  keyInput.value = '';
}
byId('key-form').addEventListener('submit', () => {
  api.setKey(keyInput.value);
  refresh();
});
byId('key-cancel').addEventListener('click', () => keyDialog.close());
byId('set-key').addEventListener('click', () => {
  typed('settings', HTMLElement).hidePopover();
  askKey(false);
});

bindKeys([
  { keys: ['/'], label: 'filter', run: () => filterInput.focus() },
  { keys: [' '], label: 'freeze, and go on', run: () => go({ frozen: !place.frozen }, 'replace') },
  { keys: ['j'], label: 'next request', run: () => void list.move(1) },
  { keys: ['k'], label: 'previous request', run: () => void list.move(-1) },
  { keys: ['Enter'], label: 'details', run: () => void 0 },
  { keys: ['Escape'], label: 'close details', run: () => go({ row: null }, 'replace') },
  { keys: ['c'], label: 'copy as curl', run: () => drawer.row && actions.find((it) => it.key === 'c')?.run(drawer.row) },
  { keys: ['p'], label: 'pin', run: () => drawer.row && pin(drawer.row) },
  { keys: ['m'], label: 'menu of the request', run: () => void 0 },
  { keys: ['g'], label: 'group by the next field', run: () => {
    const fields = [null, ...GROUP_FIELDS];
    go({ group: fields[(fields.indexOf(place.group) + 1) % fields.length] ?? null }, 'replace');
  } },
  { keys: ['t'], label: 'next theme', run: () => {
    set('theme', THEMES[(THEMES.indexOf(settings.theme) + 1) % THEMES.length] ?? 'auto');
    toast(`Theme: ${settings.theme}`);
  } },
  { keys: ['r'], label: 'refresh', run: refresh },
  { keys: ['1', '2', '3', '4'], label: 'views', run: ({ key }) => go({ view: VIEWS[Number(key) - 1] ?? 'requests', row: null }, 'push') },
]);

// Time.

let sampledAt = performance.now();
let sampledMessages = 0;
const countRequests = textIn(byId('count-requests'));

function everySecond() {
  const counts = tally(list.rows);
  // A silent stream says that nothing happened; between two polled answers nobody knows.
  if (connection.connected || (listIsPolled() && feed.messages !== sampledMessages)) {
    const at = performance.now();
    feed.store.sample(Math.max(0.5, (at - sampledAt) / 1000));
    if (feed.lastMs !== null) stats.tick(clock.now(), feed.store.active, tally(feed.store.rows.values()).stalled, connection.connected ? 3 : settings.pollMs / 1000 + 2);
    sampledAt = at;
    sampledMessages = feed.messages;
  }
  if (connection.connected || listIsPolled()) feed.store.expire(clock.now());
  list.second();
  if (place.view === 'requests' && list.frozen === null) {
    strip.draw(counts, stats);
    drawChips(counts);
    if (settings.charts) {
      timeline.draw(stats.seconds, stats.lastSecond);
      histogram.draw(stats.ends.map((it) => it.durationMs));
    }
  }
  if (drawer.row) {
    openPlaceRow();
    drawer.draw(list.now());
  }
  setText(countRequests, feed.lastMs === null ? '' : String(feed.store.active));
  document.title = feed.lastMs === null ? 'Active Requests' : `${counts.active} active${counts.stalled > 0 ? ` · ${counts.stalled} stalled` : ''} – Active Requests`;
  drawStatus();
}

startTicker(() => tickOf(settings), () => list.tick());
startTicker(() => 1000, everySecond);

function seen() {
  if (document.hidden) stats.pause();
  connection.wish({ visible: !document.hidden });
  poller.set(pollsNow());
}
document.addEventListener('visibilitychange', seen);

/** The switch that scripts around the earlier dashboard use. */
Object.assign(window, {
  __vdmActiveRequestsSSE: {
    enable: () => set('live', true),
    disable: () => set('live', false),
    isConnected: () => connection.connected,
  },
});

connection.wish({ enabled: settings.live });
applyPlace();
seen();
everySecond();
// The last minutes, as the server remembers them: an operator who just came wants to know what happened before.
void pollLogs().then(({ traces }) => stats.recall(traces), (error) => debug('no history', error));
