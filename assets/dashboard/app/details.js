/** One request, as the address names it: its details, what the server knows of it beyond its row, and what one can do with it. */

import { toggleTerm } from '../model/filter.js';
import { copyText, requestActions } from '../view/actions.js';
import { createPart, style } from './part.js';

/** @typedef {import('../types.js').Row} Row */

/**
 * @param {import('./live.js').Live} live
 * @param {object} parts
 * @param {{ past: import('./past.js').Past | null, pollLogs: () => Promise<import('./past.js').Past> }} parts.polling
 * @param {ReturnType<typeof import('./cancel.js').createCancel>} parts.cancel
 * @param {(request: import('../view/menu.js').MenuRequest) => void} parts.menu
 * @param {(text: string) => void} parts.toast
 */
export function createDetails({ address, api, debug, events, facts, feed, list }, { polling, cancel, menu, toast }) {
  /** The last question to the server about a request: its row while it is in flight, else the log of ended requests. */
  let asked = '';

  /** @param {Row} row */
  function pin(row) {
    const pinned = list.togglePin(row.id);
    toast(pinned === null ? 'Only a request in the list can be pinned' : pinned ? 'Pinned' : 'No longer pinned');
  }

  const share = createPart(() => import('../model/share.js'));
  const actions = requestActions({
    open: (row) => address.go({ row: row.id }),
    copy: (text, what) => void copyText(text).then(() => toast(`${what} copied`)),
    linkTo: (row) => address.link({ row: row.id, frozen: false }),
    filter: (field, value) => {
      const { filter, view } = address.place;
      address.go({ filter: toggleTerm(filter, field, value, '='), view: view === 'totals' ? 'requests' : view });
    },
    pin,
    cancel: (row) => cancel.ask([row]),
    mayCancel: () => cancel.allowed,
    share: share.use,
    origin: location.origin,
  });
  const focus = (/** @type {Row} */ row) => list.focus(row.id);
  events.on('menu', (row, at) => menu({
    label: `Actions for ${row.id}`,
    subject: `${row.model} · ${row.id}`,
    items: actions.filter((action) => action.offered?.(row) ?? true).map((action) => ({ ...action, run: () => action.run(row) })),
    at,
    restore: () => focus(row),
  }));
  /** Goes on to the next request of the list or table, from the one that is shown. @param {-1 | 1} by */
  function step(by) {
    const row = open();
    if (row && address.place.view === 'requests') list.focus(row.id);
    else if (row) polling.past?.focus(row.id);
    events.emit('step', by);
  }
  const drawer = createPart(async () => {
    const [{ createDrawer }] = await Promise.all([import('../view/drawer.js'), style('details')]);
    return createDrawer({ onStep: step, actions, focus, present: list.presence.fields, onClose: () => address.go({ row: null }) });
  });
  /** The request that is shown. */
  const open = () => drawer.now?.row ?? null;

  /**
   * A request as it is known. A row in flight is as old as the stream, which rests while another view is shown: what the server
   * remembers of its end is newer, except where time was asked to stand still.
   * @param {string} id @returns {Row | null}
   */
  function known(id) {
    const inList = list.find(id);
    const shown = open()?.id === id ? open() : null;
    if (inList && (inList.outcome !== null || list.frozen)) return inList;
    if (shown && shown.outcome !== null) return shown;
    const entry = polling.past?.find(id);
    return entry ? polling.past?.rowOf(entry) ?? null : (inList ?? shown);
  }

  /** Shows the request that the address names, as soon as it is known. */
  function show() {
    const id = address.place.row;
    list.select(id);
    if (id === null) {
      asked = '';
      return drawer.now?.close();
    }
    const row = known(id);
    if (row) {
      // Without it there is nothing to draw, and what it shows is asked for when it is there.
      if (drawer.now === null) return drawer.use(show);
      drawer.now.open(row);
      drawer.now.draw(list.now());
    } else if (feed.lastMs === null) return;
    const question = `${row?.outcome === null ? 'row' : 'log'} ${id}`;
    if (question === asked) return;
    asked = question;
    void lookUp(id);
  }

  /** Asks the server for a request's facts beyond its row, and whether it ended before the page saw it. @param {string} id */
  async function lookUp(id) {
    try {
      if (list.find(id)?.outcome === null && !polling.past?.find(id)) {
        const { json } = await api.get(`active-requests/${encodeURIComponent(id)}`);
        const usage = /** @type {{ provider_usage?: Record<string, unknown> }} */ (json).provider_usage;
        return drawer.now?.detail(id, { usage: usage ?? null, entry: null });
      }
      const past = await polling.pollLogs();
      const entry = past.find(id);
      if (entry && address.place.row === id) {
        const ended = list.find(id);
        if (ended?.outcome) {
          past.complete(ended, entry);
          list.changed();
        }
        show();
        drawer.use((it) => it.detail(id, { usage: entry.providerUsage, entry }));
      } else if (open() === null && address.place.row === id) {
        facts.notice = 'That request has ended and is no longer remembered.';
        events.emit('facts');
      }
    } catch (error) {
      debug('no details', error);
    }
  }

  events.on('scope', () => {
    asked = '';
    drawer.now?.close();
  });

  return {
    show,
    /** A request that is awaited may have come. */
    look() {
      if (address.place.row !== null && open() === null) show();
    },
    draw() {
      if (open() === null) return;
      show();
      drawer.now?.draw(list.now());
    },
    /** Does what a key stands for with the request that has the focus, else with the one whose details are open. @param {string} key */
    act(key) {
      const row = list.focused() ?? polling.past?.focused() ?? open();
      if (row) actions.find((it) => it.key === key)?.run(row);
    },
  };
}
