/**
 * The columns of the live list. A column builds a cell once and gets back a function that paints a line into it; both grids use the same
 * ones. Painting writes only what changed, so that a tick of the whole list costs what the visible cells cost.
 */

import * as format from '../model/format.js';
import { labelField } from '../model/labels.js';
import { ageOf, idleOf, isSilent, SPARK_POINTS } from '../model/row.js';
import { visible } from '../model/visible.js';
import * as words from '../model/words.js';
import { h, setData, setText, textIn } from './dom.js';
import { createSpark } from './spark.js';

/** @typedef {import('../types.js').Row} Row */
/** @typedef {import('../types.js').Line} Line */

/**
 * The facts that painting needs besides the line.
 * @typedef {object} Scene
 * @property {number} nowMs on the server's clock; stands still while frozen
 * @property {string | null} selected id of the line whose details are open
 * @property {number} tickMs the last tick of the running times: all that a line shows are of one moment, and agree
 * @property {ReadonlySet<string>} picked ids of the lines that something is to be done with
 */

/** @typedef {(line: Line, scene: Scene) => void} Paint */

/**
 * @typedef {object} Column
 * @property {string} id also the name it is sorted by
 * @property {string} title
 * @property {string} [hint] the header's tooltip
 * @property {number} width in CSS pixels, the least where `flex` is given
 * @property {number} [flex]
 * @property {boolean} [end] numbers stand at the right
 * @property {boolean} live painted with every message, not only when all is
 * @property {boolean} sortable
 * @property {boolean} [card] shown on a phone
 * @property {'start' | 'end'} [fixed] stands there, and cannot be hidden
 * @property {boolean} [optional] shown only where there is something to show
 * @property {number} [spare] left out where there is no room for all, the greatest first
 * @property {(cell: HTMLElement) => Paint} build
 */

/** @param {(line: Line, scene: Scene) => string} read @returns {Column['build']} */
const plain = (read) => (cell) => {
  const text = textIn(cell);
  return (line, scene) => setText(text, read(line, scene));
};

/** A text that may be cut off, so that it can be read in a tooltip. @param {(row: Row) => string} read @returns {Column['build']} */
const titled = (read) => (cell) => {
  const text = textIn(cell);
  return (line) => {
    const value = line.kind === 'row' ? visible(read(line)) : '';
    if (text.data === value) return;
    text.data = value;
    cell.title = value;
  };
};

/** @param {HTMLElement} cell @returns {Paint} */
function buildState(cell) {
  const mark = h('span', { class: 'state-icon', 'aria-hidden': 'true' });
  const markText = textIn(mark);
  const word = h('span', { class: 'state-word' });
  const wordText = textIn(word);
  const pin = h('span', { class: 'state-pin', title: 'Pinned: kept after it ends' }, '⚲');
  pin.hidden = true;
  const folded = h('span', { class: 'visually-hidden' });
  const foldedText = textIn(folded);
  cell.append(mark, word, pin, folded);
  /** @type {Element | null} */
  let host = null;
  return (line, scene) => {
    // The row's element is there only after its cells were built.
    host ??= cell.closest('[role="row"]');
    if (line.kind === 'group') {
      setText(markText, line.open ? '▾' : '▸');
      setText(wordText, line.field === 'attention' ? (line.count === 1 ? '1 needs attention' : `${line.count} need attention`) : `${line.count} in flight`);
      setData(cell, 'data-tone', line.concerned > 0 ? 'warn' : 'mute');
      pin.hidden = true;
      setText(foldedText, line.open ? '' : 'folded');
      if (host) markRow(host, 'group', false);
      return;
    }
    setText(foldedText, '');
    const { word: name, tone, icon } = words.state(line);
    setText(markText, icon);
    const unheard = isSilent(line);
    const quiet = unheard ? momentOf(line, scene) - line.knownUntilMs : line.concern !== null && line.concern !== 'long' ? idleOf(line, momentOf(line, scene)) : 0;
    setText(wordText, quiet >= 1000 ? `${name} ${format.duration(quiet)}` : name);
    setData(cell, 'data-tone', tone);
    if (pin.hidden === line.pinned) pin.hidden = !line.pinned;
    if (host) markRow(host, line.outcome !== null ? (words.failed(line.outcome) ? 'failed' : 'ended') : unheard ? 'unheard' : line.concern !== null ? 'attention' : null, line.id === scene.selected);
  };
}

/** Sets the look of a whole row. @param {Element} host @param {string | null} look @param {boolean} selected */
function markRow(host, look, selected) {
  setData(host, 'data-look', look);
  setData(host, 'data-selected', selected ? 'true' : null);
}

/** The moment of which a line's times are told; a line that came after the last tick is told of as it came. @param {Row} row @param {Scene} scene */
const momentOf = (row, scene) => Math.max(scene.tickMs, row.startMs ?? 0);

/** @param {HTMLElement} cell @returns {Paint} */
function buildAge(cell) {
  const dot = h('span', { class: 'dot', 'aria-hidden': 'true' });
  const value = h('span', { class: 'age' });
  const text = textIn(value);
  cell.append(dot, value);
  let shown = '';
  return (line, scene) => {
    if (line.kind === 'group') {
      dot.hidden = true;
      shown = line.id;
      cell.title = line.oldestMs === null ? '' : `The oldest started ${format.iso(line.oldestMs)}`;
      return setText(text, line.oldestMs === null ? '' : format.duration(Math.max(0, scene.tickMs - line.oldestMs)));
    }
    dot.hidden = false;
    const age = ageOf(line, momentOf(line, scene));
    setData(dot, 'data-step', line.outcome === null ? String(format.recency(age)) : 'off');
    setText(text, format.duration(age));
    if (shown !== line.id) {
      shown = line.id;
      cell.title = `Started ${format.iso(line.startMs)}`;
    }
  };
}

/** @param {HTMLElement} cell @returns {Paint} */
function buildModel(cell) {
  const badge = h('span', { class: 'badge' });
  const badgeText = textIn(badge);
  const name = h('bdi', { class: 'mono clip' });
  const nameText = textIn(name);
  cell.append(badge, name);
  /** The model that is written there. @type {string | null} */
  let named = null;
  return (line) => {
    if (line.kind === 'group') {
      named = null;
      badge.hidden = line.badge === null;
      setData(badge, 'data-badge', line.badge);
      setText(badgeText, line.field === 'model' ? (line.key.split(':')[0] ?? '') : line.key);
      setText(nameText, line.field === 'attention' ? line.concerns : line.field === 'provider' ? '' : line.field === 'model' ? line.key.slice(line.key.indexOf(':') + 1) : line.key);
      return;
    }
    badge.hidden = false;
    setData(badge, 'data-badge', line.badge);
    setText(badgeText, line.provider);
    if (named === line.model) return;
    nameText.data = visible((named = line.model));
    cell.title = line.requested === '' || line.requested === line.qualified ? line.qualified : `${line.qualified} (requested as ${line.requested})`;
  };
}

/** @param {HTMLElement} cell @returns {Paint} */
function buildWaits(cell) {
  const text = textIn(cell);
  return (line) => {
    const who = line.kind === 'row' && line.outcome === null ? line.waitingOn : '';
    setText(text, who === '' ? '' : who === 'upstream' ? '↑ upstream' : who === 'client' ? '↓ client' : who);
    setData(cell, 'data-waits', who === '' ? null : who);
  };
}

/** @param {HTMLElement} cell @returns {Paint} */
function buildRate(cell) {
  const spark = createSpark(60, 18, SPARK_POINTS);
  const value = h('span', { class: 'rate' });
  const text = textIn(value);
  cell.append(spark.element, value);
  return (line) => {
    if (line.kind === 'group') {
      spark.draw([]);
      return setText(text, line.rate === null ? '' : format.rate(line.rate));
    }
    spark.draw(line.spark);
    setText(text, line.outcome === null && !isSilent(line) && line.output > 0 && line.phase !== 'stalled' ? format.rate(line.rate) : format.NONE);
  };
}

/** @param {HTMLElement} cell @returns {Paint} */
function buildCost(cell) {
  const text = textIn(cell);
  return (line) => {
    setText(text, line.kind === 'row' ? format.costOf(line) : format.costSum(line));
    setData(cell, 'title', line.kind === 'group' && line.unpriced > 0 ? `Without ${format.count(line.unpriced)} whose cost is not known` : null);
  };
}

/** @param {HTMLElement} cell @returns {Paint} */
function buildPick(cell) {
  const box = h('input', { type: 'checkbox', class: 'row-pick', tabindex: '-1', 'aria-label': 'Select' });
  cell.append(box);
  return (line, scene) => {
    box.hidden = line.kind === 'group' || line.outcome !== null;
    box.checked = scene.picked.has(line.id);
  };
}

/** @param {HTMLElement} cell @returns {Paint} */
function buildMenu(cell) {
  const button = h('button', { type: 'button', class: 'row-menu', tabindex: '-1', 'aria-label': 'Actions for this request', title: 'Actions' }, '⋯');
  cell.append(button);
  return (line) => {
    button.hidden = line.kind === 'group';
  };
}

/** @param {string} name @returns {Column} */
const labelColumn = (name) => ({
  id: labelField(name), spare: 3, title: name, hint: `The label “${name}”`, width: 120, live: true, sortable: true, optional: true, build: titled((row) => row.labels.get(name) ?? format.NONE),
});

/** All columns, in the usual order. @param {Iterable<string>} labels those that have a column @returns {Column[]} */
export const columnsOf = (labels) => [
  { id: 'pick', title: '', width: 36, live: true, sortable: false, fixed: 'start', optional: true, build: buildPick },
  { id: 'state', fixed: 'start', title: 'State', width: 172, live: true, sortable: true, card: true, build: buildState },
  { id: 'age', title: 'Duration', width: 102, live: true, sortable: true, card: true, build: buildAge },
  { id: 'model', title: 'Model', width: 300, flex: 5, live: true, sortable: true, card: true, build: buildModel },
  { id: 'resolved', spare: 5, title: 'Resolved', hint: 'The model that an alias resolved to', width: 124, flex: 2, live: true, sortable: true, build: titled((row) => row.resolved || format.NONE) },
  { id: 'streaming', spare: 8, title: 'Stream', hint: 'Whether the answer is streamed', width: 66, live: true, sortable: true, build: plain((line) => (line.kind === 'group' ? '' : line.streaming ? 'Yes' : 'No')) },
  { id: 'caller', spare: 2, title: 'Caller', hint: 'Who asks, as the server is set to tell', width: 110, live: true, sortable: true, optional: true, build: titled((row) => row.caller || format.NONE) },
  { id: 'replica', title: 'Replica', hint: 'The replica that has the request', width: 116, live: true, sortable: true, optional: true, card: true, build: titled((row) => row.replica || format.NONE) },
  ...Array.from(labels, labelColumn),
  { id: 'waits', spare: 0.5, title: 'Waits for', hint: 'The side that must act next: the upstream or the client', width: 102, live: true, sortable: true, card: true, build: buildWaits },
  { id: 'input', title: 'In', hint: 'Input tokens, cached ones included', width: 68, end: true, live: true, sortable: true, build: plain((line) => (line.kind === 'row' ? format.inputOf(line) : line.input === 0 ? '' : format.count(line.input))) },
  {
    id: 'output', title: 'Out', hint: 'Output tokens, reasoning included; ~ is our estimate until the provider reports', width: 76, end: true, live: true, sortable: true, card: true,
    build: plain((line) => (line.kind === 'row' ? format.outputOf(line) : `${line.estimated ? '~' : ''}${format.count(line.output)}`)),
  },
  { id: 'cost', spare: 1, title: 'Cost', hint: 'US dollars, by the server’s prices; ~ is reckoned from an estimate, ≥ lacks the input, which is not known yet, – is not known', width: 106, end: true, live: true, sortable: true, optional: true, build: buildCost },
  { id: 'rate', title: 'Tokens/s', hint: 'Output tokens per second, in the last 5 seconds, and a line of the last 20', width: 114, end: true, live: true, sortable: true, card: true, build: buildRate },
  { id: 'ttft', spare: 6, title: 'First token', hint: 'Time to the first token', width: 90, end: true, live: true, sortable: true, build: plain((line) => (line.kind === 'row' ? format.latency(line.ttftMs) : '')) },
  { id: 'tools', spare: 9, title: 'Tools', hint: 'Tool calls in the answer', width: 58, end: true, live: true, sortable: true, build: plain((line) => format.count(line.toolCalls)) },
  { id: 'route', spare: 4, title: 'Route', hint: 'The pattern of the route', width: 120, live: true, sortable: true, optional: true, build: titled((row) => row.route || format.NONE) },
  { id: 'id', spare: 7, title: 'Request', width: 106, live: false, sortable: true, build: titled((row) => row.id) },
  { id: 'menu', title: '', width: 54, live: false, sortable: false, card: true, fixed: 'end', build: buildMenu },
];
