//! The UI message stream of Vercel's AI SDK. It names tokens only if the application adds them as metadata.

use super::{
    Dialect,
    request::{RequestForm, RequestKey},
};
use crate::{
    json::Cursor,
    usage::{
        counts::ProviderUsage,
        event::ResponseEvent,
        event_facts::EventFacts,
        normalise::{Counting, Merge},
    },
};

pub(super) static DIALECT: Dialect = Dialect {
    speaks: |event| {
        let kind = event.kind();
        let prefixes = ["text-", "reasoning-", "tool-input-", "tool-output-", "source-", "data-"];
        matches!(&*kind, "start" | "start-step" | "finish-step" | "finish" | "message-metadata")
            || prefixes.iter().any(|prefix| kind.starts_with(prefix))
    },
    read,
    read_tail: |event, facts| {
        facts.read_usage_of_tail(event.data, "usage", read_usage);
        facts.read_finish_reason_of_tail(event.data, "finishReason");
    },
    document: None,
    request: RequestForm::with_keys(&[(b"messages", RequestKey::Messages), (b"parts", RequestKey::Blocks)]),
    merge: Merge::Replace,
    counting: Counting::Inclusive,
};

fn read<'a>(event: &ResponseEvent<'a>, facts: &mut EventFacts<'a>) -> bool {
    match &*event.kind() {
        "text-delta" | "reasoning-delta" => event.member(b"delta", |delta| facts.add_text(delta.text())),
        "tool-input-delta" => event.member(b"inputTextDelta", |input| facts.add_text(input.text())),
        "tool-input-start" | "tool-input-available" | "tool-input-error" => read_call(event, facts),
        kind @ ("start" | "message-metadata" | "finish-step" | "finish") => {
            facts.ended = kind == "finish";
            event.members(|key, value| match key {
                b"finishReason" => facts.read_finish_reason(value),
                b"messageMetadata" => value.object(|key, value| {
                    if matches!(key, b"usage" | b"totalUsage") {
                        facts.usage = Some(read_usage(value));
                    }
                }),
                _ => {}
            })
        }
        "error" => event.member(b"errorText", |text| facts.read_error(text)),
        "abort" => {
            facts.ended = true;
            true
        }
        _ => true,
    }
}

/// A call is announced if its arguments are streamed, and then told whole; or only that.
fn read_call<'a>(event: &ResponseEvent<'a>, facts: &mut EventFacts<'a>) -> bool {
    let (mut id, mut is_server) = (None, false);
    let is_read = event.members(|key, value| match key {
        b"toolCallId" => id = value.string(),
        b"toolName" => facts.add_text(value.text()),
        b"providerExecuted" => is_server = value.is_true(),
        _ => {}
    });
    if facts.calls.begin(0, 0, id.as_deref(), true) {
        facts.tool_calls += u64::from(!is_server);
        facts.server_tool_calls += u64::from(is_server);
    }
    is_read
}

fn read_usage(usage: &mut Cursor<'_>) -> ProviderUsage {
    let mut counts = ProviderUsage::new();
    let (mut cached, mut reasoning) = (None, None);
    usage.object(|key, value| match key {
        b"inputTokens" => counts.input_tokens = value.count(),
        b"outputTokens" => counts.output_tokens = value.count(),
        b"totalTokens" => counts.total_tokens = value.count(),
        b"inputTokenDetails" => value.object(|key, value| match key {
            b"cacheReadTokens" => counts.cache_read_tokens = value.count(),
            b"cacheWriteTokens" => counts.cache_creation_tokens = value.count(),
            _ => {}
        }),
        b"outputTokenDetails" => value.member(b"reasoningTokens", |count| counts.reasoning_tokens = count.count()),
        // Names of earlier versions.
        b"cachedInputTokens" => cached = value.count(),
        b"reasoningTokens" => reasoning = value.count(),
        _ => {}
    });
    counts.cache_read_tokens = counts.cache_read_tokens.or(cached);
    counts.reasoning_tokens = counts.reasoning_tokens.or(reasoning);
    counts
}
