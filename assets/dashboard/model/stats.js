/** What happened in the last seconds, for the rates on top. Seconds in which the page was not looking are gaps, not zeros. */

/** Seconds that are kept. */
export const WINDOW = 60;

/** @typedef {{ tokens: number, started: number }} Second */

export class Stats {
  /** One per second, oldest first; `null` is a gap. @type {(Second | null)[]} */
  seconds = new Array(WINDOW).fill(null);
  /** The second that `seconds` ends with, in epoch seconds. */
  lastSecond = 0;
  #tokens = 0;
  #started = 0;
  #live = 0;

  /** @param {number} count */
  addTokens(count) {
    this.#tokens += count;
  }

  addStart() {
    this.#started += 1;
  }

  /**
   * Closes the seconds up to now. Called about once a second while a stream tells what happens, or with each polled answer.
   * @param {number} nowMs
   * @param {number} [pause] seconds that may have passed since the last call while the page was looking
   */
  tick(nowMs, pause = 3) {
    const second = Math.floor(nowMs / 1000);
    if (second <= this.lastSecond) return;
    if (this.lastSecond === 0) {
      // What happened before the page looked is not known.
      this.lastSecond = second;
      return this.pause();
    }
    const missed = second - this.lastSecond - 1;
    // Values that came together are spread over the seconds they stand for; a long absence is a gap.
    const spread = missed < pause ? missed + 1 : 1;
    for (let i = 0; i < Math.min(missed - spread + 1, WINDOW); i++) this.#push(null);
    for (let i = 0; i < spread; i++) this.#push({ tokens: this.#tokens / spread, started: this.#started / spread });
    this.lastSecond = second;
    this.#tokens = this.#started = 0;
  }

  /** Other replicas are looked at: their seconds are not known yet. */
  restart() {
    this.seconds.fill(null);
    this.lastSecond = 0;
    this.pause();
  }

  /** The page stops looking: what was counted since the last tick belongs to no second. */
  pause() {
    this.#tokens = this.#started = 0;
    this.#live = 0;
  }

  /** @param {Second | null} second */
  #push(second) {
    this.seconds.push(second);
    if (this.seconds.length > WINDOW) this.seconds.shift();
    this.#live = second ? this.#live + 1 : 0;
  }

  /** Means over the last `span` seconds that were seen without a gap. @param {number} span */
  recent(span) {
    const seen = Math.min(span, this.#live);
    let tokens = 0;
    let started = 0;
    for (const second of seen > 0 ? this.seconds.slice(-seen) : []) {
      tokens += second?.tokens ?? 0;
      started += second?.started ?? 0;
    }
    return seen > 0 ? { tokensPerSecond: tokens / seen, startsPerSecond: started / seen } : null;
  }
}
