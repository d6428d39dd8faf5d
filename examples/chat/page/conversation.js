/** A question and its answer, from the first to whichever end the second has. */

import { streamSSE, TokenBuffer } from '../sse/index.js';
import { AnswerView } from './answer.js';
import { explain } from './failure.js';

/**
 * @typedef {object} ConversationEvents
 * @property {(question: string, answer: AnswerView) => void} onAsk
 * @property {() => void} onGrow something has been added to the answer
 * @property {(running: boolean, status: string) => void} onChange an answer begins or ends; `status` is said aloud
 */

/** One answer at a time, in a session that the server remembers. */
export class Conversation {
  #sessionId = newSessionId();
  /** @type {AbortController | undefined} */
  #running;
  #events;

  /** @param {ConversationEvents} events */
  constructor(events) {
    this.#events = events;
  }

  get isRunning() {
    return this.#running !== undefined;
  }

  stop() {
    this.#running?.abort();
  }

  /** Forgets the conversation, here and in the messages sent to the server. */
  startAfresh() {
    this.stop();
    this.#sessionId = newSessionId();
  }

  /** @param {string} question */
  async ask(question) {
    if (this.#running) return;
    const controller = (this.#running = new AbortController());
    const view = new AnswerView();
    const { onAsk, onGrow, onChange } = this.#events;
    const shown = (/** @type {() => void} */ change) => {
      change();
      onGrow();
    };
    const tokens = new TokenBuffer((text) => shown(() => view.append(text)));
    const again = () => void this.ask(question);
    onAsk(question, view);
    onChange(true, 'Answering');
    let status = 'The answer is complete';
    try {
      const { truncated } = await streamSSE(
        '/api/chat/stream',
        { message: question, session_id: this.#sessionId },
        {
          onStage: (stage) => shown(() => view.stage(stage)),
          onToken: (token) => tokens.add(token),
          onSources: (sources) => shown(() => view.sources(sources)),
          onQualityScore: (score) => shown(() => view.score(score)),
          onFollowUps: (questions) => shown(() => view.followUps(questions, (question) => void this.ask(question))),
          onMetadata: (metadata) => shown(() => view.metadata(metadata)),
          onRetry: (retry) => shown(() => view.waits(retry)),
        },
        controller.signal,
      );
      tokens.dispose();
      if (truncated) {
        view.isCut(again);
        status = 'The answer may be incomplete';
      } else view.completes();
    } catch (error) {
      tokens.dispose();
      if (controller.signal.aborted) {
        view.isStopped(again);
        status = 'Stopped';
      } else {
        const failure = explain(error);
        view.fails(failure, again);
        status = failure.title;
      }
    }
    this.#running = undefined;
    onGrow();
    onChange(false, status);
  }
}

/** Hard to guess: whoever knows it can ask in the same session. */
function newSessionId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
