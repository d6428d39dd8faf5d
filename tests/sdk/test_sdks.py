"""What the official Python SDKs report of an answer is what the trace says: usage, model, tool calls, finish reason.

Each SDK asks for each recording of its format, streaming and not, in gzip and plain, through the proxy.
"""

import gc
import itertools
import os
import signal
import sys
import unittest
from typing import Callable, NamedTuple

# Else it is looked up at the import.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import anthropic
import cohere
import google.genai
import litellm
import ollama
import openai

import replay
from stand import KEY, stand

litellm.suppress_debug_info = True

QUESTION = "What is in flight right now?"
MESSAGES = [{"role": "user", "content": QUESTION}]
OWN_TEXT = "Three requests – one stalls."
RESPONSE_ENDS = ("response.completed", "response.incomplete", "response.failed")
# The calls that are the client's to answer.
RESPONSE_CALLS = ("function_call", "custom_tool_call", "apply_patch_call")
USAGE = (
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_creation_tokens",
    "reasoning_tokens",
    "tool_prompt_tokens",
    "total_tokens",
)
TOTALS = ("input_tokens", "output_tokens", "reasoning_tokens")


def only_loopback(event, args):
    """No SDK may call anybody but the proxy."""
    if event == "socket.connect" and args[1][0] not in ("127.0.0.1", "::1"):
        raise AssertionError(f"a call to {args[1]}")
    if event == "socket.getaddrinfo" and args[0] not in ("127.0.0.1", "localhost", None):
        raise AssertionError(f"a look-up of {args[0]}")


sys.addaudithook(only_loopback)


def took_too_long(*_):
    raise TimeoutError("the SDK does not come back")


# What an SDK says of an answer: the numbers of `USAGE` it shows (None: not reported), `model`, `text`, `tool_calls`,
# `finish_reason`. What it does not show is left out.


def openai_usage(usage):
    prompt, completion = usage.prompt_tokens_details, usage.completion_tokens_details
    return {
        "input_tokens": usage.prompt_tokens,
        "output_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "cache_read_tokens": prompt and prompt.cached_tokens,
        # LiteLLM's own.
        "cache_creation_tokens": getattr(prompt, "cache_creation_tokens", None),
        "reasoning_tokens": completion and completion.reasoning_tokens,
    }


def chat_answer(answer):
    choice = answer.choices[0]
    return openai_usage(answer.usage) | {
        "model": answer.model,
        "text": choice.message.content or "",
        "tool_calls": len(choice.message.tool_calls or []),
        "finish_reason": choice.finish_reason,
    }


def chat_chunks(stream):
    said = {"text": "", "finish_reason": None}
    calls = set()
    for chunk in stream:
        said["model"] = chunk.model or said.get("model")
        for choice in chunk.choices:
            said["finish_reason"] = choice.finish_reason or said["finish_reason"]
            # Azure sends some without.
            if not (delta := choice.delta):
                continue
            said["text"] += delta.content or ""
            # Only the first piece of a call has its id.
            calls.update((choice.index, call.index, call.id) for call in delta.tool_calls or [] if call.id)
        # The wrappers of other SDKs leave the member out where there is none.
        if getattr(chunk, "usage", None):
            said |= openai_usage(chunk.usage)
    return said | {"tool_calls": len(calls)}


def openai_chat(base, model, streaming):
    with openai.OpenAI(base_url=base, api_key=KEY, max_retries=0) as client:
        create = client.chat.completions.create
        if not streaming:
            return chat_answer(create(model=model, messages=MESSAGES))
        options = {"include_usage": True}
        return chat_chunks(create(model=model, messages=MESSAGES, stream=True, stream_options=options))


def openai_completions(base, model, streaming):
    with openai.OpenAI(base_url=base, api_key=KEY, max_retries=0) as client:
        answers = client.completions.create(model=model, prompt=QUESTION, stream=streaming)
        said = {"text": "", "tool_calls": 0, "finish_reason": None}
        for answer in answers if streaming else [answers]:
            said["model"] = answer.model
            for choice in answer.choices:
                said["text"] += choice.text
                said["finish_reason"] = choice.finish_reason or said["finish_reason"]
            if answer.usage:
                said |= openai_usage(answer.usage)
        return said


def openai_responses(base, model, streaming):
    with openai.OpenAI(base_url=base, api_key=KEY, max_retries=0) as client:
        answer = client.responses.create(model=model, input=QUESTION, stream=streaming)
        if streaming:
            events = list(answer)
            [answer] = [event.response for event in events if event.type in RESPONSE_ENDS]
            items = [event.item for event in events if event.type == "response.output_item.done"]
        else:
            items = answer.output
    usage, cut = answer.usage, answer.incomplete_details
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "cache_read_tokens": usage.input_tokens_details and usage.input_tokens_details.cached_tokens,
        "reasoning_tokens": usage.output_tokens_details and usage.output_tokens_details.reasoning_tokens,
        "model": answer.model,
        "text": answer.output_text,
        "tool_calls": sum(item.type in RESPONSE_CALLS for item in items),
        "finish_reason": cut.reason if cut else answer.status,
    }


def anthropic_messages(base, model, streaming):
    with anthropic.Anthropic(base_url=base, api_key=KEY, max_retries=0) as client:
        ask = {"model": model, "max_tokens": 1000, "messages": MESSAGES}
        if streaming:
            with client.messages.stream(**ask) as stream:
                answer = stream.get_final_message()
        else:
            answer = client.messages.create(**ask)
    usage = answer.usage
    details = usage.output_tokens_details
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read_tokens": usage.cache_read_input_tokens,
        "cache_creation_tokens": usage.cache_creation_input_tokens,
        "reasoning_tokens": details and details.thinking_tokens,
        "model": answer.model,
        "text": "".join(block.text for block in answer.content if block.type == "text"),
        "tool_calls": sum(block.type == "tool_use" for block in answer.content),
        "finish_reason": answer.stop_reason,
    }


def gemini(base, model, streaming):
    with google.genai.Client(api_key=KEY, http_options={"base_url": base}) as client:
        ask = client.models.generate_content_stream if streaming else client.models.generate_content
        answers = ask(model=model, contents=QUESTION)
        said = {"text": "", "tool_calls": 0, "finish_reason": None}
        for answer in answers if streaming else [answers]:
            usage, candidates = answer.usage_metadata, answer.candidates or []
            said["model"] = answer.model_version or said.get("model")
            if usage:
                said["input_tokens"] = usage.prompt_token_count
                said["output_tokens"] = usage.candidates_token_count
                said["cache_read_tokens"] = usage.cached_content_token_count
                said["reasoning_tokens"] = usage.thoughts_token_count
                said["tool_prompt_tokens"] = usage.tool_use_prompt_token_count
                said["total_tokens"] = usage.total_token_count
            for candidate in candidates:
                if candidate.finish_reason:
                    said["finish_reason"] = candidate.finish_reason.value
                for part in candidate.content and candidate.content.parts or []:
                    said["text"] += part.text if part.text and not part.thought else ""
                    said["tool_calls"] += bool(part.function_call and part.function_call.name)
        return said


def cohere_usage(usage):
    tokens = usage.tokens or usage.billed_units
    return {
        "input_tokens": tokens.input_tokens,
        "output_tokens": tokens.output_tokens,
        "cache_read_tokens": usage.cached_tokens,
        # Not declared, but handed on.
        "reasoning_tokens": getattr(tokens, "reasoning_tokens", None),
    }


def cohere_chat(base, model, streaming):
    client = cohere.ClientV2(api_key=KEY, base_url=base)
    # The answer does not name its model.
    said = {"text": "", "tool_calls": 0, "model": model}
    if not streaming:
        answer = client.chat(model=model, messages=MESSAGES)
        message = answer.message
        said["text"] = "".join(part.text for part in message.content or [] if part.type == "text")
        said["tool_calls"] = len(message.tool_calls or [])
        return said | cohere_usage(answer.usage) | {"finish_reason": answer.finish_reason}
    for event in client.chat_stream(model=model, messages=MESSAGES):
        if event.type == "content-delta":
            said["text"] += event.delta.message.content.text or ""
        if event.type == "tool-call-start":
            said["tool_calls"] += 1
        if event.type == "message-end":
            said |= cohere_usage(event.delta.usage) | {"finish_reason": event.delta.finish_reason}
    return said


def ollama_chat(base, model, streaming):
    client = ollama.Client(host=base, headers={"authorization": f"Bearer {KEY}"})
    answers = client.chat(model=model, messages=MESSAGES, stream=streaming)
    said = {"text": "", "tool_calls": 0}
    for answer in answers if streaming else [answers]:
        said["text"] += answer.message.content or ""
        said["tool_calls"] += len(answer.message.tool_calls or [])
        said["model"] = answer.model
        if answer.done:
            said["input_tokens"] = answer.prompt_eval_count
            said["output_tokens"] = answer.eval_count
            said["finish_reason"] = answer.done_reason
    return said


def through_litellm(provider, endpoint="", shown=()):
    """LiteLLM translates every answer to OpenAI's chat, and its finish reasons too."""

    def ask(base, model, streaming):
        answer = litellm.completion(
            model=f"{provider}/{model}",
            messages=MESSAGES,
            api_base=base + endpoint,
            api_key=KEY,
            stream=streaming,
            stream_options={"include_usage": True} if streaming else None,
            max_retries=0,
        )
        said = chat_chunks(answer) if streaming else chat_answer(answer)
        if streaming:
            # The model it was asked for.
            del said["model"]
        names = ("input_tokens", "output_tokens", "text", "tool_calls", *shown)
        return {name: said[name] for name in names if name in said}

    return ask


class Sdk(NamedTuple):
    """An SDK, and the base address it is given, below the proxy's."""

    name: str
    format: str
    route: str
    ask: Callable
    # `/v1/...` finds the provider by the model's prefix.
    prefix: str = ""
    # Its numbers compare across providers as those of a row do; they are not the provider's own.
    normalised: bool = False
    # Whether it asks for a stream.
    modes: tuple = (False, True)


def litellm_sdk(provider, format, route, endpoint="", shown=(), **more):
    name = f"litellm_{provider.removesuffix('_chat')}"
    return Sdk(name, format, route, through_litellm(provider, endpoint, shown), normalised=True, **more)


PARTS = ("cache_read_tokens", "reasoning_tokens", "model")

SDKS = [
    Sdk("openai_chat", "chat", "/v1", openai_chat, prefix="openai:"),
    Sdk("openai_chat_by_the_providers_path", "chat", "/openai", openai_chat),
    Sdk("openai_completions", "completions", "/v1", openai_completions, prefix="openai:"),
    Sdk("openai_responses", "responses", "/v1", openai_responses, prefix="openai:"),
    Sdk("openai_responses_by_the_providers_path", "responses", "/openai", openai_responses),
    Sdk("anthropic", "messages", "", anthropic_messages, prefix="anthropic:"),
    Sdk("anthropic_by_the_providers_path", "messages", "/anthropic", anthropic_messages),
    Sdk("google_genai", "gemini", "/gemini", gemini),
    Sdk("cohere", "cohere", "/cohere", cohere_chat),
    Sdk("ollama", "ollama", "/ollama", ollama_chat),
    litellm_sdk("openai", "chat", "/v1", shown=(*PARTS, "finish_reason"), prefix="openai:"),
    litellm_sdk("anthropic", "messages", "", shown=(*PARTS, "cache_creation_tokens"), prefix="anthropic:"),
    litellm_sdk("gemini", "gemini", "/gemini", "/v1beta", shown=PARTS),
    # It takes a stream for one JSON object a line, and stumbles over the `event:` lines that Cohere sends.
    litellm_sdk("cohere_chat", "cohere", "/cohere", "/v2/chat", modes=(False,)),
    litellm_sdk("ollama_chat", "ollama", "/ollama"),
]


def normalised(format, said):
    """Input with what a cache did, output with reasoning: what makes the numbers of two providers comparable."""
    usage = {name: said.get(name) or 0 for name in USAGE}
    if format == "messages":
        usage["input_tokens"] += usage["cache_read_tokens"] + usage["cache_creation_tokens"]
    if format == "gemini":
        usage["input_tokens"] += usage["tool_prompt_tokens"]
    # xAI's chat counts reasoning apart as Gemini does; its total tells.
    if format == "gemini" or said.get("total_tokens") == sum(usage[name] for name in TOTALS):
        usage["output_tokens"] += usage["reasoning_tokens"]
    return usage


class AnOfficialSdkReportsWhatTheTraceSays(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.proxy, cls.recordings = cls.enterClassContext(stand())
        signal.signal(signal.SIGALRM, took_too_long)
        gc.disable()
        cls.addClassCleanup(gc.enable)
        gc.freeze()

    def ask(self, sdk, recording, model):
        """What the SDK says and what the trace says."""
        earlier = max((trace["seq"] for trace in self.proxy.traces()), default=0)
        signal.alarm(60)
        try:
            said = sdk.ask(self.proxy.url + sdk.route, model, recording.streaming)
        finally:
            signal.alarm(0)
        # Now, not inside another request: httpcore closes a stream that was left unfinished under the lock of its pool.
        gc.collect()
        return said, self.proxy.trace_of(model, earlier)

    def check(self, sdk, recording, gzip=False):
        said, trace = self.ask(sdk, recording, f"{sdk.prefix}{recording.name}{'.gz' if gzip else ''}")
        self.assertEqual(trace["is_streaming"], recording.streaming)
        self.assertEqual((trace["outcome"], trace["usage_source"]), ("completed", "reported"))
        self.assertEqual(trace["observation"], "full")
        self.assertEqual(trace["response_bytes"] == recording.size, not gzip)
        if recording.is_own:
            self.assertEqual(said["text"], OWN_TEXT if recording.name.endswith("-text") else "")
        else:
            # Not every SDK shows all that some providers send.
            said = {name: value for name, value in said.items() if value is not None}

        usage = {name: said[name] for name in USAGE if name in said}
        if sdk.normalised:
            self.assert_says(trace, {name: count or 0 for name, count in usage.items()})
        else:
            self.assert_says(trace["provider_usage"], usage)
            comparable = normalised(sdk.format, said)
            self.assert_says(trace, {name: comparable[name] for name in TOTALS})
        words = {name: said[name] for name in ("model", "tool_calls", "finish_reason") if name in said}
        self.assert_says(trace | {"tool_calls": trace["tool_call_count"]}, words)

    def assert_says(self, trace, expected):
        self.assertEqual({name: trace[name] for name in expected}, expected)

    def recordings_for(self, sdk, own):
        for recording in self.recordings:
            if (recording.is_own, recording.format) == (own, sdk.format) and recording.streaming in sdk.modes:
                yield recording

    def check_own(self, sdk):
        recordings = list(self.recordings_for(sdk, own=True))
        self.assertNotEqual(recordings, [])
        for recording, gzip in itertools.product(recordings, (False, True)):
            with self.subTest(recording=recording.name, streaming=recording.streaming, gzip=gzip):
                self.check(sdk, recording, gzip)

    @unittest.skipUnless(replay.CORPUS.exists(), f"no recorded answers at {replay.CORPUS}")
    def test_of_answers_that_real_providers_gave(self):
        first_of_each_format = {sdk.format: sdk for sdk in reversed(SDKS)}
        for sdk in first_of_each_format.values():
            for recording in self.recordings_for(sdk, own=False):
                with self.subTest(sdk=sdk.name, recording=recording.name, streaming=recording.streaming):
                    self.check(sdk, recording)


def test_of(sdk):
    return lambda self: self.check_own(sdk)


for sdk in SDKS:
    setattr(AnOfficialSdkReportsWhatTheTraceSays, f"test_{sdk.name}", test_of(sdk))


if __name__ == "__main__":
    unittest.main()
