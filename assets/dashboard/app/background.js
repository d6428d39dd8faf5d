/**
 * The page while nobody looks at it: a slow look at the list keeps the title and the icon of its tab true, and tells the news to an
 * operator who asked for it. The stream and the list rest meanwhile, and know nothing of this.
 */

import { failing, glance, news } from '../model/alarm.js';
import { concernOf } from '../model/concern.js';
import { readSeries } from '../model/figures.js';
import { byEpoch, knownUntil, readFleet } from '../model/replicas.js';
import { readRow } from '../model/row.js';
import { epochOfRequest, readDisabled, readUpdate } from '../model/wire.js';
import { isGivenUp } from '../net/api.js';
import { Poller } from '../net/poller.js';

/** Milliseconds between two looks. */
const LOOK_EVERY = 15_000;

/** @param {import('./live.js').Live} live @param {{ icon: ReturnType<typeof import('../view/icon.js').createIcon> }} parts */
export function createBackground({ address, api, clock, debug, feed, figures, settings }, { icon }) {
  /** What was seen last; `null` before the first look. @type {import('../model/alarm.js').Glance | null} */
  let before = null;

  async function look() {
    try {
      const { json } = await api.get('active-requests');
      if (readDisabled(json)) return say(null);
      const update = readUpdate(json);
      const nowMs = update.timestampMs ?? clock.now();
      const replicas = byEpoch(readFleet(update.fleet, nowMs));
      const rows = update.rows.flatMap((wire) => {
        const row = readRow(wire, nowMs);
        if (row) row.knownUntilMs = knownUntil(replicas.get(epochOfRequest(row.id)));
        return row ? [Object.assign(row, { concern: concernOf(row, nowMs, feed.store.longMs) })] : [];
      });
      /** @type {import('../model/alarm.js').Glance} */
      const now = glance(rows, await failures(nowMs));
      if (replicas.size > 0) now.left = ({ id }) => !replicas.has(epochOfRequest(id));
      const told = before === null ? [] : news(before, now, watched());
      before = now;
      if (!document.hidden) return;
      say({ active: now.rows.size, concerned: now.concerned.length });
      if (settings.notify && 'Notification' in window && Notification.permission === 'granted') {
        for (const body of told) new Notification('Active Requests', { body, tag: body }).addEventListener('click', () => window.focus());
      }
    } catch (error) {
      if (isGivenUp(error)) return;
      debug('no look from the background', error);
      if (document.hidden) say(null);
    }
  }

  /** How many failed, where those are many, as the server counts; where it does not say, as before. @param {number} nowMs */
  async function failures(nowMs) {
    if (!settings.notify || settings.failedPercent === 0) return '';
    try {
      figures.take(readSeries((await api.get('series')).json));
    } catch (error) {
      if (isGivenUp(error)) throw error;
      debug('no series', error);
    }
    return failingNow(nowMs) ?? before?.failing ?? '';
  }

  /** @param {number} nowMs @returns {string | null} `null` where the server does not count */
  function failingNow(nowMs) {
    const reading = figures.read(nowMs, 0);
    return reading?.byServer ? failing(reading, settings) : null;
  }

  /** The requests that the operator pinned, or whose details are open. */
  function watched() {
    const ids = Array.from(feed.store.rows.values()).filter((row) => row.pinned).map((row) => row.id);
    return new Set(address.place.row === null ? ids : [...ids, address.place.row]);
  }

  /** @param {{ active: number, concerned: number } | null} counts `null`: not known */
  function say(counts) {
    icon.show(counts?.concerned ?? null);
    document.title = counts === null ? '? Active Requests' : `${counts.active} in flight${counts.concerned > 0 ? ` · ▲ ${counts.concerned}` : ''} – Active Requests`;
  }

  const poller = new Poller({
    intervalMs: LOOK_EVERY,
    busy: () => false,
    setTimeout: (run, ms) => setTimeout(run, ms),
    clearTimeout: (timer) => clearTimeout(/** @type {number} */ (timer)),
    task: async () => {
      // What was just seen in the list itself is where the news begin.
      if (before === null) before = glance(Array.from(feed.store.rows.values()).filter((row) => row.outcome === null).map((row) => ({ ...row })), failingNow(clock.now()) ?? '');
      else await look();
    },
  });

  return {
    /** Other replicas are looked at, of which nothing is seen yet. */
    restart() {
      before = null;
    },
    /** Begins where the tab is hidden, and ends where it is seen. @param {boolean} hidden */
    settle(hidden) {
      if (!hidden) before = null;
      poller.set(hidden);
    },
  };
}
