//! Anthropic Messages, as also DashScope, OpenRouter and others serve it.
//!
//! `message_start` names the model and reports the input and a few output tokens to begin with; `message_delta` reports
//! the output so far and, since 2025, the input again. Each number's last report is right, be it lower or 0.

use super::{
    Dialect,
    document::{Document, Mark},
    request::{RequestForm, RequestKey},
};
use crate::{
    json::{Cursor, Span},
    usage::{
        counts::ProviderUsage,
        event::ResponseEvent,
        event_facts::EventFacts,
        normalise::{Counting, Merge},
        tool::ToolKind,
    },
};

pub(super) static DIALECT: Dialect = Dialect {
    speaks: |event| {
        let kind = event.kind();
        matches!(&*kind, "message_start" | "message_delta" | "message_stop") || kind.starts_with("content_block_")
    },
    read,
    read_tail: |event, facts| {
        facts.read_usage_of_tail(event.data, "usage", read_usage);
        facts.read_finish_reason_of_tail(event.data, "stop_reason");
    },
    document: Some(Document { marks: &[Mark::Says(b"type", "message")], read: read_document }),
    request: RequestForm::with_keys(&[(b"messages", RequestKey::Messages), (b"content", RequestKey::Blocks)]),
    merge: Merge::Overlay,
    counting: Counting::CacheApart,
};

fn read<'a>(event: &ResponseEvent<'a>, facts: &mut EventFacts<'a>) -> bool {
    match &*event.kind() {
        "content_block_delta" => event.member(b"delta", |delta| {
            delta.object(|key, value| {
                // `content` is the summary of a compaction.
                if matches!(key, b"text" | b"thinking" | b"partial_json" | b"content") {
                    facts.add_text(value.text());
                }
            });
        }),
        "content_block_start" => event.member(b"content_block", |block| read_block(block, facts)),
        "message_start" => event.member(b"message", |message| {
            facts.usage_is_interim = true;
            message.object(|key, value| match key {
                b"model" => facts.read_model(value),
                b"usage" => facts.usage = Some(read_usage(value)),
                _ => {}
            });
        }),
        "message_delta" => event.members(|key, value| match key {
            b"usage" => facts.usage = Some(read_usage(value)),
            b"delta" => value.member(b"stop_reason", |reason| facts.read_finish_reason(reason)),
            _ => {}
        }),
        "message_stop" => {
            facts.ended = true;
            true
        }
        "error" => event.member(b"error", |error| facts.read_error(error)),
        _ => true,
    }
}

/// Reads the message as a whole.
fn read_document<'a>(document: &ResponseEvent<'a>, facts: &mut EventFacts<'a>) -> bool {
    document.members(|key, value| match key {
        b"model" => facts.read_model(value),
        b"usage" => facts.usage = Some(read_usage(value)),
        b"stop_reason" => facts.read_finish_reason(value),
        b"content" => value.array(|block| read_block(block, facts)),
        _ => {}
    })
}

fn read_block<'a>(block: &mut Cursor<'a>, facts: &mut EventFacts<'a>) {
    let (mut tool, mut name, mut input) = (None, Span::default(), None);
    block.object(|key, value| match key {
        b"type" => tool = value.string().as_deref().and_then(ToolKind::of_item),
        b"text" | b"thinking" => facts.add_text(value.text()),
        b"name" => name = value.text(),
        b"input" => input = Some(value.raw()),
        _ => {}
    });
    if let Some(tool) = tool {
        facts.add_call(tool);
    }
    if tool == Some(ToolKind::Client) {
        facts.add_text(name);
        // In a stream it is empty to begin with.
        input.into_iter().for_each(|input| facts.add_arguments(input));
    }
}

fn read_usage(usage: &mut Cursor<'_>) -> ProviderUsage {
    let mut counts = ProviderUsage::new();
    usage.object(|key, value| match key {
        b"input_tokens" => counts.input_tokens = value.count(),
        b"output_tokens" => counts.output_tokens = value.count(),
        b"cache_read_input_tokens" => counts.cache_read_tokens = value.count(),
        b"cache_creation_input_tokens" => counts.cache_creation_tokens = value.count(),
        b"output_tokens_details" => value.member(b"thinking_tokens", |count| counts.reasoning_tokens = count.count()),
        _ => {}
    });
    counts
}
