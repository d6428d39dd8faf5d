/** The page's part for a fleet, loaded where the server belongs to one: which replicas are shown, how they are, and their sums. */

import { newsOf, othersOf } from '../model/fleet-news.js';
import { quote } from '../model/query.js';
import { readFleet } from '../model/replicas.js';
import { replicaOf } from '../model/scope.js';
import { readSums, tallyOf } from '../model/sums.js';
import { byId, setText, textIn, typed } from '../view/dom.js';
import { createReplicas } from '../view/replicas.js';
import { createSums } from '../view/sums.js';
import { keepScope } from './scope.js';

/** @typedef {import('../types.js').Fleet} Fleet */
/** @typedef {import('../types.js').Scope} Scope */

/** @param {import('./live.js').Live} live @param {{ notice: (text: string) => void, pollNow: () => void }} parts */
export function createFleet({ address, api, clock, events, facts, feed }, { notice, pollNow }) {
  const label = byId('scope-label');
  const select = typed('scope', HTMLSelectElement);
  const one = typed('scope-one', HTMLOptionElement);
  const tab = /** @type {HTMLElement} */ (document.querySelector('.tabs [data-view="replicas"]'));
  const counted = textIn(byId('count-replicas'));
  const table = createReplicas(() => clock.now(), { onShow: (name) => go('fleet', `replica=${quote(name)}`) });
  const sums = createSums({
    onOpen: ({ epoch, provider, model }) => go(`replica:${epoch}`, `provider=${quote(provider)} model=${quote(model)}`),
  });
  /** The list as it was asked for: the stream tells of it only when a state has changed. @type {Fleet | null} */
  let polled = null;
  /** The others, when the fleet was last heard. @type {{ replicas: number, rows: number } | null} */
  let before = null;
  /** The list that was looked at last, to see who is gone. @type {Fleet | null} */
  let seen = null;
  /** What the operator has read. */
  let hidden = '';
  /** What the banner says. @type {import('../model/fleet-news.js').News | null} */
  let told = null;

  /** Shows others. @param {Scope} scope @param {string} [filter] */
  function go(scope, filter = address.place.filter) {
    if (replicaOf(scope) === null) keepScope(scope);
    const { view } = address.place;
    address.go({ scope, filter, row: null, frozen: false, view: filter === address.place.filter || view !== 'replicas' ? view : 'requests' }, 'push');
  }
  select.addEventListener('change', () => go(/** @type {Scope} */ (select.value)));

  /** Looks who came and went since the last message. */
  function look() {
    const { fleet } = feed;
    if (fleet === null || fleet === seen) return;
    if (fleet.lostSinceMs === null) before = othersOf(fleet);
    // Whoever ends says so; whoever falls silent first is said to be gone, since nobody knows more.
    const gone = (seen?.replicas ?? []).filter((it) => it.state === 'stale' && !fleet.replicas.some(({ epoch }) => epoch === it.epoch));
    const [first] = gone;
    if (first && fleet.lostSinceMs === null) notice(gone.length === 1 ? `${first.name} is gone: it was not heard from any more, and its requests are no longer shown.` : `${gone.length} replicas are gone: they were not heard from any more, and their requests are no longer shown.`);
    seen = fleet;
    if (address.place.view === 'replicas') pollNow();
  }

  events.on('rows', () => {
    look();
    draw();
  });
  events.on('scope', () => {
    seen = before = null;
    hidden = '';
  });

  /** Draws what the list and the sums say. */
  function draw() {
    if (api.scopes === '') return;
    const { place } = address;
    const fleet = feed.fleet ?? polled;
    setText(counted, fleet ? String(fleet.replicas.length) : '');
    const epoch = replicaOf(api.scope);
    one.hidden = epoch === null;
    if (epoch !== null) {
      one.value = api.scope;
      one.textContent = `Only ${fleet?.replicas.find((it) => it.epoch === epoch)?.name ?? epoch}`;
    }
    if (select.value !== api.scope) select.value = api.scope;
    const summed = feed.fleet?.sums === true;
    for (const id of ['filterbar', 'grid-frame']) byId(id).toggleAttribute('data-summed', summed && place.view === 'requests');
    byId('sums').hidden = !summed;
    if (summed && place.view === 'requests') {
      const all = readSums(feed.sums.values());
      sums.show(all, tallyOf(all).active);
    }
  }

  return {
    /** The list of replicas, as their view shows it. */
    async poll() {
      const { json } = await api.get('fleet');
      polled = readFleet(json, clock.now());
      if (polled) table.show(polled);
    },
    /** What there is to say of the fleet; `null` where all is well. */
    news() {
      if (api.scope === 'local' || feed.fleet === null) return (told = null);
      const { view } = address.place;
      told = newsOf(feed.fleet, before, view === 'requests' ? facts.missing.series : view === 'replicas' ? [] : facts.missing.view, clock.now());
      return told !== null && told.about === hidden ? null : told;
    },
    /** Does what the banner offers. */
    act() {
      if (told?.action !== 'Hide') return address.go({ view: 'replicas', row: null }, 'push');
      hidden = told.about;
      events.emit('facts');
    },
    /** The counts of the sums, where there are no rows. */
    tally: () => (feed.fleet?.sums === true ? tallyOf(readSums(feed.sums.values())) : null),
    /** Whether the server belongs to a fleet, and which replicas are shown. */
    settle() {
      label.hidden = tab.hidden = api.scopes === '';
      look();
      draw();
      if (address.place.view === 'replicas') pollNow();
    },
    show: draw,
  };
}
