/** A plain table for what is polled: sorted by a click on a column, its rows pressed for details. */

import * as format from '../model/format.js';
import { h } from './dom.js';
import { createRoving } from './roving.js';

/**
 * @template T
 * @typedef {object} TableColumn
 * @property {string} title
 * @property {(item: T) => Node | string} cell
 * @property {(item: T) => number | string} [key] what it is sorted by
 * @property {boolean} [end]
 * @property {string} [className]
 * @property {(items: T[]) => boolean} [when] whether it has anything to show; without it, always
 * @property {string} [area] its place in the card that an item is on a phone; the table becomes cards where a column has one
 */

/**
 * @template T
 * @param {HTMLElement} host
 * @param {{ caption: string, columns: TableColumn<T>[], empty: string, onOpen?: (item: T) => void, look?: (item: T) => string | null, id?: (item: T) => unknown, onClear?: () => void, noun?: string, isOpen?: (item: T) => boolean }} options
 *   `id`: by which the focus stays with its item when all is drawn again; `onClear`: takes the filter away; `noun`: what an item is; `isOpen`: its details are shown
 */
export function createTable(host, { caption, columns, empty, onOpen, noun = 'entry', look, isOpen, id = (item) => item, onClear }) {
  /** @type {T[]} */
  let items = [];
  /** The items as they are drawn. @type {T[]} */
  let sorted = [];
  /** @type {{ index: number, descending: boolean } | null} */
  let sort = null;
  const body = h('tbody');
  const roving = createRoving(body, { items: () => body.rows, back: 'ArrowUp', on: 'ArrowDown' });
  const headers = columns.map((column, index) =>
    h('th', { scope: 'col', class: column.end ? 'num' : null }, column.key ? h('button', { type: 'button', onclick: () => sortBy(index) }, column.title) : column.title));
  const table = h('table', { class: columns.some((it) => it.area) ? 'records cards' : 'records', role: onOpen ? 'grid' : null }, h('caption', { class: 'visually-hidden' }, caption), h('thead', {}, h('tr', {}, ...headers)), body);
  const why = h('span');
  const clear = h('button', { type: 'button', class: 'tool', onclick: () => onClear?.() }, 'Clear the filter');
  const nothing = h('p', { class: 'nothing' }, why, ' ', clear);
  host.replaceChildren(table, nothing);

  /** @param {number} index */
  function sortBy(index) {
    if (sort?.index !== index) sort = { index, descending: columns[index]?.end === true };
    else sort = sort.descending === (columns[index]?.end === true) ? { index, descending: !sort.descending } : null;
    render();
  }

  function render() {
    for (const [index, header] of headers.entries()) {
      if (sort?.index === index) header.setAttribute('aria-sort', sort.descending ? 'descending' : 'ascending');
      else header.removeAttribute('aria-sort');
    }
    const shown = columns.filter((column, index) => {
      const has = column.when?.(items) ?? true;
      const header = headers[index];
      if (header) header.hidden = !has;
      return has;
    });
    const key = sort ? columns[sort.index]?.key : undefined;
    const sign = sort?.descending ? -1 : 1;
    const at = [...body.rows].findIndex((row) => row === document.activeElement);
    const before = sorted[at];
    sorted = key ? items.toSorted((a, b) => (key(a) < key(b) ? -sign : key(a) > key(b) ? sign : 0)) : items;
    body.replaceChildren(...sorted.map((item) => {
      const row = h('tr', { 'data-look': look?.(item) ?? null, 'data-selected': isOpen?.(item) ? 'true' : null }, ...shown.map((column) => {
        const cell = h('td', { class: [column.end ? 'num' : '', column.className ?? ''].join(' ').trim() || null, 'data-area': column.area }, column.cell(item));
        cell.toggleAttribute('data-none', cell.textContent === format.NONE);
        return cell;
      }));
      if (onOpen) {
        row.tabIndex = -1;
        row.addEventListener('click', () => onOpen(item));
        row.addEventListener('keydown', (event) => {
          if (event.key === 'Enter') onOpen(item);
        });
      }
      return row;
    }));
    nothing.hidden = items.length > 0;
    table.hidden = items.length === 0;
    if (onOpen) roving.renew();
    if (before === undefined) return;
    const same = sorted.findIndex((item) => id(item) === id(before));
    body.rows[same < 0 ? Math.min(at, sorted.length - 1) : same]?.focus();
  }

  return {
    /** Walks from line to line. @param {number} by */
    move: (by) => roving.move(by),
    /** Puts the focus on an item. @param {unknown} wanted its id */
    focus(wanted) {
      const at = sorted.findIndex((item) => id(item) === wanted);
      if (at >= 0) roving.go(at);
    },
    /** The item that has the focus. @returns {T | null} */
    focused: () => sorted[[...body.rows].findIndex((row) => row === document.activeElement)] ?? null,
    /** @param {T[]} next @param {string} [filter] what others were left out by @param {string} [none] why there may be none, where that is not what it mostly is */
    show(next, filter = '', none = empty) {
      items = next;
      why.textContent = filter === '' ? none : `No ${noun} matches “${filter}”.`;
      clear.hidden = filter === '';
      render();
    },
  };
}

/** @param {{ provider: string, badge?: import('../types.js').Badge }} of */
export const badge = ({ provider, badge = format.badge(provider) }) => h('span', { class: 'badge', 'data-badge': badge }, provider);

/**
 * A column of counts.
 * @template T
 * @param {string} title @param {(it: T) => number} read
 * @returns {TableColumn<T>}
 */
export const counts = (title, read) => ({ title, end: true, key: read, cell: (it) => format.count(read(it)) });

/** Whether any of them has a known cost. @param {{ cost: number | null }[]} items */
export const priced = (items) => items.some((it) => it.cost !== null);
