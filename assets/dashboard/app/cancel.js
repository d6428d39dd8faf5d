/** Cancels requests, after a question. */

import { progress, question, report } from '../model/cancellation.js';
import { cancelRequests } from '../net/cancel.js';
import { createConfirm } from '../view/confirm.js';

/** @typedef {import('../types.js').Row} Row */

/**
 * @param {import('./live.js').Live} live
 * @param {{ askKey: (refused: boolean) => void, refresh: () => void, toast: (text: string) => void }} parts
 */
export function createCancel({ api, feed, list }, { askKey, refresh, toast }) {
  const confirm = createConfirm({ restore: () => void list.enter() });
  return {
    /** Whether the server lets this operator do it. */
    get allowed() {
      return feed.canCancel;
    },
    /** @param {Row[]} rows */
    ask(rows) {
      if (!feed.canCancel) return toast('You may not cancel requests on this server');
      const running = rows.filter((row) => row.outcome === null);
      if (running.length === 0) return toast(rows.length === 1 ? 'That request has ended already' : 'None of these is in flight');
      // What is asked about is what is cancelled, whatever comes meanwhile.
      const ids = running.map((row) => row.id);
      confirm.ask(question(running), async (work) => {
        const result = await cancelRequests(api, ids, (done) => work.progress(progress(done, ids.length)));
        const { done, problem } = report(result);
        refresh();
        if (result.refusal?.status === 401) askKey(api.hasKey);
        if (problem === '') toast(done);
        return problem === '' ? '' : `${result.cancelled + result.ended > 0 ? `${done}. ` : ''}${problem}`;
      });
    },
  };
}
