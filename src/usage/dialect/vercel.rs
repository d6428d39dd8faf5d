//! The UI message stream of Vercel's AI SDK. It names tokens only if the application adds them as metadata.

use super::super::event_facts::EventFacts;
use super::super::normalise::Counting;
use super::super::tool::ToolCalls;
use super::{Dialect, Event, Merge};
use crate::json::Cursor;
use crate::usage::ProviderUsage;

pub(super) static DIALECT: Dialect = Dialect {
    speaks: |event| {
        let kind = event.kind();
        let prefixes = ["text-", "reasoning-", "tool-input-", "tool-output-", "source-", "data-"];
        matches!(&*kind, "start" | "start-step" | "finish-step" | "finish" | "message-metadata")
            || prefixes.iter().any(|prefix| kind.starts_with(prefix))
    },
    read,
    read_tail: |event, said| {
        said.read_usage_of_tail(event.data, "usage", read_usage);
        said.read_finish_reason_of_tail(event.data, "finishReason");
    },
    merge: Merge::Replace,
    counting: Counting::Inclusive,
};

fn read<'a>(event: &Event<'a>, said: &mut EventFacts<'a>, calls: &mut ToolCalls) -> bool {
    match &*event.kind() {
        "text-delta" | "reasoning-delta" => event.members(|key, value| {
            if key == b"delta" {
                said.add_text(value.text());
            }
        }),
        "tool-input-delta" => event.members(|key, value| {
            if key == b"inputTextDelta" {
                said.add_text(value.text());
            }
        }),
        "tool-input-start" | "tool-input-available" | "tool-input-error" => read_call(event, said, calls),
        kind @ ("start" | "message-metadata" | "finish-step" | "finish") => {
            said.ended = kind == "finish";
            event.members(|key, value| match key {
                b"finishReason" => said.read_finish_reason(value),
                b"messageMetadata" => value.object(|key, value| {
                    if matches!(key, b"usage" | b"totalUsage") {
                        said.usage = Some(read_usage(value));
                    }
                }),
                _ => {}
            })
        }
        "error" => event.members(|key, value| {
            if key == b"errorText" {
                said.read_error(value);
            }
        }),
        "abort" => {
            said.ended = true;
            true
        }
        _ => true,
    }
}

/// A call is announced if its arguments are streamed, and then told whole; or only that.
fn read_call<'a>(event: &Event<'a>, said: &mut EventFacts<'a>, calls: &mut ToolCalls) -> bool {
    let (mut id, mut is_server) = (None, false);
    let is_read = event.members(|key, value| match key {
        b"toolCallId" => id = value.string(),
        b"toolName" => said.add_text(value.text()),
        b"providerExecuted" => is_server = value.is_true(),
        _ => {}
    });
    if calls.begin(0, 0, id.as_deref(), true) {
        said.tool_calls += u64::from(!is_server);
        said.server_tool_calls += u64::from(is_server);
    }
    is_read
}

fn read_usage(usage: &mut Cursor<'_>) -> ProviderUsage {
    let mut said = ProviderUsage::default();
    let (mut cached, mut reasoning) = (None, None);
    usage.object(|key, value| match key {
        b"inputTokens" => said.input_tokens = value.count(),
        b"outputTokens" => said.output_tokens = value.count(),
        b"totalTokens" => said.total_tokens = value.count(),
        b"inputTokenDetails" => value.object(|key, value| match key {
            b"cacheReadTokens" => said.cache_read_tokens = value.count(),
            b"cacheWriteTokens" => said.cache_creation_tokens = value.count(),
            _ => {}
        }),
        b"outputTokenDetails" => value.object(|key, value| {
            if key == b"reasoningTokens" {
                said.reasoning_tokens = value.count();
            }
        }),
        // Names of earlier versions.
        b"cachedInputTokens" => cached = value.count(),
        b"reasoningTokens" => reasoning = value.count(),
        _ => {}
    });
    said.cache_read_tokens = said.cache_read_tokens.or(cached);
    said.reasoning_tokens = said.reasoning_tokens.or(reasoning);
    said
}
