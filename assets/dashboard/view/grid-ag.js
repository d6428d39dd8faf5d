/**
 * The list in AG Grid Community. The grid is given finished lines, already filtered and in order, and only when lines came, left or moved;
 * what happens inside a line is painted by the same cells as in the plain grid, past the grid. So a tick of ten thousand rows costs what
 * the twenty visible ones cost.
 */

import { h } from './dom.js';
import { OVERSCAN } from './grid-plain.js';

/** @typedef {import('../types.js').Line} Line */
/** @typedef {import('../types.js').Sort} Sort */
/** @typedef {import('./columns.js').Paint} Paint */
/** @typedef {import('./grid-plain.js').Grid} Grid */
/** @typedef {import('./grid-plain.js').GridOptions} GridOptions */
/** @typedef {typeof import('ag-grid-community')} AgGrid */
/** @typedef {{ paint: Paint, live: boolean, line: Line }} Cell */

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
  /** Set while we, not the operator, change the order. */
  let ours = false;

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

  /** @param {{ data?: Line | undefined, event?: Event | null | undefined }} params */
  function onClick({ data, event }) {
    if (!data) return;
    const target = event?.target instanceof Element ? event.target : null;
    const menu = target?.closest('.row-menu');
    if (menu) options.onMenu(data, menu.getBoundingClientRect());
    else options.onOpen(data);
  }

  /** @type {import('ag-grid-community').GridApi<Line>} */
  const api = agGrid.createGrid(host, {
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
      resizable: column.id !== 'menu',
      suppressMovable: column.id === 'menu',
      headerClass: column.end ? 'end' : '',
      cellRenderer: rendererOf(column),
      suppressHeaderMenuButton: true,
    })),
    defaultColDef: { sortingOrder: ['asc', 'desc', null] },
    rowHeight: 34,
    headerHeight: 34,
    rowBuffer: OVERSCAN,
    animateRows: false,
    // We are in a frame already when rows are given to it.
    suppressAnimationFrame: true,
    suppressCellFocus: false,
    ensureDomOrder: true,
    suppressDragLeaveHidesColumns: true,
    suppressMultiSort: true,
    suppressNoRowsOverlay: true,
    suppressScrollOnNewData: true,
    tooltipShowDelay: 600,
    onGridReady: () => {
      ready = true;
    },
    onSortChanged: () => {
      if (ours) return;
      const sorted = api.getColumnState().find((column) => column.sort);
      options.onSort(sorted ? { column: sorted.colId, descending: sorted.sort === 'desc' } : null);
    },
    onCellClicked: onClick,
    onCellContextMenu: ({ data, event }) => {
      if (!data || data.kind === 'group' || !(event instanceof MouseEvent)) return;
      event.preventDefault();
      options.onMenu(data, new DOMRect(event.clientX, event.clientY, 0, 0));
    },
    onCellKeyDown: ({ data, event }) => {
      if (!data || !(event instanceof KeyboardEvent)) return;
      if (event.key === 'Enter') options.onOpen(data);
      else if (data.kind === 'row' && (event.key === 'm' || event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey))) {
        event.preventDefault();
        const at = event.target instanceof Element ? event.target.getBoundingClientRect() : new DOMRect();
        options.onMenu(data, at);
      }
    },
  });
  host.querySelector('[role="grid"], [role="treegrid"]')?.setAttribute('aria-label', options.label);

  const focusedCell = () => (host.contains(document.activeElement) ? api.getFocusedCell() : null);
  /** @param {number} index */
  const idAt = (index) => api.getDisplayedRowAtIndex(index)?.data?.id ?? null;

  /** @type {Sort} */
  let shown = { column: '', descending: false };

  return {
    ready: () => ready,
    show(lines, sort) {
      const cell = focusedCell();
      const id = cell && idAt(cell.rowIndex);
      api.setGridOption('rowData', lines);
      // The focus stays with its request; the grid would leave it at its place.
      const index = id === null ? null : (api.getRowNode(id)?.rowIndex ?? null);
      if (cell && index !== null && index !== cell.rowIndex) api.setFocusedCell(index, cell.column);
      if (sort.column === shown.column && sort.descending === shown.descending) return;
      shown = sort;
      ours = true;
      api.applyColumnState({ state: [{ colId: sort.column, sort: sort.descending ? 'desc' : 'asc' }], defaultState: { sort: null } });
      ours = false;
    },
    paint,
    move(by) {
      const count = api.getDisplayedRowCount();
      if (count === 0) return null;
      const cell = api.getFocusedCell();
      const index = cell ? Math.max(0, Math.min(cell.rowIndex + by, count - 1)) : 0;
      api.ensureIndexVisible(index);
      api.setFocusedCell(index, cell?.column ?? 'state');
      return api.getDisplayedRowAtIndex(index)?.data ?? null;
    },
    focused() {
      const cell = focusedCell();
      return cell && idAt(cell.rowIndex);
    },
    focus(id) {
      const index = api.getRowNode(id)?.rowIndex ?? null;
      if (index === null) return;
      api.ensureIndexVisible(index);
      api.setFocusedCell(index, 'state');
    },
    destroy() {
      api.destroy();
    },
  };
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
