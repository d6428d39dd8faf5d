/** One answer on the page, from its first stage to its follow-up questions. */

import { el } from './dom.js';
import { blocks, inlines } from './text.js';

/**
 * @import { RetryInfo } from '../sse/index.js'
 * @import { Source } from '../sse/routes.js'
 * @import { Block, Inline } from './text.js'
 */

/** The names of the server's stages on the page; others are shown by their own names. @type {Record<string, string>} */
const STAGES = {
  query_analysis: 'Understanding',
  retrieval: 'Searching',
  generation: 'Writing',
  scoring: 'Checking',
  follow_ups: 'Looking ahead',
};

/** Makes the elements of an answer and changes them as it grows. */
export class AnswerView {
  #text = '';
  /** The source of each block on the page; only blocks whose source differs are made again. @type {string[]} */
  #drawn = [];
  #trail = el('ol', { class: 'trail', ariaLabel: 'Stages' });
  #sources = el('div', {});
  #body = el('div', { class: 'text' });
  #facts = el('div', { class: 'facts', hidden: true });
  #notice = el('div', {});
  #followUps = el('div', {});
  element = el('li', { class: 'answer' }, this.#trail, this.#sources, this.#body, this.#notice, this.#facts, this.#followUps);

  /** @param {string} stage */
  stage(stage) {
    this.#trail.lastElementChild?.classList.remove('now');
    this.#trail.append(el('li', { class: 'now' }, STAGES[stage] ?? stage.replaceAll('_', ' ')));
    this.#notice.replaceChildren();
    this.#body.classList.toggle('growing', stage === 'generation');
  }

  /** @param {Source[]} sources */
  sources(sources) {
    if (!sources.length) return;
    const count = sources.length === 1 ? '1 passage' : `${sources.length} passages`;
    const list = el('details', { class: 'sources' }, el('summary', {}, `Stands on ${count}`), ...sources.map(sourceView));
    this.#sources.replaceChildren(list);
  }

  /** @param {string} text */
  append(text) {
    this.#text += text;
    const found = blocks(this.#text);
    found.forEach((block, index) => {
      const made = `${block.kind}\n${block.lines.join('\n')}`;
      if (this.#drawn[index] === made) return;
      this.#drawn[index] = made;
      const element = blockView(block, (number) => this.#showSource(number));
      const old = this.#body.children[index];
      if (old) old.replaceWith(element);
      else this.#body.append(element);
    });
    while (this.#body.children.length > found.length) this.#body.lastElementChild?.remove();
    this.#drawn.length = found.length;
  }

  /** @param {number} score 0 to 1 */
  score(score) {
    const percent = `${Math.round(score * 100)} %`;
    const meter = el('meter', { min: 0, max: 1, low: 0.4, high: 0.7, optimum: 1, value: score, ariaLabel: 'In the passages' });
    const title = 'How many of the answer’s meaningful words stand in the passages';
    this.#addFact(el('span', { class: 'grounded', title }, meter, `${percent} in the passages`));
  }

  /** @param {{ provider?: string, model?: string, duration_ms?: number }} metadata */
  metadata({ provider, model, duration_ms }) {
    if (provider === 'demo') {
      const title = 'It quotes the passages it is given. CHAT_UPSTREAM and CHAT_MODEL connect a real one.';
      this.#addFact(el('span', { title }, 'simulated model'));
    } else if (model) this.#addFact(el('span', { title: `Model, at ${provider}` }, model));
    if (duration_ms !== undefined) this.#addFact(el('span', { title: 'From the question to the end' }, `${(duration_ms / 1000).toFixed(1)} s`));
  }

  /**
   * @param {string[]} questions
   * @param {(question: string) => void} ask
   */
  followUps(questions, ask) {
    const list = el('ul', { class: 'questions', ariaLabel: 'Ask next' });
    list.append(...questions.map((question) => el('li', {}, el('button', { type: 'button', onclick: () => ask(question) }, question))));
    this.#followUps.replaceChildren(...(questions.length ? [list] : []));
  }

  /** Another attempt is due. @param {RetryInfo} retry */
  waits({ attempt, delay, now }) {
    const left = el('span', {});
    const due = Date.now() + delay;
    const count = () => (left.textContent = `${Math.max(1, Math.ceil((due - Date.now()) / 1000))} s`);
    count();
    this.#say('', ['The server is not ready; trying again in ', left], `Attempt ${attempt + 1}`, ['Now', now]);
    const timer = setInterval(() => (left.isConnected ? count() : clearInterval(timer)), 1000);
  }

  /** It has come to its end. */
  completes() {
    this.#close('now');
    const copy = el('button', { class: 'quiet', type: 'button' }, 'Copy');
    copy.onclick = async () => {
      await navigator.clipboard.writeText(this.#text);
      copy.textContent = 'Copied';
      setTimeout(() => (copy.textContent = 'Copy'), 1500);
    };
    if (this.#text && navigator.clipboard) this.#addFact(copy);
  }

  /** It ended, but the server did not say so. @param {() => void} again */
  isCut(again) {
    this.#close('now', 'left');
    this.#say('', ['The answer may be incomplete'], 'It ended without saying so.', ['Ask again', again]);
  }

  /** The person stopped it. @param {() => void} again */
  isStopped(again) {
    this.#close('now', 'left');
    this.#say('', ['Stopped'], this.#text ? 'What was said so far is remembered.' : '', ['Ask again', again]);
  }

  /**
   * @param {{ title: string, detail: string, again: boolean }} failure
   * @param {() => void} again
   */
  fails({ title, detail, again: mayHelp }, again) {
    this.#close('now', 'left');
    this.#say('failed', [title], detail, mayHelp ? ['Ask again', again] : undefined);
  }

  /** @param {string} was @param {string} [is] */
  #close(was, is) {
    const last = this.#trail.lastElementChild;
    last?.classList.remove(was);
    if (is) last?.classList.add(is);
    this.#body.classList.remove('growing');
    this.#notice.replaceChildren();
  }

  /** @param {Node} fact */
  #addFact(fact) {
    this.#facts.hidden = false;
    this.#facts.append(fact);
  }

  /**
   * @param {string} kind
   * @param {(string | Node)[]} title
   * @param {string} detail
   * @param {[label: string, run: () => void]} [action]
   */
  #say(kind, title, detail, action) {
    const parts = [el('strong', {}, ...title)];
    if (detail) parts.push(el('p', {}, detail));
    if (action) parts.push(el('button', { type: 'button', onclick: action[1] }, action[0]));
    this.#notice.replaceChildren(el('div', { class: `notice ${kind}` }, ...parts));
  }

  /** @param {number} number */
  #showSource(number) {
    const list = this.#sources.querySelector('details');
    const source = list?.querySelectorAll('details')[number - 1];
    if (!list || !source) return;
    for (const other of list.querySelectorAll('.shown')) other.classList.remove('shown');
    list.open = source.open = true;
    source.classList.add('shown');
    source.scrollIntoView({ block: 'nearest' });
    source.querySelector('summary')?.focus();
  }
}

/** @param {Source} source @param {number} index */
function sourceView({ document_name, text, score }, index) {
  const [heading = '', ...rest] = text.split('\n');
  const meter = el('meter', { min: 0, max: 1, value: score, title: `Match ${score}`, ariaLabel: 'Match' });
  const summary = el('summary', {}, el('span', { class: 'number' }, String(index + 1)), el('span', { class: 'heading' }, heading), meter);
  return el('details', { class: 'source' }, summary, el('p', {}, rest.join('\n')), el('p', { class: 'place' }, document_name));
}

/**
 * @param {Block} block
 * @param {(number: number) => void} cite
 */
function blockView({ kind, lines }, cite) {
  const inline = (/** @type {string} */ line) => inlines(line).map((part) => inlineView(part, cite));
  if (kind === 'code') return el('pre', {}, el('code', {}, lines.join('\n')));
  if (kind === 'heading') return el('h3', {}, ...inline(lines.join(' ')));
  if (kind === 'bullets') return el('ul', {}, ...lines.map((line) => el('li', {}, ...inline(line))));
  if (kind === 'numbers') return el('ol', {}, ...lines.map((line) => el('li', {}, ...inline(line))));
  return el('p', {}, ...inline(lines.join('\n')));
}

/**
 * @param {Inline} part
 * @param {(number: number) => void} cite
 */
function inlineView({ kind, text }, cite) {
  if (kind === 'code') return el('code', {}, text);
  if (kind === 'strong') return el('strong', {}, text);
  if (kind === 'emphasis') return el('em', {}, text);
  if (kind === 'cite')
    return el('button', { class: 'cite', type: 'button', title: 'Show the passage', onclick: () => cite(Number(text)) }, text);
  return text;
}
