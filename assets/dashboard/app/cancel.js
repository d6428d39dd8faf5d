/** Cancels requests, after a question. */

import { createPart, style } from './part.js';

/** @typedef {import('../types.js').Row} Row */

/**
 * @param {import('./live.js').Live} live
 * @param {{ askKey: (refused: boolean) => void, refresh: () => void, toast: (text: string) => void }} parts
 */
export function createCancel(live, parts) {
  const { feed } = live;
  const { toast } = parts;
  const dialog = createPart(async () => {
    const [{ createCancelDialog }] = await Promise.all([import('./cancel-dialog.js'), style('dialogs')]);
    return createCancelDialog(live, parts);
  });
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
      dialog.use((ask) => ask(running));
    },
  };
}
