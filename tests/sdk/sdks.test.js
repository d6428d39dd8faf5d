/**
 * What the official JavaScript SDKs report of an answer is what the trace says: usage, model, tool calls and finish
 * reason.
 *
 * Each SDK asks for each recording of its format, streaming and not, in gzip and plain, through the proxy that
 * `stand.py` has ready.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import Anthropic from '@anthropic-ai/sdk';
import { generateText, streamText } from 'ai';
import OpenAI from 'openai';

const { PROXY_URL: proxy, PROXY_KEY: apiKey, RECORDINGS } = process.env;
const RECORDED = JSON.parse(RECORDINGS);
const QUESTION = 'What is in flight right now?';
const MESSAGES = [{ role: 'user', content: QUESTION }];
const OWN_TEXT = 'Three requests – one stalls.';
const USAGE = [
  'input_tokens', 'output_tokens', 'cache_read_tokens', 'cache_creation_tokens', 'reasoning_tokens', 'total_tokens',
];
const TOTALS = ['input_tokens', 'output_tokens', 'reasoning_tokens'];

// What an SDK says of an answer: the numbers of `USAGE` it shows (null: not reported), `model`, `text`, `tool_calls`,
// `finish_reason`. What it does not show is left out.

const openaiUsage = (usage) => ({
  input_tokens: usage.prompt_tokens,
  output_tokens: usage.completion_tokens,
  total_tokens: usage.total_tokens,
  cache_read_tokens: usage.prompt_tokens_details?.cached_tokens ?? null,
  reasoning_tokens: usage.completion_tokens_details?.reasoning_tokens ?? null,
});

async function openaiChat(baseURL, model, streaming) {
  const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
  if (!streaming) {
    const { choices: [{ message, finish_reason }], usage, model: answering } =
      await client.chat.completions.create({ model, messages: MESSAGES });
    const said = { model: answering, text: message.content ?? '', tool_calls: message.tool_calls?.length ?? 0 };
    return { ...said, ...openaiUsage(usage), finish_reason };
  }
  const said = { text: '', finish_reason: null };
  const calls = new Set();
  const ask = { model, messages: MESSAGES, stream: true, stream_options: { include_usage: true } };
  for await (const chunk of await client.chat.completions.create(ask)) {
    said.model = chunk.model || said.model;
    for (const { index, delta, finish_reason } of chunk.choices) {
      said.finish_reason = finish_reason ?? said.finish_reason;
      said.text += delta?.content ?? '';
      // Only the first piece of a call has its id.
      for (const call of delta?.tool_calls ?? []) if (call.id) calls.add(`${index} ${call.index} ${call.id}`);
    }
    if (chunk.usage) Object.assign(said, openaiUsage(chunk.usage));
  }
  return { ...said, tool_calls: calls.size };
}

async function openaiResponses(baseURL, model, streaming) {
  const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
  const ask = { model, input: QUESTION };
  let items = [], text = '', answer;
  if (streaming) {
    for await (const event of await client.responses.create({ ...ask, stream: true })) {
      if (event.type === 'response.output_text.delta') text += event.delta;
      if (event.type === 'response.output_item.done') items.push(event.item);
      if (/^response\.(completed|incomplete|failed)$/.test(event.type)) answer = event.response;
    }
  } else {
    answer = await client.responses.create(ask);
    ({ output: items, output_text: text } = answer);
  }
  const { usage } = answer;
  return {
    input_tokens: usage.input_tokens,
    output_tokens: usage.output_tokens,
    total_tokens: usage.total_tokens,
    cache_read_tokens: usage.input_tokens_details?.cached_tokens ?? null,
    reasoning_tokens: usage.output_tokens_details?.reasoning_tokens ?? null,
    model: answer.model,
    text,
    // The calls that are the client's to answer.
    tool_calls: items.filter(({ type }) => /^(function|custom_tool|apply_patch)_call$/.test(type)).length,
    finish_reason: answer.incomplete_details?.reason ?? answer.status,
  };
}

async function anthropicMessages(baseURL, model, streaming) {
  const client = new Anthropic({ baseURL, apiKey, maxRetries: 0 });
  const ask = { model, max_tokens: 1000, messages: MESSAGES };
  const answer = streaming ? await client.messages.stream(ask).finalMessage() : await client.messages.create(ask);
  const { usage, content } = answer;
  return {
    input_tokens: usage.input_tokens,
    output_tokens: usage.output_tokens,
    cache_read_tokens: usage.cache_read_input_tokens ?? null,
    cache_creation_tokens: usage.cache_creation_input_tokens ?? null,
    reasoning_tokens: usage.output_tokens_details?.thinking_tokens ?? null,
    model: answer.model,
    text: content.filter(({ type }) => type === 'text').map(({ text }) => text).join(''),
    tool_calls: content.filter(({ type }) => type === 'tool_use').length,
    finish_reason: answer.stop_reason,
  };
}

/** The AI SDK reads several formats, and its numbers are comparable ones. */
const throughAi = (create, modelOf) => async (baseURL, model, streaming) => {
  const asked = modelOf(create({ baseURL, apiKey }), model);
  const ask = { model: asked, prompt: QUESTION, maxOutputTokens: 1000, maxRetries: 0 };
  const answer = streaming ? streamText(ask) : await generateText(ask);
  const { inputTokens, outputTokens, inputTokenDetails: input, outputTokenDetails: output } = await answer.usage;
  return {
    input_tokens: inputTokens,
    output_tokens: outputTokens,
    cache_read_tokens: input.cacheReadTokens ?? null,
    cache_creation_tokens: input.cacheWriteTokens ?? null,
    reasoning_tokens: output.reasoningTokens ?? null,
    model: (await answer.response).modelId,
    text: await answer.text,
    tool_calls: (await answer.toolCalls).length,
    // Of Responses it shows it only where something was wrong.
    finish_reason: await answer.rawFinishReason,
  };
};

// An SDK, and the base address it is given, below the proxy's. `/v1/...` finds the provider by the model's prefix.
const SDKS = [
  { name: 'openai chat', format: 'chat', route: '/v1', prefix: 'openai:', ask: openaiChat },
  { name: 'openai chat by the path of the provider', format: 'chat', route: '/openai', ask: openaiChat },
  { name: 'openai responses', format: 'responses', route: '/v1', prefix: 'openai:', ask: openaiResponses },
  { name: 'openai responses by the path of the provider', format: 'responses', route: '/openai', ask: openaiResponses },
  { name: 'anthropic', format: 'messages', route: '', prefix: 'anthropic:', ask: anthropicMessages },
  { name: 'anthropic by the path of the provider', format: 'messages', route: '/anthropic', ask: anthropicMessages },
  { name: 'ai with openai chat', format: 'chat', route: '/v1', prefix: 'openai:', comparable: true,
    ask: throughAi(createOpenAI, (openai, model) => openai.chat(model)) },
  { name: 'ai with openai responses', format: 'responses', route: '/v1', prefix: 'openai:', comparable: true,
    ask: throughAi(createOpenAI, (openai, model) => openai.responses(model)) },
  { name: 'ai with anthropic', format: 'messages', route: '/v1', prefix: 'anthropic:', comparable: true,
    ask: throughAi(createAnthropic, (anthropic, model) => anthropic(model)) },
];

/** Input with what a cache did, output with reasoning: what makes the numbers of two providers comparable. */
function comparable(format, said) {
  const usage = Object.fromEntries(USAGE.map((name) => [name, said[name] ?? 0]));
  if (format === 'messages') usage.input_tokens += usage.cache_read_tokens + usage.cache_creation_tokens;
  // xAI's chat counts reasoning apart; its total tells.
  const apart = said.total_tokens === TOTALS.reduce((sum, name) => sum + usage[name], 0);
  if (apart) usage.output_tokens += usage.reasoning_tokens;
  return usage;
}

const pick = (from, names) => Object.fromEntries(names.map((name) => [name, from[name]]));

async function traces() {
  const answer = await fetch(`${proxy}/metrics/logs`, { headers: { 'x-api-key': apiKey } });
  return (await answer.json()).traces;
}

/** The one trace with a number above `earlier`, once the request has ended. */
async function traceOf(model, earlier) {
  for (let attempt = 0; attempt < 1000; attempt++) {
    const found = (await traces()).filter(({ seq, requested_model }) => seq > earlier && requested_model === model);
    assert(found.length < 2, 'asked more than once');
    if (found.length) return found[0];
    await sleep(10);
  }
  throw new Error(`there is no trace of ${model}`);
}

async function check(sdk, recording, gzip) {
  const earlier = Math.max(0, ...(await traces()).map(({ seq }) => seq));
  const model = `${sdk.prefix ?? ''}${recording.name}${gzip ? '.gz' : ''}`;
  const said = await sdk.ask(proxy + sdk.route, model, recording.streaming);
  const trace = await traceOf(model, earlier);
  assert.equal(trace.is_streaming, recording.streaming);
  assert.deepEqual(pick(trace, ['outcome', 'usage_source', 'observation']), {
    outcome: 'completed', usage_source: 'reported', observation: 'full',
  });
  assert.equal(trace.response_bytes === recording.bytes, !gzip);
  if (recording.isOwn) {
    assert.equal(said.text, recording.name.endsWith('-text') ? OWN_TEXT : '');
  } else {
    // Not every SDK shows all that some providers send.
    for (const name of Object.keys(said)) if (said[name] == null) delete said[name];
  }
  const shown = USAGE.filter((name) => name in said);
  if (sdk.comparable) {
    assert.deepEqual(Object.fromEntries(shown.map((name) => [name, said[name] ?? 0])), pick(trace, shown));
  } else {
    assert.deepEqual(pick(said, shown), pick(trace.provider_usage, shown));
    assert.deepEqual(pick(comparable(sdk.format, said), TOTALS), pick(trace, TOTALS));
  }
  const words = ['model', 'tool_calls', 'finish_reason'].filter((name) => said[name] !== undefined);
  assert.deepEqual(pick(said, words), pick({ ...trace, tool_calls: trace.tool_call_count }, words));
}

const how = ({ name, streaming }, gzip) => `${name}${streaming ? ', streaming' : ''}${gzip ? ', in gzip' : ''}`;

for (const sdk of SDKS) {
  test(`${sdk.name} reports what the trace says`, { timeout: 60_000 }, async (t) => {
    const recordings = RECORDED.filter(({ format, isOwn }) => isOwn && format === sdk.format);
    assert.notEqual(recordings.length, 0);
    for (const recording of recordings) {
      for (const gzip of [false, true]) await t.test(how(recording, gzip), () => check(sdk, recording, gzip));
    }
  });
}

// What one SDK refuses that others read.
const REFUSED = { 'messages-anthropic-100': 'the SDK allows for no second message_start' };
const real = RECORDED.filter(({ isOwn }) => !isOwn);
const skip = real.length === 0 && 'there are no recorded answers here';
for (const sdk of [SDKS[0], SDKS[2], SDKS[4]]) {
  test(`${sdk.name} reports what the trace says of answers that real providers gave`, { skip }, async (t) => {
    for (const recording of real.filter(({ format }) => format === sdk.format)) {
      await t.test(how(recording), { skip: REFUSED[recording.name] }, () => check(sdk, recording, false));
    }
  });
}
