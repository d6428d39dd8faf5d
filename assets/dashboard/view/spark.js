/** A sparkline: the last seconds of one number as a small filled curve. */

import { svg } from './dom.js';

/**
 * @param {number} width @param {number} height in CSS pixels
 * @param {number} points how many seconds fill the width
 */
export function createSpark(width, height, points) {
  const line = svg('path', { class: 'spark-line' });
  const area = svg('path', { class: 'spark-area' });
  const element = svg('svg', { class: 'spark', viewBox: `0 0 ${width} ${height}`, width, height, preserveAspectRatio: 'none', 'aria-hidden': 'true' }, area, line);
  let drawn = '';
  return {
    element,
    /** @param {ReadonlyArray<number>} values oldest first; the newest stands at the right edge */
    draw(values) {
      const path = values.length < 2 || !values.some((value) => value > 0) ? '' : curve(values, width, height, points);
      if (path === drawn) return;
      drawn = path;
      line.setAttribute('d', path);
      area.setAttribute('d', path === '' ? '' : `${path}V${height}H${round(x(0, values.length, width, points))}Z`);
    },
  };
}

/** @param {number} index @param {number} length @param {number} width @param {number} points */
const x = (index, length, width, points) => width - ((length - 1 - index) * width) / (points - 1);

/** @param {number} n */
const round = (n) => Math.round(n * 10) / 10;

/** @param {ReadonlyArray<number>} values @param {number} width @param {number} height @param {number} points */
function curve(values, width, height, points) {
  let top = 1;
  for (const value of values) if (value > top) top = value;
  let path = '';
  for (const [index, value] of values.entries()) {
    const y = height - 1 - (value / top) * (height - 2);
    path += `${index === 0 ? 'M' : 'L'}${round(x(index, values.length, width, points))} ${round(y)}`;
  }
  return path;
}
