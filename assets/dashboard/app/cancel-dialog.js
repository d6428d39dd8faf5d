/** The question before a cancellation, and what comes of it. */

import { progress, question, report } from '../model/cancellation.js';
import { cancelRequests } from '../net/cancel.js';
import { createConfirm } from '../view/confirm.js';

/** @typedef {import('../types.js').Row} Row */

/**
 * @param {import('./live.js').Live} live
 * @param {{ askKey: (refused: boolean) => void, refresh: () => void, toast: (text: string) => void }} parts
 */
export function createCancelDialog({ api, list }, { askKey, refresh, toast }) {
  const confirm = createConfirm({ restore: () => void list.enter() });
  /** Asks about requests in flight, and cancels them. @param {Row[]} running */
  return (running) => {
    // What is asked about is what is cancelled, whatever comes meanwhile.
    const ids = running.map((row) => row.id);
    confirm.ask(question(running), async (work) => {
      const result = await cancelRequests(api, ids, (done) => work.progress(progress(done, ids.length)), api.scope !== 'local');
      const { done, problem } = report(result);
      refresh();
      if (result.refusal?.status === 401) askKey(api.hasKey);
      if (problem === '') toast(done);
      return problem === '' ? '' : `${result.cancelled + result.ended > 0 ? `${done}. ` : ''}${problem}`;
    });
  };
}
