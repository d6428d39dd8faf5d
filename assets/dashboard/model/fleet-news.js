/** The words on how a fleet is: what an operator must know before the numbers can be believed. */

import { ago, count, duration, timeOfDay } from './format.js';

/** @typedef {import('../types.js').Fleet} Fleet */
/** @typedef {import('../types.js').Replica} Replica */
/** @typedef {{ tone: 'warn' | 'info', text: string, hint: string, action: string, about: string }} News `about`: the same as long as there is nothing new to say */

/** A clock that differs by more than this, in milliseconds, is told of. */
const SKEW_MS = 1000;

/** Names beyond these are counted. */
const NAMED = 3;

/** `a, b and 2 more`. @param {string[]} names */
export function listed(names) {
  if (names.length > NAMED) return `${names.slice(0, NAMED - 1).join(', ')} and ${names.length - NAMED + 1} more`;
  return [names.slice(0, -1).join(', '), names.at(-1) ?? ''].filter((part) => part !== '').join(' and ');
}

/** @param {{ name: string }[]} replicas */
const namesOf = (replicas) => listed(replicas.map((it) => it.name));

/** @param {number} n @param {string} one */
const plural = (n, one) => `${count(n)} ${one}${n === 1 ? '' : 's'}`;

/** @param {number | null} skewMs */
export const skewOf = (skewMs) => (skewMs === null || Math.abs(skewMs) <= SKEW_MS ? '' : `${duration(Math.abs(skewMs))} ${skewMs > 0 ? 'ahead' : 'behind'}`);

/** @type {Record<string, string>} */
const STATES = { live: 'Live', learning: 'Its requests are on their way', stale: 'Not heard', incompatible: 'Speaks a newer format', conflict: 'Same epoch as another' };

/** @param {string} state */
export const stateOf = (state) => (Object.hasOwn(STATES, state) ? (STATES[state] ?? state) : state);

/** The other replicas and their requests, for when they are lost. @param {Fleet} fleet */
export function othersOf({ replicas }) {
  const others = replicas.filter((it) => !it.self);
  return { replicas: others.length, rows: others.reduce((sum, it) => sum + (it.rows ?? 0), 0) };
}

/**
 * The gravest first; `null` where all is well.
 * @param {Fleet} fleet
 * @param {{ replicas: number, rows: number } | null} before the others, when the fleet was last heard
 * @param {string[]} missing names of replicas that are in no number of the view
 * @param {number} nowMs
 * @returns {News | null}
 */
export function newsOf(fleet, before, missing, nowMs) {
  const is = (/** @type {string} */ state) => fleet.replicas.filter((it) => it.state === state);
  const [stale, incompatible, conflict, learning] = [is('stale'), is('incompatible'), is('conflict'), is('learning')];
  const action = 'Replicas';
  if (fleet.lostSinceMs !== null) {
    return {
      tone: 'warn', about: 'lost', action, text: `Fleet view lost since ${timeOfDay(fleet.lostSinceMs)}: this replica only.`,
      hint: `The ${fleet.engine === '' ? 'server between the replicas' : `${engineOf(fleet.engine)} server between them`} cannot be reached.${before && before.replicas > 0 ? ` There were ${plural(before.replicas, 'other')} with ${plural(before.rows, 'request')} then.` : ''}`,
    };
  }
  if (stale.length > 0) {
    const sinceMs = Math.min(...stale.map((it) => it.heardMs));
    const rows = stale.reduce((sum, it) => sum + (it.rows ?? 0), 0);
    return {
      tone: 'warn', about: `stale ${namesOf(stale)}`, action, text: `${namesOf(stale)} ${stale.length === 1 ? 'has' : 'have'} not been heard from since ${timeOfDay(sinceMs)}.`,
      hint: rows === 0 ? `That is ${ago(nowMs - sinceMs)}.` : `What you see of ${stale.length === 1 ? 'its' : 'their'} ${plural(rows, 'request')} is from then.`,
    };
  }
  if (conflict.length > 0) return { tone: 'warn', about: `conflict ${namesOf(conflict)}`, action, text: `Another process has the epoch of ${namesOf(conflict)}.`, hint: 'Their requests cannot be told apart and are not shown. Restart one of them.' };
  if (incompatible.length > 0) return { tone: 'warn', about: `incompatible ${namesOf(incompatible)}`, action, text: `${namesOf(incompatible)} cannot be read: ${incompatible.length === 1 ? 'it speaks' : 'they speak'} a newer format than this server.`, hint: 'Requests there are not shown.' };
  if (missing.length > 0) return { tone: 'warn', about: `missing ${missing.join()}`, action, text: `These numbers are without ${listed(missing)}.`, hint: 'No answer came in time.' };
  if (learning.length > 0) return { tone: 'info', about: `learning ${namesOf(learning)}`, action, text: `The requests of ${namesOf(learning)} are still on their way.`, hint: '' };
  const skewed = fleet.replicas.filter((it) => skewOf(it.skewMs) !== '');
  const [first] = skewed;
  if (first) {
    return {
      tone: 'info', about: `skew ${namesOf(skewed)}`, action: 'Hide', text: `The clock of ${first.name} is ${skewOf(first.skewMs)}${skewed.length > 1 ? `, and ${plural(skewed.length - 1, 'other')} differ${skewed.length === 2 ? 's' : ''}, too` : ''}.`,
      hint: 'Durations are right all the same; its log and its metrics have other times than this page.',
    };
  }
  const own = fleet.replicas.find((it) => it.self)?.version ?? '';
  const others = fleet.replicas.filter((it) => it.version !== '' && own !== '' && it.version !== own);
  const [other] = others;
  if (other) return { tone: 'info', about: `version ${others.map((it) => `${it.name} ${it.version}`).join()}`, action: 'Hide', text: `${namesOf(others)} ${others.length === 1 ? 'runs' : 'run'} another version than this server.`, hint: `${other.version} there, ${own} here.` };
  return null;
}

/** The name of what carries messages between replicas. @param {string} engine */
export const engineOf = (engine) => ({ nats: 'NATS', redis: 'Redis' })[engine] ?? engine;
