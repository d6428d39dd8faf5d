/** The words for what a request is doing and how it ended: one table each, used by rows, filter, drawer and logs alike. */

import { isSilent } from './row.js';

/** @typedef {'calm' | 'busy' | 'good' | 'warn' | 'bad' | 'mute'} Tone */

/** @type {Record<string, { word: string, tone: Tone, icon: string }>} */
const PHASES = {
  waiting: { word: 'Waiting', tone: 'calm', icon: '◔' },
  responding: { word: 'Responding', tone: 'busy', icon: '◑' },
  streaming: { word: 'Streaming', tone: 'good', icon: '●' },
  stalled: { word: 'Stalled', tone: 'warn', icon: '▲' },
  /** Its replica is silent: nothing is known of it now. */
  unheard: { word: 'Not heard', tone: 'mute', icon: '◌' },
};

/** @type {Record<string, { word: string, tone: Tone, icon: string }>} */
const OUTCOMES = {
  completed: { word: 'Completed', tone: 'mute', icon: '✓' },
  upgraded: { word: 'Upgraded', tone: 'mute', icon: '✓' },
  truncated: { word: 'Truncated', tone: 'bad', icon: '✕' },
  upstream_error: { word: 'Upstream error', tone: 'bad', icon: '✕' },
  body_error: { word: 'Broke off', tone: 'bad', icon: '✕' },
  client_disconnect: { word: 'Client left', tone: 'mute', icon: '↩' },
  cancelled: { word: 'Client left', tone: 'mute', icon: '↩' },
  killed: { word: 'Killed', tone: 'warn', icon: '⊘' },
  shutdown: { word: 'Cut off', tone: 'bad', icon: '✕' },
  refused: { word: 'Refused', tone: 'mute', icon: '⊘' },
  service_error: { word: 'Service error', tone: 'bad', icon: '✕' },
  panicked: { word: 'Panicked', tone: 'bad', icon: '✕' },
  /** Seen to be gone between two whole snapshots, which do not say how. */
  gone: { word: 'Ended', tone: 'mute', icon: '✓' },
};

export const PHASE_NAMES = Object.keys(PHASES);
export const OUTCOME_NAMES = Object.keys(OUTCOMES);

const UNKNOWN = { word: 'In flight', tone: /** @type {Tone} */ ('calm'), icon: '○' };

/** @param {Record<string, { word: string, tone: Tone, icon: string }>} table @param {string} name */
function look(table, name) {
  const known = Object.hasOwn(table, name) ? table[name] : undefined;
  return known ?? (name === '' ? UNKNOWN : { ...UNKNOWN, word: name });
}

/** @param {string} phase */
export const phase = (phase) => look(PHASES, phase);

/** @param {string} outcome */
export const outcome = (outcome) => look(OUTCOMES, outcome);

/** The concerns that are more to say than the phase. @type {Record<string, { word: string, tone: Tone, icon: string }>} */
const CONCERNS = {
  unanswered: { word: 'No answer', tone: 'warn', icon: '▲' },
  unread: { word: 'Not read', tone: 'warn', icon: '▲' },
};

/** Ends as they should be, and that of a request that was not let in. */
const WELL = new Set(['completed', 'upgraded', 'refused', 'gone']);

/** Ends that nobody is to blame for here: the client changed its mind, or an operator decided. */
const ENDED_BY_CHOICE = new Set(['client_disconnect', 'cancelled', 'killed']);

/** Whether a request that ended so was ended by its client or an operator. @param {string} outcome */
export const endedByChoice = (outcome) => ENDED_BY_CHOICE.has(outcome);

/** Whether a request that ended so counts as failed. @param {string} outcome */
export const failed = (outcome) => !WELL.has(outcome) && !ENDED_BY_CHOICE.has(outcome);

/** The word for a row's state, or for how it ended. @param {import('../types.js').Row} row */
export function state(row) {
  if (row.outcome !== null) return outcome(row.outcome);
  if (isSilent(row)) return phase('unheard');
  return row.concern === null ? phase(row.phase) : (CONCERNS[row.concern] ?? { ...phase(row.phase), tone: /** @type {Tone} */ ('warn') });
}

/** The state as the filter knows it. @param {import('../types.js').Row} row */
export const stateName = (row) => row.outcome ?? (isSilent(row) ? 'unheard' : row.phase === '' ? 'active' : row.phase);
