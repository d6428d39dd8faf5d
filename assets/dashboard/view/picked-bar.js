/** The bar over the list while requests are picked: how many, and what can be done with them. */

import { count } from '../model/format.js';
import { h, setText, textIn } from './dom.js';

/** @param {HTMLElement} host @param {{ onCancel: () => void, onClear: () => void }} parts */
export function createPickedBar(host, { onCancel, onClear }) {
  const said = h('span', { role: 'status' });
  const saidText = textIn(said);
  const cancel = h('button', { type: 'button', class: 'tool danger', onclick: onCancel }, 'Cancel them...');
  const bar = h('div', { class: 'picked-bar', role: 'group', 'aria-label': 'Selected requests' },
    said, cancel, h('button', { type: 'button', class: 'tool', onclick: onClear }, 'Clear the selection'));
  bar.hidden = true;
  host.append(bar);
  return {
    /** @param {number} number */
    show(number) {
      setText(saidText, number === 0 ? '' : `${count(number)} selected`);
      bar.hidden = number === 0;
    },
  };
}
