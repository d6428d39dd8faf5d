/** The grid of the list and its columns: made anew where the columns are others, or the window is a phone's. */

import { layOut } from '../model/layout.js';
import { DEFAULT_SORT } from '../model/order.js';
import { columnsOf } from './columns.js';
import { byId } from './dom.js';
import { createPlainGrid } from './grid-plain.js';

/** @typedef {import('../types.js').Line} Line */
/** @typedef {import('../types.js').Sort} Sort */
/** @typedef {import('./grid-plain.js').Grid} Grid */
/** @typedef {import('./grid-plain.js').GridOptions} GridOptions */

/** Below this width a request is a card. */
const PHONE = '(max-width: 700px)';

/**
 * @param {object} parts
 * @param {(host: HTMLElement, options: GridOptions) => Grid} parts.createGrid the one for wide windows
 * @param {import('../model/layout.js').Layout} parts.layout of the columns
 * @param {import('../model/presence.js').Presence} parts.presence the optional things that were seen
 * @param {{ allowed: boolean }} parts.picks whether lines can be picked
 * @param {(change: import('./header.js').LayoutChange) => void} parts.onLayout the operator moved or sized columns in the list
 * @param {Omit<GridOptions, 'columns' | 'label' | 'onLayout'>} parts.options
 */
export function createListGrid({ createGrid, layout, presence, picks, onLayout, options }) {
  const host = byId('grid');
  const phone = matchMedia(PHONE);
  /** What is shown. @type {[Line[], Sort]} */
  let shown = [[], DEFAULT_SORT];
  /** The columns that the address names, if it does. @type {string[] | null} */
  let only = null;
  /** The grid shows the columns already as they will be. */
  let drawn = false;
  /** @type {Grid} */
  let grid;

  const present = () => (picks.allowed ? new Set([...presence.fields, 'pick']) : presence.fields);
  const wanted = () => layOut(columnsOf(presence.labels), layout, present(), only);
  let columns = wanted();

  function mount() {
    grid?.destroy();
    /** @type {GridOptions} */
    const all = {
      ...options, columns, label: 'Requests in flight',
      onLayout(change, asDrawn) {
        drawn = asDrawn;
        onLayout(change);
        drawn = false;
      },
    };
    grid = phone.matches ? createPlainGrid(host, { ...all, cards: true }) : createGrid(host, all);
  }
  mount();

  function remount() {
    const had = host.contains(document.activeElement) ? document.activeElement : null;
    const header = had?.getAttribute('data-column');
    const current = grid.current();
    mount();
    grid.show(...shown);
    grid.point(current);
    if (!had) return;
    // The hand stays on the header of the column that it moved.
    const button = header ? host.querySelector(`[data-column="${CSS.escape(header)}"]`) : null;
    if (button instanceof HTMLElement) button.focus();
    else grid.focus();
  }
  phone.addEventListener('change', remount);

  /** Draws the list anew where its columns are others. */
  function relay() {
    const next = wanted();
    if (next.length === columns.length && next.every(({ id, width }, index) => id === columns[index]?.id && width === columns[index]?.width)) return;
    columns = next;
    if (!drawn) remount();
  }

  return {
    /** The grid that is there now. */
    get now() {
      return grid;
    },
    /** The columns to choose from, in their order. */
    get choices() {
      return layOut(columnsOf(presence.labels), { ...layout, hidden: [], order: only ?? layout.order }, present()).filter((column) => !column.fixed);
    },
    /** The columns shown, by id. */
    get columns() {
      return columns.filter((column) => !column.fixed).map((column) => column.id);
    },
    relay,
    /** @param {import('../model/layout.js').Layout} next */
    layOut(next) {
      layout = next;
      relay();
    },
    /** Shows exactly these columns, or those of the layout. @param {string[] | null} ids */
    name(ids) {
      only = ids;
      relay();
    },
    /** @param {Line[]} lines @param {Sort} sort */
    show(lines, sort) {
      shown = [lines, sort];
      grid.show(lines, sort);
    },
    /** Puts the focus into the list. @returns {boolean} whether there is a line to put it on */
    enter() {
      grid.focus();
      return host.contains(document.activeElement);
    },
  };
}
