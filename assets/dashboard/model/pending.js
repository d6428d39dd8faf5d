/**
 * Holds the newest state of the list until the grid can take it. Nothing is queued, since the newest replaces what came before; nothing
 * is given up, since a grid that is late is still a grid.
 */

import { GRID_TRIES, gridDelay } from './backoff.js';

/** @template T */
export class Pending {
  /** @type {{ value: T } | null} */
  #held = null;
  /** @type {unknown} */
  #timer = null;
  #tries = 0;
  #parts;

  /**
   * @param {object} parts
   * @param {() => boolean} parts.ready
   * @param {(value: T) => void} parts.apply
   * @param {(late: boolean) => void} parts.onLate told once when the grid is late, and once when it came after all
   * @param {(run: () => void, ms: number) => unknown} parts.setTimeout
   * @param {(timer: unknown) => void} parts.clearTimeout
   */
  constructor(parts) {
    this.#parts = parts;
  }

  /** @param {T} value */
  offer(value) {
    this.#held = { value };
    if (this.#timer === null) this.#look();
  }

  stop() {
    if (this.#timer !== null) this.#parts.clearTimeout(this.#timer);
    this.#timer = null;
    this.#held = null;
  }

  #look() {
    this.#timer = null;
    if (this.#held === null) return;
    if (this.#parts.ready()) {
      const { value } = this.#held;
      this.#held = null;
      if (this.#tries >= GRID_TRIES) this.#parts.onLate(false);
      this.#tries = 0;
      this.#parts.apply(value);
      return;
    }
    const delay = gridDelay(this.#tries);
    this.#tries += 1;
    if (this.#tries === GRID_TRIES) this.#parts.onLate(true);
    this.#timer = this.#parts.setTimeout(() => this.#look(), delay);
  }
}
