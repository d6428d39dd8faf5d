"""The bills of `examples/bill.rs` are those of LiteLLM's `completion_cost`, on LiteLLM's own file of prices.

LiteLLM counts in floats: a bill is the same when it lies within the rounding of a few additions, far below the last digit of any
price. Where the two differ, `OF_MODELS` or `OF_RECORDINGS` says why; any other difference fails, and so does a reason that no bill
needs.
"""

import collections
import json
import math
import os
import re
import subprocess
import unittest
import urllib.parse
from decimal import Decimal
from pathlib import Path

# Else it is looked up at the import.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import litellm
from litellm.llms.anthropic.chat.transformation import AnthropicConfig
from litellm.llms.bedrock.chat.converse_transformation import AmazonConverseConfig
from litellm.llms.vertex_ai.gemini.vertex_and_google_ai_studio_gemini import VertexGeminiConfig
from litellm.litellm_core_utils.llm_cost_calc.usage_object_transformation import InteractionsUsageObjectTransformation
from litellm.responses.utils import ResponseAPILoggingUtils
from litellm.types.utils import ModelResponse, Usage

litellm.suppress_debug_info = True

PROGRAM = Path(__file__).resolve().parents[2] / "target" / "debug" / "examples" / "bill"
PRICES = Path(litellm.__file__).parent / "model_prices_and_context_window_backup.json"
RECORDINGS = os.environ.get("ACTIVE_REQUESTS_RECORDINGS")

# What a file has beside prices by the hour does not depend on when the test runs.
for entry in litellm.model_cost.values():
    entry.pop("off_peak_pricing", None)

# Input with cached tokens, output with reasoning, cache read, cache creation, reasoning.
TOKENS = ("input", "output", "cache_read", "cache_creation", "reasoning")
USAGES = [(1000, 200, 0, 0, 0), (1000, 200, 600, 0, 150), (1000, 200, 300, 400, 0), (1_234_567, 98_765, 4321, 1234, 567)]


class Case(collections.namedtuple("Case", "provider model tokens usage name marks", defaults=("", frozenset()))):
    """One bill to compare: `tokens` are ours, `usage` is the same as LiteLLM writes it, `marks` are what else an answer told."""

    def __str__(self):
        return f"{self.name} {self.provider} {self.model} {self.tokens} {sorted(self.marks)}"


# Why bills of the models in the file differ.
OF_MODELS = {
    "LiteLLM's calculator for Perplexity knows neither cached input nor limits of the prompt, and takes `perplexity/sonar` of its "
    "Agent API for `sonar`": lambda case, theirs: case.provider == "perplexity",
    "LiteLLM reads the names of Together's price classes as sizes of models": lambda case, theirs: case.model.startswith(
        "together-ai-"
    ),
}

# Why bills of recorded answers differ.
OF_RECORDINGS = {
    "Cache writes that last an hour are not counted apart, so they are billed as those of five minutes": (
        lambda case, theirs: "one hour" in case.marks
    ),
    "Searches are not billed, only their tokens": lambda case, theirs: "web search" in case.marks,
    "LiteLLM adds the rounds of other models (Anthropic's advisor and fallback), which the answer's own totals leave out": (
        lambda case, theirs: "iterations" in case.marks
    ),
    "LiteLLM leaves out what Gemini's tools add to the prompt": lambda case, theirs: "tool prompt" in case.marks,
    "LiteLLM bills the parts of a prompt, where Gemini names only some, and not its length": (
        lambda case, theirs: "parts of prompt" in case.marks
    ),
    "LiteLLM bills nothing for many a model that it has no price for; ours is unknown": lambda case, theirs: theirs == 0,
    "LiteLLM takes the prices of Azure and OpenAI for those of Azure AI": (
        lambda case, theirs: case.provider == "azure_ai" and f"azure_ai/{case.model}" not in litellm.model_cost
    ),
    "LiteLLM takes the sum that Perplexity states, with its fee for the request": lambda case, theirs: "cost" in case.marks,
    "LiteLLM has no price for a provider that it does not know; we go by the model": (
        lambda case, theirs: theirs is None and case.provider not in litellm.provider_list
    ),
}


def bills(answers):
    """Our bills for these lines of input, with every digit."""
    lines = "\n".join(map(json.dumps, answers))
    run = subprocess.run([PROGRAM, PRICES], input=lines, text=True, capture_output=True, check=True)
    return [json.loads(line, parse_float=Decimal) for line in run.stdout.splitlines()], run.stderr


def their_bill(case):
    """LiteLLM's, or `None` where it has no price."""
    response = ModelResponse(model=case.model, usage=case.usage)
    try:
        return litellm.completion_cost(response, model=case.model, custom_llm_provider=case.provider)
    except Exception as error:  # LiteLLM raises a bare one.
        if "isn't mapped" not in str(error) and "not mapped" not in str(error).lower():
            raise
        return None


def is_same(ours, theirs):
    return abs(Decimal(theirs) - Decimal(ours)) <= 8 * Decimal(math.ulp(theirs))


def provider_of(entry):
    """The provider as LiteLLM is asked for it: some are split in the file by kind of model."""
    name = entry.get("litellm_provider") or ""
    roots = ("bedrock_mantle", "bedrock", "fireworks_ai", "vertex_ai")
    return next((root for root in roots if name.startswith(root)), name)


def limits_of(entry):
    """The lengths of a prompt at which prices change."""
    for field in entry:
        if limit := re.fullmatch(r".*_above_(\d+)(k?)_tokens", field):
            yield int(limit[1]) * (1000 if limit[2] else 1)
    for tier in entry.get("tiered_pricing", []):
        yield int(tier.get("range", [0])[0])


def usage_of(tokens):
    prompt, completion, read, creation, reasoning = tokens
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=prompt + completion,
        prompt_tokens_details={"cached_tokens": read, "cache_creation_tokens": creation},
        completion_tokens_details={"reasoning_tokens": reasoning},
    )


class TestLiteLlm(unittest.TestCase):
    def compare(self, cases, ours, explained):
        same, neither, needed, wrong = 0, 0, collections.Counter(), []
        for case, bill in zip(cases, ours, strict=True):
            cost = bill["cost_usd"]
            theirs = their_bill(case)
            if cost is None and theirs is None:
                neither += 1
            elif None not in (cost, theirs) and is_same(cost, theirs):
                same += 1
            else:
                reason = next((reason for reason, holds in explained.items() if holds(case, theirs)), None)
                needed[reason] += 1
                if reason is None:
                    wrong.append(f"{case}: {cost}, LiteLLM has {theirs}")
        print(f"\n{same} of {len(cases)} bills are the same, {neither} have no price in either")
        for reason, count in needed.items():
            print(f"{count} differ: {reason}")
        self.assertFalse(wrong, "\n".join(wrong[:40]))
        self.assertEqual(set(needed), set(explained), "a reason that no bill needs")
        return same

    def test_every_model_costs_the_same(self):
        cases = []
        for name, entry in litellm.model_cost.items():
            if name == "sample_spec":
                continue
            provider = provider_of(entry)
            lengths = {length for limit in limits_of(entry) for length in (limit, limit + 1) if length > 5000}
            tokens = USAGES + [(length, 7, 1000, 2000, 3) for length in sorted(lengths)]
            cases += [Case(provider, name, each, usage_of(each)) for each in tokens]
        ours, told = bills(
            {"provider": case.provider, "models": [case.model], "usage": dict(zip(TOKENS, case.tokens))} for case in cases
        )
        print(f"\n{told.strip()}")
        priced = [(case, bill) for case, bill in zip(cases, ours, strict=True) if bill["cost_usd"] is not None]
        self.assertGreater(self.compare(*zip(*priced), OF_MODELS), 10_000)

    def test_every_entry_of_the_file_has_a_price_or_a_reason(self):
        _, told = bills([])
        counts = [int(count) for count in re.findall(r"^(\d+) ", told, re.MULTILINE)]
        self.assertEqual(sum(counts), len(json.loads(PRICES.read_text())))

    @unittest.skipUnless(RECORDINGS, "needs recordings: set ACTIVE_REQUESTS_RECORDINGS")
    def test_recorded_answers_cost_the_same(self):
        root = Path(RECORDINGS)
        cases, answers = [], []
        for line in (root / "manifest.jsonl").read_text().splitlines():
            recording = json.loads(line)
            if recording["kind"] == "derived":
                continue
            parts = list(json_of((root / recording["file"]).read_bytes(), recording["content_type"]))
            usage = recorded_usage(recording["dialect"], parts)
            if usage is None:
                continue
            provider, model = recorded_names(recording)
            cases.append(Case(provider, model, None, usage, recording["id"], marks_of(parts)))
            answers.append(
                {
                    "provider": provider,
                    "models": [model],
                    "content_type": recording["content_type"],
                    "file": str(root / recording["file"]),
                }
            )
        ours, _ = bills(answers)
        cases = [case._replace(tokens=tuple(bill["usage"].values())) for case, bill in zip(cases, ours)]
        self.assertGreater(self.compare(cases, ours, OF_RECORDINGS), 100)


# LiteLLM's names of the providers in the recordings.
PROVIDERS = {
    "alibaba": "dashscope",
    "azure-ai": "azure_ai",
    "bedrock-mantle": "bedrock_mantle",
    "cohere": "cohere_chat",
    "copilot": "github_copilot",
    "google": "gemini",
    "vercel": "vercel_ai_gateway",
    "vertexai": "vertex_ai",
}


def recorded_names(recording):
    provider = recording["provider"]
    if provider == "file":
        provider = recording["dialect"].split("-")[0]
    in_path = re.search(r"/model/([^/]+)/", recording.get("api_path") or "")
    named = recording["expected"].get("model") or (recording.get("request") or {}).get("model") or ""
    return PROVIDERS.get(provider, provider), urllib.parse.unquote(in_path[1]) if in_path else named


def marks_of(parts):
    """What an answer tells of itself that a bill may depend on, beside its tokens."""
    text = json.dumps(parts)
    found = {
        "one hour": r'"ephemeral_1h_input_tokens": [1-9]',
        "web search": r'"web_search_requests": [1-9]',
        "iterations": r'"type": "(advisor|fallback)_message"',
        "cost": r'"total_cost": [0-9]',
        "tool prompt": r'"toolUsePromptTokenCount": [1-9]',
    }
    marks = {mark for mark, pattern in found.items() if re.search(pattern, text)}
    for usage in (part["usageMetadata"] for part in parts if "usageMetadata" in part):
        details = usage.get("promptTokensDetails")
        if details and sum(detail.get("tokenCount", 0) for detail in details) < usage.get("promptTokenCount", 0):
            marks.add("parts of prompt")
    return frozenset(marks)


def recorded_usage(dialect, parts):
    """The usage of a recorded answer, read by LiteLLM's own code, or `None` where it has none for that dialect."""
    if dialect == "ollama":
        counts = next((part for part in reversed(parts) if "eval_count" in part or "prompt_eval_count" in part), None)
        return counts and chat_usage(counts.get("prompt_eval_count") or 0, counts.get("eval_count") or 0)
    if dialect == "gemini":
        parts = [part for part in parts if part.get("usageMetadata")]
        return VertexGeminiConfig._calculate_usage(parts[-1]) if parts else None
    said = [found for part in parts if (found := usage_in(part))]
    if not said:
        return None
    if dialect == "anthropic":
        merged = {}
        for usage in said:
            merged.update({field: count for field, count in usage.items() if count is not None})
        return AnthropicConfig().calculate_usage(usage_object=merged, reasoning_content=None)
    if dialect == "openai-responses":
        return ResponseAPILoggingUtils.transform_response_api_usage_to_chat_usage(said[-1])
    if dialect == "bedrock-converse":
        return AmazonConverseConfig().transform_usage(said[-1])
    if dialect == "cohere-v2":
        tokens = said[-1].get("tokens") or {}
        return chat_usage(int(tokens.get("input_tokens", 0)), int(tokens.get("output_tokens", 0)))
    if dialect == "gemini-interactions":
        return InteractionsUsageObjectTransformation.transform_interactions_usage_object(said[-1])
    if dialect in ("openai-chat", "openai-completions"):
        return Usage(**said[-1])
    return None


def usage_in(part):
    for holder in (part, part.get("message"), part.get("response"), part.get("delta"), part.get("interaction"), part.get("x_groq")):
        if isinstance(holder, dict) and isinstance(holder.get("usage"), dict):
            return holder["usage"]
    return None


def chat_usage(prompt, completion):
    return Usage(prompt_tokens=prompt, completion_tokens=completion, total_tokens=prompt + completion)


def json_of(body, content_type):
    """The JSON objects of an answer."""
    if content_type == "application/json":
        whole = json.loads(body)
        yield from (part for part in (whole if isinstance(whole, list) else [whole]) if isinstance(part, dict))
        return
    if content_type == "application/vnd.amazon.eventstream":
        for found in re.findall(rb'"usage":(\{[^{}]*\})', body):
            yield {"usage": json.loads(found)}
        return
    lines = body.decode(errors="replace").replace("\r", "\n").split("\n")
    for line in lines:
        text = line.removeprefix("data:").strip()
        if text.startswith("{"):
            try:
                yield json.loads(text)
            except ValueError:  # Cut off, on purpose.
                continue
