/**
 * The live list and what feeds it: the connection, the rows, the address. This is all that the first rows need; the rest of the page
 * (`page.js`) is given what stands here.
 */

import { monotonicEpoch, ServerClock } from '../model/clock.js';
import { Feed } from '../model/feed.js';
import { Figures } from '../model/figures.js';
import { showUtc } from '../model/format.js';
import { DEFAULT_SORT } from '../model/order.js';
import { isLiveView } from '../model/place.js';
import { replicaOf } from '../model/scope.js';
import { Stats } from '../model/stats.js';
import { Api, isNoFleet } from '../net/api.js';
import { Connection } from '../net/connection.js';
import { byId, metaOf } from '../view/dom.js';
import { createGrids } from '../view/grid.js';
import { createList } from '../view/list.js';
import { loadSettings, showTheme } from '../view/settings.js';
import { Address } from './address.js';
import { Emitter } from './emitter.js';
import { drop, fetchStream, monitorUrl, streamUrl } from './first-answer.js';
import { keepScope, scopeOf } from './scope.js';

/** @typedef {import('../types.js').Row} Row */
/** @typedef {import('../types.js').Hint} Hint */

/**
 * @typedef {object} Events
 * @property {[]} place the address names another place
 * @property {[]} rows rows came, by stream or poll
 * @property {[]} connection the connection is in another state
 * @property {[]} facts one of the facts is another
 * @property {[]} restart the server is another process
 * @property {[]} scope other replicas are shown
 * @property {[]} scopes the server answers for others than before
 * @property {[]} columns there are other columns to choose from
 * @property {[change: import('../view/header.js').LayoutChange]} layout the operator moved or sized columns in the list
 * @property {[by: number]} step the next request is asked for
 * @property {[]} picks other requests are picked
 * @property {[row: Row, at: DOMRect]} menu the menu of a row is asked for
 */

/**
 * @typedef {object} Facts
 * @property {number | null} heardMs when the server was last heard, epoch milliseconds here
 * @property {boolean} late AG Grid is not ready yet
 * @property {Hint | null} disabled the server tracks nothing, in its own words
 * @property {string} notice something to know once; empty where there is nothing
 * @property {{ series: string[], view: string[] }} missing the replicas that are not in the figures, and not in the view that is polled
 * @property {string | null} pollError why the last polled answer could not be used
 */

/** @typedef {ReturnType<typeof createLive>} Live */

/** Milliseconds that the rest of the page waits for the first rows. */
const FIRST_ROWS = 300;

/** Shows the list and connects. */
export function createLive() {
  const settings = loadSettings();
  // Before the first rows: what they stand under must not move them later.
  byId('charts').hidden = !settings.charts;
  /** @type {Emitter<Events>} */
  const events = new Emitter();
  const address = new Address(() => events.emit('place'));
  const clock = new ServerClock(monotonicEpoch(performance));
  const stats = new Stats();
  const figures = new Figures();
  const api = new Api({ base: monitorUrl(), fetch: (input, init) => fetch(input, init), session: sessionStorage, onScopes: () => events.emit('scopes') });
  api.scope = scopeOf(address.place);
  /** @type {Facts} */
  const facts = { heardMs: null, late: false, disabled: null, notice: '', missing: { series: [], view: [] }, pollError: null };

  /** @param {string} message @param {unknown} detail */
  const warn = (message, detail) => console.warn(`active-requests: ${message}`, detail);
  /** @param {string} message @param {unknown} [detail] */
  const debug = (message, detail) => {
    if (settings.debug) console.info(`active-requests: ${message}`, detail ?? '');
  };

  const feed = new Feed({ clock, stats, figures, warn, onRestart: () => events.emit('restart') });
  feed.store.lingerMs = settings.lingerMs;
  feed.store.longMs = settings.longMs;
  feed.turn(api.scope !== 'local');

  const createGrid = createGrids({
    source: metaOf('grid'),
    nonce: metaOf('csp-nonce'),
    onPlain: () => {
      byId('foot').textContent = 'Plain table: this build of the server is without AG Grid.';
    },
    onLate: (late) => {
      facts.late = late;
      if (late) warn('the grid is late; still trying', null);
      events.emit('facts');
    },
  });
  /** Why nothing is known of the requests in flight; `null` where it is. */
  function whyUnknown() {
    const { state } = connection;
    if (facts.disabled) return `${facts.disabled.message.replace(/\.$/, '')}.\nWhat is in flight is not known.`;
    if (state.name === 'locked') return 'This server requires an API key.';
    if (feed.lastMs !== null) return null;
    return state.name === 'waiting' ? 'No connection to the server yet.' : 'Connecting...';
  }

  /** Whether nothing can be known of now: the stream is silent where it should not be, or gone. */
  function lost() {
    const { name } = connection.state;
    return name === 'waiting' || name === 'stale' || (name === 'connecting' && feed.lastMs !== null);
  }

  const list = createList({
    feed, clock, createGrid,
    layout: settings,
    whyUnknown,
    lost,
    onColumns: () => events.emit('columns'),
    onLayout: (change) => events.emit('layout', change),
    onPick: () => events.emit('picks'),
    onSort: (sort) => address.go({ sort: sort ?? DEFAULT_SORT }),
    onOpen: (row) => address.go({ row: address.place.row === row.id ? null : row.id }),
    onMenu: (row, at) => events.emit('menu', row, at),
  });

  /** New rows, by stream or poll. */
  function received() {
    facts.heardMs = Date.now();
    facts.disabled = null;
    facts.pollError = null;
    if (address.place.frozen && list.frozen === null) list.freeze(true);
    list.allowPicks(feed.canCancel);
    list.changed();
    events.emit('rows');
  }

  const connection = new Connection({
    url: () => streamUrl(api.scope),
    fetch: fetchStream,
    headers: () => ({ ...api.headers(), ...(feed.lastEventId !== null ? { 'last-event-id': feed.lastEventId } : {}) }),
    hasKey: () => api.hasKey,
    answers: (ms) => api.answers('active-requests', ms),
    now: () => Date.now(),
    random: Math.random,
    onHeard: () => {
      facts.heardMs = Date.now();
    },
    onOpen: ({ headers }) => {
      debug('stream opened');
      api.learn(headers);
      facts.heardMs = Date.now();
      feed.opened();
    },
    onMissing: ({ body }) => isWithoutFleet(body) && leaveFleet(),
    onEvent: (event, json) => {
      debug(`event ${event.event} ${event.id}`, json);
      const verdict = feed.take(event, json);
      if (verdict.kind === 'disabled') facts.disabled = verdict.hint;
      if (verdict.kind === 'taken') received();
      return verdict;
    },
    onState: (state) => {
      debug(`connection ${state.name}`, state);
      list.explain();
      events.emit('connection');
    },
  });

  /** Shows other replicas, where the address names them: nothing that was shown before is true of them. */
  function turn() {
    const scope = scopeOf(address.place);
    if (scope === api.scope) return;
    api.scope = scope;
    feed.turn(scope !== 'local');
    figures.restart();
    stats.restart();
    Object.assign(facts, { heardMs: null, disabled: null, missing: { series: [], view: [] }, pollError: null });
    address.place = { ...address.place, frozen: false };
    list.restart();
    events.emit('scope');
    connection.renew();
  }
  events.on('place', turn);

  /** The server answers for nobody but itself, or no longer for that one. */
  function leaveFleet() {
    const { scope } = api;
    if (scope === 'local') return false;
    if (replicaOf(scope) === null) keepScope('local');
    facts.notice = replicaOf(scope) === null ? 'This server belongs to no fleet: you see its own requests.' : 'That replica is gone: you see the whole fleet.';
    address.go({ scope: replicaOf(scope) === null ? null : 'fleet', row: null });
    return true;
  }

  /** The first rows are on the screen, or will not come soon: until then the rest of the page would only delay them. */
  const firstRows = /** @type {Promise<void>} */ (new Promise((resolve) => {
    // Where no stream is wanted, none come.
    setTimeout(resolve, settings.live && isLiveView(address.place.view) ? FIRST_ROWS : 0);
    // The list draws after this in a task of its own, and then in a frame.
    const stop = events.on('rows', () => {
      stop();
      setTimeout(() => requestAnimationFrame(() => setTimeout(resolve)));
    });
  }));

  showTheme(settings);
  showUtc(settings.utc);
  list.wish(address.place);
  list.show(address.place.view === 'requests');
  connection.wish({ enabled: settings.live, visible: !document.hidden, here: isLiveView(address.place.view) });
  if (connection.state.name !== 'connecting') drop();

  return { settings, events, address, clock, stats, figures, api, facts, feed, list, connection, received, leaveFleet, whyUnknown, lost, debug, firstRows };
}

/** @param {string} body of an error */
function isWithoutFleet(body) {
  try {
    return isNoFleet(JSON.parse(body));
  } catch {
    return false;
  }
}
