/** The replicas that are shown: those that the address names, else those that the operator chose last. */

import { readScope, replicaOf } from '../model/scope.js';

/** @typedef {import('../types.js').Scope} Scope */

const STORED = 'active-requests.scope';

/** @param {Pick<import('../types.js').Place, 'scope' | 'view'>} place what the address says @returns {Scope} */
export function scopeOf({ scope, view }) {
  // The views of the past have no numbers of one replica alone.
  if (scope !== null) return replicaOf(scope) !== null && view !== 'requests' && view !== 'replicas' ? 'fleet' : scope;
  try {
    return readScope(localStorage.getItem(STORED)) ?? 'local';
  } catch {
    return 'local';
  }
}

/** Keeps what the operator chose. @param {Scope} scope */
export function keepScope(scope) {
  try {
    localStorage.setItem(STORED, scope);
  } catch {
    // Not kept, then.
  }
}
