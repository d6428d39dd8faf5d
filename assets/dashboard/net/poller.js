/** Does a task every so often, one at a time, and not while the operator is busy in a table that it would redraw. */

/** How long to wait before looking again whether the operator is still busy, in milliseconds. */
const BUSY_RETRY = 500;

export class Poller {
  intervalMs;
  #parts;
  #on = false;
  #turn = 0;
  /** @type {unknown} */
  #timer = null;

  /**
   * @param {object} parts
   * @param {() => Promise<void>} parts.task told nothing, rejects never
   * @param {() => boolean} parts.busy
   * @param {number} parts.intervalMs
   * @param {(run: () => void, ms: number) => unknown} parts.setTimeout
   * @param {(timer: unknown) => void} parts.clearTimeout
   */
  constructor(parts) {
    this.#parts = parts;
    this.intervalMs = parts.intervalMs;
  }

  /** @param {boolean} on */
  set(on) {
    if (on === this.#on) return;
    this.#on = on;
    if (on) void this.now();
    else this.#stop();
  }

  /** Do it now, busy or not, and count the interval from here. */
  async now() {
    this.#stop();
    const turn = (this.#turn += 1);
    await this.#parts.task();
    if (this.#on && turn === this.#turn) this.#wait(this.intervalMs);
  }

  /** @param {number} ms */
  #wait(ms) {
    this.#timer = this.#parts.setTimeout(() => {
      if (this.#parts.busy()) this.#wait(BUSY_RETRY);
      else void this.now();
    }, ms);
  }

  #stop() {
    if (this.#timer !== null) this.#parts.clearTimeout(this.#timer);
    this.#timer = null;
    this.#turn += 1;
  }
}
