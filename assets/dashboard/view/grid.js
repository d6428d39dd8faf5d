/**
 * Which grid the wide list is drawn with: AG Grid where the server has it, else the plain table, which needs nothing. AG Grid takes a while
 * to start; until it is ready the plain table shows the rows, and then hands over.
 */

import { Pending } from '../model/pending.js';
import { h } from './dom.js';
import { createPlainGrid } from './grid-plain.js';

/** @typedef {import('./grid-plain.js').Grid} Grid */
/** @typedef {import('./grid-plain.js').GridOptions} GridOptions */
/** @typedef {import('./grid-ag.js').AgGrid} AgGrid */
/** @typedef {typeof import('./grid-ag.js').createAgGrid} CreateAgGrid */

/** Milliseconds to wait for first rows to be on the screen before AG Grid is started all the same. */
const NO_ROWS = 600;

/**
 * @param {object} parts
 * @param {string} parts.source where the library is, empty where there is none
 * @param {string} parts.nonce
 * @param {(late: boolean) => void} parts.onLate AG Grid takes its time, or came after all
 * @param {() => void} parts.onPlain there is no AG Grid, nor will be
 */
export function createGrids({ source, nonce, onLate, onPlain }) {
  /** @type {Promise<[AgGrid | null, CreateAgGrid | null]> | null} */
  let library = null;
  const load = () =>
    (library ??= Promise.all([
      /** @type {Promise<AgGrid | null>} */ (new Promise((resolve) => {
        const script = h('script', { src: source, onload: () => resolve(loaded()), onerror: () => resolve(null) });
        document.head.append(script);
      })),
      import('./grid-ag.js').then((it) => it.createAgGrid, () => null),
    ]));
  if (source === '') onPlain();

  /** @param {HTMLElement} host @param {GridOptions} options @returns {Grid} */
  return function createGrid(host, options) {
    if (source === '') return createPlainGrid(host, { ...options, cards: false });
    const standIn = h('div', { class: 'grid-layer' });
    const layer = h('div', { class: 'grid-layer', inert: true });
    host.replaceChildren(layer, standIn);
    /** @type {Grid} */
    let shown = createPlainGrid(standIn, { ...options, cards: false });
    /** @type {Grid | null} */
    let coming = null;
    let gone = false;

    /** @type {Pending<Parameters<Grid['show']>>} */
    const pending = new Pending({
      ready: () => coming?.ready() === true,
      apply: (now) => {
        if (coming) takeOver(coming, ...now);
      },
      onLate,
      setTimeout: (run, ms) => setTimeout(run, ms),
      clearTimeout: (timer) => clearTimeout(/** @type {number} */ (timer)),
    });

    /** @param {Grid} grid @param {Parameters<Grid['show']>} now */
    function takeOver(grid, ...now) {
      grid.show(...now);
      if (shown === grid) return;
      const had = standIn.contains(document.activeElement);
      grid.point(shown.current());
      shown.destroy();
      standIn.remove();
      layer.inert = false;
      shown = grid;
      if (had) grid.focus();
    }

    let started = false;

    function start() {
      if (started) return;
      started = true;
      clearTimeout(timer);
      void load().then(([agGrid, createAgGrid]) => {
        if (gone) return;
        if (agGrid && createAgGrid) coming = createAgGrid(agGrid, layer, { ...options, nonce });
        else {
          pending.stop();
          layer.remove();
          onPlain();
        }
      });
    }
    const timer = setTimeout(start, NO_ROWS);

    return {
      ready: () => true,
      show(lines, sort) {
        if (shown !== coming) shown.show(lines, sort);
        if (layer.isConnected) pending.offer([lines, sort]);
        // When these rows are on the screen.
        if (!started && lines.length > 0) requestAnimationFrame(() => setTimeout(start));
      },
      paint: (all) => shown.paint(all),
      move: (by) => shown.move(by),
      current: () => shown.current(),
      point: (id) => shown.point(id),
      focus: () => shown.focus(),
      focused: () => shown.focused(),
      destroy() {
        gone = true;
        clearTimeout(timer);
        pending.stop();
        coming?.destroy();
        if (shown !== coming) shown.destroy();
        host.replaceChildren();
      },
    };
  };
}

/** The global that the script leaves behind. @returns {AgGrid | null} */
const loaded = () => /** @type {{ agGrid?: AgGrid }} */ (/** @type {unknown} */ (window)).agGrid ?? null;
