/** What is done with several requests at once: those that are picked, or all that the list shows. */

import { count } from '../model/format.js';
import { byId, h } from '../view/dom.js';
import { createPickedBar } from '../view/picked-bar.js';
import { createPart, style } from './part.js';

/**
 * @param {import('./live.js').Live} live
 * @param {object} parts
 * @param {ReturnType<typeof import('./cancel.js').createCancel>} parts.cancel
 * @param {(request: import('../view/menu.js').MenuRequest) => void} parts.menu
 * @param {{ rows: () => Iterable<import('../types.js').Row> }} parts.polling
 * @param {(text: string) => void} parts.toast
 */
export function createMany(live, { cancel, menu, polling, toast }) {
  const { address, events, list } = live;
  const views = createPart(async () => {
    const [{ createViews }] = await Promise.all([import('./views.js'), style('dialogs')]);
    return createViews(live, { toast });
  });
  const save = createPart(async () => (await import('./save.js')).createSave(() => list.now()));

  const bar = createPickedBar(byId('grid-frame'), {
    onCancel: () => cancel.ask(list.picked),
    onClear: () => {
      list.clearPicks();
      list.enter();
    },
  });
  events.on('picks', () => bar.show(list.picked.length));

  /** @returns {import('../view/menu.js').MenuItem[]} */
  function items() {
    const live = address.place.view === 'requests';
    const shown = live ? list.shown : Array.from(polling.rows()).filter((row) => list.test(row, list.now()));
    const running = live ? shown.filter((row) => row.outcome === null) : [];
    return [
      ...(cancel.allowed && running.length > 0 ? [{ label: `Cancel all ${count(running.length)} shown...`, dangerous: true, run: () => cancel.ask(running) }] : []),
      { label: `Save the ${count(shown.length)} shown as CSV`, run: () => save.use((it) => it.csv(shown)) },
      { label: `Save the ${count(shown.length)} shown as JSON`, run: () => save.use((it) => it.json(shown)) },
      { label: 'Saved views...', run: () => views.use((it) => it.open()) },
    ];
  }
  const button = h('button', {
    type: 'button', class: 'tool only-icon', id: 'list-menu', 'aria-haspopup': 'menu', 'aria-label': 'What to do with the list', title: 'What to do with the list',
    onclick: () => menu({ label: 'What to do with the list', items: items(), at: button.getBoundingClientRect() }),
  }, '⋯');
  byId('shown').before(button);

  return {
    /** Cancels what is picked. @returns {boolean} whether anything is */
    cancelPicked() {
      if (list.picked.length === 0) return false;
      cancel.ask(list.picked);
      return true;
    },
  };
}
