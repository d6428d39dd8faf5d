/** The replicas of a fleet, as its viewers are told of them. */

import { amount, amountOrNull, epochMs, isObject, text } from './row.js';

/** @typedef {import('../types.js').Fleet} Fleet */
/** @typedef {import('../types.js').Replica} Replica */

/** @param {unknown} json @param {number} nowMs the message's time on the server's clock @returns {Fleet | null} `null` where there is no list */
export function readFleet(json, nowMs) {
  if (!isObject(json) || !Array.isArray(json['replicas'])) return null;
  return {
    lostSinceMs: json['state'] === 'lost' ? (epochMs(json['since']) ?? nowMs) : null,
    engine: text(json['engine']),
    sums: json['mode'] === 'sums',
    replicas: json['replicas'].flatMap((it) => (isObject(it) && typeof it['epoch'] === 'string' ? [readReplica(it, it['epoch'], nowMs)] : [])),
  };
}

/** @param {Record<string, unknown>} wire @param {string} epoch @param {number} nowMs @returns {Replica} */
function readReplica(wire, epoch, nowMs) {
  const offset = wire['clock_offset_ms'];
  return {
    epoch,
    name: text(wire['replica'], epoch),
    state: text(wire['state'], 'live'),
    rows: amountOrNull(wire['rows']),
    heardMs: nowMs - amount(wire['silent_ms']),
    skewMs: typeof offset === 'number' ? offset : null,
    version: text(wire['version']),
    self: wire['self'] === true,
  };
}

/** Until when something is known of the requests of a replica: of one that is silent, until it was last heard. @param {Replica | undefined} replica */
export const knownUntil = (replica) => (replica?.state === 'stale' ? replica.heardMs : Infinity);

/** The replicas by their epochs. @param {Fleet | null} fleet */
export const byEpoch = (fleet) => new Map((fleet?.replicas ?? []).map((it) => [it.epoch, it]));

/** The names of the replicas that gave no answer, and so are in no number of it. @param {unknown} json totals, logs or series @returns {string[]} */
export function readMissing(json) {
  const replicas = isObject(json) ? json['replicas'] : null;
  const missing = isObject(replicas) ? replicas['missing'] : null;
  return Array.isArray(missing) ? missing.filter((it) => typeof it === 'string') : [];
}
