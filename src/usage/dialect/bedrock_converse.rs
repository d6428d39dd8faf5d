//! Bedrock's ConverseStream, and Nova's native streams, which say the same with the event's name inside the payload.
//!
//! The usage comes after `messageStop`, in `metadata`.

use super::{
    Dialect,
    document::{Document, Mark},
    request::{RequestForm, RequestKey, bedrock_path},
};
use crate::{
    json::Cursor,
    usage::{
        counts::ProviderUsage,
        event::ResponseEvent,
        event_facts::EventFacts,
        normalise::{Counting, Merge},
        tool::ToolKind,
    },
};

const KINDS: [&str; 6] =
    ["messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata"];

pub(super) static DIALECT: Dialect = Dialect {
    speaks: |event| KINDS.iter().any(|kind| event.name == kind.as_bytes() || event.find(kind).is_some()),
    read,
    read_tail: |event, facts| {
        facts.read_usage_of_tail(event.data, "usage", read_usage);
        facts.read_finish_reason_of_tail(event.data, "stopReason");
    },
    document: Some(Document { marks: &[Mark::Has(b"stopReason")], read: read_document }),
    request: RequestForm {
        path: Some(|path| bedrock_path(path, &[("converse", false), ("converse-stream", true)])),
        keys: &[
            (b"messages", RequestKey::Messages),
            (b"content", RequestKey::Blocks),
            (b"toolUse", RequestKey::ToolUse),
            (b"toolResult", RequestKey::ToolResult),
        ],
    },
    merge: Merge::Replace,
    counting: Counting::CacheApart,
};

fn read<'a>(event: &ResponseEvent<'a>, facts: &mut EventFacts<'a>) -> bool {
    if !event.name.is_empty() {
        let mut payload = event.cursor();
        read_kind(event.name, &mut payload, facts);
        return !payload.is_broken();
    }
    event.members(|key, value| read_kind(key, value, facts))
}

fn read_kind<'a>(kind: &[u8], payload: &mut Cursor<'a>, facts: &mut EventFacts<'a>) {
    payload.object(|key, value| match (kind, key) {
        (b"contentBlockStart", b"start") => value.member(b"toolUse", |tool| read_tool_use(tool, facts)),
        (b"contentBlockDelta", b"delta") => value.object(|key, value| match key {
            b"text" => facts.add_text(value.text()),
            b"reasoningContent" => read_reasoning(value, facts),
            b"toolUse" => value.member(b"input", |input| facts.add_text(input.text())),
            _ => {}
        }),
        (b"messageStop", b"stopReason") => facts.read_finish_reason(value),
        (b"metadata", b"usage") => facts.usage = Some(read_usage(value)),
        _ => {}
    });
}

fn read_reasoning<'a>(reasoning: &mut Cursor<'a>, facts: &mut EventFacts<'a>) {
    reasoning.object(|key, value| match key {
        b"text" => facts.add_text(value.text()),
        b"reasoningText" => value.member(b"text", |text| facts.add_text(text.text())),
        _ => {}
    });
}

/// Reads the answer as a whole, of Converse as of Nova's native interface.
fn read_document<'a>(document: &ResponseEvent<'a>, facts: &mut EventFacts<'a>) -> bool {
    document.members(|key, value| match key {
        b"output" => value.member(b"message", |message| {
            message.member(b"content", |content| content.array(|block| read_block(block, facts)));
        }),
        b"stopReason" => facts.read_finish_reason(value),
        b"usage" => facts.usage = Some(read_usage(value)),
        _ => {}
    })
}

fn read_block<'a>(block: &mut Cursor<'a>, facts: &mut EventFacts<'a>) {
    block.object(|key, value| match key {
        b"text" => facts.add_text(value.text()),
        b"reasoningContent" => read_reasoning(value, facts),
        b"toolUse" => read_tool_use(value, facts),
        _ => {}
    });
}

fn read_tool_use<'a>(tool: &mut Cursor<'a>, facts: &mut EventFacts<'a>) {
    let kind = tool.find(b"type").and_then(|mut kind| kind.string());
    let runs_it = kind.as_deref().and_then(ToolKind::of_item).unwrap_or(ToolKind::Client);
    facts.add_call(runs_it);
    tool.object(|key, value| match key {
        _ if runs_it == ToolKind::Server => {}
        b"name" => facts.add_text(value.text()),
        b"input" => facts.add_arguments(value.raw()),
        _ => {}
    });
}

fn read_usage(usage: &mut Cursor<'_>) -> ProviderUsage {
    let mut counts = ProviderUsage::new();
    let (mut cache_read, mut cache_write) = (None, None);
    usage.object(|key, value| match key {
        b"inputTokens" => counts.input_tokens = value.count(),
        b"outputTokens" => counts.output_tokens = value.count(),
        b"totalTokens" => counts.total_tokens = value.count(),
        b"cacheReadInputTokens" => counts.cache_read_tokens = value.count(),
        b"cacheWriteInputTokens" => counts.cache_creation_tokens = value.count(),
        b"cacheReadInputTokenCount" => cache_read = value.count(),
        b"cacheWriteInputTokenCount" => cache_write = value.count(),
        _ => {}
    });
    counts.cache_read_tokens = counts.cache_read_tokens.or(cache_read);
    counts.cache_creation_tokens = counts.cache_creation_tokens.or(cache_write);
    counts
}
