/** Where the operator is: what the address says, changed by what is pressed here and by the browser's back and forward. */

import { readPlace, writePlace } from './model/place.js';

/** @typedef {import('./types.js').Place} Place */

export class Address {
  place = readPlace(location.hash);
  /** Told when the place is another. @type {() => void} */
  onChange = () => {};

  constructor() {
    addEventListener('popstate', () => {
      this.place = readPlace(location.hash);
      this.onChange();
    });
  }

  /** @param {Partial<Place>} change @param {'push' | 'replace'} [how] whether the browser's back leads here again */
  go(change, how = 'replace') {
    this.place = { ...this.place, ...change };
    const hash = writePlace(this.place);
    if (hash !== location.hash) history[how === 'push' ? 'pushState' : 'replaceState'](null, '', hash);
    this.onChange();
  }

  /** To send to somebody: this place with changes. @param {Partial<Place>} change */
  link(change) {
    return location.href.replace(/#.*/, '') + writePlace({ ...this.place, ...change });
  }
}
