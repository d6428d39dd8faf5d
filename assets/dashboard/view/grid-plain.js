/**
 * The list without any library: a virtual table whose few rows are used again as one scrolls. Stands in where AG Grid is not there, and on
 * a phone, where a request is a card of two lines.
 */

import { h } from './dom.js';
import { createHeader } from './header.js';
import { bindLines } from './lines.js';

/** @typedef {import('../types.js').Line} Line */
/** @typedef {import('../types.js').Sort} Sort */
/** @typedef {import('./columns.js').Column} Column */
/** @typedef {import('./columns.js').Paint} Paint */

/**
 * The interface of every grid; `grid-ag.js` is the other one.
 * @typedef {object} GridOptions
 * @property {Column[]} columns
 * @property {string} label
 * @property {import('./columns.js').Scene} scene changed in place by its owner
 * @property {(change: import('./header.js').LayoutChange, drawn: boolean) => void} onLayout the operator moved or sized columns; `drawn`: as is to be seen already
 * @property {(sort: Sort | null) => void} onSort `null`: back to the usual order
 * @property {(line: Line) => void} onOpen
 * @property {(line: Line, to: boolean) => void} onPick
 * @property {(line: Line, at: DOMRect) => void} onMenu
 *
 * @typedef {object} Grid
 * @property {() => boolean} ready
 * @property {(lines: Line[], sort: Sort) => void} show
 * @property {(all: boolean) => void} paint the visible cells: those that live, or all
 * @property {(by: number) => void} move puts the focus on the next line, or the previous one
 * @property {() => string | null} current the id of the line that `move` starts from, whether or not the focus is in here
 * @property {(id: string | null) => void} point makes another line the current one
 * @property {() => void} focus puts the focus on the current line, or on the nearest there is
 * @property {() => { line: Line, box: DOMRect } | null} focused the current line and where it is, if it has the focus
 * @property {() => void} destroy
 */

/** The height of a row, and of the headers, in CSS pixels. */
export const ROW_HEIGHT = 30;

/** Rows beyond the edge, so that scrolling shows no gap. */
export const OVERSCAN = 4;

/** @param {HTMLElement} host @param {GridOptions & { cards: boolean }} options @returns {Grid} */
export function createPlainGrid(host, options) {
  const columns = options.cards ? options.columns.filter((column) => column.card) : options.columns;
  const rowHeight = options.cards ? 68 : ROW_HEIGHT;
  /** @type {Line[]} */
  let lines = [];
  let first = 0;
  /** The current line, by its place; -1 before there was one. */
  let at = -1;

  const body = h('div', { role: 'rowgroup', class: 'plain-body' });
  const head = h('div', { role: 'row', class: 'plain-row plain-head', 'aria-rowindex': 1 });
  const grid = h('div', {
    role: 'grid', class: options.cards ? 'plain cards' : 'plain', tabindex: 0, 'aria-label': options.label, 'aria-colcount': columns.length,
  }, h('div', { role: 'rowgroup', class: 'plain-top' }, head), body);
  grid.style.setProperty('--row-height', `${rowHeight}px`);
  const header = createHeader(grid, columns, options);
  head.append(...header.cells);
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
    for (const [place, row] of pool.entries()) {
      const index = first + place;
      row.element.style.transform = `translateY(${index * rowHeight}px)`;
      row.element.setAttribute('aria-rowindex', String(index + 2));
      row.element.id = `row-${index}`;
      row.index = index;
      row.element.toggleAttribute('data-focused', index === at);
    }
    if (at < 0 || lines.length === 0) grid.removeAttribute('aria-activedescendant');
    else grid.setAttribute('aria-activedescendant', `row-${at}`);
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
  function go(index) {
    at = Math.max(0, Math.min(index, lines.length - 1));
    const top = at * rowHeight;
    const room = grid.clientHeight - head.offsetHeight;
    if (top < grid.scrollTop) grid.scrollTop = top;
    else if (top + rowHeight > grid.scrollTop + room) grid.scrollTop = top + rowHeight - room;
    layout();
  }

  const focused = () => {
    const line = lines[at];
    const element = pool.find((it) => it.index === at)?.element;
    return line && element && document.activeElement === grid ? { line, box: element.getBoundingClientRect() } : null;
  };

  /** @param {Element} target */
  function lineAt(target) {
    const element = target.closest('.plain-row');
    const row = pool.find((it) => it.element === element);
    return row ? (lines[row.index] ?? null) : null;
  }

  grid.addEventListener('scroll', layout, { passive: true });
  grid.addEventListener('focus', () => {
    if (at < 0) go(0);
  });
  grid.addEventListener('pointerdown', ({ target }) => {
    const row = target instanceof Element && pool.find((it) => it.element.contains(target));
    if (!row) return;
    at = row.index;
    layout();
  });
  bindLines(grid, { ...options, lineAt, focused });
  grid.addEventListener('keydown', (event) => {
    const page = Math.max(1, Math.floor(grid.clientHeight / rowHeight) - 2);
    /** @type {Record<string, number>} */
    const steps = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: lines.length - 1 };
    if (!Object.hasOwn(steps, event.key)) return;
    go(steps[event.key] ?? 0);
    event.preventDefault();
  });
  const observer = new ResizeObserver(layout);
  observer.observe(grid);

  return {
    ready: () => true,
    show(next, sort) {
      // The current line stays with its request, not with its place.
      const id = lines[at]?.id;
      lines = next;
      if (id !== undefined && lines[at]?.id !== id) {
        const index = lines.findIndex((line) => line.id === id);
        at = index >= 0 ? index : Math.min(at, lines.length - 1);
      }
      header.show(sort);
      body.style.height = `${lines.length * rowHeight}px`;
      grid.setAttribute('aria-rowcount', String(lines.length + 1));
      layout();
    },
    paint,
    move(by) {
      go(at + by);
      grid.focus({ preventScroll: true });
    },
    current: () => lines[at]?.id ?? null,
    point(id) {
      const index = lines.findIndex((line) => line.id === id);
      if (index >= 0) at = index;
    },
    focus() {
      go(at);
      grid.focus({ preventScroll: true });
    },
    focused,
    destroy() {
      observer.disconnect();
      host.replaceChildren();
    },
  };
}
