/** What some request was seen to have, of all that a server may be set not to tell. What was seen once stays: columns do not come and go. */

import { labelField, NO_LABELS } from './labels.js';

/** @typedef {import('../types.js').Row} Row */

/** Labels that get a column; a server sends at most eight. */
const MOST_LABELS = 16;

export class Presence {
  /** The fields seen, `label.session` among them. @type {Set<string>} */
  fields = new Set();
  /** The names of the labels seen, in the order in which they came. @type {Set<string>} */
  labels = new Set();

  /** @param {Iterable<Pick<Row, 'caller' | 'replica' | 'route' | 'cost' | 'labels'>>} rows @returns {boolean} whether anything new was seen */
  look(rows) {
    const before = this.fields.size;
    for (const row of rows) {
      if (row.caller !== '') this.fields.add('caller');
      if (row.replica !== '') this.fields.add('replica');
      if (row.route !== '') this.fields.add('route');
      if (row.cost !== null) this.fields.add('cost');
      if (row.labels === NO_LABELS) continue;
      for (const name of row.labels.keys()) {
        if (this.labels.size >= MOST_LABELS && !this.labels.has(name)) continue;
        this.labels.add(name);
        this.fields.add(labelField(name));
      }
    }
    return this.fields.size > before;
  }
}
