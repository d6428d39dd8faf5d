/**
 * A server that does, on purpose, what servers do: one path for each misbehaviour, with its parameters in the query.
 */
import { createServer } from 'node:http';

/**
 * @import { IncomingMessage, ServerResponse } from 'node:http'
 * @typedef {(request: IncomingMessage, response: ServerResponse, query: URLSearchParams) => void | Promise<void>} Behaviour
 */

/** @param {object | string} data */
const frame = (data) => `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;

/** @param {number} ms */
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const ANSWER = [{ stage: 'generation' }, { token: 'Grüße ' }, { token: '👩‍👧' }, { quality_score: 0 }, '[DONE]'].map(frame).join('');

/** @param {ServerResponse} response */
function begin(response) {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  response.flushHeaders();
}

/** @type {Record<string, Behaviour>} */
const BEHAVIOURS = {
  '/good': (_, response) => {
    begin(response);
    response.end(ANSWER);
  },
  '/crlf': (_, response) => {
    begin(response);
    response.end(ANSWER.replaceAll('\n', '\r\n'));
  },
  '/cr': (_, response) => {
    begin(response);
    response.end(ANSWER.replaceAll('\n', '\r'));
  },
  '/no-space': (_, response) => {
    begin(response);
    response.end(ANSWER.replaceAll('data: ', 'data:'));
  },
  '/byte-by-byte': async (_, response) => {
    begin(response);
    response.socket?.setNoDelay();
    for (const byte of Buffer.from(ANSWER)) {
      response.write(Buffer.of(byte));
      await sleep(0);
    }
    response.end();
  },
  '/no-last-line-end': (_, response) => {
    begin(response);
    response.end(ANSWER.trimEnd());
  },
  '/no-done': (_, response) => {
    begin(response);
    response.end(frame({ token: 'half an ans' }));
  },
  '/reset': async (_, response) => {
    begin(response);
    response.write(frame({ token: 'half an ans' }));
    await sleep(30);
    response.destroy();
  },
  '/reset-before-head': (_, response) => void response.destroy(),
  '/status': (request, response, query) => {
    const times = Number(query.get('times') ?? Infinity);
    if (seen(request) > times) return BEHAVIOURS['/good']?.(request, response, query);
    const retryAfter = query.get('retry-after');
    response.writeHead(Number(query.get('code')), {
      'content-type': 'application/json',
      ...(retryAfter === null ? {} : { 'retry-after': retryAfter }),
    });
    response.end(JSON.stringify({ error: { type: 'overloaded', message: 'Too many people are asking' } }));
  },
  '/hang-before-head': () => {},
  '/hang-in-stream': (_, response) => {
    begin(response);
    response.write(frame({ token: 'wait' }));
  },
  '/heartbeats': async (_, response, query) => {
    begin(response);
    for (let i = 0; i < Number(query.get('n')); i++) {
      response.write(': heartbeat\n\n');
      await sleep(Number(query.get('ms')));
    }
    response.end(ANSWER);
  },
  '/html': (_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' });
    response.end('<!doctype html><title>Please log in</title>');
  },
  '/odd-content-type': (_, response, query) => {
    response.writeHead(200, { 'content-type': query.get('is') ?? '' });
    response.end(ANSWER);
  },
  '/endless-event': async (_, response, query) => {
    begin(response);
    response.write(frame({ token: 'before' }));
    response.write('data: ');
    const piece = Buffer.alloc(64 * 1024, 'a');
    for (let sent = 0; sent < Number(query.get('bytes')) && !response.destroyed; sent += piece.length)
      if (!response.write(piece)) await drained(response);
    response.end('\n\n');
  },
  '/error-event': (_, response) => {
    begin(response);
    response.end(frame({ token: 'I think' }) + frame({ error: 'The model fell over' }) + frame({ token: 'never' }) + frame('[DONE]'));
  },
  '/named-error': (_, response) => {
    begin(response);
    response.end('event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n');
  },
  '/after-done': (_, response) => {
    begin(response);
    response.end(ANSWER + frame({ token: 'never' }) + frame({ error: 'never' }) + frame('[DONE]'));
  },
  '/open-after-done': (_, response) => {
    begin(response);
    response.write(ANSWER);
  },
  '/tokens': async (_, response, query) => {
    begin(response);
    const [n, perSecond] = [Number(query.get('n')), Number(query.get('rate'))];
    for (let sent = 0, start = Date.now(); sent < n && !response.destroyed; ) {
      const due = Math.min(n, Math.ceil(((Date.now() - start + 10) / 1000) * perSecond));
      let text = '';
      for (; sent < due; sent++) text += frame({ token: `${sent} ` });
      response.write(text);
      await sleep(5);
    }
    response.end(frame('[DONE]'));
  },
  '/flood': async (_, response) => {
    begin(response);
    const text = frame({ token: 'x'.repeat(1000) }).repeat(64);
    while (!response.destroyed) if (!response.write(text)) await drained(response);
  },
  '/numbered': (request, response) => {
    begin(response);
    const from = Number(request.headers['last-event-id'] ?? 0);
    response.write('retry: 1\n\n');
    for (let i = from + 1; i <= from + 2; i++) response.write(`id: ${i}\ndata: {"token":"${i} "}\n\n`);
    if (from >= 4) response.end(frame('[DONE]'));
    else setTimeout(() => response.destroy(), 20);
  },
};

/** @param {ServerResponse} response */
const drained = (response) =>
  new Promise((resolve) => {
    const go = () => {
      response.off('drain', go).off('close', go);
      resolve(undefined);
    };
    response.on('drain', go).on('close', go);
  });

/** @type {Map<string, number>} requests by `?key=`, so that tests do not see each other's */
const counts = new Map();

/** @param {IncomingMessage} request */
function seen(request) {
  const key = new URL(request.url ?? '', 'http://localhost').searchParams.get('key') ?? '';
  return counts.get(key) ?? 0;
}

/**
 * @typedef {object} Exchange a request, as the server saw it
 * @property {IncomingMessage} request
 * @property {string} body
 * @property {number} at ms since the Unix epoch
 * @property {Promise<number>} closed when the answer ended or the client left
 * @property {ServerResponse} response
 */

/**
 * Listens on a free port of the loopback; `files` may serve what is not a misbehaviour.
 *
 * @param {Behaviour} [files]
 */
export async function startServer(files) {
  /** @type {Exchange[]} */
  const exchanges = [];
  const server = createServer(async (request, response) => {
    const at = Date.now();
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
    const behaviour = BEHAVIOURS[pathname];
    if (pathname === '/count') return void response.end(String(counts.get(searchParams.get('key') ?? '') ?? 0));
    if (!behaviour && files) return files(request, response, searchParams);
    const key = searchParams.get('key') ?? '';
    counts.set(key, (counts.get(key) ?? 0) + 1);
    const closed = new Promise((resolve) => response.once('close', () => resolve(Date.now())));
    let body = '';
    exchanges.push({ request, response, at, closed, body });
    const exchange = /** @type {Exchange} */ (exchanges.at(-1));
    for await (const chunk of request) exchange.body += chunk;
    if (behaviour) await behaviour(request, response, searchParams);
    else response.writeHead(404).end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    exchanges,
    /** @param {string} key */
    of: (key) => exchanges.filter((exchange) => exchange.request.url?.includes(`key=${key}`)),
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
