/** The view of the replicas: who belongs to the fleet, and how each is. */

import { engineOf, skewOf, stateOf } from '../model/fleet-news.js';
import * as format from '../model/format.js';
import { visible } from '../model/visible.js';
import { byId, h } from './dom.js';
import { createTable } from './table.js';

/** @typedef {import('../types.js').Replica} Replica */

/** @type {Record<string, string>} */
const TONES = { live: 'good', learning: 'busy', stale: 'mute', incompatible: 'warn', conflict: 'warn' };
/** @type {Record<string, string>} */
const ICONS = { live: '●', learning: '◑', stale: '◌', incompatible: '▲', conflict: '▲' };

/** The gravest first. */
const ORDER = ['conflict', 'incompatible', 'stale', 'learning', 'live'];

/** @param {() => number} now on the server's clock @param {{ onShow: (name: string) => void }} parts */
export function createReplicas(now, { onShow }) {
  const note = byId('replicas-note');
  /** @type {ReturnType<typeof createTable<Replica>>} */
  const table = createTable(byId('replica-table'), {
    caption: 'Replicas', empty: 'The replicas are not known yet.', noun: 'replica', id: (it) => it.epoch, onOpen: (it) => onShow(it.name), look: (it) => (it.state === 'stale' ? 'unheard' : null),
    columns: [
      { title: 'Replica', area: 'model', className: 'mono', key: (it) => it.name, cell: (it) => h('span', { title: `Epoch ${it.epoch}` }, h('bdi', {}, visible(it.name)), it.self ? ' (this one)' : '') },
      { title: 'State', area: 'outcome', key: (it) => ORDER.indexOf(it.state), cell: (it) => h('span', { class: 'state', 'data-tone': TONES[it.state] ?? 'mute' }, `${ICONS[it.state] ?? '○'} ${stateOf(it.state)}`) },
      { title: 'In flight', area: 'http', end: true, key: (it) => it.rows ?? -1, cell: (it) => (it.rows === null ? format.NONE : h('span', {}, format.count(it.rows), h('span', { class: 'only-card' }, ' in flight'))) },
      { title: 'Last heard', area: 'duration', end: true, key: (it) => -it.heardMs, cell: (it) => h('span', { title: it.self ? null : format.iso(it.heardMs) }, h('span', { class: 'only-card' }, 'heard '), it.state === 'stale' ? format.ago(Math.max(0, now() - it.heardMs)) : 'now') },
      { title: 'Clock', area: 'message', key: (it) => Math.abs(it.skewMs ?? 0), cell: (it) => (it.self || it.skewMs === null ? format.NONE : h('span', {}, h('span', { class: 'only-card' }, 'Its clock '), skewOf(it.skewMs) || 'agrees')) },
      { title: 'Version', area: 'time', key: (it) => it.version, className: 'mono', cell: (it) => visible(it.version) || format.NONE },
    ],
  });
  table.show([]);
  return {
    /** @param {import('../types.js').Fleet} fleet */
    show({ replicas, lostSinceMs, engine }) {
      table.show(replicas.toSorted((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || (a.name < b.name ? -1 : 1)));
      note.textContent = lostSinceMs === null ? `${replicas.length} over ${engineOf(engine)}` : `not heard since ${format.timeOfDay(lostSinceMs)}`;
    },
  };
}
