/** The labels of a request, by name; `label.session` is the field of the label “session”, wherever fields are named. */

/** No labels: one for all rows without any. @type {ReadonlyMap<string, string>} */
export const NO_LABELS = new Map();

/** More than a server sends. */
const MOST = 32;

/** @param {unknown} wire @returns {ReadonlyMap<string, string>} */
export function readLabels(wire) {
  if (typeof wire !== 'object' || wire === null || Array.isArray(wire)) return NO_LABELS;
  const labels = Object.entries(wire).slice(0, MOST).flatMap(([name, value]) => (typeof value === 'string' && value !== '' ? [/** @type {const} */ ([name, value])] : []));
  return labels.length === 0 ? NO_LABELS : new Map(labels);
}

const PREFIX = 'label.';

/** @param {string} name */
export const labelField = (name) => PREFIX + name;

/** The label that a field names; `null` where it names none. @param {string} field */
export const labelOf = (field) => (field.startsWith(PREFIX) && field.length > PREFIX.length ? field.slice(PREFIX.length) : null);
