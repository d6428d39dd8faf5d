/** Errors in words for the person who asked. Pure. */

import { SSEHttpError, SSELimitError, SSENetworkError, SSEServerError, SSETimeoutError } from '../sse/index.js';

/**
 * @param {unknown} error
 * @returns {{ title: string, detail: string, again: boolean }} `again`: asking again may help
 */
export function explain(error) {
  if (error instanceof SSENetworkError && error.phase === 'connect')
    return { title: 'The server cannot be reached', detail: 'It may be restarting, or you may be offline.', again: true };
  if (error instanceof SSENetworkError)
    return { title: 'The connection broke', detail: 'This is as far as the answer got.', again: true };
  if (error instanceof SSETimeoutError) {
    const seconds = Math.round(error.timeout / 1000);
    return error.phase === 'idle'
      ? { title: 'The server fell silent', detail: `Nothing came for ${seconds} s. This is as far as the answer got.`, again: true }
      : { title: 'It took too long', detail: `There was no answer within ${seconds} s.`, again: true };
  }
  if (error instanceof SSEServerError) return { title: 'The answer failed', detail: error.message, again: true };
  if (error instanceof SSEHttpError) {
    if (error.status === 429) return { title: 'Too many questions at once', detail: waitFor(error), again: true };
    if (error.status >= 500) return { title: 'The server has a problem', detail: `${error.message} (${error.status})`, again: true };
    if (error.status === 200) return { title: 'This is no chat server', detail: error.message, again: false };
    return { title: 'The question was refused', detail: error.message, again: false };
  }
  if (error instanceof SSELimitError) return { title: 'The answer is too large', detail: error.message, again: false };
  return { title: 'Something went wrong in this page', detail: String(error), again: true };
}

/** @param {SSEHttpError} error */
function waitFor({ retryAfter }) {
  if (retryAfter === undefined) return 'Please wait a moment.';
  const seconds = Math.ceil(retryAfter / 1000);
  return seconds < 120 ? `Please wait ${seconds} s.` : `Please wait ${Math.ceil(seconds / 60)} minutes.`;
}
