/** The replicas that are shown, as the address and the server name them: `local`, `fleet`, `replica:7f3a9c01`. */

/** @typedef {import('../types.js').Scope} Scope */

/** @param {string | null} text @returns {Scope | null} */
export function readScope(text) {
  if (text === 'local' || text === 'fleet') return text;
  return text !== null && /^replica:[0-9a-f]{8}$/.test(text) ? /** @type {Scope} */ (text) : null;
}

/** The epoch of the one replica that is shown; `null` where others are. @param {Scope} scope */
export const replicaOf = (scope) => (scope.startsWith('replica:') ? scope.slice('replica:'.length) : null);

/** Routes that answer for other replicas, too. Of one alone the server tells only the requests in flight. */
const LISTS = /^active-requests(?:\/stream)?(?:\?|$)/;
const PAST = /^(?:running-totals|logs|series)(?:\?|$)/;

/** @param {string} path relative to the monitor @param {Scope} scope */
export function withScope(path, scope) {
  const isPast = PAST.test(path);
  if (scope === 'local' || !(isPast || LISTS.test(path))) return path;
  return `${path}${path.includes('?') ? '&' : '?'}scope=${isPast ? 'fleet' : scope}`;
}
