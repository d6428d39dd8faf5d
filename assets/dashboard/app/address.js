/** Where the operator is: what the address says, changed by what is pressed here and by the browser's back and forward. */

import { readPlace, writePlace } from '../model/place.js';

/** @typedef {import('../types.js').Place} Place */

/** Marks an entry of the history that was made by opening the details of a request: going back closes them. */
const OPENED = 'opened';

/** Milliseconds without a key after which the address and the page follow what is typed. */
const TYPING = 120;

export class Address {
  place = readPlace(location.hash);
  #onChange;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #typing;
  /** An entry of the history that was left on purpose: the place it names is not to be taken. */
  #leaving = false;
  #writing = false;

  /** @param {() => void} onChange told when the place is another */
  constructor(onChange) {
    this.#onChange = onChange;
    addEventListener('popstate', () => {
      if (this.#leaving) {
        this.#leaving = false;
        this.#write(() => history.replaceState(history.state, '', writePlace(this.place)));
        return;
      }
      this.#read();
    });
    // Scripts around the page change the address too, and no event of the page tells of it.
    const { navigation } = /** @type {{ navigation?: EventTarget }} */ (/** @type {unknown} */ (window));
    navigation?.addEventListener('currententrychange', () => {
      if (!this.#leaving && !this.#writing && location.hash !== writePlace(this.place)) this.#read();
    });
  }

  #read() {
    clearTimeout(this.#typing);
    this.place = readPlace(location.hash);
    this.#onChange();
  }

  /** Writes the address, and knows that it did. @param {() => void} write */
  #write(write) {
    this.#writing = true;
    write();
    this.#writing = false;
  }

  /** @param {Partial<Place>} change @param {'push' | 'replace'} [how] whether the browser's back leads here again */
  go(change, how = 'replace') {
    clearTimeout(this.#typing);
    const opens = this.place.row === null && change.row !== undefined && change.row !== null;
    const closes = this.place.row !== null && change.row === null && how === 'replace';
    this.place = { ...this.place, ...change };
    const hash = writePlace(this.place);
    if (closes && history.state === OPENED) {
      // As the browser's back would do, so that it does not open them again.
      this.#leaving = true;
      history.back();
    } else if (hash !== location.hash) {
      this.#write(() => {
        if (opens) history.pushState(OPENED, '', hash);
        else history[how === 'push' ? 'pushState' : 'replaceState'](how === 'push' ? null : history.state, '', hash);
      });
    }
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
