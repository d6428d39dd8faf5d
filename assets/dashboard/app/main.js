/** The page's entry: ties the parts together around the live list. What a part does stands in its own module. */

import { VIEWS, isLiveView, writePlace } from '../model/place.js';
import { bindPageKeys, createFilterBar, createKeyDialog, createSettings } from './controls.js';
import { createDetails } from './details.js';
import { createGauges } from './gauges.js';
import { address, connection, debug, facts, feed, firstRows, list, on, settings, stats } from './live.js';
import { createPolling } from './polling.js';
import { byId } from '../view/dom.js';
import { tickOf } from '../view/settings.js';
import { createStatus } from '../view/status.js';
import { tally } from '../view/strip.js';
import { startTicker } from '../view/ticker.js';

await firstRows;

function refresh() {
  connection.retry();
  polling.now();
}

const askKey = createKeyDialog(refresh);
const polling = createPolling({ askKey });
const details = createDetails(polling);
const filterBar = createFilterBar();
const gauges = createGauges({ filterBar, listIsPolled: polling.listIsPolled });
const set = createSettings(() => {
  polling.settle();
  drawStatus();
});
const status = createStatus({
  now: () => Date.now(),
  onIndicator: refresh,
  onRetry: () => (address.place.frozen ? address.go({ frozen: false }) : refresh()),
});
bindPageKeys({ filterBar, details, set, refresh });

function drawStatus() {
  status.draw(connection.state, { ...facts, pollMs: settings.pollMs, frozen: list.frozen });
}

const views = new Map(VIEWS.map((view) => [view, byId(`view-${view}`)]));
const tabs = [...document.querySelectorAll('.tabs a')];

function showPlace() {
  const { place } = address;
  for (const [view, element] of views) element.hidden = view !== place.view;
  for (const tab of tabs) {
    const view = VIEWS.find((it) => it === tab.getAttribute('data-view')) ?? 'requests';
    if (view === place.view) tab.setAttribute('aria-current', 'page');
    else tab.removeAttribute('aria-current');
    tab.setAttribute('href', writePlace({ ...place, view, row: null }));
  }
  filterBar.show(list.wish(place));
  filterBar.count(tally(list.rows));
  list.show(place.view === 'requests');
  if (!place.frozen || feed.lastMs !== null) list.freeze(place.frozen);
  byId('freeze').setAttribute('aria-pressed', String(place.frozen));
  details.show();
  connection.wish({ here: isLiveView(place.view) });
  polling.show();
  polling.settle();
  drawStatus();
}
address.onChange = showPlace;

on.rows = () => details.look();
on.restart = () => {
  status.notice('The server was restarted; the list began anew.');
  recall();
};
on.facts = drawStatus;
on.connection = () => {
  const { state } = connection;
  if (state.name === 'locked') askKey(state.refused);
  polling.settle();
  drawStatus();
};

function everySecond() {
  gauges.second();
  polling.countErrors();
  details.draw();
  drawStatus();
}

/** The last minutes, as the server remembers them: an operator who just came wants to know what happened before. */
function recall() {
  void polling.pollLogs().then(({ traces }) => stats.recall(traces), (error) => debug('no history', error));
}

startTicker(() => tickOf(settings), () => list.tick());
startTicker(() => 1000, everySecond);

document.addEventListener('visibilitychange', () => {
  if (document.hidden) stats.pause();
  connection.wish({ visible: !document.hidden });
  polling.settle();
});

showPlace();
on.connection();
everySecond();
recall();

/** The switch that scripts around the earlier dashboard use. */
Object.assign(window, {
  __vdmActiveRequestsSSE: {
    enable: () => set('live', true),
    disable: () => set('live', false),
    isConnected: () => connection.connected,
  },
});
