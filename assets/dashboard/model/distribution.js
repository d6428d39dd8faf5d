/** How durations are spread: counts by bucket, fine enough for percentiles, and the coarser bars that are drawn of them. */

import { amount, isObject } from './row.js';

/** Upper bounds in milliseconds, as the server has them: 1 to 8, then four to an octave, up to 35 minutes. @returns {number[]} */
function usualBounds() {
  const bounds = [];
  for (let bound = 0; bounds.length < 80; ) bounds.push((bound += bound < 8 ? 1 : 2 ** Math.floor(Math.log2(bound)) / 4));
  return bounds;
}

/** Bounds of the bars in milliseconds: 1, 2, 5 in each decade. */
export const BARS = [0, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, Infinity];

/** Reads counts by upper bound in milliseconds, as the totals have them; `null` if there are none. @param {unknown} json */
export function readDistribution(json) {
  if (!isObject(json)) return null;
  const distribution = new Distribution();
  for (const [bound, count] of Object.entries(json)) distribution.count(bound === 'inf' ? Infinity : Number(bound), amount(count));
  return distribution.total > 0 ? distribution : null;
}

export class Distribution {
  #bounds;
  /** One for each bound, up to and with it, and one for what is beyond the last. @type {number[]} */
  #counts;
  total = 0;

  /** @param {ReadonlyArray<number>} [bounds] upper bounds in milliseconds, rising */
  constructor(bounds = usualBounds()) {
    this.#bounds = bounds;
    this.#counts = new Array(bounds.length + 1).fill(0);
  }

  /** @param {number} ms */
  add(ms) {
    this.count(ms, 1);
  }

  /** @param {number} ms @param {number} times */
  count(ms, times) {
    const at = this.#bounds.findIndex((bound) => ms <= bound);
    this.#put(at < 0 ? this.#bounds.length : at, times);
  }

  /** @param {ReadonlyArray<number>} counts by the same bounds */
  merge(counts) {
    for (let at = 0; at < this.#counts.length; at++) this.#put(at, counts[at] ?? 0);
  }

  /** @param {number} at @param {number} count */
  #put(at, count) {
    this.#counts[at] = (this.#counts[at] ?? 0) + count;
    this.total += count;
  }

  /** The time within which a part of them lies, taken as evenly spread in its bucket; `null` without any. @param {number} part 0 to 1 */
  quantile(part) {
    if (this.total === 0) return null;
    let below = 0;
    for (const [at, count] of this.#counts.entries()) {
      if (count > 0 && below + count >= part * this.total) {
        const from = this.#bounds[at - 1] ?? 0;
        const to = this.#bounds[at] ?? from;
        return from + ((part * this.total - below) / count) * (to - from);
      }
      below += count;
    }
    return this.#bounds.at(-1) ?? null;
  }

  /** How many fall between each two bounds of the bars: a bucket goes where its middle is. @returns {number[]} */
  bars() {
    const bars = new Array(BARS.length - 1).fill(0);
    for (const [at, count] of this.#counts.entries()) {
      if (count === 0) continue;
      const from = this.#bounds[at - 1] ?? 0;
      const middle = (from + (this.#bounds[at] ?? from * 2)) / 2;
      bars[BARS.findIndex((bound) => middle < bound) - 1] += count;
    }
    return bars;
  }
}
