/**
 * Time as the rest of this package sees it, so that a test can hold it still.
 *
 * @typedef {object} Clock
 * @property {() => number} now ms since the Unix epoch
 * @property {(run: () => void, ms: number) => unknown} setTimeout
 * @property {(id: any) => void} clearTimeout
 */

/** @type {Clock} */
export const systemClock = {
  now: () => Date.now(),
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (id) => clearTimeout(id),
};

/**
 * Runs `run` once after `ms`; never where `ms` is 0 or more than a timer can count (24 days), `Infinity` included.
 *
 * @param {Clock} clock
 * @param {number} ms
 * @param {() => void} run
 * @returns {() => void} takes it back
 */
export function after(clock, ms, run) {
  if (!(ms > 0 && ms < 2 ** 31)) return () => {};
  const id = clock.setTimeout(run, ms);
  return () => clock.clearTimeout(id);
}
