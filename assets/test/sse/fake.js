/** Time that moves when told, and a network of canned answers: for tests in which waiting is the point. */

/** A clock that stands still, and does what is due when it is moved. */
export class FakeClock {
  /** @type {{ id: number, at: number, run: () => void }[]} */
  #timers = [];
  #ids = 0;
  #now = Date.parse('2026-01-01T00:00:00Z');

  now = () => this.#now;

  /** @param {() => void} run @param {number} ms */
  setTimeout = (run, ms) => {
    this.#timers.push({ id: ++this.#ids, at: this.#now + ms, run });
    return this.#ids;
  };

  /** @param {number} id */
  clearTimeout = (id) => void (this.#timers = this.#timers.filter((timer) => timer.id !== id));

  get pending() {
    return this.#timers.length;
  }

  /** @param {number} ms */
  async advance(ms) {
    const until = this.#now + ms;
    for (;;) {
      await settle();
      const next = this.#timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.#now = next.at;
      this.clearTimeout(next.id);
      next.run();
    }
    this.#now = until;
  }
}

/** Lets all that is ready happen. */
export const settle = () => new Promise((resolve) => setImmediate(resolve));

/**
 * @param {(string | Uint8Array | Error | Promise<unknown>)[]} chunks an error breaks the body, a promise holds it up
 * @param {ResponseInit} [init]
 */
export function answer(chunks, init) {
  const rest = [...chunks];
  const body = new ReadableStream(
    {
      async pull(controller) {
        let chunk = rest.shift();
        for (; chunk instanceof Promise; chunk = rest.shift()) await chunk;
        if (chunk === undefined) controller.close();
        else if (chunk instanceof Error) controller.error(chunk);
        else controller.enqueue(typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk);
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, { headers: { 'content-type': 'text/event-stream' }, ...init });
}

/**
 * A `fetch` that gives one answer after the other, and keeps what it was asked.
 *
 * @param {(() => Response | Promise<Response>)[]} answers
 */
export function fakeFetch(...answers) {
  /** @type {Request[]} */
  const requests = [];
  return {
    requests,
    /** @type {typeof fetch} */
    fetch: async (url, init) => {
      requests.push(new Request(new URL(String(url), 'http://localhost'), init));
      const next = answers.shift();
      if (!next) throw new TypeError('no more answers');
      return next();
    },
  };
}
