/**
 * Tokens come by the thousand a second; a page is painted sixty times. The buffer joins what came in between.
 */

import { after, systemClock } from './clock.js';

/** @import { Clock } from './clock.js' */

/**
 * @typedef {object} TokenBufferOptions
 * @property {number} [flushInterval] the longest a token waits, in ms; 50 by default
 * @property {number} [maxChars] flushes at once when so much has gathered; 65,536 by default
 * @property {((run: () => void) => number) | null} [requestFrame] `requestAnimationFrame`, where there is one; `null`: the timer alone
 * @property {(id: number) => void} [cancelFrame]
 * @property {Clock} [clock]
 */

/**
 * Flushes with the next frame, or after `flushInterval` where no frame comes: a hidden tab has none.
 */
export class TokenBuffer {
  /** @type {string[]} */
  #tokens = [];
  #size = 0;
  /** @type {(() => void) | undefined} takes back the flush that is to come */
  #takeBack;
  #onFlush;
  #options;

  /**
   * @param {(text: string) => void} onFlush is never given empty text
   * @param {TokenBufferOptions} [options]
   */
  constructor(onFlush, options = {}) {
    this.#onFlush = onFlush;
    this.#options = options;
  }

  /** @param {string} token */
  add(token) {
    const { flushInterval = 50, maxChars = 65_536, clock = systemClock } = this.#options;
    const { requestFrame = globalThis.requestAnimationFrame, cancelFrame = globalThis.cancelAnimationFrame } = this.#options;
    this.#tokens.push(token);
    this.#size += token.length;
    if (this.#size >= maxChars) return this.flush();
    if (this.#takeBack) return;
    const flush = () => this.flush();
    const frame = requestFrame?.(flush);
    const cancelTimer = after(clock, flushInterval, flush);
    this.#takeBack = () => {
      if (frame !== undefined) cancelFrame(frame);
      cancelTimer();
    };
  }

  /** Hands over what there is, now: before the end is shown, for example. */
  flush() {
    this.#takeBack?.();
    this.#takeBack = undefined;
    const text = this.#tokens.join('');
    this.#tokens = [];
    this.#size = 0;
    if (text) this.#onFlush(text);
  }

  /** Flushes, and leaves nothing running. The buffer may be used again. */
  dispose() {
    this.flush();
  }
}
