//! Every dialect and what makes it particular.

use crate::support::Body;
use active_requests::usage::{EndMark, Observation, ProviderUsage, UsageSource};

const NONE: ProviderUsage = ProviderUsage::new();

/// The facts of a stream.
struct Case {
    fixture: &'static str,
    model: Option<&'static str>,
    said: ProviderUsage,
    /// Input and output, normalised.
    totals: (u64, u64),
    source: UsageSource,
    /// Calls of the client's tools and of the provider's.
    calls: (u64, u64),
    finish_reason: Option<&'static str>,
    error: Option<&'static str>,
    end: EndMark,
    text_bytes: u64,
}

/// A stream that ends well and reports its tokens.
const CASE: Case = Case {
    fixture: "",
    model: None,
    said: NONE,
    totals: (0, 0),
    source: UsageSource::Reported,
    calls: (0, 0),
    finish_reason: None,
    error: None,
    end: EndMark::Seen,
    text_bytes: 0,
};

const fn said(input: u64, output: u64) -> ProviderUsage {
    NONE.input_tokens(input).output_tokens(output)
}

const fn said_in_all(input: u64, output: u64, total: u64) -> ProviderUsage {
    said(input, output).total_tokens(total)
}

const OPENAI: &[Case] = &[
    Case {
        fixture: "openai_chat.sse",
        model: Some("gpt-x"),
        said: said_in_all(100, 20, 120).cache_read_tokens(64).reasoning_tokens(5),
        totals: (100, 20),
        calls: (2, 0),
        finish_reason: Some("tool_calls"),
        // "Grüße " and a rocket, and two calls of `look` with `{"at":1}` and `{}`.
        text_bytes: 8 + 4 + 12 + 6,
        ..CASE
    },
    Case {
        fixture: "openai_chat_azure.sse",
        model: Some("gpt-az"),
        source: UsageSource::None,
        finish_reason: Some("stop"),
        text_bytes: 6,
        ..CASE
    },
    Case {
        fixture: "openai_chat_groq.sse",
        model: Some("llama"),
        said: said_in_all(12, 2, 14),
        totals: (12, 2),
        finish_reason: Some("stop"),
        text_bytes: 3,
        ..CASE
    },
    Case {
        fixture: "openai_chat_mistral.sse",
        model: Some("magistral"),
        said: said_in_all(9, 6, 15).cache_read_tokens(0),
        totals: (9, 6),
        finish_reason: Some("stop"),
        text_bytes: 8,
        ..CASE
    },
    Case {
        fixture: "openai_chat_openrouter_error.sse",
        model: Some("m/x"),
        said: said_in_all(7, 1, 8),
        totals: (7, 1),
        finish_reason: Some("error"),
        error: Some("Upstream went away"),
        text_bytes: 3,
        ..CASE
    },
    Case {
        fixture: "openai_chat_perplexity.sse",
        model: Some("sonar"),
        said: said_in_all(5, 3, 8),
        totals: (5, 3),
        finish_reason: Some("stop"),
        text_bytes: 7,
        ..CASE
    },
    Case {
        fixture: "openai_chat_xai.sse",
        model: Some("grok"),
        said: said_in_all(12, 1, 53).cache_read_tokens(161).reasoning_tokens(40),
        totals: (12, 41),
        finish_reason: Some("stop"),
        text_bytes: 3,
        ..CASE
    },
    Case {
        fixture: "openai_chat_whole_calls.sse",
        model: Some("gemini"),
        said: said_in_all(8, 6, 14),
        totals: (8, 6),
        calls: (4, 0),
        finish_reason: Some("tool_calls"),
        error: Some("Quota is used up"),
        text_bytes: 4 * 6,
        ..CASE
    },
    Case {
        fixture: "openai_chat_moonshot.sse",
        model: Some("moonshot"),
        said: said_in_all(19, 13, 32).cache_read_tokens(4),
        totals: (19, 13),
        finish_reason: Some("length"),
        text_bytes: 2,
        ..CASE
    },
    Case {
        fixture: "openai_chat_deepseek.sse",
        model: Some("deepseek"),
        said: said_in_all(30, 9, 39).cache_read_tokens(16).reasoning_tokens(6),
        totals: (30, 9),
        finish_reason: Some("stop"),
        text_bytes: 8,
        ..CASE
    },
    Case {
        fixture: "openai_chat_gpustack_error.sse",
        model: Some("qwen"),
        source: UsageSource::None,
        error: Some("Worker is gone"),
        end: EndMark::Awaited,
        text_bytes: 2,
        ..CASE
    },
    Case {
        fixture: "openai_completions.sse",
        model: Some("davinci"),
        said: said_in_all(3, 2, 5),
        totals: (3, 2),
        finish_reason: Some("length"),
        text_bytes: 9,
        ..CASE
    },
    Case {
        fixture: "openai_responses.sse",
        model: Some("gpt-r"),
        said: said_in_all(50, 21, 71).cache_read_tokens(32).cache_creation_tokens(8).reasoning_tokens(10),
        totals: (50, 21),
        calls: (1, 1),
        finish_reason: Some("max_output_tokens"),
        text_bytes: 2 + 5 + 6 + 2,
        ..CASE
    },
    Case {
        fixture: "openai_responses_error.sse",
        model: Some("gpt-r"),
        source: UsageSource::None,
        error: Some("It broke"),
        end: EndMark::Awaited,
        ..CASE
    },
    Case {
        fixture: "openai_assistants.sse",
        model: Some("gpt-a"),
        said: said_in_all(27, 16, 43).cache_read_tokens(3),
        totals: (27, 16),
        calls: (1, 0),
        finish_reason: Some("completed"),
        text_bytes: 4 + 2 + 4,
        ..CASE
    },
];

const ANTHROPIC: &[Case] = &[
    Case {
        fixture: "anthropic.sse",
        model: Some("claude-x"),
        // A later 0 takes the place of 2000; what is not said again stays.
        said: said(30, 40).cache_read_tokens(0).cache_creation_tokens(100).reasoning_tokens(12),
        totals: (130, 40),
        calls: (1, 1),
        finish_reason: Some("tool_use"),
        text_bytes: 4 + 13 + 7 + 4,
        ..CASE
    },
    Case {
        fixture: "anthropic_error.sse",
        model: Some("claude-x"),
        said: said(25, 1),
        totals: (25, 1),
        source: UsageSource::Partial,
        error: Some("Overloaded"),
        end: EndMark::Awaited,
        text_bytes: 3,
        ..CASE
    },
    Case {
        fixture: "anthropic_legacy.sse",
        model: Some("claude-2"),
        source: UsageSource::None,
        finish_reason: Some("stop_sequence"),
        text_bytes: 4,
        ..CASE
    },
];

const GOOGLE: &[Case] = &[
    Case {
        fixture: "gemini.sse",
        model: Some("gemini-x"),
        // The candidates' 21 and the cached 4 are gone with the report that the last one replaces: a missing count is none.
        said: said_in_all(9, 0, 99).reasoning_tokens(87).tool_prompt_tokens(3),
        totals: (12, 87),
        calls: (1, 1),
        finish_reason: Some("STOP"),
        text_bytes: 5 + 2 + 3 + 4 + 7 + 2,
        ..CASE
    },
    Case {
        fixture: "gemini_array.json",
        model: Some("gemini-x"),
        said: said_in_all(4, 3, 7),
        totals: (4, 3),
        finish_reason: Some("2"),
        text_bytes: 4,
        ..CASE
    },
    Case {
        fixture: "gemini_blocked.sse",
        model: Some("gemini-x"),
        said: said_in_all(8, 0, 8),
        totals: (8, 0),
        finish_reason: Some("BLOCKED:SAFETY"),
        ..CASE
    },
    Case {
        fixture: "gemini_cancelled.sse",
        model: Some("gemini-x"),
        source: UsageSource::None,
        error: Some("The operation was cancelled."),
        end: EndMark::Awaited,
        text_bytes: 2,
        ..CASE
    },
    Case {
        fixture: "gemini_interactions.sse",
        model: Some("gemini-i"),
        said: said_in_all(53, 15, 135).cache_read_tokens(0).reasoning_tokens(65).tool_prompt_tokens(2),
        totals: (55, 80),
        calls: (1, 1),
        finish_reason: Some("requires_action"),
        text_bytes: 7 + 3,
        ..CASE
    },
];

const BEDROCK: &[Case] = &[
    Case {
        fixture: "bedrock_converse.frames",
        said: said_in_all(12, 28, 1290).cache_read_tokens(250).cache_creation_tokens(1000),
        totals: (1262, 28),
        calls: (1, 0),
        finish_reason: Some("tool_use"),
        text_bytes: 2 + 6 + 4 + 2,
        ..CASE
    },
    Case {
        fixture: "bedrock_invoke_claude.frames",
        model: Some("claude-b"),
        // Bedrock's own counts, not the model's.
        said: said(99, 88).cache_read_tokens(0),
        totals: (99, 88),
        finish_reason: Some("end_turn"),
        text_bytes: 2,
        ..CASE
    },
    Case {
        fixture: "bedrock_invoke_nova.frames",
        said: said(5, 10).cache_read_tokens(2).cache_creation_tokens(0),
        totals: (7, 10),
        finish_reason: Some("end_turn"),
        text_bytes: 4,
        ..CASE
    },
    Case {
        fixture: "bedrock_invoke_titan.frames",
        said: said(18, 51),
        totals: (18, 51),
        finish_reason: Some("LENGTH"),
        text_bytes: 9,
        ..CASE
    },
    Case {
        fixture: "bedrock_invoke_llama.frames",
        said: said(25, 2),
        totals: (25, 2),
        finish_reason: Some("stop"),
        text_bytes: 5,
        ..CASE
    },
    Case {
        fixture: "bedrock_invoke_cohere.frames",
        said: said(40, 20),
        totals: (40, 20),
        finish_reason: Some("MAX_TOKENS"),
        text_bytes: 5,
        ..CASE
    },
    Case {
        fixture: "bedrock_exception.frames",
        source: UsageSource::None,
        error: Some("Too many requests"),
        end: EndMark::Awaited,
        text_bytes: 2,
        ..CASE
    },
];

const OTHERS: &[Case] = &[
    Case {
        fixture: "cohere_v2.sse",
        said: said(70, 9).cache_read_tokens(48).reasoning_tokens(2),
        totals: (70, 9),
        calls: (1, 0),
        finish_reason: Some("TOOL_CALL"),
        text_bytes: 1 + 2 + 2 + 4 + 2,
        ..CASE
    },
    Case {
        fixture: "cohere_v1.ndjson",
        said: said(66, 2),
        totals: (66, 2),
        finish_reason: Some("COMPLETE"),
        text_bytes: 5,
        ..CASE
    },
    Case {
        fixture: "ollama_chat.ndjson",
        model: Some("qwen"),
        said: said(26, 28).cache_read_tokens(20),
        totals: (26, 28),
        calls: (1, 0),
        finish_reason: Some("stop"),
        text_bytes: 2 + 4 + 2 + 4 + 7,
        ..CASE
    },
    Case {
        fixture: "ollama_generate.ndjson",
        model: Some("llama"),
        said: NONE.output_tokens(2),
        totals: (0, 2),
        text_bytes: 2,
        ..CASE
    },
    Case {
        fixture: "ollama_error.ndjson",
        model: Some("llama"),
        source: UsageSource::None,
        error: Some("an error was encountered while running the model"),
        end: EndMark::Awaited,
        text_bytes: 2,
        ..CASE
    },
    Case {
        fixture: "vercel.sse",
        said: said_in_all(21, 9, 30).cache_read_tokens(20).cache_creation_tokens(0).reasoning_tokens(3),
        totals: (21, 9),
        calls: (1, 1),
        finish_reason: Some("tool-calls"),
        text_bytes: 2 + 2 + 4 + 2 + 4 + 6,
        ..CASE
    },
    Case {
        fixture: "staged_chat_metadata.sse",
        model: Some("m-small"),
        said: said_in_all(20, 4, 24).cache_read_tokens(8),
        totals: (20, 4),
        text_bytes: 2,
        ..CASE
    },
    Case {
        fixture: "staged_chat.sse",
        source: UsageSource::None,
        error: Some("backend timed out"),
        text_bytes: 6,
        ..CASE
    },
    Case { fixture: "replicate.sse", source: UsageSource::None, text_bytes: 12, ..CASE },
];

#[test]
fn every_dialect_is_read_as_its_format_says() {
    for case in [OPENAI, ANTHROPIC, GOOGLE, BEDROCK, OTHERS].into_iter().flatten() {
        let name = case.fixture;
        let reading = Body::fixture(name).read_whole();
        assert_eq!(reading.model.as_deref(), case.model, "{name}");
        assert_eq!(reading.provider_usage, case.said, "{name}");
        assert_eq!((reading.usage.input_tokens, reading.usage.output_tokens), case.totals, "{name}");
        assert_eq!(reading.source, case.source, "{name}");
        assert_eq!((reading.tool_calls, reading.server_tool_calls), case.calls, "{name}");
        assert_eq!(reading.finish_reason.as_deref(), case.finish_reason, "{name}");
        assert_eq!(reading.error.as_deref(), case.error, "{name}");
        assert_eq!(reading.end, case.end, "{name}");
        assert_eq!(reading.text_bytes, case.text_bytes, "{name}");
        assert_eq!(reading.observation, Observation::Full, "{name}");
    }
}

#[test]
fn every_fixture_is_expected_to_say_something() {
    let cases: Vec<_> =
        [OPENAI, ANTHROPIC, GOOGLE, BEDROCK, OTHERS].into_iter().flatten().map(|case| case.fixture).collect();
    let bodies = Body::fixtures();
    let strays: Vec<_> = bodies.iter().map(|body| &*body.name).filter(|name| !cases.contains(name)).collect();
    assert_eq!(strays, ["unknown.sse"]);
}
