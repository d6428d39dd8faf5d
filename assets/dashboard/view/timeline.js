/** The chart of what ended and what was in flight, drawn by hand: it is small, and takes its colours from the page. */

import * as format from '../model/format.js';
import { since, STEPS } from '../model/figures.js';
import { byId, h, setText, textIn } from './dom.js';

/** @typedef {import('../types.js').Step} Step */
/** @typedef {import('../types.js').Reading} Reading */

const PAD = { top: 6, right: 34, bottom: 16, left: 42 };

/** How a bar is put together, from below. @type {['completed' | 'byChoice' | 'failed', string][]} */
const PARTS = [['completed', '--chart-1'], ['byChoice', '--chart-5'], ['failed', '--bad']];

/**
 * Requests that ended (bars, per second, left) and requests in flight (line, right) over five minutes.
 * @param {HTMLElement} host
 */
export function createTimeline(host) {
  const canvas = h('canvas', { class: 'timeline', role: 'img' });
  const readout = h('div', { class: 'chart-readout' });
  const readoutText = textIn(readout);
  const noteText = textIn(byId('timeline-note'));
  host.append(canvas, readout);
  /** @type {Reading | null} */
  let reading = null;
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
  for (const query of ['(prefers-color-scheme: dark)', '(forced-colors: active)']) matchMedia(query).addEventListener('change', restyle);
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

  const slot = () => (width - PAD.left - PAD.right) / STEPS;
  /** The left edge of a step. @param {number} index */
  const x = (index) => PAD.left + index * slot();
  /** @param {number} part */
  const y = (part) => PAD.top + (1 - part) * (height - PAD.top - PAD.bottom);

  function draw() {
    const context = canvas.getContext('2d');
    if (!context || width === 0) return;
    const ratio = canvas.width / width;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    context.font = style.font;
    const steps = reading?.steps ?? [];
    const top = nice(Math.max(0, ...steps.map((step) => (step ? endsPerSecond(step) : 0))) * 1.05);
    const topActive = nice(Math.max(0, ...steps.map((step) => step?.active ?? 0)) * 1.05);
    context.strokeStyle = style.faint;
    context.fillStyle = style.ink;
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
    context.textBaseline = 'alphabetic';
    context.textAlign = 'center';
    for (const minutes of [4, 3, 2, 1]) context.fillText(`−${minutes}m`, x(STEPS - minutes * 6), height - 3);
    context.textAlign = 'right';
    context.fillText('now', width - PAD.right, height - 3);
    for (const [index, step] of steps.entries()) {
      if (!step) continue;
      let from = 0;
      for (const [part, colour] of PARTS) {
        if (step[part] === 0) continue;
        const to = from + step[part] / lengthOf(step) / top;
        context.fillStyle = style.colours[colour] ?? style.ink;
        context.fillRect(x(index) + 1, y(to), Math.max(1, slot() - 2), Math.max(1, y(from) - y(to)));
        from = to;
      }
    }
    context.beginPath();
    let open = false;
    for (const [index, step] of steps.entries()) {
      if (step?.active !== null && step?.active !== undefined) context[open ? 'lineTo' : 'moveTo'](x(index) + slot() / 2, y(step.active / topActive));
      open = step !== null;
    }
    context.strokeStyle = style.colours['--chart-2'] ?? style.ink;
    context.lineWidth = 1.75;
    context.lineJoin = 'round';
    context.stroke();
    hover(context);
  }

  /** Seconds that a step lasted: the running one not all of them yet. @param {Step} step */
  const lengthOf = (step) => (reading ? Math.max(1000, Math.min(reading.stepMs, reading.nowMs - step.ms)) : 1000) / 1000;
  /** @param {Step} step */
  const endsPerSecond = (step) => (step.completed + step.byChoice + step.failed) / lengthOf(step);

  /** @param {CanvasRenderingContext2D} context */
  function hover(context) {
    const index = pointer === null ? -1 : Math.floor((pointer - PAD.left) / slot());
    const step = reading?.steps[index];
    readout.hidden = !step;
    if (!step) return;
    context.strokeStyle = style.ink;
    context.lineWidth = 1;
    context.strokeRect(Math.round(x(index)) + 0.5, y(1), Math.round(slot()), y(0) - y(1));
    setText(readoutText, `${format.timeOfDay(step.ms)} · ${lengthOf(step).toFixed(0)}s: ${describe(step)} · ${step.active ?? format.NONE} in flight · ${format.count(step.output)} output tokens`);
  }

  return {
    /** @param {Reading | null} next */
    draw(next) {
      reading = next;
      setText(noteText, next === null ? 'not known' : since(next));
      draw();
      canvas.setAttribute('aria-label', next === null ? 'Requests that ended: not known.'
        : `Requests that ended in the last five minutes${since(next) === '' ? '' : `, ${since(next)}`}: ${describe(next)}. In flight now: ${next.steps.at(-1)?.active ?? 'not known'}.`);
    },
  };
}

/** @param {{ completed: number, byChoice: number, failed: number }} counts */
const describe = ({ completed, byChoice, failed }) =>
  [`${format.count(completed)} completed`, byChoice > 0 ? `${format.count(byChoice)} left or cancelled` : '', failed > 0 ? `${format.count(failed)} failed` : ''].filter((it) => it !== '').join(', ');

/** @param {Element} element */
function readStyle(element) {
  const style = getComputedStyle(element);
  const colour = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
  return {
    ink: colour('--text-3'), faint: colour('--line'), font: `11px ${style.fontFamily}`,
    colours: Object.fromEntries(['--chart-1', '--chart-2', '--chart-5', '--bad'].map((name) => [name, colour(name)])),
  };
}

/** The next round number that a scale may end with. @param {number} value */
function nice(value) {
  if (value <= 4) return 4;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 3, 4, 5, 6, 8, 10].find((it) => it * power >= value) ?? 10;
  return step * power;
}
