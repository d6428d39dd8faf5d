/** The page's three charts, drawn by hand: they are small, and they take their colours from the page. */

import * as format from '../model/format.js';
import { BOUNDS, histogram, quantiles, WINDOW } from '../model/stats.js';
import { h, setText, svg, textIn } from './dom.js';

/** @typedef {import('../model/stats.js').Second} Second */

const PAD = { top: 8, right: 34, bottom: 18, left: 42 };

/** The spans of the timeline in seconds: the first that holds everything seen is used. */
const SPANS = [60, 120, WINDOW];

/**
 * Output tokens per second (area, left) and requests in flight (line, right) over up to five minutes.
 * @param {HTMLElement} host
 */
export function createTimeline(host) {
  const canvas = h('canvas', { class: 'timeline', role: 'img' });
  const readout = h('div', { class: 'chart-readout' });
  const readoutText = textIn(readout);
  host.append(canvas, readout);
  /** @type {(Second | null)[]} */
  let seconds = [];
  let lastSecond = 0;
  let span = WINDOW;
  /** @type {number | null} */
  let pointer = null;
  let width = 0;
  let height = 0;
  /** Asking for a style makes the browser bring all styles up to date: asked for only when they may have changed. */
  let style = readStyle(canvas);
  const restyle = () => {
    style = readStyle(canvas);
    draw();
  };
  new MutationObserver(restyle).observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', restyle);
  new ResizeObserver(() => {
    const ratio = window.devicePixelRatio || 1;
    width = canvas.clientWidth;
    height = canvas.clientHeight;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    draw();
  }).observe(canvas);
  canvas.addEventListener('pointermove', (event) => {
    pointer = event.offsetX;
    draw();
  });
  canvas.addEventListener('pointerleave', () => {
    pointer = null;
    draw();
  });

  /** @param {number} index */
  const x = (index) => PAD.left + (index / (span - 1)) * (width - PAD.left - PAD.right);
  /** @param {number} part */
  const y = (part) => PAD.top + (1 - part) * (height - PAD.top - PAD.bottom);

  function draw() {
    const context = canvas.getContext('2d');
    if (!context || width === 0) return;
    const { ink, faint, tokens, active } = style;
    const ratio = canvas.width / width;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    context.font = style.font;
    const most = (/** @type {(it: Second) => number} */ read) => seconds.reduce((top, it) => (it ? Math.max(top, read(it)) : top), 0);
    const top = nice(most((it) => it.tokens) * 1.05);
    const topActive = nice(most((it) => it.active) * 1.05);
    context.strokeStyle = faint;
    context.fillStyle = ink;
    context.lineWidth = 1;
    context.textBaseline = 'middle';
    for (const part of [0, 0.5, 1]) {
      const at = Math.round(y(part)) + 0.5;
      context.beginPath();
      context.moveTo(PAD.left, at);
      context.lineTo(width - PAD.right, at);
      context.stroke();
      context.textAlign = 'right';
      context.fillText(format.compact(top * part), PAD.left - 6, at);
      context.textAlign = 'left';
      context.fillText(format.compact(topActive * part), width - PAD.right + 6, at);
    }
    context.textAlign = 'center';
    context.textBaseline = 'alphabetic';
    for (const ago of span > 60 ? [240, 180, 120, 60] : [45, 30, 15]) {
      if (ago < span) context.fillText(ago < 60 ? `−${ago} s` : `−${ago / 60} min`, x(span - 1 - ago), height - 4);
    }
    context.textAlign = 'right';
    context.fillText('now', width - PAD.right, height - 4);
    for (const run of runs(seconds)) {
      context.beginPath();
      for (const [index, it] of run) context.lineTo(x(index), y(it.tokens / top));
      context.lineTo(x(run.at(-1)?.[0] ?? 0), y(0));
      context.lineTo(x(run[0]?.[0] ?? 0), y(0));
      context.fillStyle = tokens;
      context.globalAlpha = 0.18;
      context.fill();
      context.globalAlpha = 1;
      trace(context, run, (it) => it.tokens / top, tokens, 1.5);
      trace(context, run, (it) => it.active / topActive, active, 1.5);
    }
    hover(context, ink);
  }

  /** @param {CanvasRenderingContext2D} context @param {[number, Second][]} run @param {(it: Second) => number} read @param {string} colour @param {number} weight */
  function trace(context, run, read, colour, weight) {
    context.beginPath();
    for (const [index, it] of run) context.lineTo(x(index), y(read(it)));
    context.strokeStyle = colour;
    context.lineWidth = weight;
    context.lineJoin = 'round';
    context.stroke();
  }

  /** @param {CanvasRenderingContext2D} context @param {string} ink */
  function hover(context, ink) {
    const index = pointer === null ? -1 : Math.round(((pointer - PAD.left) / (width - PAD.left - PAD.right)) * (span - 1));
    const second = seconds[index];
    readout.hidden = !second;
    if (!second) return;
    context.strokeStyle = ink;
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(Math.round(x(index)) + 0.5, PAD.top);
    context.lineTo(Math.round(x(index)) + 0.5, y(0));
    context.stroke();
    const at = format.timeOfDay((lastSecond - (span - 1 - index)) * 1000);
    setText(readoutText, `${at} · ${format.rate(second.tokens)} tokens/s · ${second.active} in flight${second.failed > 0 ? ` · ${Math.ceil(second.failed)} failed` : ''}`);
  }

  return {
    /** @param {(Second | null)[]} next @param {number} ending the last second, epoch seconds */
    draw(next, ending) {
      const seen = next.length - Math.max(0, next.findIndex((it) => it !== null));
      span = SPANS.find((it) => it >= seen) ?? WINDOW;
      seconds = next.slice(-span);
      lastSecond = ending;
      draw();
      const now = next.at(-1);
      canvas.setAttribute('aria-label', `Output tokens per second and requests in flight over the last ${span / 60} min. Now: ${
        now ? `${format.rate(now.tokens)} tokens per second, ${now.active} in flight` : 'no data'}.`);
    },
  };
}

/** @param {Element} element */
function readStyle(element) {
  const style = getComputedStyle(element);
  const colour = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
  return { ink: colour('--text-3'), faint: colour('--line'), tokens: colour('--chart-1'), active: colour('--chart-2'), font: `11px ${style.fontFamily}` };
}

/** The stretches without a gap, each second with its place. @param {(Second | null)[]} seconds @returns {[number, Second][][]} */
function runs(seconds) {
  /** @type {[number, Second][][]} */
  const found = [];
  let open = false;
  for (const [index, second] of seconds.entries()) {
    if (second && open) found.at(-1)?.push([index, second]);
    else if (second) found.push([[index, second]]);
    open = second !== null;
  }
  return found;
}

/** The next round number that a scale may end with. @param {number} value */
function nice(value) {
  if (value <= 4) return 4;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 3, 4, 5, 6, 8, 10].find((it) => it * power >= value) ?? 10;
  return step * power;
}

/** The highest bar, in percent; above it the marks are named. */
const HIGHEST = 84;

/**
 * How long requests took: bars that can be pressed, and where half and 95 % of them lie.
 * @param {HTMLElement} host @param {(fromMs: number, toMs: number) => void} onPick
 */
export function createHistogram(host, onPick) {
  const bars = BOUNDS.slice(0, -1).map((from, index) => {
    const to = BOUNDS[index + 1] ?? Infinity;
    const fill = h('span', { class: 'bar-fill' });
    const button = h('button', { type: 'button', class: 'bar', onclick: () => onPick(from, to) }, fill);
    return { button, fill, name: to === Infinity ? `over ${label(from)}` : `${label(from)} to ${label(to)}` };
  });
  const marks = ['p50', 'p95'].map((name) => h('span', { class: 'bar-mark', 'data-name': name }));
  const axis = h('div', { class: 'bar-axis', 'aria-hidden': 'true' }, ...BOUNDS.slice(1, -1).map((bound, index) => h('span', {}, index % 3 === 0 ? label(bound) : '')));
  host.append(h('div', { class: 'bars' }, ...bars.map((it) => it.button), ...marks), axis);
  return {
    /** @param {number[]} durations in milliseconds */
    draw(durations) {
      const counts = histogram(durations);
      const top = Math.max(1, ...counts);
      for (const [index, bar] of bars.entries()) {
        const count = counts[index] ?? 0;
        bar.fill.style.height = `${count === 0 ? 0 : Math.max(3, (count / top) * HIGHEST)}%`;
        const text = `${bar.name}: ${count} request${count === 1 ? '' : 's'}`;
        bar.button.title = text;
        bar.button.setAttribute('aria-label', text);
      }
      const places = quantiles(durations, [0.5, 0.95]).map((value) => (value === null ? null : position(value)));
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
const label = (ms) => (ms < 1000 ? `${ms} ms` : `${ms / 1000} s`);

/** Where a duration stands on the axis, 0 to 1: evenly within its bar. @param {number} ms */
function position(ms) {
  const above = BOUNDS.findIndex((bound) => ms < bound);
  const from = BOUNDS[above - 1] ?? 0;
  const to = BOUNDS[above] ?? Infinity;
  const part = to === Infinity ? Math.min(1, ms / from - 1) : (ms - from) / (to - from);
  return (above - 1 + part) / (BOUNDS.length - 1);
}

/**
 * Parts of a whole as a ring, with a legend that says the same in numbers.
 * @param {HTMLElement} host @param {string} title
 */
export function createDonut(host, title) {
  const radius = 40;
  const around = 2 * Math.PI * radius;
  const ring = svg('g', { transform: 'rotate(-90 60 60)' });
  const total = svg('text', { x: 60, y: 58, class: 'donut-total' });
  const unit = svg('text', { x: 60, y: 74, class: 'donut-unit' }, document.createTextNode('tokens'));
  const picture = svg('svg', { viewBox: '0 0 120 120', class: 'donut', 'aria-hidden': 'true' },
    svg('circle', { cx: 60, cy: 60, r: radius, class: 'donut-track' }), ring, total, unit);
  const legend = h('table', { class: 'legend' }, h('caption', { class: 'visually-hidden' }, title));
  host.append(picture, legend);
  return {
    /** @param {{ key: string, label: string, value: number }[]} parts */
    draw(parts) {
      const sum = parts.reduce((all, part) => all + part.value, 0);
      total.textContent = format.compact(sum);
      let begun = 0;
      ring.replaceChildren(...parts.filter((part) => part.value > 0).map((part) => {
        const length = (part.value / sum) * around;
        const arc = svg('circle', {
          cx: 60, cy: 60, r: radius, class: `donut-arc part-${part.key}`, 'stroke-dasharray': `${Math.max(0.5, length - 1.5)} ${around}`, 'stroke-dashoffset': -begun,
        });
        begun += length;
        return arc;
      }));
      legend.replaceChildren(...[...legend.querySelectorAll('caption')], h('tbody', {}, ...parts.map((part) =>
        h('tr', {}, h('th', { scope: 'row' }, h('span', { class: `swatch part-${part.key}` }), part.label),
          h('td', { class: 'num' }, format.count(part.value)), h('td', { class: 'num faint' }, format.percent(part.value, sum))))));
    },
  };
}
