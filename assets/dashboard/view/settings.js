/** The settings that an operator makes once: kept in this browser, not in the address. */

import { LONG_MS } from '../model/concern.js';
import { readLayout } from '../model/layout.js';
import { byId } from './dom.js';

/** @typedef {'auto' | 'light' | 'dark' | 'contrast'} Theme */
/** @typedef {import('../model/layout.js').Layout} Layout */
/**
 * @typedef {object} Options
 * @property {boolean} live
 * @property {number} pollMs
 * @property {number} tickMs
 * @property {number} lingerMs
 * @property {number} longMs milliseconds in flight from which a request needs a look; 0: never
 * @property {boolean} notify
 * @property {number} failedPercent notify from this part of failed requests on; 0: never
 * @property {number} failedLeast and of no fewer requests
 * @property {Theme} theme
 * @property {boolean} utc
 * @property {boolean} charts
 * @property {boolean} debug
 *
 * @typedef {Options & Layout} Settings
 */

const STORED = 'active-requests.settings';
/** Names that scripts around the earlier dashboard set. */
const TICK_GLOBAL = '__vdm_active_requests_duration_tick_ms';
const TICK_STORED = 'vdm.metrics.activeRequests.durationTickMs';
const SHORTEST_TICK = 250;

/** @type {Theme[]} */
export const THEMES = ['auto', 'light', 'dark', 'contrast'];

/** @type {Options} */
const DEFAULTS = {
  live: true, pollMs: 5000, tickMs: 2000, lingerMs: 5000, longMs: LONG_MS, notify: false, failedPercent: 10, failedLeast: 20, theme: 'auto', utc: false, charts: true, debug: false,
};
const SHORTEST_POLL = 1000;

/** @param {string} name */
function stored(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

/** @returns {Settings} */
export function loadSettings() {
  /** @type {Record<string, unknown>} */
  let kept = {};
  try {
    kept = Object(JSON.parse(stored(STORED) ?? '{}'));
  } catch {
    // Written by something else: the defaults will do.
  }
  /** @type {Settings} */
  const settings = { ...DEFAULTS, ...readLayout(kept) };
  for (const [name, usual] of Object.entries(DEFAULTS)) {
    const value = kept[name];
    if (typeof value === typeof usual && !(Number(value) < 0)) Object.assign(settings, { [name]: value });
  }
  settings.pollMs = Math.max(SHORTEST_POLL, settings.pollMs);
  if (!THEMES.includes(settings.theme)) settings.theme = DEFAULTS.theme;
  return settings;
}

/** @param {Settings} settings */
export function showTheme({ theme }) {
  document.documentElement.dataset['theme'] = theme === 'auto' && matchMedia('(prefers-contrast: more)').matches ? 'contrast' : theme;
}

/** How often durations move, in milliseconds. @param {Settings} settings */
export function tickOf(settings) {
  const set = Number(/** @type {Record<string, unknown>} */ (/** @type {unknown} */ (window))[TICK_GLOBAL] ?? stored(TICK_STORED) ?? NaN);
  return Math.max(SHORTEST_TICK, Number.isFinite(set) ? set : settings.tickMs);
}

/** The controls by the setting that each is of. @type {Partial<Record<keyof Options, string>>} */
const CONTROLS = {
  live: 'set-live', pollMs: 'set-poll', tickMs: 'set-tick', lingerMs: 'set-linger', longMs: 'set-long', notify: 'set-notify', failedPercent: 'set-failed', failedLeast: 'set-failed-least',
  theme: 'set-theme', utc: 'set-zone', debug: 'set-debug',
};

/**
 * Ties the controls to the settings.
 * @param {Settings} settings changed in place
 * @param {(changed: keyof Settings) => void} onChange
 */
export function bindSettings(settings, onChange) {
  const controls = /** @type {(keyof Options)[]} */ (Object.keys(CONTROLS)).map((name) => ({ name, element: /** @type {HTMLInputElement | HTMLSelectElement} */ (byId(CONTROLS[name] ?? '')) }));

  function show() {
    for (const { name, element } of controls) {
      if (element instanceof HTMLInputElement) element.checked = settings[name] === true;
      else element.value = String(settings[name]);
    }
    showTheme(settings);
  }

  /** @template {keyof Settings} K @param {K} name @param {Settings[K]} value */
  function set(name, value) {
    settings[name] = value;
    try {
      localStorage.setItem(STORED, JSON.stringify(settings));
    } catch {
      // Not kept, then.
    }
    show();
    onChange(name);
  }

  for (const { name, element } of controls) {
    element.addEventListener('change', () => {
      const { value } = element;
      const usual = DEFAULTS[name];
      const wanted = element instanceof HTMLInputElement ? element.checked : typeof usual === 'number' ? Number(value) : typeof usual === 'boolean' ? value === 'true' : value;
      set(name, /** @type {Settings[typeof name]} */ (wanted));
      // The browser asks the operator, who may say no: then there is nothing to show as set.
      if (name === 'notify' && settings.notify && 'Notification' in window) void Notification.requestPermission().then((given) => set('notify', given === 'granted'));
    });
  }
  // Another tab of this browser has set something: what is kept is one for both.
  addEventListener('storage', ({ key }) => {
    if (key !== STORED && key !== null) return;
    const kept = loadSettings();
    for (const name of /** @type {(keyof Settings)[]} */ (Object.keys(kept))) {
      if (JSON.stringify(kept[name]) === JSON.stringify(settings[name])) continue;
      Object.assign(settings, { [name]: kept[name] });
      onChange(name);
    }
    show();
  });
  show();
  return { set };
}
