/** A ring that shows the parts of a whole. */

import * as format from '../model/format.js';
import { h, svg } from './dom.js';

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
