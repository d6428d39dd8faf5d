/** Where the operator is: what the address says, changed by what is pressed here and by the browser's back and forward. */

import { readPlace, writePlace } from '../model/place.js';

/** @typedef {import('../types.js').Place} Place */

/** Milliseconds without a key after which the address and the page follow what is typed. */
const TYPING = 120;

export class Address {
  place = readPlace(location.hash);
  #onChange;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #typing;

  /** @param {() => void} onChange told when the place is another */
  constructor(onChange) {
    this.#onChange = onChange;
    addEventListener('popstate', () => {
      clearTimeout(this.#typing);
      this.place = readPlace(location.hash);
      onChange();
    });
  }

  /** @param {Partial<Place>} change @param {'push' | 'replace'} [how] whether the browser's back leads here again */
  go(change, how = 'replace') {
    clearTimeout(this.#typing);
    this.place = { ...this.place, ...change };
    const hash = writePlace(this.place);
    if (hash !== location.hash) history[how === 'push' ? 'pushState' : 'replaceState'](null, '', hash);
    this.#onChange();
  }

  /**
   * Takes what is being typed. The place is another at once, so that nothing else that happens meanwhile can take back a key; the address
   * and the page follow when typing rests.
   * @param {Partial<Place>} change
   */
  type(change) {
    this.place = { ...this.place, ...change };
    clearTimeout(this.#typing);
    this.#typing = setTimeout(() => this.go({}), TYPING);
  }

  /** To send to somebody: this place with changes. @param {Partial<Place>} change */
  link(change) {
    return location.href.replace(/#.*/, '') + writePlace({ ...this.place, ...change });
  }
}
