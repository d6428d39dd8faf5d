/** The requests of the list that something is to be done with. Only what is in flight is picked; what ends is picked no longer. */

/** @typedef {import('../types.js').Row} Row */
/** @typedef {import('../types.js').Line} Line */

export class Picks {
  /** @type {Set<string>} */
  ids = new Set();
  /** Whether anything can be picked. */
  allowed = false;
  /** The line that was picked last. @type {string | null} */
  #last = null;

  /** Picks a line, or leaves it out again; with `to`, picks all from the last one up to it. @param {Line[]} lines in their order @param {Line} line @param {boolean} to */
  toggle(lines, line, to) {
    if (line.kind !== 'row') return;
    const [from, at] = [to ? lines.findIndex((it) => it.id === this.#last) : -1, lines.indexOf(line)];
    const span = from < 0 ? [line] : lines.slice(Math.min(from, at), Math.max(from, at) + 1);
    if (from >= 0 || !this.ids.delete(line.id)) {
      for (const it of span) if (it.kind === 'row' && it.outcome === null) this.ids.add(it.id);
    }
    this.#last = line.id;
  }

  /** Leaves out what has ended. @param {ReadonlyMap<string, Row>} rows @returns {boolean} whether there was any */
  settle(rows) {
    const before = this.ids.size;
    for (const id of this.ids) if (rows.get(id)?.outcome !== null) this.ids.delete(id);
    return this.ids.size < before;
  }
}
