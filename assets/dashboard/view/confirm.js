/** Asks before something that cannot be undone. Esc and the first button leave things as they are; the focus goes back to where it was. */

import { h } from './dom.js';

/** @typedef {{ title: string, subject: string, effects: string[], confirm: string, refuse: string }} Question */

/**
 * @typedef {object} Work
 * @property {(text: string) => void} progress says how far it is
 */

/** @param {{ restore: () => void }} parts `restore`: puts the focus somewhere sensible where its old place is gone */
export function createConfirm({ restore }) {
  const title = h('h2', { id: 'confirm-title' });
  const subject = h('p', { class: 'mono confirm-subject' });
  const effects = h('ul', { id: 'confirm-effects', class: 'confirm-effects' });
  const progress = h('p', { role: 'status', class: 'faint' });
  const problem = h('p', { role: 'alert', class: 'filter-error' });
  const refuse = h('button', { type: 'button', class: 'tool', onclick: () => dialog.close() });
  const confirm = h('button', { type: 'button', class: 'tool danger', onclick: () => void act() });
  const dialog = h('dialog', { id: 'confirm', class: 'dialog', 'aria-labelledby': 'confirm-title', 'aria-describedby': 'confirm-effects' },
    title, subject, effects, progress, problem, h('div', { class: 'dialog-actions' }, refuse, confirm));
  document.body.append(dialog);
  /** @type {((work: Work) => Promise<string>) | null} */
  let run = null;
  /** @type {Element | null} */
  let before = null;
  dialog.addEventListener('close', () => {
    // The browser gives the focus back where its old place still is.
    if (!before?.isConnected || before === document.body) restore();
  });

  async function act() {
    const work = run;
    if (!work) return;
    run = null;
    confirm.disabled = true;
    problem.textContent = '';
    const wrong = await work({ progress: (text) => (progress.textContent = text) });
    progress.textContent = '';
    if (wrong === '') return dialog.close();
    problem.textContent = wrong;
    confirm.hidden = true;
    refuse.textContent = 'Close';
    if (dialog.open) refuse.focus();
  }

  return {
    /**
     * @param {Question} question
     * @param {(work: Work) => Promise<string>} work done where the operator says so; returns what went wrong, or nothing
     */
    ask(question, work) {
      if (dialog.open) return;
      title.textContent = question.title;
      subject.textContent = question.subject;
      subject.hidden = question.subject === '';
      effects.replaceChildren(...question.effects.map((effect) => h('li', {}, effect)));
      progress.textContent = problem.textContent = '';
      refuse.textContent = question.refuse;
      confirm.textContent = question.confirm;
      confirm.hidden = confirm.disabled = false;
      before = document.activeElement;
      run = work;
      dialog.showModal();
      refuse.focus();
    },
  };
}
