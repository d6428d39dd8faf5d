/** Waiting times: between two tries to reach the server, and between two looks whether the grid is ready. */

const LONGEST = 30_000;

/**
 * Milliseconds before the `attempt`-th new try to connect (from 1): 750 ms x 1.6^attempt, give or take a quarter, so that a hundred open
 * pages do not return in one moment; never under 250 ms, never over 30 s.
 * @param {number} attempt @param {() => number} random in [0, 1)
 */
export function reconnectDelay(attempt, random) {
  const base = Math.min(LONGEST, 750 * 1.6 ** attempt);
  return Math.max(250, Math.min(LONGEST, Math.round(base * (0.75 + random() * 0.5))));
}

/** Looks after which the page says that its grid is late. */
export const GRID_TRIES = 40;

/** Milliseconds before the next look at a grid that was not ready `tries` times. @param {number} tries */
export const gridDelay = (tries) => Math.min(250, 25 * 1.35 ** tries);
