/** The requests that are repeated: totals, errors and traces while their view is open, and the list where there is no stream. */

import { readMissing } from '../model/replicas.js';
import { epochOfEtag, readDisabled } from '../model/wire.js';
import { ApiError, isGivenUp, isNoFleet } from '../net/api.js';
import { isReachable } from '../net/connection.js';
import { Poller } from '../net/poller.js';
import { byId } from '../view/dom.js';
import { watchBusy } from '../view/ticker.js';
import { createPart, style } from './part.js';

/** Milliseconds between two looks at the replicas. */
const REPLICAS_EVERY = 2000;

/** @param {import('./live.js').Live} live @param {{ askKey: (refused: boolean) => void, pollReplicas: () => Promise<void> }} parts */
export function createPolling(live, { askKey, pollReplicas }) {
  const { address, api, clock, connection, debug, events, facts, feed, leaveFleet, list, received, settings } = live;
  const totals = createPart(async () => {
    const [{ createTotals }, { readTotals }] = await Promise.all([import('../view/totals.js'), import('../model/totals.js'), style('past')]);
    const view = createTotals(() => clock.now());
    return { show: (/** @type {unknown} */ json) => view.show(readTotals(json)) };
  });
  const past = createPart(async () => (await import('./past.js')).createPast(live));
  /** The views of which nothing is known until the next answer. */
  const views = ['totals', 'errors', 'traces'].map((view) => byId(`view-${view}`));
  /** @type {import('../types.js').ViewName | null} */
  let polledView = null;

  /** Whether the list comes by polling: by the operator's choice, since there is no stream to be had, or beside a table that is polled. */
  const listIsPolled = () => {
    const { state } = connection;
    if (state.name === 'paused') return state.why === 'elsewhere';
    return state.name === 'off' || state.name === 'polling' || (state.name === 'waiting' && state.attempt > 1 && isReachable(state));
  };
  const wanted = () => !document.hidden && connection.state.name !== 'locked' && (address.place.view !== 'requests' || listIsPolled());

  const poller = new Poller({
    intervalMs: settings.pollMs,
    busy: watchBusy(document.querySelectorAll('[data-busy]'), () => performance.now()),
    setTimeout: (run, ms) => setTimeout(run, ms),
    clearTimeout: (timer) => clearTimeout(/** @type {number} */ (timer)),
    task: async () => {
      const { view } = address.place;
      polledView = view;
      try {
        if (listIsPolled()) await pollList();
        if (view === 'totals') await pollTotals();
        else if (view === 'replicas') await pollReplicas();
        else if (!listIsPolled()) await pollLogs();
        facts.pollError = null;
      } catch (error) {
        if (isGivenUp(error) || (error instanceof ApiError && isNoFleet(error.json) && leaveFleet())) return;
        if (error instanceof ApiError && (error.status === 401 || error.status === 403)) askKey(api.hasKey);
        else facts.pollError = error instanceof Error ? error.message : String(error);
        debug('poll failed', error);
      }
      events.emit('facts');
    },
  });

  async function pollList() {
    const { scope } = api;
    const { json, etag } = await api.get('active-requests');
    // The logs are asked for before the list is taken, so that a row that is gone from it is seen to end as it did.
    const [logs, it] = await Promise.allSettled([askLogs(), past.load()]);
    // What is looked at now is something else than this list.
    if (api.scope !== scope) return;
    // Meanwhile the stream may be there, and newer.
    if (listIsPolled()) {
      const epoch = epochOfEtag(etag);
      const restarted = epoch !== null && feed.epoch !== null && epoch !== feed.epoch;
      feed.snapshot(json, epoch);
      const was = facts.disabled;
      received();
      facts.disabled = readDisabled(json);
      if (logs.status === 'fulfilled' && it.status === 'fulfilled') it.value.take(logs.value);
      // Another process, or tracking switched on again: perhaps there is a stream now.
      if (connection.state.name === 'polling' && (restarted || (was !== null && facts.disabled === null))) connection.retry();
    }
    for (const result of [logs, it]) if (result.status === 'rejected') throw result.reason;
  }

  async function pollTotals() {
    const it = await totals.load();
    const { json } = await api.get('running-totals?include_active=false');
    facts.missing.view = readMissing(json);
    it.show(json);
    views[0]?.removeAttribute('data-unknown');
  }

  async function askLogs() {
    const { json } = await api.get('logs');
    facts.missing.view = readMissing(json);
    for (const view of views.slice(1)) view.removeAttribute('data-unknown');
    return json;
  }

  async function pollLogs() {
    const it = await past.load();
    it.take(await askLogs());
    return it;
  }

  return {
    listIsPolled,
    /** Asks for the logs now. */
    pollLogs,
    /** What the server remembers; `null` before anybody asked. */
    get past() {
      return past.now;
    },
    /** Shows the table of the present view. */
    show() {
      if (address.place.view === 'errors' || address.place.view === 'traces') past.use((it) => it.show());
    },
    /** What the present view shows of, whatever the filter is. */
    rows: () => past.now?.rows() ?? list.rows,
    now: () => void poller.now(),
    /** Other replicas are looked at. */
    restart() {
      past.now?.clear();
      for (const view of views) view.setAttribute('data-unknown', '');
      if (wanted()) void poller.now();
    },
    /** Begins or ends polling, as things stand now. */
    settle() {
      const intervalMs = address.place.view === 'replicas' ? REPLICAS_EVERY : settings.pollMs;
      const another = poller.intervalMs !== intervalMs;
      poller.intervalMs = intervalMs;
      poller.set(wanted());
      if (wanted() && (another || address.place.view !== polledView)) void poller.now();
    },
  };
}
