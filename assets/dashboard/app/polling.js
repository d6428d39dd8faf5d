/** The requests that are repeated: totals, errors and traces while their view is open, and the list where there is no stream. */

import { complete, readLogs, rowOfEntry } from '../model/records.js';
import { endedByChoice } from '../model/words.js';
import { epochOfEtag, readDisabled } from '../model/wire.js';
import { ApiError } from '../net/api.js';
import { isReachable } from '../net/connection.js';
import { Poller } from '../net/poller.js';
import { byId, setText, textIn } from '../view/dom.js';
import { watchBusy } from '../view/ticker.js';
import { createPart } from './part.js';

/** @typedef {import('../types.js').Entry} Entry */

/** @typedef {ReturnType<typeof createPolling>} Polling */

/** @param {import('./live.js').Live} live @param {{ askKey: (refused: boolean) => void }} parts */
export function createPolling({ address, api, clock, connection, debug, events, facts, feed, list, received, settings }, { askKey }) {
  const totals = createPart(async () => {
    const [{ createTotals }, { readTotals }] = await Promise.all([import('../view/totals.js'), import('../model/totals.js')]);
    const view = createTotals(() => clock.now());
    return { show: (/** @type {unknown} */ json) => view.show(readTotals(json)) };
  });
  const tables = createPart(async () => (await import('../view/logs.js')).createLogs({ onOpen: (entry) => address.go({ row: entry.id }), onClear: () => address.go({ filter: '' }), isOpen: (entry) => entry.id === address.place.row, now: () => clock.now() }));
  const errorsNote = textIn(byId('errors-note'));
  const tracesNote = textIn(byId('traces-note'));
  /** The newest answer of the logs. @type {{ errors: Entry[], traces: Entry[] }} */
  let logs = { errors: [], traces: [] };
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
        if (view === 'totals') (await totals.load()).show((await api.get('running-totals?include_active=false')).json);
        else if (!listIsPolled()) await pollLogs();
        facts.pollError = null;
      } catch (error) {
        if (error instanceof ApiError && (error.status === 401 || error.status === 403)) askKey(api.hasKey);
        else facts.pollError = error instanceof Error ? error.message : String(error);
        debug('poll failed', error);
      }
      events.emit('facts');
    },
  });

  async function pollList() {
    const { json, etag } = await api.get('active-requests');
    // The logs are asked for before the list is taken, so that a row that is gone from it is seen to end as it did.
    const past = await pollPast();
    // Meanwhile the stream may be there, and newer.
    if (listIsPolled()) {
      const epoch = epochOfEtag(etag);
      const restarted = epoch !== null && feed.epoch !== null && epoch !== feed.epoch;
      feed.snapshot(json, epoch);
      if (!(past instanceof Error)) takeLogs(past);
      const was = facts.disabled;
      received();
      facts.disabled = readDisabled(json);
      // Another process, or tracking switched on again: perhaps there is a stream now.
      if (connection.state.name === 'polling' && (restarted || (was !== null && facts.disabled === null))) connection.retry();
    }
    if (past instanceof Error) throw past;
  }

  /** The logs, or why there are none. */
  async function pollPast() {
    try {
      return readLogs((await api.get('logs')).json);
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  async function pollLogs() {
    takeLogs(readLogs((await api.get('logs')).json));
    return logs;
  }

  /** @param {typeof logs} next */
  function takeLogs(next) {
    logs = next;
    for (const entry of logs.traces) {
      const row = feed.store.rows.get(entry.id);
      // Between two polled answers it was gone; here is how.
      if (row?.outcome === 'gone') complete(Object.assign(row, { durationMs: entry.durationMs }), entry);
    }
    list.changed();
    show();
  }

  /** The entries that the filter keeps. */
  function show() {
    const { view, filter } = address.place;
    const nowMs = clock.now();
    // What is frozen knows nothing of what came after.
    const untilMs = list.frozen?.sinceMs ?? Infinity;
    /** @param {Entry[]} all */
    const kept = (all) => all.filter((it) => (it.endMs ?? 0) <= untilMs && list.test(rowOfEntry(it), nowMs));
    /** @param {Entry[]} shown @param {Entry[]} all */
    const note = (shown, all) => (filter.trim() === '' ? `the newest ${all.length}` : `${shown.length} of the newest ${all.length} match “${filter.trim()}”`);
    /** The filter, where there is anything to leave out. @param {Entry[]} all */
    const leftOut = (all) => (all.length > 0 ? filter.trim() : '');
    if (view !== 'errors' && view !== 'traces') return;
    if (tables.now === null) return tables.use(show);
    if (view === 'errors') {
      const shown = kept(logs.errors);
      tables.now.errors.show(shown, leftOut(logs.errors));
      const left = shown.filter((it) => endedByChoice(it.outcome)).length;
      setText(errorsNote, `${note(shown, logs.errors)}${left > 0 ? `, of which ${left} were left by the client or cancelled` : ''}`);
    } else {
      const shown = kept(logs.traces);
      tables.now.traces.show(shown, leftOut(logs.traces));
      setText(tracesNote, note(shown, logs.traces));
    }
  }

  return {
    /** Walks in the table that is shown; the details follow. @param {number} by */
    move(by) {
      const { view } = address.place;
      if (view !== 'errors' && view !== 'traces') return;
      const table = tables.now?.[view];
      table?.move(by);
      const entry = table?.focused();
      if (entry && address.place.row !== null) address.go({ row: entry.id });
    },
    /** Puts the focus on a request of the table that is shown. @param {string} id */
    focus(id) {
      const { view } = address.place;
      if (view === 'errors' || view === 'traces') tables.now?.[view].focus(id);
    },
    /** The request of the line that has the focus. */
    focused() {
      const entry = tables.now?.errors.focused() ?? tables.now?.traces.focused();
      return entry ? rowOfEntry(entry) : null;
    },
    listIsPolled,
    pollLogs,
    show,
    /** The request as the server remembers it. @param {string} id */
    find: (id) => logs.traces.find((it) => it.id === id) ?? logs.errors.find((it) => it.id === id) ?? null,
    /** What the present view shows of, whatever the filter is. */
    rows() {
      const { view } = address.place;
      return view === 'errors' || view === 'traces' ? logs[view].map(rowOfEntry) : list.rows;
    },
    now: () => void poller.now(),
    /** Begins or ends polling, as things stand now. */
    settle() {
      const another = poller.intervalMs !== settings.pollMs;
      poller.intervalMs = settings.pollMs;
      poller.set(wanted());
      if (wanted() && (another || address.place.view !== polledView)) void poller.now();
    },
  };
}
