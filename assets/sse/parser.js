/**
 * From bytes to events, by the rules of the standard (WHATWG HTML, section 9.2.6).
 *
 * Pure: no DOM, no clock, no network. The result does not depend on how the bytes were cut into chunks; an event comes
 * out with the chunk that ends it; time is linear and memory bounded whatever the peer sends.
 */

import { SSELimitError } from './errors.js';

/**
 * @typedef {object} SSEEvent
 * @property {string} event the event's name; `message` where the server gave none
 * @property {string} data the data lines, joined by LF
 * @property {string} id the last event id: it stays until the server sends another
 *
 * @typedef {object} SSEParserOptions
 * @property {(event: SSEEvent) => void} [onEvent]
 * @property {(text: string) => void} [onComment] servers send comments as heartbeats
 * @property {(ms: number) => void} [onRetry] the server's reconnection time, as sent (at most 2^53 - 1): clamp it
 * @property {(id: string) => void} [onId] the last event id moved, with or without an event
 * @property {number} [maxEventBytes] the most that is kept of an event, 16 MiB by default. Counted in UTF-16 units
 *   (bytes, for ASCII): text in other scripts may take up to three times as many bytes on the wire.
 *
 * @typedef {object} SSEParser
 * @property {(bytes: Uint8Array) => void} feed throws {@link SSELimitError}, after which the parser is of no more use
 * @property {(flush?: 'discard' | 'emit') => void} end the body ended. What follows the last blank line is discarded,
 *   as the standard asks, or emitted, as servers deserve that forget the last line end.
 * @property {string} lastEventId to send as `Last-Event-ID` on connecting again
 */

/**
 * @param {SSEParserOptions} [options]
 * @returns {SSEParser}
 */
export function createSSEParser({ onEvent, onComment, onRetry, onId, maxEventBytes = 2 ** 24 } = {}) {
  // The decoder keeps a character cut in two for the next chunk, and drops one leading BOM.
  const decoder = new TextDecoder();

  /** @type {string[]} the line that has not ended yet, as it came: joined once, however many chunks there are */
  let chunks = [];
  let chunksSize = 0;
  let endedInCR = false;

  /** @type {string[]} the lines of the event that has not ended yet */
  let data = [];
  let dataSize = 0;
  let type = '';
  let id = '';
  let lastEventId = '';

  /** @param {number} more characters about to be kept */
  function checkLimit(more) {
    if (dataSize + more <= maxEventBytes) return;
    chunks = data = [];
    throw new SSELimitError(maxEventBytes);
  }

  /** @param {string} text */
  function scan(text) {
    let start = endedInCR && text.startsWith('\n') ? 1 : 0;
    if (text) endedInCR = false;
    let lf = text.indexOf('\n', start);
    let cr = text.indexOf('\r', start);
    while (lf >= 0 || cr >= 0) {
      const isCR = cr >= 0 && (lf < 0 || cr < lf);
      const end = isCR ? cr : lf;
      takeLine(text.slice(start, end));
      start = end + 1;
      if (isCR && lf === start) start += 1;
      // A CR ends its line at once; whether an LF belongs to it is only known with the next chunk.
      endedInCR = isCR && end === text.length - 1;
      if (lf >= 0 && lf < start) lf = text.indexOf('\n', start);
      if (cr >= 0 && cr < start) cr = text.indexOf('\r', start);
    }
    if (start < text.length) {
      chunksSize += text.length - start;
      checkLimit(chunksSize);
      chunks.push(text.slice(start));
    }
  }

  /** @param {string} end of the line, of which `chunks` is the beginning */
  function takeLine(end) {
    const line = chunks.length ? chunks.join('') + end : end;
    chunks = [];
    chunksSize = 0;
    if (!line) return dispatch();
    checkLimit(line.length);

    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'data') {
      data.push(value);
      dataSize += value.length + 1;
    } else if (field === 'event') type = value;
    else if (field === 'id') id = value.includes('\0') ? id : value;
    else if (field === 'retry' && /^[0-9]+$/.test(value)) onRetry?.(Math.min(+value, 2 ** 53 - 1));
    else if (colon === 0) onComment?.(value);
  }

  function dispatch() {
    if (id !== lastEventId) {
      lastEventId = id;
      onId?.(id);
    }
    if (data.length) onEvent?.({ event: type || 'message', data: data.join('\n'), id });
    data = [];
    dataSize = 0;
    type = '';
  }

  return {
    feed: (bytes) => scan(decoder.decode(bytes, { stream: true })),
    end(flush = 'discard') {
      scan(decoder.decode());
      if (flush === 'discard') return;
      // Some servers leave the last line end out. Only of data is an unfinished line worth more than none: half
      // a number in `retry` or `id` is a wrong one.
      if (/^data(:|$)/.test(chunks.join(''))) takeLine('');
      if (data.length) dispatch();
    },
    get lastEventId() {
      return lastEventId;
    },
  };
}
