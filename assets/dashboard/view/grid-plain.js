/**
 * The list without any library: a virtual table whose few rows are used again as one scrolls. Stands in where AG Grid is not there, and on
 * a phone, where a request is a card of two lines.
 */

import { h } from './dom.js';

/** @typedef {import('../types.js').Line} Line */
/** @typedef {import('../types.js').Sort} Sort */
/** @typedef {import('./columns.js').Column} Column */
/** @typedef {import('./columns.js').Paint} Paint */

/**
 * What every grid takes and gives; `grid-ag.js` is the other one.
 * @typedef {object} GridOptions
 * @property {Column[]} columns
 * @property {string} label
 * @property {import('./columns.js').Scene} scene changed in place by its owner
 * @property {(sort: Sort | null) => void} onSort `null`: back to the usual order
 * @property {(line: Line) => void} onOpen
 * @property {(line: Line, at: DOMRect) => void} onMenu
 *
 * @typedef {object} Grid
 * @property {() => boolean} ready
 * @property {(lines: Line[], sort: Sort) => void} show
 * @property {(all: boolean) => void} paint the visible cells: those that live, or all
 * @property {(by: number) => Line | null} move puts the focus on the next line, or the previous one
 * @property {() => string | null} focused the id of the line that has the focus, if it is in here
 * @property {(id: string) => void} focus
 * @property {() => void} destroy
 */

/** Rows beyond the edge, so that scrolling shows no gap. */
export const OVERSCAN = 4;

/** @param {HTMLElement} host @param {GridOptions & { cards: boolean }} options @returns {Grid} */
export function createPlainGrid(host, options) {
  const columns = options.cards ? options.columns.filter((column) => column.card) : options.columns;
  const rowHeight = options.cards ? 68 : 34;
  /** @type {Line[]} */
  let lines = [];
  let first = 0;
  let focused = 0;

  const body = h('div', { role: 'rowgroup', class: 'plain-body' });
  const head = h('div', { role: 'row', class: 'plain-row plain-head', 'aria-rowindex': 1 });
  const grid = h('div', {
    role: 'grid', class: options.cards ? 'plain cards' : 'plain', tabindex: 0, 'aria-label': options.label, 'aria-colcount': columns.length,
  }, h('div', { role: 'rowgroup', class: 'plain-top' }, head), body);
  grid.style.setProperty('--columns', columns.map((it) => (it.flex ? `minmax(${it.width}px, ${it.flex}fr)` : `${it.width}px`)).join(' '));
  grid.style.setProperty('--row-height', `${rowHeight}px`);
  const headers = columns.map((column, index) => {
    const cell = h('div', { role: 'columnheader', class: column.end ? 'cell end' : 'cell', 'aria-colindex': index + 1, title: column.hint });
    if (column.sortable) cell.append(h('button', { type: 'button', tabindex: '-1', 'data-column': column.id }, column.title));
    else cell.append(h('span', { class: 'visually-hidden' }, 'Actions'));
    return cell;
  });
  head.append(...headers);
  host.replaceChildren(grid);

  /** @type {{ element: HTMLElement, cells: { paint: Paint, live: boolean }[], index: number }[]} */
  const pool = [];

  function makeRow() {
    const element = h('div', { role: 'row', class: 'plain-row' });
    const cells = columns.map((column, index) => {
      const cell = h('div', { role: 'gridcell', class: `cell col-${column.id}${column.end ? ' end' : ''}`, 'aria-colindex': index + 1 });
      element.append(cell);
      return { paint: column.build(cell), live: column.live };
    });
    body.append(element);
    return { element, cells, index: -1 };
  }

  function layout() {
    const room = Math.ceil(grid.clientHeight / rowHeight) + OVERSCAN * 2;
    first = Math.max(0, Math.min(Math.floor(grid.scrollTop / rowHeight) - OVERSCAN, lines.length - room));
    const wanted = Math.min(room, lines.length);
    while (pool.length < wanted) pool.push(makeRow());
    for (const row of pool.splice(wanted)) row.element.remove();
    for (const [at, row] of pool.entries()) {
      const index = first + at;
      row.element.style.transform = `translateY(${index * rowHeight}px)`;
      row.element.setAttribute('aria-rowindex', String(index + 2));
      row.element.id = `row-${index}`;
      row.index = index;
      row.element.toggleAttribute('data-focused', index === focused);
    }
    paint(true);
  }

  /** @param {boolean} all */
  function paint(all) {
    for (const row of pool) {
      const line = lines[row.index];
      if (!line) continue;
      for (const cell of row.cells) if (all || cell.live) cell.paint(line, options.scene);
    }
  }

  /** @param {number} index */
  function focus(index) {
    focused = Math.max(0, Math.min(index, lines.length - 1));
    const top = focused * rowHeight;
    const room = grid.clientHeight - head.offsetHeight;
    if (top < grid.scrollTop) grid.scrollTop = top;
    else if (top + rowHeight > grid.scrollTop + room) grid.scrollTop = top + rowHeight - room;
    layout();
    grid.setAttribute('aria-activedescendant', `row-${focused}`);
    return lines[focused] ?? null;
  }

  /** @param {EventTarget | null} target */
  function lineAt(target) {
    const element = target instanceof Element ? target.closest('.plain-row') : null;
    const row = pool.find((it) => it.element === element);
    if (row) focused = row.index;
    return row ? (lines[row.index] ?? null) : null;
  }

  grid.addEventListener('scroll', layout, { passive: true });
  grid.addEventListener('click', (event) => {
    const target = event.target instanceof Element ? event.target : null;
    const column = target?.closest('[data-column]')?.getAttribute('data-column');
    if (column) return sortBy(column);
    const line = lineAt(target);
    if (!line) return;
    const menu = target?.closest('.row-menu');
    if (menu) options.onMenu(line, menu.getBoundingClientRect());
    else options.onOpen(line);
    layout();
  });
  grid.addEventListener('contextmenu', (event) => {
    const line = lineAt(event.target);
    if (!line || line.kind === 'group') return;
    event.preventDefault();
    options.onMenu(line, new DOMRect(event.clientX, event.clientY, 0, 0));
  });
  grid.addEventListener('keydown', (event) => {
    const page = Math.max(1, Math.floor(grid.clientHeight / rowHeight) - 2);
    /** @type {Record<string, number>} */
    const steps = { ArrowDown: focused + 1, ArrowUp: focused - 1, PageDown: focused + page, PageUp: focused - page, Home: 0, End: lines.length - 1 };
    const line = lines[focused];
    if (Object.hasOwn(steps, event.key)) focus(steps[event.key] ?? 0);
    else if (event.key === 'Enter' && line) options.onOpen(line);
    else if ((event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey) || event.key === 'm') && line?.kind === 'row') {
      const element = pool.find((it) => it.index === focused)?.element;
      if (element) options.onMenu(line, element.getBoundingClientRect());
    } else return;
    event.preventDefault();
  });
  const observer = new ResizeObserver(layout);
  observer.observe(grid);

  /** @type {Sort} */
  let sorted = { column: '', descending: false };
  /** @param {string} column */
  function sortBy(column) {
    if (sorted.column !== column) options.onSort({ column, descending: false });
    else options.onSort(sorted.descending ? null : { column, descending: true });
  }

  return {
    ready: () => true,
    show(next, sort) {
      // The focus stays with its request, not with its place.
      const id = lines[focused]?.id;
      lines = next;
      if (grid.contains(document.activeElement) && id !== undefined && lines[focused]?.id !== id) {
        const index = lines.findIndex((line) => line.id === id);
        if (index >= 0) focused = index;
      }
      sorted = sort;
      for (const [index, column] of columns.entries()) {
        const direction = column.id === sort.column ? (sort.descending ? 'descending' : 'ascending') : null;
        if (direction) headers[index]?.setAttribute('aria-sort', direction);
        else headers[index]?.removeAttribute('aria-sort');
      }
      body.style.height = `${lines.length * rowHeight}px`;
      grid.setAttribute('aria-rowcount', String(lines.length + 1));
      layout();
    },
    paint,
    move(by) {
      grid.focus({ preventScroll: true });
      return focus(focused + by);
    },
    focused: () => (grid.contains(document.activeElement) ? (lines[focused]?.id ?? null) : null),
    focus(id) {
      const index = lines.findIndex((line) => line.id === id);
      grid.focus({ preventScroll: true });
      if (index >= 0) focus(index);
    },
    destroy() {
      observer.disconnect();
      host.replaceChildren();
    },
  };
}
