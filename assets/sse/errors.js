/**
 * The errors of a stream: one class for each that a caller would treat differently.
 *
 * Names are fields, not `constructor.name`, so that they survive a minifier.
 */

/** The base of them all: `error instanceof SSEError` tells a stream's failure from a bug in the caller's callbacks. */
export class SSEError extends Error {
  name = 'SSEError';
}

const LOST = {
  connect: 'The server could not be reached',
  stream: 'The connection was lost',
  end: 'The server closed the stream',
};

/**
 * The server could not be reached (`connect`), the connection broke inside the stream (`stream`), or a stream that
 * has no end of its own was closed (`end`).
 */
export class SSENetworkError extends SSEError {
  name = 'SSENetworkError';

  /**
   * @param {keyof typeof LOST} phase
   * @param {unknown} [cause] what `fetch` or the body's reader threw
   */
  constructor(phase, cause) {
    super(LOST[phase], { cause });
    this.phase = phase;
  }
}

const LATE = { connect: 'No answer', idle: 'No byte', total: 'No end of the stream' };

/** Something took too long: the response head (`connect`), the next byte (`idle`), or the whole (`total`). */
export class SSETimeoutError extends SSEError {
  name = 'SSETimeoutError';

  /**
   * @param {keyof typeof LATE} phase
   * @param {number} timeout in ms
   */
  constructor(phase, timeout) {
    super(`${LATE[phase]} within ${timeout} ms`);
    this.phase = phase;
    this.timeout = timeout;
  }
}

/** The server answered, but not with a stream: with another status than 200, or with a login page, for example. */
export class SSEHttpError extends SSEError {
  name = 'SSEHttpError';

  /**
   * @param {number} status
   * @param {string} message
   * @param {string} body the answer's text, at most its first 64 KiB
   * @param {number} [retryAfter] ms the server asked to wait, where it did
   */
  constructor(status, message, body, retryAfter) {
    super(message);
    this.status = status;
    this.body = body;
    this.retryAfter = retryAfter;
  }
}

/** The server reported an error inside the stream. */
export class SSEServerError extends SSEError {
  name = 'SSEServerError';

  /** @param {unknown} data what the server said, parsed where it was JSON */
  constructor(data) {
    super(messageIn(data) || 'The server reported an error');
    this.data = data;
  }
}

/** An event grew beyond `maxEventBytes`. */
export class SSELimitError extends SSEError {
  name = 'SSELimitError';

  /** @param {number} limit */
  constructor(limit) {
    super(`An event is larger than ${limit} bytes`);
    this.limit = limit;
  }
}

/**
 * The sentence for a person in an error of any of the usual shapes: `"text"`, `{message}`, `{detail}`, `{error: ..}`.
 *
 * @param {unknown} data
 * @returns {string | undefined}
 */
export function messageIn(data) {
  if (typeof data === 'string') return data.trim().slice(0, 2048);
  if (typeof data !== 'object' || data === null) return undefined;
  const { error, message, detail } = /** @type {Record<string, unknown>} */ (data);
  return messageIn(error) || messageIn(message) || messageIn(detail);
}
