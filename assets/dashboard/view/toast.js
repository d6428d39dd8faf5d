/** A few words that go away by themselves. */

import { byId } from './dom.js';

const TOAST_MS = 2200;

/** @returns {(text: string) => void} */
export function createToast() {
  const element = byId('toast');
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  return (text) => {
    element.textContent = text;
    element.hidden = false;
    clearTimeout(timer);
    timer = setTimeout(() => (element.hidden = true), TOAST_MS);
  };
}
