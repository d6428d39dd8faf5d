/**
 * The header of the plain table: sorts by a click, makes a column wider or narrower at its edge, and moves it where it is dragged. From the
 * keyboard it is one tab stop; as in AG Grid, arrows walk, with Shift they move the column, and with Alt they size it.
 */

import { bounded, moved } from '../model/layout.js';
import { h } from './dom.js';
import { createRoving } from './roving.js';

/** @typedef {import('./columns.js').Column} Column */
/** @typedef {import('../types.js').Sort} Sort */
/** @typedef {{ order?: string[], widths?: Record<string, number> }} LayoutChange */

/** CSS pixels by which a key makes a column wider or narrower. */
const KEY_STEP = 16;

/** CSS pixels that a pointer must travel until it drags. */
const DRAGS_AFTER = 6;

/** @param {Column} column */
const track = ({ width, flex }) => (flex ? `minmax(${width}px, ${flex}fr)` : `${width}px`);

/** Tells the style how wide the columns are. @param {HTMLElement} host @param {Column[]} columns */
function setTracks(host, columns) {
  host.style.setProperty('--columns', columns.map(track).join(' '));
  host.style.setProperty('--least', `${columns.reduce((sum, { width }) => sum + width, 0)}px`);
}

/**
 * @param {HTMLElement} host carries the widths, for the rows too
 * @param {Column[]} columns
 * @param {object} parts
 * @param {(sort: Sort | null) => void} parts.onSort `null`: back to the usual order
 * @param {(change: LayoutChange, drawn: boolean) => void} parts.onLayout `drawn`: it is to be seen already
 */
export function createHeader(host, columns, { onSort, onLayout }) {
  /** @type {Sort} */
  let sorted = { column: '', descending: false };
  const shown = [...columns];
  /** A click that ends a drag is none. */
  let dragged = false;

  const cells = columns.map((column, index) => {
    const cell = h('div', { role: 'columnheader', class: column.end ? 'cell end' : 'cell', 'aria-colindex': index + 1, title: column.hint });
    if (!column.sortable) {
      cell.append(h('span', { class: 'visually-hidden' }, column.fixed === 'start' ? 'Select' : 'Actions'));
      return cell;
    }
    cell.append(
      h('button', { type: 'button', tabindex: '-1', 'data-column': column.id, onclick: () => sortBy(column.id) }, column.title),
      h('span', { class: 'resize', 'aria-hidden': 'true', onpointerdown: (/** @type {PointerEvent} */ event) => resize(event, index) }),
    );
    if (!column.fixed) cell.addEventListener('pointerdown', (event) => drag(event, index));
    return cell;
  });
  setTracks(host, shown);
  const buttons = cells.flatMap((cell) => cell.querySelector('button') ?? []);
  for (const cell of cells) cell.addEventListener('keydown', byKey);
  const roving = createRoving(host, { items: () => buttons, back: 'ArrowLeft', on: 'ArrowRight' });
  roving.renew();

  /** @param {KeyboardEvent} event */
  function byKey(event) {
    const by = event.key === 'ArrowLeft' ? -1 : event.key === 'ArrowRight' ? 1 : 0;
    const index = cells.findIndex((cell) => cell === event.currentTarget);
    const column = columns[index];
    if (event.key === 'ArrowDown') host.focus();
    if (by === 0 || !column || !(event.altKey || event.shiftKey)) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.altKey) {
      const width = bounded((cells[index]?.getBoundingClientRect().width ?? column.width) + by * KEY_STEP);
      shown[index] = { ...column, width, flex: undefined };
      setTracks(host, shown);
      onLayout({ widths: { [column.id]: width } }, true);
    } else moveTo(column, columns[index + by]);
  }

  /** @param {Column} column @param {Column | undefined} target the one in whose place it goes */
  function moveTo(column, target) {
    if (target && !column.fixed && !target.fixed && target !== column) onLayout({ order: moved(columns.map((it) => it.id), column.id, target.id) }, false);
  }

  /** @param {string} column */
  function sortBy(column) {
    if (dragged) return;
    if (sorted.column !== column) onSort({ column, descending: false });
    else onSort(sorted.descending ? null : { column, descending: true });
  }

  /** Follows the pointer until it is lifted. @param {PointerEvent} down @param {(by: number) => void} move @param {(event: PointerEvent) => void} up */
  function follow(down, move, up) {
    const gone = new AbortController();
    const { signal } = gone;
    addEventListener('pointermove', ({ clientX }) => move(clientX - down.clientX), { signal });
    addEventListener('pointercancel', () => gone.abort(), { signal });
    addEventListener('pointerup', (event) => {
      gone.abort();
      up(event);
    }, { signal });
  }

  /** @param {PointerEvent} down @param {number} index */
  function resize(down, index) {
    const column = shown[index];
    if (!column) return;
    down.preventDefault();
    down.stopPropagation();
    const before = cells[index]?.getBoundingClientRect().width ?? column.width;
    let width = before;
    follow(down, (by) => {
      width = bounded(before + by);
      shown[index] = { ...column, width, flex: undefined };
      setTracks(host, shown);
    }, () => {
      if (width !== before) onLayout({ widths: { [column.id]: width } }, true);
    });
  }

  /** @param {PointerEvent} down @param {number} index */
  function drag(down, index) {
    if (down.button !== 0 || down.pointerType === 'touch') return;
    dragged = false;
    follow(down, (by) => {
      if (Math.abs(by) < DRAGS_AFTER) return;
      dragged = true;
      cells[index]?.classList.add('dragged');
    }, ({ clientX }) => {
      cells[index]?.classList.remove('dragged');
      if (!dragged) return;
      const column = columns[index];
      const target = columns[cells.findIndex((cell) => clientX < cell.getBoundingClientRect().right)];
      if (column) moveTo(column, target);
      // The click comes after this.
      setTimeout(() => (dragged = false));
    });
  }

  return {
    cells,
    /** @param {Sort} sort */
    show(sort) {
      sorted = sort;
      for (const [index, column] of columns.entries()) {
        const direction = column.id === sort.column ? (sort.descending ? 'descending' : 'ascending') : null;
        if (direction) cells[index]?.setAttribute('aria-sort', direction);
        else cells[index]?.removeAttribute('aria-sort');
      }
    },
  };
}
