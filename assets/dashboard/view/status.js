/** How things stand with the server, in words that are true: the indicator, the banner under it, and one polite line for those who listen. */

import * as format from '../model/format.js';
import { byId, setData, setText, textIn, typed } from './dom.js';

/** @typedef {import('../types.js').ConnectionState} ConnectionState */

/** Data older than this is said to be old. */
const OLD_MS = 5000;
/** A notice goes away by itself after this. */
const NOTICE_MS = 10_000;

/**
 * @param {{ onIndicator: () => void, onRetry: () => void, onFleet: () => void, now: () => number }} parts `now`: epoch milliseconds here, not on the server
 */
export function createStatus({ onIndicator, onRetry, onFleet, now }) {
  const indicator = typed('indicator', HTMLButtonElement);
  const indicatorText = textIn(byId('indicator-text'));
  const age = textIn(byId('data-age'));
  const banner = byId('banner');
  const bannerText = textIn(byId('banner-text'));
  const bannerHint = textIn(byId('banner-hint'));
  const bannerAction = typed('banner-action', HTMLButtonElement);
  const spoken = byId('spoken');
  indicator.addEventListener('click', onIndicator);
  bannerAction.addEventListener('click', () => (ofFleet ? onFleet() : onRetry()));
  /** Whether the banner tells of the fleet. */
  let ofFleet = false;
  /** @type {{ text: string, untilMs: number } | null} */
  let notice = null;
  let said = '';

  /** @param {string} tone @param {string} text @param {string} hint @param {string} [action] */
  function show(tone, text, hint, action) {
    banner.hidden = false;
    setData(banner, 'data-tone', tone);
    setText(bannerText, text);
    setText(bannerHint, hint);
    bannerAction.hidden = action === undefined;
    if (action !== undefined && bannerAction.textContent !== action) bannerAction.textContent = action;
  }

  /** Said once per change, so that nobody is talked to all day. @param {string} text */
  function say(text) {
    if (text === said) return;
    said = text;
    spoken.textContent = text;
  }

  return {
    /** Something to know for some seconds. @param {string} text */
    notice(text) {
      notice = { text, untilMs: now() + NOTICE_MS };
    },
    /**
     * @param {ConnectionState} state
     * @param {{ heardMs: number | null, pollMs: number, frozen: { sinceMs: number, behind: number } | null, late: boolean, draining: boolean, fleet: import('../model/fleet-news.js').News | null, disabled: import('../types.js').Hint | null, pollError: string | null }} facts
     *   `heardMs`: when something was last heard, epoch milliseconds here
     */
    draw(state, facts) {
      const { word, tone } = describe(state, now(), facts);
      setText(indicatorText, word);
      setData(indicator, 'data-tone', tone);
      const silence = facts.heardMs === null ? null : now() - facts.heardMs;
      setText(age, silence === null || state.name === 'live' && silence < 31_000 ? '' : silence > OLD_MS ? `data ${format.duration(silence)} old` : '');
      document.documentElement.toggleAttribute('data-old', silence !== null && (state.name === 'stale' || (silence > OLD_MS && state.name !== 'live' && state.name !== 'paused')));
      say(word.replace(/ in .*/, ''));
      if (notice && now() > notice.untilMs) notice = null;
      ofFleet = false;
      if (facts.frozen) show('info', `Frozen at ${format.timeOfDay(facts.frozen.sinceMs)}`, `+${format.count(facts.frozen.behind)} changes behind. Nothing is lost.`, 'Resume');
      else if (state.name === 'waiting') {
        const seen = facts.heardMs === null ? 'Nothing was received yet.' : `What you see is from ${format.timeOfDay(facts.heardMs)}, ${format.ago(silence)}.`;
        show('bad', `Not connected: ${state.cause}.`, `${seen} Try ${state.attempt} in ${secondsTo(state.untilMs, now())}s.`, 'Try now');
      } else if (state.name === 'connecting' && silence !== null && silence > OLD_MS) show('bad', 'The server has not answered yet.', `What you see is from ${format.timeOfDay(facts.heardMs)}, ${format.ago(silence)}.`);
      else if (state.name === 'locked') show('warn', state.refused ? 'The server refused the API key.' : 'This server requires an API key.', '', 'Enter the key');
      else if (facts.disabled) show('warn', sentence(facts.disabled.message), facts.disabled.suggestion, 'Try again');
      else if (state.name === 'polling' && state.hint) show('info', `${sentence(state.hint.message)} The list is polled every ${facts.pollMs / 1000}s.`, state.hint.suggestion, 'Try the stream');
      else if (state.name === 'stale') show('warn', 'The connection is silent.', `Nothing has come since ${format.timeOfDay(facts.heardMs)}.`, 'Reconnect');
      else if (facts.draining && facts.pollError === null) show('warn', 'The server is shutting down.', 'It takes no new requests and waits for those in flight to end.');
      else if (facts.pollError) show('bad', 'The last answer could not be used.', facts.pollError, 'Try now');
      else if (facts.late) show('warn', 'AG Grid is late.', 'The plain table shows the rows until it is ready.');
      else if (facts.fleet && !(notice && facts.fleet.tone === 'info')) {
        ofFleet = true;
        show(facts.fleet.tone, facts.fleet.text, facts.fleet.hint, facts.fleet.action);
      } else if (notice) show('info', notice.text, '');
      else banner.hidden = true;
    },
  };
}

/** @param {number} untilMs @param {number} nowMs */
const secondsTo = (untilMs, nowMs) => Math.max(0, Math.ceil((untilMs - nowMs) / 1000));

/** @param {string} text */
const sentence = (text) => (/[.!?]$/.test(text) ? text : `${text}.`);

/** @param {ConnectionState} state @param {number} nowMs @param {{ pollMs: number, frozen: object | null }} facts */
function describe(state, nowMs, { pollMs, frozen }) {
  const polling = { word: `○ Polling every ${pollMs / 1000}s`, tone: 'calm' };
  switch (state.name) {
    case 'live':
      return frozen ? { word: '❚❚ Frozen', tone: 'busy' } : { word: '● Live', tone: 'good' };
    case 'stale':
      return { word: '◌ Silent', tone: 'warn' };
    case 'connecting':
      return { word: '○ Connecting...', tone: 'busy' };
    case 'waiting':
      return { word: `○ Reconnecting... in ${secondsTo(state.untilMs, nowMs)}s`, tone: 'bad' };
    case 'polling':
    case 'off':
      return polling;
    case 'locked':
      return { word: '○ API key needed', tone: 'warn' };
    case 'paused':
      return state.why === 'elsewhere' ? polling : { word: '○ Paused', tone: 'calm' };
  }
}
