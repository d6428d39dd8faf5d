/** The words around a cancellation: what is asked before it, and what came of it. */

import { count } from './format.js';

/** @typedef {import('../types.js').Row} Row */

/**
 * @typedef {object} Cancelled
 * @property {number} cancelled
 * @property {number} ended they had ended already
 * @property {number} fixed nothing in the server can cancel them
 * @property {number} unreached their replica could not be reached
 * @property {number} unanswered their replica did not answer in time: nobody knows
 * @property {number} untried left alone after an answer that the others would have got, too
 * @property {{ status: number, message: string } | null} refusal that answer; status 0 where there was none
 */

/** @param {number} n @param {string} one @param {string} many */
const plural = (n, one, many) => `${count(n)} ${n === 1 ? one : many}`;

/** Asks whether to cancel `rows`, and says what their clients will see. @param {Row[]} rows in flight */
export function question(rows) {
  const single = rows.length === 1 ? rows[0] : undefined;
  const begun = rows.filter((row) => row.status !== null).length;
  const silent = rows.length - begun;
  const requests = single ? 'this request' : plural(rows.length, 'request', 'requests');
  return {
    title: `Cancel ${requests}?`,
    subject: single ? `${single.provider} · ${single.model} · ${single.id}` : '',
    effects: [
      silent === 0 ? '' : `${single ? 'It has' : silent === rows.length ? 'They have' : plural(silent, 'has', 'have')} no answer yet: the client gets a 503 that says that an operator cancelled the request.`,
      begun === 0 ? '' : `${single ? 'Its answer has' : begun === rows.length ? 'Their answers have' : plural(begun, 'answer has', 'answers have')} begun: the client sees it break off with an error, never as if it were complete.`,
      'The upstream is cut off at once. This cannot be undone.',
    ].filter((effect) => effect !== ''),
    confirm: single ? 'Cancel the request' : `Cancel ${requests}`,
    refuse: 'Keep running',
  };
}

/** @param {number} done @param {number} all */
export const progress = (done, all) => `${count(done)} of ${count(all)} answered...`;

/** What came of it: `done` in few words, `problem` where not all went as asked. @param {Cancelled} result */
export function report({ cancelled, ended, fixed, unreached, unanswered, untried, refusal }) {
  const done = [
    cancelled > 0 || ended === 0 ? `${count(cancelled)} cancelled` : '',
    ended > 0 ? `${count(ended)} had already ended` : '',
  ].filter((part) => part !== '').join(', ');
  const problems = [
    fixed > 0 ? `${plural(fixed, 'request', 'requests')} cannot be cancelled: the server has no CancelRequestLayer around ${fixed === 1 ? 'it' : 'them'}.` : '',
    unreached > 0 ? `${plural(unreached, 'request was', 'requests were')} not cancelled: the replica that has ${unreached === 1 ? 'it' : 'them'} could not be reached.` : '',
    unanswered > 0 ? `Of ${plural(unanswered, 'request', 'requests')} it is not known: the replica did not answer in time, and may still cancel ${unanswered === 1 ? 'it' : 'them'}.` : '',
    refusal ? `${plural(untried, 'request was', 'requests were')} left running: ${reason(refusal)}` : '',
  ].filter((part) => part !== '').join(' ');
  return { done, problem: problems };
}

/** @param {{ status: number, message: string }} refusal */
function reason({ status, message }) {
  if (status === 0) return `the server cannot be reached (${message}).`;
  if (status === 401) return 'the server asks for an API key that may cancel.';
  if (status === 403) return `you may not cancel here. The server says: ${message}`;
  return `the server answered ${status}: ${message}`;
}
