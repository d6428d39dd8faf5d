/** Which grid the wide list is drawn with: AG Grid where the server has it, else the plain table, which needs nothing. */

import { h } from "./dom.js";
import { createAgGrid } from "./grid-ag.js";
import { createPlainGrid } from "./grid-plain.js";

/** @typedef {import("./grid-plain.js").Grid} Grid */
/** @typedef {import("./grid-plain.js").GridOptions} GridOptions */

const HOW_TO = "Plain table. For AG Grid: npm ci && npm run vendor in assets/, or make run.";

/**
 * Begins to load the library at once; a grid made before it is there is not ready until then.
 * @param {{ source: string, nonce: string }} parts `source`: where the library is, empty where there is none
 */
export function loadGrid({ source, nonce }) {
  /** @type {Promise<import("./grid-ag.js").AgGrid | null>} */
  const library = source === "" ? Promise.resolve(null) : new Promise((resolve) => {
    const script = h("script", { src: source, onload: () => resolve(loaded()), onerror: () => resolve(null) });
    document.head.append(script);
  });

  /** @param {HTMLElement} host @param {GridOptions} options @returns {Grid} */
  function createGrid(host, options) {
    if (source === "") return createPlainGrid(host, { ...options, cards: false });
    /** @type {Grid | null} */
    let grid = null;
    let gone = false;
    void library.then((agGrid) => {
      if (gone) return;
      grid = agGrid ? createAgGrid(agGrid, host, { ...options, nonce }) : createPlainGrid(host, { ...options, cards: false });
    });
    return {
      ready: () => grid?.ready() === true,
      show: (lines, sort) => grid?.show(lines, sort),
      paint: (all) => grid?.paint(all),
      move: (by) => grid?.move(by) ?? null,
      destroy() {
        gone = true;
        grid?.destroy();
      },
    };
  }

  return { createGrid, gridName: library.then((agGrid) => (agGrid ? "" : HOW_TO)) };
}

/** What the script leaves behind. @returns {import("./grid-ag.js").AgGrid | null} */
const loaded = () => /** @type {{ agGrid?: import("./grid-ag.js").AgGrid }} */ (/** @type {unknown} */ (window)).agGrid ?? null;
