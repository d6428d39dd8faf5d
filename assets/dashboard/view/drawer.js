/** The details of one request: what it is doing in a sentence, its time as a bar, its numbers, and what one can do with it. */

import * as format from '../model/format.js';
import { ageOf, idleOf, isSilent, SPARK_POINTS } from '../model/row.js';
import { timelineOf } from '../model/timeline.js';
import { verdict } from '../model/verdict.js';
import { visible } from '../model/visible.js';
import * as words from '../model/words.js';
import { byId, h, setData, setText, textIn } from './dom.js';
import { createSpark } from './spark.js';

/** @typedef {import('../types.js').Row} Row */
/** @typedef {import('../types.js').Entry} Entry */

/** What was asked is told of requests in flight; the logs do not keep it. @param {Row} row */
const isRequestKnown = (row) => row.outcome === null || row.requestSize > 0 || row.messages > 0;

/** A field whose text is empty is not shown. @typedef {(row: Row, nowMs: number, present: ReadonlySet<string>) => string} Read */

/** @type {[title: string, fields: [name: string, read: Read][]][]} */
const SECTIONS = [
  ['Request', [
    ['Id', (row) => row.id],
    ['Path', (row) => (row.path === '' ? format.NONE : `${row.method} ${row.path}`.trim())],
    ['Route', (row) => row.route],
    ['Replica', (row) => row.replica],
    ['Caller', (row, _, present) => row.caller || (present.has('caller') ? format.NONE : '')],
    ['Labels', (row) => Array.from(row.labels, ([name, value]) => `${name}: ${value}`).join('\n')],
    ['Provider', (row) => row.provider],
    ['Requested model', (row) => row.requested || row.model],
    ['Resolved model', (row) => row.resolved || format.NONE],
    ['Streamed', (row) => (row.streaming ? 'yes' : 'no')],
    ['Started', (row) => format.dateTime(row.startMs)],
    ['Messages', (row) => !isRequestKnown(row) ? '' : `${row.messages} · ${row.toolUses} tool uses · ${row.toolResults} results`],
    ['Request size', (row) => (isRequestKnown(row) ? format.bytes(row.requestSize) : '')],
  ]],
  ['Answer', [
    ['State', (row) => words.state(row).word],
    ['Stage', (row) => row.stage || format.NONE],
    ['Waits for', (row) => (row.outcome === null ? row.waitingOn || format.NONE : format.NONE)],
    ['HTTP status', (row) => (row.status === null ? format.NONE : String(row.status))],
    ['Duration', (row, nowMs) => (row.outcome === null ? format.duration(ageOf(row, nowMs)) : format.latency(row.durationMs))],
    ['First token after', (row) => format.latency(row.ttftMs)],
    ['Last byte', (row, nowMs) => row.outcome === null ? (row.bytes > 0 ? format.ago(idleOf(row, nowMs)) : format.NONE) : row.lastByteMs === null ? format.NONE : `${format.latency(row.lastByteMs)} after the start`],
    ['Received', (row) => format.bytes(row.bytes)],
  ]],
  ['Tokens', [
    ['Input', (row) => `${format.inputOf(row)}${row.cacheRead + row.cacheCreation > 0 ? ` (${format.count(row.cacheRead)} read from cache, ${format.count(row.cacheCreation)} written)` : ''}`],
    ['Output', (row) => `${format.outputOf(row)}${row.reasoning > 0 ? ` (${format.count(row.reasoning)} reasoning)` : ''}`],
    ['Per second', (row) => (row.outcome === null ? format.rate(isSilent(row) ? null : row.rate) : format.NONE)],
    ['Cost', (row, _, present) => (present.has('cost') || row.cost !== null ? format.costOf(row) : '')],
    ['Tool calls', (row) => format.count(row.toolCalls)],
    ['Counted by', (row) => (row.usageSource === 'none' && row.outcome === null ? 'not counted yet' : (SOURCES[row.usageSource] ?? row.usageSource))],
    ['Observed', (row) => (row.observation === '' ? format.NONE : row.observation)],
  ]],
];

/** @type {Record<string, string>} */
const SOURCES = { none: 'not counted', estimated: 'this server (estimate)', partial: 'the provider, in part', reported: 'the provider' };

/**
 * @param {object} parts
 * @param {import('./actions.js').Action[]} parts.actions
 * @param {ReadonlySet<string>} parts.present the optional fields that some request was seen to have
 * @param {(row: Row) => void} parts.focus puts the focus on a row of the list
 * @param {(by: -1 | 1) => void} parts.onStep
 * @param {() => void} parts.onClose
 */
export function createDrawer({ onClose, onStep, actions, present, focus }) {
  const drawer = byId('drawer');
  const title = byId('drawer-title');
  const body = byId('drawer-body');
  /** @type {Row | null} */
  let row = null;
  /** @type {Element | null} */
  let before = null;

  const badge = h('span', { class: 'badge' });
  const badgeText = textIn(badge);
  const name = h('bdi', {}, ' ');
  const nameText = textIn(name);
  title.append(badge, name);
  const sentence = h('p', { class: 'verdict' });
  const sentenceText = textIn(sentence);
  const problem = h('p', { class: 'drawer-error', dir: 'auto' });
  problem.hidden = true;
  const phases = ['wait', 'stream', 'silence'].map((phase) => h('span', { class: `phase-${phase}` }));
  const notes = h('p', { class: 'phase-notes' });
  const notesText = textIn(notes);
  const spark = createSpark(396, 46, SPARK_POINTS);
  const buttons = actions.filter((it) => it.inDrawer).map((action) => ({
    action,
    element: h('button', { type: 'button', class: action.dangerous ? 'tool danger' : 'tool', onclick: () => row && action.run(row) }, action.label),
  }));
  const doing = h('div', { class: 'drawer-actions', role: 'group', 'aria-label': 'Actions' }, ...buttons.map((it) => it.element));
  const sections = h('div', { class: 'sections' });
  /** @type {{ pair: HTMLElement, text: Text, read: Read }[]} */
  const fields = [];
  for (const [section, entries] of SECTIONS) {
    const pairs = h('dl', { class: 'pairs' });
    sections.append(h('h3', {}, section), pairs);
    for (const [label, read] of entries) {
      const value = h('dd', { dir: 'auto' });
      const pair = h('div', { class: 'pair' }, h('dt', {}, label), value);
      fields.push({ pair, text: textIn(value), read });
      pairs.append(pair);
    }
  }
  const more = h('div', { class: 'sections' });
  body.append(sentence, problem, h('div', {}, h('div', { class: 'phases', 'aria-hidden': 'true' }, ...phases), notes), spark.element, doing, sections, more);
  byId('drawer-close').addEventListener('click', () => onClose());
  /** @param {-1 | 1} by @param {string} label @param {string} sign */
  const stepper = (by, label, sign) => {
    const button = h('button', {
      type: 'button', class: 'tool only-icon', 'aria-label': label, title: `${label} (${by > 0 ? 'j' : 'k'})`,
      onclick: () => {
        onStep(by);
        button.focus();
      },
    }, sign);
    return button;
  };
  byId('drawer-close').before(h('span', { class: 'steppers' }, stepper(-1, 'Previous request', '↑'), stepper(1, 'Next request', '↓')));

  /** @param {Row} it @param {number} nowMs */
  function drawPhases(it, nowMs) {
    const { wait, stream, silence, text } = timelineOf(it, nowMs);
    for (const [index, length] of [wait, stream, silence].entries()) {
      const phase = phases[index];
      if (!phase) continue;
      phase.style.flexGrow = String(Math.round(length));
      phase.hidden = length === 0;
    }
    setText(notesText, text);
  }

  return {
    /** @param {Row} next */
    open(next) {
      const opening = drawer.hidden;
      if (row?.id !== next.id) {
        more.replaceChildren();
        problem.hidden = true;
      }
      row = next;
      if (!opening) return;
      before = document.activeElement;
      drawer.hidden = false;
      body.scrollTop = 0;
    },
    close() {
      if (drawer.hidden) return;
      const had = drawer.contains(document.activeElement);
      const last = row;
      drawer.hidden = true;
      row = null;
      if (!had) return;
      if (before instanceof HTMLElement && before.isConnected) before.focus();
      else if (last) focus(last);
    },
    get row() {
      return row;
    },
    /** @param {number} nowMs */
    draw(nowMs) {
      if (!row) return;
      setData(badge, 'data-badge', row.badge);
      setText(badgeText, visible(row.provider));
      setText(nameText, visible(row.model));
      setText(sentenceText, verdict(row, nowMs));
      setData(sentence, 'data-tone', words.state(row).tone);
      drawPhases(row, nowMs);
      spark.draw(row.spark);
      spark.element.toggleAttribute('hidden', !row.spark.some((value) => value > 0));
      for (const { action, element } of buttons) if (action.offered) element.hidden = !action.offered(row);
      for (const { pair, text, read } of fields) {
        const value = visible(read(row, nowMs, present));
        setText(text, value);
        if (pair.hidden !== (value === '')) pair.hidden = value === '';
      }
    },
    /** Shows the server's facts beyond the row. @param {string} id @param {{ usage: Record<string, unknown> | null, entry: Entry | null }} facts */
    detail(id, { usage, entry }) {
      if (row?.id !== id) return;
      /** @type {[string, string][]} */
      const found = Object.entries(usage ?? {}).flatMap(([key, value]) => (typeof value === 'number' ? [[key.replaceAll('_', ' '), format.count(value)]] : []));
      if (entry?.finishReason) found.unshift(['Finish reason', entry.finishReason]);
      problem.hidden = !entry?.error;
      problem.textContent = visible(entry?.error ? (entry.errorType === '' ? entry.error : `${entry.errorType}: ${entry.error}`) : '');
      more.replaceChildren(...(found.length === 0 ? [] : [
        h('h3', {}, entry?.finishReason ? 'From the provider' : 'Usage from the provider'),
        h('dl', { class: 'pairs' }, ...found.map(([key, value]) => h('div', { class: 'pair' }, h('dt', {}, key), h('dd', { dir: 'auto' }, visible(value))))),
      ]));
    },
  };
}
