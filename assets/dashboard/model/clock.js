/**
 * The server's clock, seen from the browser. Ages are counted between two times of the same clock, so that a browser whose clock
 * is wrong, or is set while the page is open, never shows a negative age.
 */

export class ServerClock {
  /** @type {number | null} */
  #offset = null;
  #monotonic;

  /** @param {() => number} monotonic milliseconds that never step back, epoch-like to begin with */
  constructor(monotonic) {
    this.#monotonic = monotonic;
  }

  /**
   * A message was stamped `serverMs`. It was under way for some time, so the true offset is at least what it shows: the greatest
   * offset seen comes nearest. A step of more than a minute is a clock that was set, and is believed.
   * @param {number} serverMs
   */
  observe(serverMs) {
    const seen = serverMs - this.#monotonic();
    if (this.#offset === null || seen > this.#offset || this.#offset - seen > 60_000) this.#offset = seen;
  }

  /** Another server is listened to. */
  forget() {
    this.#offset = null;
  }

  /** Now, in epoch milliseconds on the server's clock. */
  now() {
    return this.#monotonic() + (this.#offset ?? 0);
  }
}

/** Epoch milliseconds from a source that no clock change moves. @param {Pick<Performance, 'timeOrigin' | 'now'>} source */
export const monotonicEpoch = (source) => () => source.timeOrigin + source.now();
