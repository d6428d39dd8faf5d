//! Anthropic Messages, as also DashScope, OpenRouter and others serve it.
//!
//! `message_start` names the model and reports the input and a few output tokens to begin with; `message_delta` reports
//! the output so far and, since 2025, the input again. Each number's last report is right, be it lower or 0.

use super::super::event_facts::EventFacts;
use super::super::normalise::Counting;
use super::super::tool::ToolCalls;
use super::{Dialect, Event, Merge};
use crate::json::Cursor;
use crate::usage::ProviderUsage;

pub(super) static DIALECT: Dialect = Dialect {
    speaks: |event| {
        let kind = event.kind();
        matches!(&*kind, "message_start" | "message_delta" | "message_stop") || kind.starts_with("content_block_")
    },
    read,
    read_tail: |event, said| {
        said.read_usage_of_tail(event.data, "usage", read_usage);
        said.read_finish_reason_of_tail(event.data, "stop_reason");
    },
    merge: Merge::Overlay,
    counting: Counting::CacheApart,
};

fn read<'a>(event: &Event<'a>, said: &mut EventFacts<'a>, _calls: &mut ToolCalls) -> bool {
    match &*event.kind() {
        "content_block_delta" => event.members(|key, value| {
            if key == b"delta" {
                value.object(|key, value| {
                    // `content` is the summary of a compaction.
                    if matches!(key, b"text" | b"thinking" | b"partial_json" | b"content") {
                        said.add_text(value.text());
                    }
                });
            }
        }),
        "content_block_start" => event.members(|key, value| {
            if key == b"content_block" {
                read_block(value, said);
            }
        }),
        "message_start" => event.members(|key, value| {
            if key == b"message" {
                said.usage_is_interim = true;
                value.object(|key, value| match key {
                    b"model" => said.read_model(value),
                    b"usage" => said.usage = Some(read_usage(value)),
                    _ => {}
                });
            }
        }),
        "message_delta" => event.members(|key, value| match key {
            b"usage" => said.usage = Some(read_usage(value)),
            b"delta" => value.object(|key, value| {
                if key == b"stop_reason" {
                    said.read_finish_reason(value);
                }
            }),
            _ => {}
        }),
        "message_stop" => {
            said.ended = true;
            true
        }
        "error" => event.members(|key, value| {
            if key == b"error" {
                said.read_error(value);
            }
        }),
        _ => true,
    }
}

/// The message as a whole.
pub(super) fn read_document<'a>(document: &Event<'a>, said: &mut EventFacts<'a>, _calls: &mut ToolCalls) -> bool {
    document.members(|key, value| match key {
        b"model" => said.read_model(value),
        b"usage" => said.usage = Some(read_usage(value)),
        b"stop_reason" => said.read_finish_reason(value),
        b"content" => value.array(|block| read_block(block, said)),
        _ => {}
    })
}

fn read_block<'a>(block: &mut Cursor<'a>, said: &mut EventFacts<'a>) {
    let kind = block.find(b"type").and_then(|mut kind| kind.string());
    let is_call = kind.as_deref() == Some("tool_use");
    said.tool_calls += u64::from(is_call);
    said.server_tool_calls += u64::from(matches!(kind.as_deref(), Some("server_tool_use" | "mcp_tool_use")));
    block.object(|key, value| match key {
        b"text" | b"thinking" => said.add_text(value.text()),
        b"name" if is_call => said.add_text(value.text()),
        // In a stream it is empty to begin with.
        b"input" if is_call => said.add_arguments(value.raw()),
        _ => {}
    });
}

pub(super) fn read_usage(usage: &mut Cursor<'_>) -> ProviderUsage {
    let mut said = ProviderUsage::default();
    usage.object(|key, value| match key {
        b"input_tokens" => said.input_tokens = value.count(),
        b"output_tokens" => said.output_tokens = value.count(),
        b"cache_read_input_tokens" => said.cache_read_tokens = value.count(),
        b"cache_creation_input_tokens" => said.cache_creation_tokens = value.count(),
        b"output_tokens_details" => value.object(|key, value| {
            if key == b"thinking_tokens" {
                said.reasoning_tokens = value.count();
            }
        }),
        _ => {}
    });
    said
}
