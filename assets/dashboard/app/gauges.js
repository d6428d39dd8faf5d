/** The parts that are drawn once a second: the numbers on top, the charts, the title, and texts that depend on the time alone. */

import { concernsOf } from '../model/concern.js';
import { ofThePast, toggleTerm } from '../model/filter.js';
import * as format from '../model/format.js';
import { isSilent } from '../model/row.js';
import { byId, setText, textIn } from '../view/dom.js';
import { createStrip, tally } from '../view/strip.js';
import { createPart } from './part.js';

/** Milliseconds between two announcements. */
const SPEAK_EVERY = 10_000;

/** Whether an answer is streaming, so that the server has news. @param {Iterable<import('../types.js').Row>} rows */
function isFlowing(rows) {
  for (const row of rows) if (row.outcome === null && !isSilent(row) && row.phase === 'streaming' && row.waitingOn === 'upstream') return true;
  return false;
}

/**
 * @param {import('./live.js').Live} live
 * @param {{ icon: ReturnType<typeof import('../view/icon.js').createIcon>, filterBar: { count: () => void }, listIsPolled: () => boolean, sums: () => ReturnType<typeof import('../model/sums.js').tallyOf> | null }} parts `sums`: the counts where there are no rows to count
 */
export function createGauges({ address, clock, connection, feed, figures, list, lost, settings, stats, whyUnknown }, { icon, filterBar, listIsPolled, sums }) {
  const strip = createStrip(byId('strip'), {
    onAll: () => address.go({ filter: '' }),
    onFilter: (field, value) => address.go({ filter: toggleTerm(address.place.filter, field, value) }),
    onErrors: () => address.go({ view: 'errors', row: null, filter: ofThePast(address.place.filter) }, 'push'),
    onSort: (column) => {
      const { sort } = address.place;
      address.go({ sort: { column, descending: !(sort.column === column && sort.descending) } });
    },
  });
  const charts = createPart(async () => {
    const [{ createTimeline }, { createHistogram }] = await Promise.all([import('../view/timeline.js'), import('../view/histogram.js')]);
    return {
      timeline: createTimeline(byId('timeline')),
      histogram: createHistogram(byId('histogram'), (from, to) => address.go({ view: 'traces', filter: `age:${from / 1000}s..${to === Infinity ? '' : `${to / 1000}s`}` }, 'push')),
    };
  });
  const countRequests = textIn(byId('count-requests'));
  const countErrors = textIn(byId('count-errors'));
  byId('count-errors').title = 'Failed in the last five minutes';
  let sampledAt = performance.now();
  let sampledMessages = 0;

  /** The second that has passed, for rates and charts. */
  function sample() {
    // A silent stream says that nothing happened; between two polled answers nobody knows.
    if (connection.state.name !== 'live' && !(listIsPolled() && feed.messages !== sampledMessages)) return;
    const at = performance.now();
    feed.store.sample(Math.max(0.5, (at - sampledAt) / 1000), clock.now());
    if (feed.lastMs !== null) stats.tick(clock.now(), connection.connected ? 3 : settings.pollMs / 1000 + 2);
    if (feed.lastMs !== null && connection.connected) figures.see(clock.now());
    sampledAt = at;
    sampledMessages = feed.messages;
  }

  /** The moment at which what is drawn stands still, as the list does. @type {number | null} */
  let still = null;

  /** All that is counted, from the rows that the list shows, so that no two numbers contradict each other. */
  function draw() {
    const frozenMs = list.frozen?.sinceMs ?? null;
    const moves = frozenMs === null || frozenMs !== still;
    still = frozenMs;
    if (!moves) return;
    const summed = sums();
    const counts = { ...tally(list.rows), ...summed };
    const unknown = whyUnknown() !== null;
    const reading = figures.read(list.now(), counts.active);
    if (address.place.view === 'requests') {
      strip.draw(unknown ? null : counts, { recent: stats.recent(10), reading, polled: listIsPolled() }, list.now());
      filterBar.count();
      if (settings.charts && byId('charts').checkVisibility()) {
        charts.use(({ timeline, histogram }) => {
          timeline.draw(unknown ? null : reading);
          histogram.draw(unknown ? null : reading);
        });
      }
    }
    setText(countErrors, unknown || !reading || reading.failed === 0 ? '' : format.count(reading.failed));
    setText(countRequests, unknown ? '' : String(counts.active));
    // A hidden tab has a title of its own.
    if (document.hidden) return;
    icon.show(lost() ? null : counts.attention.length);
    document.title = unknown ? 'Active Requests' : `${lost() ? '? ' : frozenMs === null ? '' : '❚❚ '}${counts.active} in flight${counts.attention.length > 0 ? ` · ▲ ${counts.attention.length}` : ''} – Active Requests`;
  }

  let saidCount = 0;
  let saidAt = -Infinity;
  /** Tells those who listen that more requests need a look, and no more often than one can listen. */
  function speak() {
    const concerned = Array.from(feed.store.rows.values()).filter((row) => row.concern !== null);
    if (concerned.length > saidCount && performance.now() - saidAt > SPEAK_EVERY) {
      byId('spoken-attention').textContent = `${concerned.length === 1 ? '1 request needs' : `${concerned.length} requests need`} attention: ${concernsOf(concerned)}`;
      saidAt = performance.now();
      saidCount = concerned.length;
    } else saidCount = Math.min(saidCount, concerned.length);
  }

  return {
    draw,
    second() {
      sample();
      connection.watch(isFlowing(feed.store.rows.values()));
      if (connection.connected || listIsPolled()) {
        feed.store.expire(clock.now());
        feed.store.judge(clock.now());
      }
      list.second();
      speak();
      draw();
    },
  };
}
