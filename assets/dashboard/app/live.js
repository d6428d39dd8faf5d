/**
 * The live list and what feeds it. This is all that the first rows need, so it is loaded and begins before the rest of the page (`main.js`),
 * which then finds it here, at work.
 */

import { Address } from './address.js';
import { dropEarly, fetchStream, METRICS, STREAM } from './early.js';
import { monotonicEpoch, ServerClock } from '../model/clock.js';
import { Feed } from '../model/feed.js';
import { DEFAULT_SORT } from '../model/order.js';
import { isLiveView } from '../model/place.js';
import { Stats } from '../model/stats.js';
import { Api } from '../net/api.js';
import { Connection } from '../net/connection.js';
import { byId, metaOf } from '../view/dom.js';
import { createGrids } from '../view/grid.js';
import { createList } from '../view/list.js';
import { loadSettings, showTheme } from '../view/settings.js';

/** @typedef {import('../types.js').Row} Row */
/** @typedef {import('../types.js').Hint} Hint */

export const settings = loadSettings();
export const address = new Address();
export const clock = new ServerClock(monotonicEpoch(performance));
export const stats = new Stats();
export const api = new Api({ base: METRICS, fetch: (input, init) => fetch(input, init), session: sessionStorage });

/** @param {string} message @param {unknown} detail */
const warn = (message, detail) => console.warn(`active-requests: ${message}`, detail);
/** @param {string} message @param {unknown} [detail] */
export const debug = (message, detail) => {
  if (settings.debug) console.info(`active-requests: ${message}`, detail ?? '');
};

/** How things stand. */
export const facts = {
  /** When the server was last heard, epoch milliseconds here. @type {number | null} */
  heardMs: null,
  /** AG Grid takes its time. */
  late: false,
  /** The server tracks nothing, in its own words. @type {Hint | null} */
  disabled: null,
  /** @type {string | null} */
  pollError: null,
};

/** What the rest of the page does about what happens here. */
export const on = {
  /** Rows came, by stream or poll. */
  rows: () => {},
  /** The connection is in another state. */
  connection: () => {},
  /** One of the facts is another. */
  facts: () => {},
  restart: () => {},
  /** @type {(row: Row, at: DOMRect) => void} */
  menu: () => {},
};

export const feed = new Feed({ clock, stats, warn, onRestart: () => on.restart() });
feed.store.lingerMs = settings.lingerMs;

const createGrid = createGrids({
  source: metaOf('grid'),
  nonce: metaOf('csp-nonce'),
  onPlain: () => {
    byId('foot').textContent = 'Plain table. For AG Grid: npm ci && npm run vendor in assets/, or make run.';
  },
  onLate: (late) => {
    facts.late = late;
    if (late) warn('the grid is late; still trying', null);
    on.facts();
  },
});

export const list = createList({
  feed, clock, createGrid,
  hidden: settings.hidden,
  lost: () => connection.state.name === 'waiting',
  onSort: (sort) => address.go({ sort: sort ?? DEFAULT_SORT }),
  onOpen: (row) => address.go({ row: address.place.row === row.id ? null : row.id }),
  onMenu: (row, at) => on.menu(row, at),
});

/** New rows, by stream or poll. */
export function came() {
  facts.heardMs = Date.now();
  facts.disabled = null;
  facts.pollError = null;
  if (address.place.frozen && list.frozen === null) list.freeze(true);
  list.changed();
  on.rows();
}

export const connection = new Connection({
  url: STREAM,
  fetch: fetchStream,
  headers: () => ({ ...api.headers(), ...(feed.lastEventId !== null ? { 'last-event-id': feed.lastEventId } : {}) }),
  hasKey: () => api.hasKey,
  now: () => Date.now(),
  random: Math.random,
  onHeard: () => {
    facts.heardMs = Date.now();
  },
  onOpen: () => {
    debug('stream opened');
    feed.opened();
  },
  onEvent: (event, json) => {
    debug(`event ${event.event} ${event.id}`, json);
    const verdict = feed.take(event, json);
    if (verdict.kind === 'disabled') facts.disabled = verdict.hint;
    if (verdict.kind === 'taken') came();
    return verdict;
  },
  onState: (state) => {
    debug(`connection ${state.name}`, state);
    list.waiting(state.name === 'waiting' ? 'No connection to the server yet.' : state.name === 'locked' ? 'This server wants a key.' : 'Connecting...');
    on.connection();
  },
});

/** Milliseconds that the rest of the page waits for the first rows. */
const FIRST_ROWS = 300;

/** The first rows are on the screen, or not to be had soon: the rest of the page would only have stood in their way. */
export const firstRows = /** @type {Promise<void>} */ (new Promise((resolve) => {
  // Where no stream is wanted, none come.
  setTimeout(resolve, settings.live && isLiveView(address.place.view) ? FIRST_ROWS : 0);
  // The list draws after this in a task of its own, and then in a frame.
  on.rows = () => void setTimeout(() => requestAnimationFrame(() => setTimeout(resolve)));
}));

showTheme(settings);
list.wish(address.place);
list.show(address.place.view === 'requests');
connection.wish({ enabled: settings.live, visible: !document.hidden, here: isLiveView(address.place.view) });
if (connection.state.name !== 'connecting') dropEarly();
