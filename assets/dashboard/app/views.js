/** The saved views of this browser. */

import { readPlace } from '../model/place.js';
import { readViews, withView } from '../model/saved-views.js';
import { copyText } from '../view/actions.js';
import { createViewsDialog } from '../view/views-dialog.js';

const STORED = 'active-requests.views';

/** @param {import('./live.js').Live} live @param {{ toast: (text: string) => void }} parts */
export function createViews({ address, list }, { toast }) {
  /** Read each time, since another tab may have saved one. */
  function views() {
    try {
      return readViews(localStorage.getItem(STORED));
    } catch {
      return [];
    }
  }
  /** @param {import('../model/saved-views.js').SavedView[]} next */
  function keep(next) {
    try {
      localStorage.setItem(STORED, JSON.stringify(next));
    } catch {
      toast('This browser keeps nothing for this page');
    }
  }
  return createViewsDialog({
    views,
    onSave(name) {
      keep(withView(views(), name, address.place, list.columns));
      toast(`Saved as “${name}”`);
    },
    onOpen: ({ hash }) => address.go(readPlace(hash), 'push'),
    onLink: ({ hash }) => void copyText(address.link(readPlace(hash))).then(() => toast('Link copied')),
    onForget: ({ name }) => keep(views().filter((it) => it.name !== name)),
  });
}
