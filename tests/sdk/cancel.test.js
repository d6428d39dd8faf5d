/**
 * The official JavaScript SDKs fail when their request is cancelled, with these errors; none takes a cut answer for a whole one.
 *
 * `stand.py --demo` has a proxy ready that has a simulated provider and lets its key cancel.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import Anthropic from '@anthropic-ai/sdk';
import { APICallError, generateText, streamText } from 'ai';
import OpenAI from 'openai';

const { PROXY_URL: proxy, PROXY_KEY: apiKey } = process.env;
const headers = { 'x-api-key': apiKey };
const QUESTION = 'What is in flight right now?';
const MESSAGES = [{ role: 'user', content: QUESTION }];
const WORDS = 'The request was cancelled by an operator.';
const PATIENCE = AbortSignal.timeout(60_000);

// With the retries that they have by default.
const openai = new OpenAI({ baseURL: `${proxy}/v1`, apiKey });
const anthropic = new Anthropic({ baseURL: proxy, apiKey });
const ai = { openai: createOpenAI({ baseURL: `${proxy}/v1`, apiKey }), anthropic: createAnthropic({ baseURL: `${proxy}/v1`, apiKey }) };

const get = async (path) => (await fetch(`${proxy}/metrics${path}`, { headers, signal: PATIENCE })).json();

/** Cancels the request for a model, once it is there. */
async function cancel(model) {
  for (;;) {
    const { active_requests: rows } = await get('/active-requests');
    const row = rows.find((row) => row.requested_model === model);
    if (row) {
      const response = await fetch(`${proxy}/metrics/active-requests/${row.request_id}`, { method: 'DELETE', headers });
      assert.equal(response.status, 202);
      return;
    }
    await sleep(10);
  }
}

/** The outcomes of all requests for a model, once there is one and none is left in flight. */
async function outcomes(model) {
  for (;;) {
    const { active_requests: rows } = await get('/active-requests');
    const traces = (await get('/logs')).traces.filter((trace) => trace.requested_model === model);
    if (traces.length > 0 && rows.length === 0) return traces.map((trace) => trace.outcome);
    await sleep(10);
  }
}

/** A model of the simulated provider that nobody else asks for. */
let models = 0;
const model = (answer) => `demo:demo-c${1000 + models++}-${answer}`;

const clients = [
  {
    name: 'openai chat',
    ask: (model, stream) => openai.chat.completions.create({ model, messages: MESSAGES, stream }),
    kind: OpenAI.APIError, message: WORDS, members: { status: undefined, code: 'cancelled', type: 'cancelled' },
    early: OpenAI.InternalServerError, earlyMessage: `503 ${WORDS}`,
  },
  {
    name: 'openai responses',
    ask: (model, stream) => openai.responses.create({ model, input: QUESTION, stream }),
    kind: OpenAI.APIError, message: WORDS, members: { status: undefined, code: 'cancelled', type: 'cancelled' },
    early: OpenAI.InternalServerError, earlyMessage: `503 ${WORDS}`,
  },
  {
    name: 'anthropic',
    ask: (model, stream) => anthropic.messages.create({ model, max_tokens: 9, messages: MESSAGES, stream }),
    kind: Anthropic.APIError, message: JSON.stringify({ error: { message: WORDS, type: 'api_error' }, type: 'error' }),
    members: { status: undefined, type: 'api_error' },
    early: Anthropic.ServiceUnavailableError,
    earlyMessage: `503 ${JSON.stringify({ error: { message: WORDS, type: 'api_error' }, type: 'error' })}`,
  },
];

for (const { name, ask, kind, message, members, early, earlyMessage } of clients) {
  test(`${name}, in mid-stream`, async () => {
    const asked = model('d20');
    const events = (await ask(asked, true))[Symbol.asyncIterator]();
    await events.next();
    await cancel(asked);
    await assert.rejects(async () => { while (!(await events.next()).done); }, (error) => {
      assert.equal(error.constructor, kind);
      assert.equal(error.message, message);
      for (const [name, value] of Object.entries(members)) assert.equal(error[name], value, name);
      return true;
    });
    assert.deepEqual(await outcomes(asked), ['killed']);
  });

  for (const stream of [false, true]) {
    test(`${name}, before the head, ${stream ? 'a stream' : 'whole'}`, async () => {
      const asked = model('h5000');
      const cancelled = cancel(asked);
      await assert.rejects(ask(asked, stream), (error) => {
        assert.equal(error.constructor, early);
        assert.equal(error.message, earlyMessage);
        assert.equal(error.status, 503);
        return true;
      });
      await cancelled;
      assert.deepEqual(await outcomes(asked), ['killed'], 'and it has not been sent again');
    });
  }
}

for (const [name, modelOf] of [
  ['openai chat', (model) => ai.openai.chat(model)],
  ['openai responses', (model) => ai.openai.responses(model)],
  ['anthropic', (model) => ai.anthropic(model)],
]) {
  const settings = (model) => ({ model: modelOf(model), prompt: QUESTION, maxOutputTokens: 9, maxRetries: 0 });

  test(`ai with ${name}, in mid-stream`, async () => {
    const asked = model('d20');
    const errors = [];
    const answer = streamText({ ...settings(asked), onError: ({ error }) => errors.push(error) });
    let begun = false;
    await assert.rejects(async () => {
      for await (const part of answer.fullStream) {
        if (part.type !== 'text-delta' || begun) continue;
        begun = true;
        await cancel(asked);
      }
    }, (error) => {
      assert.ok(APICallError.isInstance(error));
      assert.equal(error.message, 'Failed to process successful response');
      return true;
    });
    assert.deepEqual(errors.map((error) => error.message), [WORDS], 'its callback is told why');
    await assert.rejects(async () => answer.finishReason, 'there is no whole answer');
    assert.deepEqual(await outcomes(asked), ['killed']);
  });

  test(`ai with ${name}, before the head`, async () => {
    const asked = model('h5000');
    const cancelled = cancel(asked);
    // It knows nothing of `x-should-retry`: with its default of two retries it sends the request again.
    await assert.rejects(generateText(settings(asked)), (error) => {
      assert.ok(APICallError.isInstance(error));
      assert.equal(error.message, WORDS);
      assert.equal(error.statusCode, 503);
      return true;
    });
    await cancelled;
    assert.deepEqual(await outcomes(asked), ['killed']);
  });
}
