/** The sums of a fleet that has more requests than one list can show: a line for each model of each replica. */

import { badge } from './format.js';
import { amount, amountOrNull, text } from './row.js';

/**
 * @typedef {object} Sum
 * @property {string} epoch of the replica
 * @property {string} replica
 * @property {string} provider
 * @property {string} model
 * @property {import('../types.js').Badge} badge
 * @property {number} active requests in flight
 * @property {number} waiting
 * @property {number} responding
 * @property {number} streaming
 * @property {number} stalled
 * @property {number} onClient
 * @property {number} input
 * @property {number} output
 * @property {number} rate output tokens per second
 * @property {number | null} oldestMs age of the oldest; `null` where none is in flight
 * @property {number} ended
 * @property {number} errors
 */

/** @param {Iterable<Record<string, unknown>>} replicas as the server sends them @returns {Sum[]} the most requests first */
export function readSums(replicas) {
  return Array.from(replicas, (it) => {
    const epoch = text(it['epoch']);
    const replica = text(it['replica'], epoch);
    return (Array.isArray(it['models']) ? it['models'] : []).flatMap((sum) => (Array.isArray(sum) ? [readSum(sum, epoch, replica)] : []));
  }).flat().sort((a, b) => b.active - a.active);
}

/**
 * `[provider, model, waiting, responding, streaming, stalled, waiting_on_client, input, output, tokens per second, oldest in ms, started, ended, errors]`.
 * @param {unknown[]} wire @param {string} epoch @param {string} replica @returns {Sum}
 */
function readSum([provider, model, waiting, responding, streaming, stalled, onClient, input, output, rate, oldest, , ended, errors], epoch, replica) {
  const name = text(provider, 'unknown');
  const counts = { waiting: amount(waiting), responding: amount(responding), streaming: amount(streaming), stalled: amount(stalled) };
  const active = counts.waiting + counts.responding + counts.streaming + counts.stalled;
  return {
    epoch, replica, provider: name, model: text(model, 'unknown'), badge: badge(name), ...counts, active, onClient: amount(onClient),
    input: amount(input), output: amount(output), rate: amount(rate), oldestMs: active === 0 ? null : amountOrNull(oldest), ended: amount(ended), errors: amount(errors),
  };
}

/** What the numbers on top need of them. @param {Sum[]} sums */
export function tallyOf(sums) {
  const all = { active: 0, waiting: 0, responding: 0, streaming: 0, stalled: 0, onClient: 0, rate: 0 };
  for (const sum of sums) for (const name of /** @type {(keyof typeof all)[]} */ (Object.keys(all))) all[name] += sum[name];
  // Which of them need a look is known of those alone that the servers call stalled.
  return { ...all, summed: true };
}
