/** The state that the address holds, `#/requests?q=state:stalled&sort=-output&row=req_..`: everything one would send to a colleague. */

import { ofThePast } from './filter.js';
import { DEFAULT_SORT, isGroupField, isSortable } from './order.js';
import { readScope } from './scope.js';

/** @typedef {import('../types.js').Place} Place */
/** @typedef {import('../types.js').ViewName} ViewName */

/** @type {ViewName[]} */
export const VIEWS = ['requests', 'totals', 'errors', 'traces', 'replicas'];

/** Views in which the live list or its sums are seen; elsewhere the stream rests. @param {ViewName} view */
export const isLiveView = (view) => view === 'requests' || view === 'totals' || view === 'replicas';

/** The same in another view; terms that nothing there can match stay behind. @param {Place} place @param {ViewName} view @returns {Place} */
export const inView = (place, view) => ({ ...place, view, row: null, filter: view === 'errors' || view === 'traces' ? ofThePast(place.filter) : place.filter });

/** @param {string} hash @returns {Place} */
export function readPlace(hash) {
  const [path = '', query = ''] = splitOnce(hash.replace(/^#\/?/, ''), '?');
  const search = new URLSearchParams(query);
  const column = search.get('sort') ?? '';
  const group = search.get('group');
  const name = column.replace(/^-/, '');
  return {
    view: VIEWS.find((view) => view === path) ?? 'requests',
    scope: readScope(search.get('scope')),
    filter: search.get('q') ?? '',
    sort: isSortable(name) ? { column: name, descending: column.startsWith('-') } : DEFAULT_SORT,
    group: isGroupField(group) ? group : null,
    columns: search.get('columns')?.split(',').filter((id) => id !== '') ?? null,
    row: search.get('row'),
    frozen: search.get('frozen') === '1',
  };
}

/** Only what differs from the plain list stands in the address. @param {Place} place */
export function writePlace(place) {
  const search = new URLSearchParams();
  if (place.scope !== null) search.set('scope', place.scope);
  if (place.filter !== '') search.set('q', place.filter);
  const { column, descending } = place.sort;
  if (column !== DEFAULT_SORT.column || descending !== DEFAULT_SORT.descending) search.set('sort', (descending ? '-' : '') + column);
  if (place.columns !== null) search.set('columns', place.columns.join(','));
  if (place.group !== null) search.set('group', place.group);
  if (place.frozen) search.set('frozen', '1');
  if (place.row !== null) search.set('row', place.row);
  const query = search.toString().replaceAll('%3A', ':').replaceAll('%2F', '/').replaceAll('%2C', ',');
  return `#/${place.view}${query === '' ? '' : `?${query}`}`;
}

/** @param {string} text @param {string} at */
function splitOnce(text, at) {
  const index = text.indexOf(at);
  return index < 0 ? [text] : [text.slice(0, index), text.slice(index + at.length)];
}
