/** The words around the list: how many rows there are, why there are none, and how many wait to be shown. */

import { count } from '../model/format.js';
import { byId, setText, textIn, typed } from './dom.js';

/** @param {{ onShow: () => void }} parts `onShow`: what waits is to be shown */
export function createListNotes({ onShow }) {
  const empty = byId('grid-empty');
  const emptyText = textIn(byId('grid-empty-text'));
  const emptyAction = typed('grid-empty-action', HTMLButtonElement);
  const shown = textIn(byId('shown'));
  const waiting = byId('waiting');
  const waitingText = textIn(waiting);
  waiting.addEventListener('click', onShow);
  emptyAction.addEventListener('click', () => byId('filter').dispatchEvent(new CustomEvent('clear')));

  return {
    /** @param {{ rows: number, all: number, query: string, why: () => string | null }} of `why`: nothing is known, because of this */
    say({ rows, all, query, why }) {
      const unknown = all === 0 ? why() : null;
      setText(shown, unknown !== null ? '' : query === '' ? `${count(all)} shown` : `${count(rows)} of ${count(all)}`);
      empty.hidden = rows > 0;
      if (rows > 0) return;
      const filtered = all > 0;
      setText(emptyText, filtered ? `No request matches “${query}”.` : unknown ?? 'No requests in flight.\nA request is listed from its start to the end of its response.');
      emptyAction.hidden = !filtered;
    },
    /** @param {number} fresh requests that are not shown yet @param {number} concerned those that need a look and do not stand on top yet */
    wait(fresh, concerned) {
      waiting.hidden = fresh + concerned === 0;
      const news = [...(fresh > 0 ? [`${count(fresh)} new`] : []), ...(concerned > 0 ? [`${concerned === 1 ? '1 needs' : `${count(concerned)} need`} attention`] : [])];
      if (news.length > 0) setText(waitingText, `${news.join(', ')} ↑`);
    },
  };
}
