/** The page: the composer, the list, the keys and the theme. */

import { Conversation } from './conversation.js';
import { byId, el } from './dom.js';

const composer = byId('composer', HTMLFormElement);
const question = byId('question', HTMLTextAreaElement);
const send = byId('send', HTMLButtonElement);
const stop = byId('stop', HTMLButtonElement);
const fresh = byId('fresh', HTMLButtonElement);
const latest = byId('latest', HTMLButtonElement);
const theme = byId('theme', HTMLButtonElement);
const messages = byId('messages', HTMLOListElement);
const scroller = byId('scroller', HTMLElement);
const status = byId('status', HTMLElement);
const welcome = byId('welcome', HTMLElement);

let lastQuestion = '';
/** The view follows the answer until the person scrolls away from its end. */
let follows = true;

const conversation = new Conversation({
  onAsk(asked, answer) {
    lastQuestion = asked;
    welcome.hidden = true;
    messages.append(el('li', { class: 'asked' }, asked), answer.element);
    follow(true);
  },
  onGrow: () => follow(follows),
  onChange(running, said) {
    const hadFocus = document.activeElement === stop;
    stop.hidden = !running;
    send.hidden = running;
    fresh.disabled = !messages.childElementCount;
    status.textContent = said;
    if (hadFocus) question.focus();
  },
});

/** @param {boolean} yes */
function follow(yes) {
  follows = yes;
  latest.hidden = yes;
  if (yes) scroller.scrollTop = scroller.scrollHeight;
}

function isAtEnd() {
  return scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 40;
}

function ask() {
  const text = question.value.trim();
  if (!text || conversation.isRunning) return;
  question.value = '';
  send.disabled = true;
  void conversation.ask(text);
}

composer.onsubmit = (event) => {
  event.preventDefault();
  ask();
};

question.oninput = () => (send.disabled = !question.value.trim());

question.onkeydown = (event) => {
  // While a word is being composed, Enter belongs to the input method.
  if (event.isComposing) return;
  if (event.key === 'Enter' && !event.shiftKey) {
    event.preventDefault();
    ask();
  } else if (event.key === 'ArrowUp' && !question.value && lastQuestion) {
    event.preventDefault();
    question.value = lastQuestion;
    send.disabled = false;
  }
};

document.onkeydown = (event) => {
  if (event.key === 'Escape') conversation.stop();
  if (event.key === '/' && document.activeElement !== question) {
    event.preventDefault();
    question.focus();
  }
};

stop.onclick = () => conversation.stop();

fresh.onclick = () => {
  conversation.startAfresh();
  messages.replaceChildren();
  welcome.hidden = false;
  fresh.disabled = true;
  status.textContent = '';
  question.focus();
};

for (const button of welcome.querySelectorAll('button')) button.onclick = () => void conversation.ask(button.textContent ?? '');

scroller.onscroll = () => {
  const atEnd = isAtEnd();
  if (atEnd !== follows) {
    follows = atEnd;
    latest.hidden = atEnd;
  }
};
latest.onclick = () => follow(true);

const THEMES = ['auto', 'light', 'dark'];
/** @param {string} name */
function show(name) {
  document.documentElement.dataset.theme = name;
  theme.textContent = name[0]?.toUpperCase() + name.slice(1);
  theme.ariaLabel = theme.title = `Colours: ${name}`;
}
theme.onclick = () => {
  const next = THEMES[(THEMES.indexOf(document.documentElement.dataset.theme ?? 'auto') + 1) % THEMES.length] ?? 'auto';
  localStorage.setItem('theme', next);
  show(next);
};
const stored = localStorage.getItem('theme');
show(stored && THEMES.includes(stored) ? stored : 'auto');
