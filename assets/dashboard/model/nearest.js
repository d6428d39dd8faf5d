/** The word that somebody meant, from the one that was written. */

/** How many letters must be put in, left out, changed or swapped with their neighbour. @param {string} a @param {string} b */
function distance(a, b) {
  /** @type {number[][]} */
  const rows = [Array.from({ length: b.length + 1 }, (_, index) => index)];
  const at = (/** @type {number} */ i, /** @type {number} */ j) => rows[i]?.[j] ?? Infinity;
  for (let i = 1; i <= a.length; i++) {
    rows[i] = [i];
    for (let j = 1; j <= b.length; j++) {
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? at(i - 2, j - 2) + 1 : Infinity;
      rows[i]?.push(Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1), swapped));
    }
  }
  return at(a.length, b.length);
}

/** Longer than any word that is looked for; beyond, nobody mistyped. */
const LONGEST = 40;

/** The one of `words` that is so like `word` that it may have been meant. @param {string} word @param {Iterable<string>} words @returns {string | null} */
export function nearest(word, words) {
  if (word.length < 2 || word.length > LONGEST) return null;
  const most = word.length < 4 ? 1 : word.length < 8 ? 2 : 3;
  let best = null;
  let least = most + 1;
  for (const candidate of words) {
    const far = candidate.startsWith(word) ? 1 : distance(word, candidate);
    if (far < least) [best, least] = [candidate, far];
  }
  return best;
}
