/** Parts of the page, and their styles, that come when they are first needed, or, so that they are there when the server is not, once the page has nothing else to do. */

import { h } from '../view/dom.js';

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

/** Styles that have come, or are on their way. @type {Map<string, Promise<unknown>>} */
const styles = new Map();

/** Has a style come, once. @param {'details' | 'dialogs' | 'fleet' | 'past'} name */
export function style(name) {
  const coming = styles.get(name) ?? new Promise((resolve, reject) => {
    const failed = () => {
      styles.delete(name);
      reject(new Error(`the style of the ${name} did not come`));
    };
    const link = h('link', { rel: 'stylesheet', href: `page/style/${name}.css`, onload: resolve, onerror: failed });
    // What the system decides on goes over all others.
    document.querySelector('link[href$="/forced.css"]')?.before(link);
  });
  styles.set(name, coming);
  return coming;
}

/** Has all parts come, one after the other. */
export async function loadAll() {
  for (const load of parts) await load().catch(() => {});
}
