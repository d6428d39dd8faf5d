/** The columns that are shown, in their order and width: as the operator has set them, or as an address names them. */

/**
 * @typedef {object} Layout
 * @property {string[]} hidden
 * @property {string[]} order all columns that had an order once; another one stands after its neighbour in the usual order
 * @property {Record<string, number>} widths in CSS pixels, of the columns that were given one
 *
 * @typedef {object} Placed
 * @property {string} id
 * @property {number} width
 * @property {number} [flex]
 * @property {'start' | 'end'} [fixed] stands there, whatever the order, and cannot be hidden
 * @property {boolean} [optional] shown only where there is something to show
 */

export const NARROWEST = 48;
const WIDEST = 2000;

/** @param {unknown} kept @returns {Layout} */
export function readLayout(kept) {
  const { hidden, order, widths } = /** @type {Record<string, unknown>} */ (typeof kept === 'object' && kept !== null ? kept : {});
  const texts = (/** @type {unknown} */ list) => (Array.isArray(list) ? list.filter((it) => typeof it === 'string') : []);
  const pairs = typeof widths === 'object' && widths !== null ? Object.entries(widths) : [];
  return {
    hidden: texts(hidden),
    order: texts(order),
    widths: Object.fromEntries(pairs.flatMap(([id, width]) => (typeof width === 'number' && width >= NARROWEST && width <= WIDEST ? [[id, Math.round(width)]] : []))),
  };
}

/** @param {number} width */
export const bounded = (width) => Math.round(Math.max(NARROWEST, Math.min(width, WIDEST)));

/**
 * @template {Placed} C
 * @param {C[]} columns in the usual order
 * @param {Layout} layout
 * @param {ReadonlySet<string>} present the optional ones that have something to show
 * @param {string[] | null} [only] exactly these, in this order, whatever the layout says of order and hiding
 * @returns {C[]}
 */
export function layOut(columns, { hidden, order, widths }, present, only = null) {
  const sorted = inOrder(columns, only ?? order);
  const shown = sorted.filter((it) => it.fixed || (only ? only.includes(it.id) : !hidden.includes(it.id)));
  return shown
    .filter((it) => !it.optional || present.has(it.id))
    .map((it) => {
      const width = widths[it.id];
      return width === undefined ? it : { ...it, width, flex: undefined };
    });
}

/**
 * Sorts columns as `order` has them. One that it does not name stands after its neighbour before.
 * @template {Placed} C
 * @param {C[]} columns @param {string[]} order
 */
export function inOrder(columns, order) {
  if (order.length === 0) return columns;
  const byId = new Map(columns.map((it) => [it.id, it]));
  const sorted = order.flatMap((id) => byId.get(id) ?? []).filter((it) => !it.fixed);
  for (const [index, column] of columns.entries()) {
    if (column.fixed || sorted.includes(column)) continue;
    const before = columns.slice(0, index).findLast((it) => sorted.includes(it));
    sorted.splice(before ? sorted.indexOf(before) + 1 : 0, 0, column);
  }
  return [...columns.filter((it) => it.fixed === 'start'), ...sorted, ...columns.filter((it) => it.fixed === 'end')];
}

/** `order` with a column in another's place. @param {string[]} order @param {string} id @param {string} other */
export function moved(order, id, other) {
  const to = order.indexOf(other);
  if (to < 0 || id === other) return order;
  const rest = order.filter((it) => it !== id);
  rest.splice(to, 0, id);
  return rest;
}
