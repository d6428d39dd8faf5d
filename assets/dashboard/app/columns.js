/** The operator's columns: chosen in the settings, moved and sized in the list, and kept, or named by the address. */

import { inOrder } from '../model/layout.js';
import { byId } from '../view/dom.js';
import { createPart, style } from './part.js';

/**
 * @param {import('./live.js').Live} live
 * @param {ReturnType<typeof import('./controls.js').createSettings>} set
 */
export function createColumns({ address, events, list, settings }, set) {
  const chooser = createPart(async () => (await Promise.all([import('../view/column-chooser.js'), style('dialogs')]))[0].createColumnChooser(byId('set-columns'), {
    onShow(id, shown) {
      if (address.place.columns === null) return set('hidden', shown ? settings.hidden.filter((it) => it !== id) : [...settings.hidden, id]);
      const wanted = new Set(shown ? [...list.columns, id] : list.columns.filter((it) => it !== id));
      address.go({ columns: list.choices.flatMap((it) => (wanted.has(it.id) ? [it.id] : [])) });
    },
    onMove(id, by) {
      const order = list.choices.map((it) => it.id);
      const at = order.indexOf(id);
      order.splice(at, 1);
      order.splice(at + by, 0, id);
      arrange(order);
    },
    onReset() {
      set('hidden', []);
      set('order', []);
      set('widths', {});
      address.go({ columns: null });
    },
  }));

  /** @param {string[]} order of the columns shown, or of more */
  function arrange(order) {
    const all = inOrder(list.choices, order).map((it) => it.id);
    if (address.place.columns === null) return set('order', all);
    const shown = new Set(list.columns);
    address.go({ columns: all.filter((id) => shown.has(id)) });
  }

  function show() {
    const shown = new Set(list.columns);
    chooser.now?.show(list.choices, (id) => shown.has(id));
  }

  events.on('layout', ({ order, widths }) => {
    if (widths) set('widths', { ...settings.widths, ...widths });
    if (order) arrange(order);
  });
  events.on('columns', show);
  events.on('place', show);
  byId('settings').addEventListener('beforetoggle', () => chooser.use(show));
}
