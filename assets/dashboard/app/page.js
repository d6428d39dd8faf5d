/** The page around the live list: ties its parts together. What a part does stands in its own module. */

import { VIEWS, inView, isLiveView, writePlace } from '../model/place.js';
import { byId } from '../view/dom.js';
import { tickOf } from '../view/settings.js';
import { createIcon } from '../view/icon.js';
import { createMenu } from '../view/menu.js';
import { createStatus } from '../view/status.js';
import { startTicker } from '../view/ticker.js';
import { createToast } from '../view/toast.js';
import { createCancel } from './cancel.js';
import { createColumns } from './columns.js';
import { bindPageKeys, createKeyDialog, createSettings } from './controls.js';
import { createCount } from './count.js';
import { createDetails } from './details.js';
import { createFilterBar } from './filter-bar.js';
import { createGauges } from './gauges.js';
import { createMany } from './many.js';
import { createPart, loadAll, style } from './part.js';
import { createPolling } from './polling.js';

/** Milliseconds after which the page has come to rest, and what it may need later is asked for. */
const QUIET = 2000;

/** @param {import('./live.js').Live} live */
export function createPage(live) {
  const { address, api, connection, events, facts, feed, figures, list, settings, stats } = live;

  function refresh() {
    connection.retry();
    polling.now();
  }

  const toast = createToast();
  const askKey = createKeyDialog(live, refresh);
  /** The part for a fleet, once it is known that there is one. @type {ReturnType<typeof import('./fleet.js').createFleet> | null} */
  let fleet = null;
  const polling = createPolling(live, { askKey, pollReplicas: async () => fleet?.poll() });
  const menu = createMenu();
  const cancel = createCancel(live, { askKey, refresh, toast });
  const details = createDetails(live, { polling, cancel, menu, toast });
  const many = createMany(live, { cancel, menu, polling, toast });
  const filterBar = createFilterBar(live, { rows: polling.rows });
  const icon = createIcon();
  const background = createPart(async () => (await import('./background.js')).createBackground(live, { icon }));
  const gauges = createGauges(live, { icon, filterBar, listIsPolled: polling.listIsPolled, sums: () => fleet?.tally() ?? null });
  const set = createSettings(live, () => {
    polling.settle();
    drawStatus();
  });
  createColumns(live, set);
  const count = createCount(live, () => gauges.draw());
  const status = createStatus({
    now: () => Date.now(),
    onIndicator: refresh,
    onFleet: () => fleet?.act(),
    onRetry: () => (address.place.frozen ? address.go({ frozen: false }) : refresh()),
  });
  bindPageKeys(live, { filterBar, moveInTable: (by) => polling.past?.move(by), details, many, set, refresh, toast });

  function drawStatus() {
    if (facts.notice !== '') status.notice(facts.notice);
    facts.notice = '';
    status.draw(connection.state, { ...facts, fleet: fleet?.news() ?? null, draining: feed.draining, pollMs: settings.pollMs, frozen: address.place.view === 'totals' ? null : list.frozen });
  }

  const views = new Map(VIEWS.map((view) => [view, byId(`view-${view}`)]));
  const tabs = [...document.querySelectorAll('.tabs a')];

  function showPlace() {
    const { place } = address;
    for (const [view, element] of views) element.hidden = view !== place.view;
    for (const tab of tabs) {
      const view = VIEWS.find((it) => it === tab.getAttribute('data-view')) ?? 'requests';
      if (view === place.view) {
        if (tab.getAttribute('aria-current') === null) tab.scrollIntoView({ block: 'nearest', inline: 'nearest' });
        tab.setAttribute('aria-current', 'page');
      } else tab.removeAttribute('aria-current');
      tab.setAttribute('href', writePlace(inView(place, view)));
    }
    filterBar.stand(place.view);
    list.wish(place);
    filterBar.show();
    filterBar.count();
    list.show(place.view === 'requests');
    if (!place.frozen || feed.lastMs !== null) list.freeze(place.frozen);
    byId('freeze').setAttribute('aria-pressed', String(place.frozen));
    fleet?.show();
    gauges.draw();
    details.show();
    connection.wish({ here: isLiveView(place.view) });
    polling.show();
    polling.settle();
    drawStatus();
  }

  /** The stream was opened, and nothing came since. */
  let opened = false;

  function showConnection() {
    const { state } = connection;
    opened = state.name === 'live';
    if (state.name === 'locked') askKey(state.refused);
    if (state.name === 'waiting') lose();
    polling.settle();
    count.settle();
    drawStatus();
  }

  function everySecond() {
    gauges.second();
    details.draw();
    drawStatus();
  }

  /** Nothing is heard for a while: what happens meanwhile is in no count of this page. */
  function lose() {
    stats.pause();
    figures.pause();
  }

  /** Loads the part for a fleet, where the server has one. */
  async function meetFleet() {
    if (api.scopes === '' && fleet === null) return;
    fleet ??= (await Promise.all([import('./fleet.js'), style('fleet'), style('past')]))[0].createFleet(live, { notice: (text) => status.notice(text), pollNow: polling.now });
    fleet.settle();
    drawStatus();
  }

  events.on('scopes', () => void meetFleet());
  events.on('scope', () => {
    background.now?.restart();
    polling.restart();
    count.now();
    fleet?.settle();
  });
  events.on('place', showPlace);
  events.on('rows', () => {
    details.look();
    // The numbers beside the first rows are not those of before the connection was lost.
    if (opened) {
      everySecond();
      count.now();
    }
    opened = false;
  });
  events.on('facts', () => {
    list.explain();
    drawStatus();
  });
  events.on('connection', showConnection);
  events.on('restart', () => {
    status.notice('The server was restarted; the list is new.');
    figures.restart();
    count.now();
  });
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) lose();
    background.use((it) => it.settle(document.hidden));
    connection.wish({ visible: !document.hidden });
    polling.settle();
    count.settle();
  });
  // Only a hint: a server on this machine is there without any network.
  addEventListener('offline', () => void connection.check());
  addEventListener('online', () => (connection.connected ? void connection.check() : refresh()));
  byId('skip').addEventListener('click', (event) => {
    // The part of the address behind `#` says which view is shown.
    event.preventDefault();
    const { view } = address.place;
    if (view === 'requests' && list.enter()) return;
    const table = /** @type {HTMLElement | null} */ (document.querySelector(`#view-${view} .table-host`));
    (table ?? byId('main')).focus();
  });
  startTicker(() => tickOf(settings), () => list.tick());
  startTicker(() => 1000, everySecond);

  showPlace();
  showConnection();
  everySecond();
  void meetFleet();

  // The switch that scripts around the earlier dashboard use.
  Object.assign(window, {
    __vdmActiveRequestsSSE: {
      enable: () => set('live', true),
      disable: () => set('live', false),
      isConnected: () => connection.connected,
    },
  });

  // The operator may need them when the server is gone.
  setTimeout(() => void loadAll(), QUIET);
}
