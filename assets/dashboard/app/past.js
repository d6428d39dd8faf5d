/** What the server remembers of requests that have ended: its logs, and the tables of errors and traces. */

import { complete, readLogs, rowOfEntry } from '../model/records.js';
import { endedByChoice } from '../model/words.js';
import { byId, setText, textIn } from '../view/dom.js';
import { createPart, style } from './part.js';

/** @typedef {import('../types.js').Entry} Entry */
/** @typedef {import('../types.js').Row} Row */
/** @typedef {ReturnType<typeof createPast>} Past */

/** @param {import('./live.js').Live} live */
export function createPast({ address, clock, facts, feed, list }) {
  const tables = createPart(async () => (await Promise.all([import('../view/logs.js'), style('past')]))[0].createLogs({
    onOpen: (entry) => address.go({ row: entry.id }),
    onClear: () => address.go({ filter: '' }),
    isOpen: (entry) => entry.id === address.place.row,
    now: () => clock.now(),
  }));
  const errorsNote = textIn(byId('errors-note'));
  const tracesNote = textIn(byId('traces-note'));
  /** The newest answer. @type {{ errors: Entry[], traces: Entry[] }} */
  let logs = { errors: [], traces: [] };

  /** The table that is shown, with its entries. */
  const shown = () => {
    const { view } = address.place;
    return view === 'errors' || view === 'traces' ? { table: tables.now?.[view], all: logs[view] } : null;
  };

  /** The entries that the filter keeps. */
  function show() {
    const { view, filter } = address.place;
    if (view !== 'errors' && view !== 'traces') return;
    if (tables.now === null) return tables.use(show);
    const nowMs = clock.now();
    // What is frozen knows nothing of what came after.
    const untilMs = list.frozen?.sinceMs ?? Infinity;
    const all = logs[view];
    const kept = all.filter((it) => (it.endMs ?? 0) <= untilMs && list.test(rowOfEntry(it), nowMs));
    const query = filter.trim();
    const note = facts.disabled && all.length === 0 ? '' : query === '' ? `the newest ${all.length}` : `${kept.length} of the newest ${all.length} match “${query}”`;
    // The filter is said where there was anything to leave out.
    tables.now[view].show(kept, all.length > 0 ? query : '', facts.disabled ? 'Nothing is tracked: what has ended is not known.' : undefined);
    if (view === 'traces') return setText(tracesNote, note);
    const left = kept.filter((it) => endedByChoice(it.outcome)).length;
    setText(errorsNote, `${note}${left > 0 ? `, of which ${left} were left by the client or cancelled` : ''}`);
  }

  return {
    /** Takes an answer. @param {unknown} json */
    take(json) {
      logs = readLogs(json);
      for (const entry of logs.traces) {
        const row = feed.store.rows.get(entry.id);
        // Between two polled answers it was gone; here is how.
        if (row?.outcome === 'gone') complete(Object.assign(row, { durationMs: entry.durationMs }), entry);
      }
      list.changed();
      show();
    },
    show,
    /** Forgets all: others are looked at. */
    clear() {
      logs = { errors: [], traces: [] };
    },
    /** Walks in the table that is shown; the details follow. @param {number} by */
    move(by) {
      const table = shown()?.table;
      table?.move(by);
      const entry = table?.focused();
      if (entry && address.place.row !== null) address.go({ row: entry.id });
    },
    /** Puts the focus on a request of the table that is shown. @param {string} id */
    focus: (id) => shown()?.table?.focus(id),
    /** The request of the line that has the focus. @returns {Row | null} */
    focused() {
      const entry = tables.now?.errors.focused() ?? tables.now?.traces.focused();
      return entry ? rowOfEntry(entry) : null;
    },
    /** The request as the server remembers it. @param {string} id @returns {Entry | null} */
    find: (id) => logs.traces.find((it) => it.id === id) ?? logs.errors.find((it) => it.id === id) ?? null,
    rowOf: rowOfEntry,
    /** Adds what an entry tells of its row. */
    complete,
    /** What the present view shows of, whatever the filter is. @returns {Iterable<Row>} */
    rows: () => shown()?.all.map(rowOfEntry) ?? list.rows,
  };
}
