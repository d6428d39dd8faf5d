/**
 * The list in AG Grid Community. The grid is given finished lines, already filtered and in order, and only when lines came, left or moved;
 * what happens inside a line is painted by the same cells as in the plain grid, past the grid. So a tick of ten thousand rows costs what
 * the twenty visible ones cost.
 */

import { bounded } from '../model/layout.js';
import { h } from './dom.js';
import { OVERSCAN, ROW_HEIGHT } from './grid-plain.js';
import { bindLines } from './lines.js';

/** @typedef {import('../types.js').Line} Line */
/** @typedef {import('../types.js').Sort} Sort */
/** @typedef {import('./columns.js').Paint} Paint */
/** @typedef {import('./grid-plain.js').Grid} Grid */
/** @typedef {import('./grid-plain.js').GridOptions} GridOptions */
/** @typedef {typeof import('ag-grid-community')} AgGrid */
/** @typedef {{ paint: Paint, live: boolean, line: Line }} Cell */

/** The keys with which one walks in the grid; any other has the meaning that it has in the page. */
const WALKING = new Set(['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight', 'Home', 'End', 'PageUp', 'PageDown', 'Tab']);

/**
 * @param {AgGrid} agGrid @param {HTMLElement} host @param {GridOptions & { nonce: string }} options
 * @returns {Grid}
 */
export function createAgGrid(agGrid, host, options) {
  const { columns, scene } = options;
  /** @type {Set<Cell>} */
  const cells = new Set();
  let ready = false;
  let fresh = false;
  /** The order that the grid was told of. @type {Sort} */
  let shown = { column: '', descending: false };
  /** The current line, and the place where it stood last. @type {string | null} */
  let current = null;
  let at = -1;

  /** Rows take their look from a cell, which finds its row only once it hangs in it. */
  function paintFresh() {
    if (fresh) return;
    fresh = true;
    queueMicrotask(() => {
      fresh = false;
      paint(true);
    });
  }

  /** @param {import('./columns.js').Column} column */
  const rendererOf = (column) =>
    class {
      #element = h('div', { class: `cell col-${column.id}${column.end ? ' end' : ''}` });
      /** @type {Cell | null} */
      #cell = null;

      /** @param {{ data: Line }} params */
      init({ data }) {
        this.#cell = { paint: column.build(this.#element), live: column.live, line: data };
        cells.add(this.#cell);
        this.#cell.paint(data, scene);
        if (column.id === 'state') paintFresh();
      }

      getGui() {
        return this.#element;
      }

      /** @param {{ data: Line }} params */
      refresh({ data }) {
        if (!this.#cell) return false;
        this.#cell.line = data;
        this.#cell.paint(data, scene);
        return true;
      }

      destroy() {
        if (this.#cell) cells.delete(this.#cell);
      }
    };

  /** @param {boolean} all */
  function paint(all) {
    for (const cell of cells) if (all || cell.live) cell.paint(cell.line, scene);
  }

  /** @type {import('ag-grid-community').GridApi<Line>} */
  const api = agGrid.createGrid(host, /** @type {import('ag-grid-community').GridOptions<Line>} */ ({
    theme: theme(agGrid),
    styleNonce: options.nonce,
    getRowId: ({ data }) => data.id,
    rowData: [],
    columnDefs: columns.map((column) => ({
      colId: column.id,
      headerName: column.title,
      headerTooltip: column.hint ?? column.title,
      ...(column.flex ? { flex: column.flex, minWidth: column.width } : { width: column.width }),
      sortable: column.sortable,
      // The order is made in the model; the grid only shows which it is.
      comparator: () => 0,
      resizable: column.sortable,
      suppressMovable: column.fixed !== undefined,
      ...(column.fixed ? { lockPosition: column.fixed === 'start' ? /** @type {const} */ ('left') : /** @type {const} */ ('right') } : {}),
      headerClass: column.end ? 'end' : '',
      cellRenderer: rendererOf(column),
      suppressHeaderMenuButton: true,
    })),
    defaultColDef: { sortingOrder: ['asc', 'desc', null], suppressKeyboardEvent: ({ event }) => !WALKING.has(event.key) },
    rowHeight: ROW_HEIGHT,
    headerHeight: ROW_HEIGHT,
    rowBuffer: OVERSCAN,
    animateRows: false,
    // We are in a frame already when rows are given to it.
    suppressAnimationFrame: true,
    suppressCellFocus: false,
    // The grid would put it back after a turn, when the operator may be typing somewhere else already: `show` does it at once.
    suppressFocusAfterRefresh: true,
    ensureDomOrder: true,
    suppressDragLeaveHidesColumns: true,
    suppressMultiSort: true,
    suppressNoRowsOverlay: true,
    // The scroll bar has its room from the beginning: where it came later, it covered the last column.
    alwaysShowVerticalScroll: true,
    suppressScrollOnNewData: true,
    tooltipShowDelay: 600,
    onGridReady: () => {
      ready = true;
    },
    onColumnMoved: ({ finished, source }) => {
      if (finished && source.startsWith('ui')) options.onLayout({ order: api.getAllGridColumns().map((column) => column.getColId()) }, true);
    },
    onColumnResized: ({ finished, source, columns: sized }) => {
      if (!finished || !sized || (source !== 'uiColumnResized' && source !== 'autosizeColumns')) return;
      options.onLayout({ widths: Object.fromEntries(sized.map((column) => [column.getColId(), bounded(column.getActualWidth())])) }, true);
    },
    onGridSizeChanged: ({ api, clientWidth }) => {
      const fitting = fit(columns, clientWidth - SCROLLBAR);
      const changed = columns.filter(({ id, spare }) => spare !== undefined && api.getColumn(id)?.isVisible() !== fitting.has(id)).map(({ id }) => id);
      api.setColumnsVisible(changed.filter((id) => fitting.has(id)), true);
      api.setColumnsVisible(changed.filter((id) => !fitting.has(id)), false);
    },
    onSortChanged: () => {
      const sorted = api.getColumnState().find((column) => column.sort);
      const sort = sorted ? { column: sorted.colId, descending: sorted.sort === 'desc' } : null;
      // Told after a turn, of orders that we asked for too.
      if (sort?.column !== shown.column || sort.descending !== shown.descending) options.onSort(sort);
    },
  }));
  host.querySelector('[role="grid"], [role="treegrid"]')?.setAttribute('aria-label', options.label);

  /** @param {Element | null} target */
  const nodeAt = (target) => {
    const id = host.contains(target) ? target?.closest('[row-id]')?.getAttribute('row-id') : null;
    return id === null || id === undefined ? null : (api.getRowNode(id) ?? null);
  };
  /** @param {Element} target */
  const lineAt = (target) => nodeAt(target)?.data ?? null;
  const focused = () => {
    const element = document.activeElement;
    const line = element && lineAt(element);
    return line ? { line, box: element.getBoundingClientRect() } : null;
  };
  bindLines(host, { ...options, lineAt, focused });
  host.addEventListener('focusin', ({ target }) => {
    const node = target instanceof Element ? nodeAt(target) : null;
    if (node?.data) [current, at] = [node.data.id, node.rowIndex ?? at];
  });

  /** Where the current line is, or was. */
  const place = () => (current === null ? null : api.getRowNode(current)?.rowIndex) ?? at;
  /** @param {number} index */
  function go(index) {
    const last = api.getDisplayedRowCount() - 1;
    if (last < 0) return;
    const to = Math.max(0, Math.min(index, last));
    api.ensureIndexVisible(to);
    api.setFocusedCell(to, api.getFocusedCell()?.column ?? 'state');
  }

  return {
    ready: () => ready,
    show(lines, sort) {
      const had = focused() !== null;
      api.setGridOption('rowData', lines);
      // The focus stays with its request, or where that was; the grid would leave it at its place, or lose it.
      if (had && (focused() === null || place() !== at)) go(place());
      if (sort.column === shown.column && sort.descending === shown.descending) return;
      shown = sort;
      api.applyColumnState({ state: [{ colId: sort.column, sort: sort.descending ? 'desc' : 'asc' }], defaultState: { sort: null } });
    },
    paint,
    move: (by) => go(place() + by),
    current: () => current,
    point(id) {
      if (id !== null) current = id;
    },
    focus: () => go(place()),
    focused,
    destroy() {
      api.destroy();
    },
  };
}

/** Room that is kept for the scroll bar, in CSS pixels. */
const SCROLLBAR = 16;

/** The ids of the columns for which there is room. @param {import('./columns.js').Column[]} columns @param {number} width in CSS pixels */
function fit(columns, width) {
  const kept = new Set(columns);
  let needed = columns.reduce((sum, column) => sum + column.width, 0);
  for (const column of columns.filter((it) => it.spare !== undefined).sort((a, b) => (b.spare ?? 0) - (a.spare ?? 0))) {
    if (needed <= width) break;
    kept.delete(column);
    needed -= column.width;
  }
  return new Set([...kept].map(({ id }) => id));
}

/** The page's own colours, so that light, dark and high contrast are decided in one place. @param {AgGrid} agGrid */
const theme = (agGrid) =>
  agGrid.themeQuartz.withParams({
    accentColor: 'var(--accent)',
    backgroundColor: 'var(--surface)',
    foregroundColor: 'var(--text)',
    headerBackgroundColor: 'var(--surface-2)',
    headerTextColor: 'var(--text-2)',
    headerFontWeight: 500,
    borderColor: 'var(--line)',
    rowHoverColor: 'var(--hover)',
    oddRowBackgroundColor: 'var(--surface)',
    fontFamily: 'inherit',
    fontSize: 13,
    headerFontSize: 12,
    cellHorizontalPadding: 10,
    wrapperBorder: false,
    wrapperBorderRadius: 0,
    columnBorder: false,
    browserColorScheme: 'inherit',
  });
