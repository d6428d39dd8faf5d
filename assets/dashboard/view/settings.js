/** The settings that an operator makes once: kept in this browser, not in the address. */

import { readLayout } from '../model/layout.js';
import { typed } from './dom.js';

/** @typedef {'auto' | 'light' | 'dark' | 'contrast'} Theme */
/** @typedef {import('../model/layout.js').Layout} Layout */
/** @typedef {{ live: boolean, pollMs: number, tickMs: number, lingerMs: number, theme: Theme, debug: boolean, notify: boolean, charts: boolean, utc: boolean } & Layout} Settings */

const STORED = 'active-requests.settings';
/** Names that scripts around the earlier dashboard set. */
const TICK_GLOBAL = '__vdm_active_requests_duration_tick_ms';
const TICK_STORED = 'vdm.metrics.activeRequests.durationTickMs';
const SHORTEST_TICK = 250;

/** @type {Theme[]} */
export const THEMES = ['auto', 'light', 'dark', 'contrast'];

/** @type {Settings} */
const DEFAULTS = { live: true, pollMs: 5000, tickMs: 2000, lingerMs: 5000, theme: 'auto', debug: false, notify: false, charts: true, utc: false, hidden: [], order: [], widths: {} };

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
  /** @type {Partial<Settings>} */
  let kept = {};
  try {
    kept = JSON.parse(stored(STORED) ?? '{}');
  } catch {
    // Written by something else: the defaults will do.
  }
  const theme = THEMES.find((it) => it === kept.theme) ?? DEFAULTS.theme;
  const number = (/** @type {unknown} */ value, /** @type {number} */ fallback) => (typeof value === 'number' && value >= 0 ? value : fallback);
  return {
    live: kept.live !== false,
    pollMs: Math.max(1000, number(kept.pollMs, DEFAULTS.pollMs)),
    tickMs: number(kept.tickMs, DEFAULTS.tickMs),
    lingerMs: number(kept.lingerMs, DEFAULTS.lingerMs),
    notify: kept.notify === true,
    theme,
    debug: kept.debug === true,
    charts: kept.charts !== false,
    utc: kept.utc === true,
    ...readLayout(kept),
  };
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

/**
 * Ties the controls to the settings.
 * @param {Settings} settings changed in place
 * @param {(changed: keyof Settings) => void} onChange
 */
export function bindSettings(settings, onChange) {
  const live = typed('set-live', HTMLInputElement);
  const debug = typed('set-debug', HTMLInputElement);
  const poll = typed('set-poll', HTMLSelectElement);
  const tick = typed('set-tick', HTMLSelectElement);
  const linger = typed('set-linger', HTMLSelectElement);
  const notify = typed('set-notify', HTMLInputElement);
  const theme = typed('set-theme', HTMLSelectElement);
  const zone = typed('set-zone', HTMLSelectElement);

  function show() {
    live.checked = settings.live;
    debug.checked = settings.debug;
    poll.value = String(settings.pollMs);
    tick.value = String(settings.tickMs);
    linger.value = String(settings.lingerMs);
    notify.checked = settings.notify;
    theme.value = settings.theme;
    zone.value = settings.utc ? 'utc' : 'local';
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

  live.addEventListener('change', () => set('live', live.checked));
  debug.addEventListener('change', () => set('debug', debug.checked));
  poll.addEventListener('change', () => set('pollMs', Number(poll.value)));
  tick.addEventListener('change', () => set('tickMs', Number(tick.value)));
  linger.addEventListener('change', () => set('lingerMs', Number(linger.value)));
  notify.addEventListener('change', () => {
    set('notify', notify.checked);
    // The browser asks the operator, who may say no: then there is nothing to show as set.
    if (notify.checked && 'Notification' in window) void Notification.requestPermission().then((given) => set('notify', given === 'granted'));
  });
  zone.addEventListener('change', () => set('utc', zone.value === 'utc'));
  theme.addEventListener('change', () => set('theme', THEMES.find((it) => it === theme.value) ?? 'auto'));
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
