/** Tells those who listen what happened: each event has a name, and what it tells has a type. */

/**
 * @template {{ [name: string]: unknown[] }} Events what a listener is given, by the event's name
 */
export class Emitter {
  /** @type {Map<keyof Events, Set<(...told: any[]) => void>>} */
  #listeners = new Map();

  /**
   * @template {keyof Events} Name
   * @param {Name} name @param {(...told: Events[Name]) => void} listener
   * @returns {() => void} stops listening
   */
  on(name, listener) {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /**
   * Calls the listeners in the order in which they came.
   * @template {keyof Events} Name
   * @param {Name} name @param {Events[Name]} told
   */
  emit(name, ...told) {
    for (const listener of this.#listeners.get(name) ?? []) listener(...told);
  }
}
