/** The controls that an operator presses: the settings, the API key, and single keys. */

import { showUtc } from '../model/format.js';
import { inView, VIEWS } from '../model/place.js';
import { isKey } from '../net/key.js';
import { byId, typed } from '../view/dom.js';
import { bindKeys } from '../view/keys.js';
import { bindSettings, THEMES } from '../view/settings.js';
import { createPart, style } from './part.js';

/** @typedef {import('./live.js').Live} Live */

/** Asks for the key. @param {Live} live @param {() => void} onKey */
export function createKeyDialog({ api, connection, feed }, onKey) {
  const dialog = typed('key-dialog', HTMLDialogElement);
  const input = typed('key-input', HTMLInputElement);
  /** @param {boolean} refused */
  function ask(refused) {
    byId('key-refused').hidden = !refused;
    // Several answers may ask for it; what was typed since the first stays.
    if (dialog.open) return;
    input.value = '';
    dialog.showModal();
  }
  input.addEventListener('input', () => {
    input.setCustomValidity(isKey(input.value.trim()) ? '' : 'An API key consists of ASCII letters, digits and signs, without spaces.');
  });
  byId('key-form').addEventListener('submit', () => {
    api.setKey(input.value.trim());
    // What one may do comes with the key: the stream is asked for anew, from its beginning.
    feed.lastEventId = null;
    connection.renew();
    onKey();
  });
  byId('key-cancel').addEventListener('click', () => dialog.close());
  byId('set-key').addEventListener('click', () => {
    byId('settings').hidePopover();
    ask(false);
  });
  return ask;
}

/** @param {Live} live @param {() => void} onPolling told when the way or the interval of polling is another */
export function createSettings({ clock, connection, events, feed, list, settings }, onPolling) {
  const { set } = bindSettings(settings, (changed) => {
    if (changed === 'live') connection.wish({ enabled: settings.live });
    if (changed === 'hidden' || changed === 'order' || changed === 'widths') {
      list.layOut(settings);
      events.emit('columns');
    }
    if (changed === 'charts') showCharts();
    if (changed === 'utc') {
      showUtc(settings.utc);
      events.emit('place');
    }
    if (changed === 'lingerMs') feed.store.lingerMs = settings.lingerMs;
    if (changed === 'longMs') {
      feed.store.longMs = settings.longMs;
      feed.store.judge(clock.now());
      list.changed();
    }
    if (changed === 'live' || changed === 'pollMs') onPolling();
  });
  const toggle = byId('charts-toggle');
  function showCharts() {
    byId('charts').hidden = !settings.charts;
    toggle.setAttribute('aria-expanded', String(settings.charts));
  }
  toggle.addEventListener('click', () => set('charts', !settings.charts));
  showCharts();
  return set;
}

/**
 * @param {Live} live
 * @param {object} parts
 * @param {Pick<ReturnType<typeof import('./filter-bar.js').createFilterBar>, 'focus' | 'nextGroup'>} parts.filterBar
 * @param {{ act: (key: string) => void }} parts.details
 * @param {Pick<ReturnType<typeof import('./many.js').createMany>, 'cancelPicked'>} parts.many
 * @param {ReturnType<typeof createSettings>} parts.set
 * @param {(by: number) => void} parts.moveInTable
 * @param {() => void} parts.refresh
 * @param {(text: string) => void} parts.toast
 */
export function bindPageKeys({ address, events, list, settings }, { filterBar, moveInTable, details, many, set, refresh, toast }) {
  const freeze = () => address.go({ frozen: !address.place.frozen });
  /** The details follow, so that a key means the request that is seen. @param {number} by */
  const move = (by) => {
    if (address.place.view !== 'requests') return moveInTable(by);
    list.move(by);
    const at = list.focused();
    if (address.place.row !== null && at) address.go({ row: at.id });
  };
  events.on('step', move);
  byId('refresh').addEventListener('click', refresh);
  byId('freeze').addEventListener('click', freeze);
  const help = createPart(async () => (await Promise.all([import('../view/help.js'), style('dialogs')]))[0]);
  bindKeys([
    { keys: ['/'], label: 'filter', run: () => filterBar.focus() },
    { keys: [' '], label: 'freeze or resume the view', run: freeze },
    { keys: ['j'], label: 'next request', run: () => move(1) },
    { keys: ['k'], label: 'previous request', run: () => move(-1) },
    { keys: ['n'], label: 'show new requests: none moves in while you point at the list or walk in it', run: () => list.renew() },
    { keys: ['Enter'], label: 'details', run: () => list.open() },
    { keys: ['Escape'], label: 'close details', run: () => address.go({ row: null }) },
    { keys: ['c'], label: 'copy as curl', run: ({ key }) => details.act(key) },
    { keys: ['p'], label: 'pin', run: ({ key }) => details.act(key) },
    { keys: ['s'], label: 'select, to cancel several', run: () => list.pick() },
    { keys: ['x'], label: 'cancel, after a question', run: ({ key }) => many.cancelPicked() || details.act(key) },
    { keys: ['m'], label: 'menu of the request', run: () => list.openMenu() },
    { keys: ['g'], label: 'group by the next field', run: () => filterBar.nextGroup() },
    { keys: ['t'], label: 'next theme', run: () => {
      set('theme', THEMES[(THEMES.indexOf(settings.theme) + 1) % THEMES.length] ?? 'auto');
      toast(`Theme: ${settings.theme}`);
    } },
    { keys: ['Shift+←', 'Shift+→'], label: 'move the column, on its header' },
    { keys: ['Alt+←', 'Alt+→'], label: 'size the column, on its header' },
    { keys: ['r'], label: 'refresh', run: refresh },
    { keys: ['1', '2', '3', '4', '5'], label: 'views', run: ({ key }) => address.go(inView(address.place, VIEWS[Number(key) - 1] ?? 'requests'), 'push') },
  ], (all) => help.use(({ fillHelp }) => fillHelp(all)));
}
