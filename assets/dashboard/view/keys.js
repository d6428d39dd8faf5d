/** Single keys for those whose hands are on the keyboard. They rest wherever a key means something else already. */

import { byId, typed } from './dom.js';

/** `run`: left out where something else in the page takes the key, and the help tells of it. @typedef {{ keys: string[], label: string, run?: (event: KeyboardEvent) => unknown }} Binding */

const TYPED_IN = 'input, select, textarea, [contenteditable]';
/** The dialogs and menus above the page, which take all keys while they are open. */
const ABOVE = 'dialog[open], :popover-open';
const PRESSABLE = 'button, a, summary';

/** @param {Binding[]} bindings @param {(all: Binding[]) => void} onHelp told when the help is opened */
export function bindKeys(bindings, onHelp) {
  const help = typed('help', HTMLDialogElement);
  function showHelp() {
    help.showModal();
    onHelp(all);
  }
  /** @type {Binding[]} */
  const all = [...bindings, { keys: ['?'], label: 'this help', run: showHelp }];
  document.addEventListener('keydown', (event) => {
    const target = event.target instanceof Element ? event.target : null;
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (target?.closest(TYPED_IN) || document.querySelector(ABOVE)) return;
    if ((event.key === ' ' || event.key === 'Enter') && target?.closest(PRESSABLE)) return;
    const binding = all.find((it) => it.keys.includes(event.key));
    if (!binding?.run) return;
    event.preventDefault();
    binding.run(event);
  });
  byId('help-button').addEventListener('click', showHelp);
  byId('help-close').addEventListener('click', () => help.close());
}
