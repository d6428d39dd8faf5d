/** The chart of durations: bars that can be pressed. */

import * as format from '../model/format.js';
import { BARS } from '../model/distribution.js';
import { since } from '../model/figures.js';
import { byId, h, setText, textIn } from './dom.js';
import { createRoving } from './roving.js';

/** @typedef {import('../types.js').Reading} Reading */

/** The highest bar, in percent; above it the marks are named. */
const HIGHEST = 84;

/**
 * How long requests took: bars that can be pressed, and where half and 95 % of them lie.
 * @param {HTMLElement} host @param {(fromMs: number, toMs: number) => void} onPick
 */
export function createHistogram(host, onPick) {
  const bars = BARS.slice(0, -1).map((from, index) => {
    const to = BARS[index + 1] ?? Infinity;
    const fill = h('span', { class: 'bar-fill' });
    const button = h('button', { type: 'button', class: 'bar', onclick: () => onPick(from, to) }, fill);
    return { button, fill, name: to === Infinity ? `over ${label(from)}` : `${label(from)} to ${label(to)}` };
  });
  const marks = ['p50', 'p95'].map((name) => h('span', { class: 'bar-mark', 'data-name': name }));
  const axis = h('div', { class: 'bar-axis', 'aria-hidden': 'true' }, ...BARS.slice(1, -1).map((bound, index) => h('span', {}, index % 3 === 0 ? label(bound) : '')));
  const noteText = textIn(byId('histogram-note'));
  const frame = h('div', { class: 'bars', role: 'group', 'aria-label': 'Durations; the arrows walk' }, ...bars.map((it) => it.button), ...marks);
  createRoving(frame, { items: () => bars.map((it) => it.button), back: 'ArrowLeft', on: 'ArrowRight' }).renew();
  host.append(frame, axis);
  return {
    /** @param {Reading | null} reading */
    draw(reading) {
      setText(noteText, reading === null ? 'not known' : `of ${format.count(reading.durations.total)} that ended ${since(reading) || 'in the last five minutes'}`);
      const counts = reading?.durations.bars() ?? [];
      const top = Math.max(1, ...counts);
      for (const [index, bar] of bars.entries()) {
        const count = counts[index] ?? 0;
        bar.fill.style.height = `${count === 0 ? 0 : Math.max(3, (count / top) * HIGHEST)}%`;
        const text = `${bar.name}: ${count} request${count === 1 ? '' : 's'}`;
        bar.button.title = text;
        bar.button.setAttribute('aria-label', text);
      }
      const places = [0.5, 0.95].map((part) => {
        const value = reading?.durations.quantile(part) ?? null;
        return value === null ? null : position(value);
      });
      for (const [index, mark] of marks.entries()) {
        const place = places[index] ?? null;
        mark.hidden = place === null;
        mark.style.left = `${(place ?? 0) * 100}%`;
        mark.toggleAttribute('data-last', (place ?? 0) > 0.9);
        mark.toggleAttribute('data-near', index > 0 && (place ?? 0) - (places[0] ?? 0) < 0.09);
      }
    },
  };
}

/** @param {number} ms */
const label = (ms) => (ms < 1000 ? `${ms}ms` : `${ms / 1000}s`);

/** Where a duration stands on the axis, 0 to 1: evenly within its bar. @param {number} ms */
function position(ms) {
  const above = BARS.findIndex((bound) => ms < bound);
  const from = BARS[above - 1] ?? 0;
  const to = BARS[above] ?? Infinity;
  const part = to === Infinity ? Math.min(1, ms / from - 1) : (ms - from) / (to - from);
  return (above - 1 + part) / (BARS.length - 1);
}
