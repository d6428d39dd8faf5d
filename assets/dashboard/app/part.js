/** Parts of the page that come when they are first needed, or, so that they are there when the server is not, once the page has nothing else to do. */

/** @type {(() => Promise<unknown>)[]} */
const parts = [];

/**
 * @template T
 * @param {() => Promise<T>} load
 */
export function createPart(load) {
  /** @type {Promise<T> | null} */
  let coming = null;
  const part = {
    /** The part; `null` before it has come. @type {T | null} */
    now: null,
    /** Has the part come, once; what failed is tried anew by the next who asks. @returns {Promise<T>} */
    load() {
      coming ??= load().then((it) => (part.now = it)).catch((error) => {
        coming = null;
        throw error;
      });
      return coming;
    },
    /** Does something with the part, at once where it is there. @param {(it: T) => void} act */
    use(act) {
      if (part.now !== null) act(part.now);
      else void part.load().then(act, (error) => console.warn('active-requests: a part of the page did not come', error));
    },
  };
  parts.push(part.load);
  return part;
}

/** Has all parts come, one after the other. */
export async function loadAll() {
  for (const load of parts) await load().catch(() => {});
}
