/**
 * The live list: what of the store is shown, when it is put in order again, and how it stands still. Messages come as often as they like;
 * the screen is written once per frame, and the order is found anew only when something moved, the less often the longer the list is.
 */

import { compile } from '../model/filter.js';
import { arrange, DEFAULT_SORT, group, isLiveSort, rank, resum } from '../model/order.js';
import { Presence } from '../model/presence.js';
import { byId, typed } from './dom.js';
import { createHold } from './hold.js';
import { createListGrid } from './list-grid.js';
import { createListNotes } from './list-notes.js';
import { Picks } from './picks.js';

/** @typedef {import('../types.js').Row} Row */
/** @typedef {import('../types.js').Line} Line */
/** @typedef {import('../types.js').Place} Place */
/** @typedef {import('./grid-plain.js').Grid} Grid */

/** Milliseconds between two arrangements, after one of that many rows: the first rows are shown at once. @param {number} rows */
const pace = (rows) => (rows === 0 ? 0 : rows < 500 ? 200 : rows < 5000 ? 500 : 1500);

/** Milliseconds between two paintings: numbers that change more often cannot be read, and cost as much as if they could. */
const FRAME = 200;

/** How often an order or a filter that looks at moving values is found anew. */
const LIVE_PACE = 1000;

/**
 * @param {object} parts
 * @param {import('../model/feed.js').Feed} parts.feed
 * @param {import('../model/clock.js').ServerClock} parts.clock
 * @param {() => string | null} parts.whyUnknown why nothing is known of the requests in flight; `null` where it is
 * @param {() => boolean} parts.lost whether nothing can be known of now, so that time stands where it was last heard
 * @param {(host: HTMLElement, options: import('./grid-plain.js').GridOptions) => Grid} parts.createGrid the one for wide windows
 * @param {import('../model/layout.js').Layout} parts.layout of the columns
 * @param {() => void} parts.onColumns there are other columns to choose from
 * @param {(change: import('./header.js').LayoutChange) => void} parts.onLayout the operator moved or sized columns in the list
 * @param {() => void} parts.onPick other requests are picked
 * @param {(sort: import('../types.js').Sort | null) => void} parts.onSort
 * @param {(row: Row) => void} parts.onOpen
 * @param {(row: Row, at: DOMRect) => void} parts.onMenu
 */
export function createList({ feed, clock, whyUnknown, lost, createGrid, layout, onColumns, onLayout, onPick, onSort, onOpen, onMenu }) {
  const { store } = feed;
  const presence = new Presence();
  const picks = new Picks();
  /** @type {import('./columns.js').Scene} */
  const scene = { nowMs: 0, selected: null, picked: picks.ids, tickMs: 0 };
  /** @type {Set<string>} */
  const closed = new Set();
  const hold = createHold(byId('grid-frame'), () => renew());
  const notes = createListNotes({ onShow: hold.release });
  /** @type {{ filter: ReturnType<typeof compile>, query: string, sort: Place['sort'], group: Place['group'] }} */
  let wish = { filter: compile(''), query: '', sort: DEFAULT_SORT, group: null };
  /** @type {{ sinceMs: number, news: number, rows: Row[] } | null} */
  let frozen = null;
  /** @type {Row[]} */
  let rows = [];
  /** Those of them that needed a look when they were put in order. @type {Set<Row>} */
  let onTop = new Set();
  /** @type {Line[]} */
  let lines = [];
  let structure = -1;
  /** The number of rows that were arranged last; -1 before there was an order. */
  let arranged = -1;
  let arrangedAt = -Infinity;
  let drawnAt = -Infinity;
  /** Whether a frame is on its way. */
  let coming = false;
  let visible = true;

  /** @param {Line} line */
  const open = (line) => (line.kind === 'row' ? onOpen(line) : fold(line.key));
  /** @param {Line} line @param {DOMRect} at */
  const menu = (line, at) => {
    if (line.kind === 'row') onMenu(line, at);
  };
  const grid = createListGrid({ createGrid, layout, presence, picks, onLayout, options: { scene, onSort, onOpen: open, onPick: pick, onMenu: menu } });

  /** @param {Line} line @param {boolean} to all from the one picked last up to this one */
  function pick(line, to) {
    if (!picks.allowed) return;
    picks.toggle(lines, line, to);
    paint(true);
    onPick();
  }

  const foldAll = typed('fold', HTMLButtonElement);
  foldAll.addEventListener('click', () => {
    const groups = lines.filter((line) => line.kind === 'group');
    const anyOpen = groups.some((line) => line.open);
    for (const { key } of groups) {
      if (anyOpen) closed.add(key);
      else closed.delete(key);
    }
    put();
  });

  /** @param {string} key */
  function fold(key) {
    if (!closed.delete(key)) closed.add(key);
    put();
  }

  const now = () => frozen?.sinceMs ?? (lost() && feed.lastMs !== null ? feed.lastMs : clock.now());

  /** Finds rows and order anew and gives them to the grid. */
  function put() {
    arrangedAt = performance.now();
    arranged = store.rows.size;
    structure = store.structure;
    scene.nowMs = now();
    if (scene.tickMs === 0) scene.tickMs = scene.nowMs;
    const source = frozen ? frozen.rows : store.rows.values();
    if (presence.look(store.rows.values())) {
      grid.relay();
      onColumns();
    }
    rows = arrange(source, wish.filter.test, wish.sort, scene.nowMs);
    onTop = new Set(rows.filter((row) => row.concern !== null));
    lines = wish.group === null ? rank(rows, closed) : group(rows, wish.group, closed);
    grid.show(lines, wish.sort);
    notes.wait(0, 0);
    foldAll.hidden = wish.group === null;
    foldAll.textContent = lines.some((line) => line.kind === 'group' && line.open) ? 'Fold all' : 'Unfold all';
    say();
  }

  /** Catches up with what waited while the lines were held. */
  function renew() {
    if (visible && !frozen && store.structure !== structure) put();
  }

  /** Says how many requests wait to be shown, or to be put on top. */
  function countWaiting() {
    const known = new Set(rows);
    let fresh = 0;
    let concerned = 0;
    for (const row of store.rows.values()) {
      if (!known.has(row) && wish.filter.test(row, scene.nowMs)) fresh += 1;
      else if (!known.has(row)) continue;
      if (row.concern !== null && !onTop.has(row)) concerned += 1;
    }
    notes.wait(fresh, concerned);
  }

  const held = () => hold.held && lines.length > 0;

  const say = () => notes.say({ rows: rows.length, all: frozen ? frozen.rows.length : store.rows.size, query: wish.query, why: whyUnknown });

  /** Something came. */
  function changed() {
    if (coming || !visible || frozen) return;
    coming = true;
    setTimeout(draw, Math.max(0, drawnAt + FRAME - performance.now()));
  }

  /** The order, if it is time for it, and then, in one frame with what the grid does for it, all that is seen. */
  function draw() {
    coming = false;
    if (!visible || frozen) return;
    drawnAt = performance.now();
    if (held()) countWaiting();
    else if (store.structure !== structure) {
      if (drawnAt - arrangedAt >= pace(arranged)) put();
      // Rows that are not in order yet will be soon, whether or not anything more comes.
      if (store.structure !== structure) changed();
    }
    requestAnimationFrame(() => paint(false));
  }

  /** @param {boolean} all */
  function paint(all) {
    // Also while the order is held: what has ended cannot be cancelled.
    if (picks.settle(store.rows)) onPick();
    scene.nowMs = now();
    if (all) scene.tickMs = scene.nowMs;
    // A sum that were older than the rows under it would contradict them.
    if (lines[0]?.kind === 'group') resum(lines, rows);
    grid.now.paint(all);
  }

  return {
    changed,
    /** The rows are others altogether. */
    restart() {
      frozen = null;
      if (picks.ids.size > 0) this.clearPicks();
      presence.fields.delete('replica');
      grid.relay();
      put();
    },
    /** What optional things were seen. */
    presence,
    get choices() {
      return grid.choices;
    },
    get columns() {
      return grid.columns;
    },
    layOut: grid.layOut,
    /** Whether lines can be picked. @param {boolean} on */
    allowPicks(on) {
      if (picks.allowed === on) return;
      picks.allowed = on;
      if (!on) this.clearPicks();
      grid.relay();
    },
    clearPicks() {
      picks.ids.clear();
      paint(true);
      onPick();
    },
    /** Picks the line that has the focus, or leaves it out again. */
    pick() {
      const line = grid.now.focused()?.line;
      if (line) pick(line, false);
    },
    get picked() {
      return Array.from(picks.ids).flatMap((id) => store.rows.get(id) ?? []);
    },
    /** The rows that the filter keeps, in their order. */
    get shown() {
      return rows;
    },
    /** The duration ticker. */
    tick() {
      if (visible && !frozen) paint(true);
    },
    /** Once a second: what depends on moving values is looked at again. */
    second() {
      if (!visible || frozen) return;
      const moving = isLiveSort(wish.sort) || wish.query !== '' || wish.group === 'state' || wish.group === 'waits';
      if (moving && !held() && performance.now() - arrangedAt >= Math.max(LIVE_PACE, pace(arranged)) - 50) put();
      // Ended rows leave without a message.
      if (store.structure !== structure) changed();
      else paint(false);
    },
    /** @param {Pick<Place, 'filter' | 'sort' | 'group' | 'columns'>} next @returns {string[]} what is wrong with the filter */
    wish(next) {
      grid.name(next.columns);
      // Another row or view is no reason to move the lines.
      if (arranged >= 0 && next.filter.trim() === wish.query && next.sort.column === wish.sort.column && next.sort.descending === wish.sort.descending && next.group === wish.group) return wish.filter.errors;
      wish = { filter: compile(next.filter), query: next.filter.trim(), sort: next.sort, group: next.group };
      put();
      return wish.filter.errors;
    },
    /** @param {boolean} on */
    show(on) {
      const appears = on && !visible;
      visible = on;
      if (appears && !frozen) put();
    },
    /** @param {boolean} on */
    freeze(on) {
      if (on === (frozen !== null)) return;
      // The rows are copied, for the true ones go on changing.
      frozen = on ? { sinceMs: clock.now(), news: feed.news, rows: Array.from(store.rows.values(), (row) => ({ ...row, spark: [...row.spark] })) } : null;
      put();
      paint(true);
    },
    get frozen() {
      return frozen && { sinceMs: frozen.sinceMs, behind: feed.news - frozen.news };
    },
    /** The filter, for what else it should hold. */
    get test() {
      return wish.filter.test;
    },
    /** Where the drawer and the strip look, too. */
    get rows() {
      return frozen ? frozen.rows : store.rows.values();
    },
    now,
    /** @param {string} id */
    find: (id) => (frozen ? frozen.rows.find((row) => row.id === id) : store.rows.get(id)) ?? null,
    /** @param {string | null} id */
    select(id) {
      scene.selected = id;
      paint(true);
    },
    /** @param {string} id @returns {boolean | null} whether it is pinned now; `null` where the list has no such request */
    togglePin(id) {
      const pinned = !store.rows.get(id)?.pinned;
      if (!store.pin(id, pinned)) return null;
      const copy = frozen?.rows.find((row) => row.id === id);
      if (copy) copy.pinned = pinned;
      paint(true);
      return pinned;
    },
    /** @param {number} by */
    move: (by) => grid.now.move(by),
    /** The request that has the focus. @returns {Row | null} */
    focused() {
      const line = grid.now.focused()?.line;
      return line?.kind === 'row' ? line : null;
    },
    enter: grid.enter,
    /** As if the line that has the focus were pressed. */
    open() {
      const at = grid.now.focused();
      if (at) open(at.line);
    },
    openMenu() {
      const at = grid.now.focused();
      if (at) menu(at.line, at.box);
    },
    /** Puts the focus on a request, or near where it was. @param {string} id */
    focus(id) {
      grid.now.point(id);
      grid.now.focus();
    },
    /** Shows what waits, and moves the lines for it. */
    renew: hold.release,
    /** Says anew why there are no rows. */
    explain: say,
  };
}
