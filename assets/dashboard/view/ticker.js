/** The page's two slow clocks. Both stand still while nobody looks: an animation frame does not come to a hidden tab. */

/**
 * @param {() => number} everyMs asked before each wait, so that a change counts at once
 * @param {() => void} tick
 * @returns {() => void} stops it
 */
export function startTicker(everyMs, tick) {
  let frame = 0;
  /** @type {ReturnType<typeof setTimeout>} */
  let timer;
  const wait = () => {
    timer = setTimeout(() => {
      frame = requestAnimationFrame(() => {
        tick();
        wait();
      });
    }, everyMs());
  };
  wait();
  return () => {
    clearTimeout(timer);
    cancelAnimationFrame(frame);
  };
}

/** Milliseconds after a touch during which the operator is taken to be busy. */
const BUSY_MS = 1500;

/**
 * Whether the operator is at work in a table, which should then not be redrawn under the hand.
 * @param {Iterable<Element>} hosts @param {() => number} now
 */
export function watchBusy(hosts, now) {
  let last = -Infinity;
  const touch = () => {
    last = now();
  };
  for (const host of hosts) {
    for (const type of ['pointerdown', 'pointermove', 'wheel', 'keydown', 'focusin']) host.addEventListener(type, touch, { passive: true });
  }
  return () => now() - last < BUSY_MS;
}
