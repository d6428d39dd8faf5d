/** Reads the stream's messages and the polled answers far enough to know that they are what they should be. */

import { amount, amountOrNull, epochMs, isObject, text } from './row.js';

/** @typedef {import('../types.js').UpdatePayload} UpdatePayload */
/** @typedef {import('../types.js').DeltaPayload} DeltaPayload */
/** @typedef {import('../types.js').Hint} Hint */

/** An answer that is not what it should be. */
export class ShapeError extends Error {
  name = 'ShapeError';
}

/** @param {unknown} value */
const list = (value) => (Array.isArray(value) ? value : []);

/** A snapshot, streamed or polled. @param {unknown} json @returns {UpdatePayload} */
export function readUpdate(json) {
  if (!isObject(json) || !Array.isArray(json['active_requests'])) throw new ShapeError('a snapshot has a list `active_requests`');
  return { rows: json['active_requests'], timestampMs: epochMs(json['timestamp']), seq: amountOrNull(json['seq']), canCancel: json['can_cancel'] === true, draining: json['draining'] === true, fleet: json['fleet'], sums: json['sums'] };
}

/** @param {unknown} json @returns {DeltaPayload} */
export function readDelta(json) {
  const seq = isObject(json) ? amountOrNull(json['seq']) : null;
  if (!isObject(json) || seq === null) throw new ShapeError('a delta has a number `seq`');
  return {
    seq,
    started: list(json['started']),
    changed: list(json['changed']),
    progressed: list(json['progressed']),
    ended: list(json['ended']),
    endedOmitted: amount(json['ended_omitted']),
    timestampMs: epochMs(json['timestamp']),
    gone: list(json['gone']),
    fleet: json['fleet'],
    sums: json['sums'],
  };
}

/** The server's hint, where an answer says that something is switched off. @param {unknown} json @returns {Hint | null} */
export function readDisabled(json) {
  if (!isObject(json) || json['disabled'] !== true) return null;
  return { message: text(json['message'], 'Switched off by the server'), suggestion: text(json['suggestion']) };
}

/** The process that a request belongs to: `req_7f3a9c01-1a` is one of 7f3a9c01's. @param {string} id */
export const epochOfRequest = (id) => /^req_([0-9a-f]{8})-/.exec(id)?.[1] ?? '';

/** `7f3a9c01-18` is message 18 of the process 7f3a9c01. @param {string} id @returns {string | null} the process */
export function epochOf(id) {
  const dash = id.indexOf('-');
  return dash > 0 ? id.slice(0, dash) : null;
}

/** The process that wrote a weak etag, `W/"<epoch>-<n>"`, or `W/"<epoch>-<n>-operate"` for who may cancel. @param {string | null} etag */
export const epochOfEtag = (etag) => epochOf(/^(?:W\/)?"(.+)"$/.exec(etag ?? '')?.[1] ?? '');
