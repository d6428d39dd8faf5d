/** How numbers, times and names read on the page. One rule for each, the same in every view. */

export const NOT_AVAILABLE = 'N/A';
/** For "there is no such thing here", as against `N/A`, "there should be, and we could not read it". */
export const NONE = '–';

const whole = new Intl.NumberFormat('en-US');
const oneDigit = new Intl.NumberFormat('en-US', { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const short = new Intl.NumberFormat('en-US', { notation: 'compact', maximumSignificantDigits: 3 });

/** @param {number} n */
export const count = (n) => (n < 1000 ? String(n) : whole.format(n));

/** `12,300,000` as `12.3M`. @param {number} n */
export const compact = (n) => short.format(n);

/** Input is counted by the provider alone: before it has said anything, 0 is no number. @param {Pick<import('../types.js').Row, 'input' | 'usageSource'>} row */
export const isInputKnown = ({ input, usageSource }) => input > 0 || usageSource === 'partial' || usageSource === 'reported';

/** @param {Pick<import('../types.js').Row, 'input' | 'usageSource'>} row */
export const inputOf = (row) => (isInputKnown(row) ? count(row.input) : NONE);

/** Whether output is reckoned, for want of the provider's last number. @param {string} usageSource */
export const isEstimate = (usageSource) => usageSource === 'estimated' || usageSource === 'partial';

/** Output tokens: `~` until the provider has said its last number, `–` where the answer cannot be read. @param {Pick<import('../types.js').Row, 'output' | 'usageSource' | 'observation'>} row */
export function outputOf({ output, usageSource, observation }) {
  if (output === 0) return observation === 'none' && usageSource === 'none' ? NONE : '0';
  return `${isEstimate(usageSource) ? '~' : ''}${count(output)}`;
}

/** Below this, in US dollars, more zeros would say nothing. */
const LEAST_COST = 0.00001;

const dollars = new Intl.NumberFormat('en-US', { style: 'currency', currency: 'USD' });

/** US dollars, of a small amount the first digits that say something: `$0.0042`, `$1.30`. @param {number | null} usd */
export function cost(usd) {
  if (usd === null) return NONE;
  if (usd === 0 || usd >= 0.995) return dollars.format(usd);
  if (usd < LEAST_COST) return '< $0.00001';
  const rounded = Number(usd.toPrecision(2));
  return `$${rounded.toFixed(Math.max(2, 1 - Math.floor(Math.log10(rounded))))}`;
}

/** A cost to which something is still to be added. @param {number} usd */
const costAtLeast = (usd) => (usd > 0 && usd < LEAST_COST ? '> $0.00' : `≥ ${cost(usd)}`);

/**
 * The cost of a request: `~` where its output is an estimate, `≥` where its input, which is never estimated, is not known either.
 * @param {Pick<import('../types.js').Row, 'cost' | 'input' | 'usageSource'>} row
 */
export function costOf(row) {
  if (row.cost === null || row.usageSource === 'reported') return cost(row.cost);
  return isInputKnown(row) ? costAbout(row.cost) : costAtLeast(row.cost);
}

/** @param {number} usd */
const costAbout = (usd) => (usd > 0 && usd < LEAST_COST ? cost(usd) : `~${cost(usd)}`);

/** A sum of costs: `≥` where some are not known, or not all of them, `~` where some are reckoned from an estimate. @param {{ cost: number | null, unpriced: number | null, costLacks?: boolean, costEstimated?: boolean }} sum */
export function costSum({ cost: usd, unpriced, costLacks, costEstimated }) {
  if (usd === null) return NONE;
  return unpriced || costLacks ? costAtLeast(usd) : costEstimated ? costAbout(usd) : cost(usd);
}

/** Tokens or requests per second. @param {number | null} n */
export function rate(n) {
  if (n === null) return NONE;
  return n < 10 ? oneDigit.format(n) : count(Math.round(n));
}

/** A part of a whole as a percentage; of nothing there is none. @param {number} part @param {number} all */
export function percent(part, all) {
  if (all === 0) return NONE;
  if (part === 0) return '0%';
  const value = (part / all) * 100;
  return value < 0.1 ? '< 0.1%' : value < 10 ? `${oneDigit.format(value)}%` : `${Math.round(value)}%`;
}

/** @param {number} n */
const two = (n) => (n < 10 ? `0${n}` : String(n));

/**
 * A running time, in the steps an eye can follow: `<1s`, `12s`, `3m 04s`, `2h 05m`, `1d 03h`.
 * @param {number | null} ms
 */
export function duration(ms) {
  if (ms === null || !Number.isFinite(ms)) return NOT_AVAILABLE;
  const seconds = Math.floor(ms / 1000);
  if (seconds < 1) return '<1s';
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${two(seconds % 60)}s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h ${two(Math.floor((seconds % 3600) / 60))}m`;
  return `${Math.floor(seconds / 86_400)}d ${two(Math.floor((seconds % 86_400) / 3600))}h`;
}

/** A measured time, exact where it is short: `310ms`, `1.89s`, `12.4s`, then as `duration`. Times read as one writes them in a filter. @param {number | null} ms */
export function latency(ms) {
  if (ms === null || !Number.isFinite(ms)) return NONE;
  if (ms < 999.5) return `${Math.round(ms)}ms`;
  if (ms < 9_995) return `${(ms / 1000).toFixed(2)}s`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)}s`;
  return duration(ms);
}

/** `51200` as `50.0 KiB`. @param {number} n */
export function bytes(n) {
  if (n < 1024) return `${n} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  let value = n / 1024;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value < 100 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** Whether times are shown in UTC; else as the clock of the operator shows them. */
let utc = false;

/** @param {boolean} on */
export function showUtc(on) {
  utc = on;
}

/** The zone of the times shown, which stands beside each. */
const zone = () => (utc ? 'UTC' : 'local');

/** Day and time in that zone; `null` for no time. @param {number | null} epochMs */
function clockOf(epochMs) {
  const date = new Date(epochMs ?? NaN);
  if (Number.isNaN(date.getTime())) return null;
  const [year, month, day, hours, minutes, seconds] = utc
    ? [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate(), date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()]
    : [date.getFullYear(), date.getMonth(), date.getDate(), date.getHours(), date.getMinutes(), date.getSeconds()];
  return { day: `${year}-${two(month + 1)}-${two(day)}`, time: `${two(hours)}:${two(minutes)}:${two(seconds)}` };
}

/** `19:25:44 UTC`. @param {number | null} epochMs */
export function timeOfDay(epochMs) {
  const at = clockOf(epochMs);
  return at ? `${at.time} ${zone()}` : NOT_AVAILABLE;
}

/** `2026-11-25 19:25:44 UTC`. @param {number | null} epochMs */
export function dateTime(epochMs) {
  const at = clockOf(epochMs);
  return at ? `${at.day} ${at.time} ${zone()}` : NOT_AVAILABLE;
}

/** The time of day, and the day where it is not that of `nowMs`. @param {number | null} epochMs @param {number} nowMs */
export const moment = (epochMs, nowMs) => (clockOf(epochMs)?.day === clockOf(nowMs)?.day ? timeOfDay(epochMs) : dateTime(epochMs));

/** For tooltips. @param {number | null} epochMs */
export function iso(epochMs) {
  if (epochMs === null) return NOT_AVAILABLE;
  const date = new Date(epochMs);
  return Number.isNaN(date.getTime()) ? NOT_AVAILABLE : date.toISOString();
}

/** How long ago: `12s ago`. @param {number | null} ms */
export const ago = (ms) => (ms === null ? NOT_AVAILABLE : ms < 1000 ? 'just now' : `${duration(ms)} ago`);

/** @type {Record<string, import('../types.js').Badge>} */
const BADGES = { openai: 'primary', openrouter: 'info', anthropic: 'danger', poe: 'success' };

/** The badge colour of a provider, whatever its case. @param {string} provider @returns {import('../types.js').Badge} */
export function badge(provider) {
  const key = provider.toLowerCase();
  return (Object.hasOwn(BADGES, key) ? BADGES[key] : undefined) ?? 'secondary';
}

/** Seconds at which the recency dot takes its next colour, freshest first. */
const RECENCY = [5, 20, 120, 600, 1800, 3600];

/** 0 (fresh) to 6 (an hour and more): the step of the recency dot. @param {number | null} ageMs */
export function recency(ageMs) {
  if (ageMs === null) return 6;
  const step = RECENCY.findIndex((limit) => ageMs < limit * 1000);
  return step < 0 ? RECENCY.length : step;
}
