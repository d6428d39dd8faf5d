/** Asks the server every ten seconds for what it counted, so that this page agrees with any other. */

import { readSeries, STEP_MS } from '../model/figures.js';
import { readMissing } from '../model/replicas.js';
import { replicaOf } from '../model/scope.js';
import { ApiError, isGivenUp } from '../net/api.js';
import { Poller } from '../net/poller.js';

/** @param {import('./live.js').Live} live @param {() => void} onCount told when there is an answer */
export function createCount({ api, connection, debug, facts, figures }, onCount) {
  const poller = new Poller({
    intervalMs: STEP_MS,
    busy: () => false,
    setTimeout: (run, ms) => setTimeout(run, ms),
    clearTimeout: (timer) => clearTimeout(/** @type {number} */ (timer)),
    task: async () => {
      // Nobody counts for one replica of many.
      if (replicaOf(api.scope) !== null) return figures.lack();
      try {
        const { json } = await api.get('series');
        facts.missing.series = readMissing(json);
        figures.take(readSeries(json));
      } catch (error) {
        if (isGivenUp(error)) return;
        // An older server does not count; any other failure may pass.
        if (error instanceof ApiError && error.status === 404) figures.lack();
        debug('no series', error);
      }
      onCount();
    },
  });
  const wanted = () => !document.hidden && connection.state.name !== 'locked' && connection.state.name !== 'waiting';
  return {
    /** Begins or ends asking, as things stand now. */
    settle: () => poller.set(wanted()),
    /** Ask now: the list is new, and its numbers should be. */
    now: () => {
      if (wanted()) void poller.now();
    },
  };
}
