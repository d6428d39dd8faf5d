/** The actions on a request: one list for the menu of its row, its drawer and the keys. */

/** @typedef {import('../types.js').Row} Row */

/**
 * @typedef {object} Action
 * @property {string} label
 * @property {string} [key] the key that does it
 * @property {boolean} inDrawer
 * @property {boolean} [dangerous] ends something
 * @property {(row: Row) => boolean} [offered] whether it can be done with the request, where that is not always so
 * @property {(row: Row) => void} run
 */

/**
 * @param {object} parts
 * @param {(row: Row) => void} parts.open
 * @param {(text: string, what: string) => void} parts.copy
 * @param {(row: Row) => string} parts.linkTo
 * @param {(field: string, value: string) => void} parts.filter
 * @param {(row: Row) => void} parts.pin
 * @param {(row: Row) => void} parts.cancel
 * @param {() => boolean} parts.mayCancel
 * @param {(act: (share: typeof import('../model/share.js')) => void) => void} parts.share
 * @param {string} parts.origin
 * @returns {Action[]}
 */
export const requestActions = ({ open, copy, linkTo, filter, pin, cancel, mayCancel, share, origin }) => [
  { label: 'Details', key: 'Enter', inDrawer: false, run: open },
  { label: 'Copy link', inDrawer: true, run: (row) => copy(linkTo(row), 'Link') },
  { label: 'Copy as curl', key: 'c', inDrawer: true, run: (row) => share(({ toCurl }) => copy(toCurl(row, origin), 'curl command')) },
  { label: 'Copy as JSON', inDrawer: true, run: (row) => share(({ toJson }) => copy(toJson(row), 'JSON')) },
  { label: 'Copy id', inDrawer: false, run: (row) => copy(row.id, 'Id') },
  { label: 'Only this model', inDrawer: true, run: (row) => filter('model', row.model) },
  { label: 'Only this provider', inDrawer: true, run: (row) => filter('provider', row.provider) },
  { label: 'Pin: keep it after it ends', key: 'p', inDrawer: false, run: pin },
  { label: 'Cancel...', key: 'x', inDrawer: true, dangerous: true, offered: (row) => mayCancel() && row.outcome === null, run: cancel },
];

/** Copies also where the page came over plain http, and the clipboard interface is not there. @param {string} text */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement('textarea');
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  }
}
