//! Bedrock's ConverseStream, and Nova's native streams, which say the same with the event's name inside the payload.
//!
//! The usage comes after `messageStop`, in `metadata`.

use super::super::event_facts::EventFacts;
use super::super::normalise::Counting;
use super::super::tool::ToolCalls;
use super::{Dialect, Event, Merge};
use crate::json::Cursor;
use crate::usage::ProviderUsage;

const KINDS: [&str; 6] =
    ["messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata"];

pub(super) static DIALECT: Dialect = Dialect {
    speaks: |event| KINDS.iter().any(|kind| event.name == kind.as_bytes() || event.member(kind).is_some()),
    read,
    read_tail: |event, said| {
        said.read_usage_of_tail(event.data, "usage", read_usage);
        said.read_finish_reason_of_tail(event.data, "stopReason");
    },
    merge: Merge::Replace,
    counting: Counting::CacheApart,
};

fn read<'a>(event: &Event<'a>, said: &mut EventFacts<'a>, _calls: &mut ToolCalls) -> bool {
    if !event.name.is_empty() {
        let mut payload = Cursor::new(event.data);
        read_kind(event.name, &mut payload, said);
        return !payload.is_broken();
    }
    event.members(|key, value| read_kind(key, value, said))
}

fn read_kind<'a>(kind: &[u8], payload: &mut Cursor<'a>, said: &mut EventFacts<'a>) {
    payload.object(|key, value| match (kind, key) {
        (b"contentBlockStart", b"start") => value.object(|key, value| {
            if key == b"toolUse" {
                read_tool_use(value, said);
            }
        }),
        (b"contentBlockDelta", b"delta") => value.object(|key, value| match key {
            b"text" => said.add_text(value.text()),
            b"reasoningContent" => read_reasoning(value, said),
            b"toolUse" => value.object(|key, value| {
                if key == b"input" {
                    said.add_text(value.text());
                }
            }),
            _ => {}
        }),
        (b"messageStop", b"stopReason") => said.read_finish_reason(value),
        (b"metadata", b"usage") => said.usage = Some(read_usage(value)),
        _ => {}
    });
}

fn read_reasoning<'a>(reasoning: &mut Cursor<'a>, said: &mut EventFacts<'a>) {
    reasoning.object(|key, value| match key {
        b"text" => said.add_text(value.text()),
        b"reasoningText" => value.object(|key, value| {
            if key == b"text" {
                said.add_text(value.text());
            }
        }),
        _ => {}
    });
}

/// The answer as a whole, of Converse as of Nova's native interface.
pub(super) fn read_document<'a>(document: &Event<'a>, said: &mut EventFacts<'a>, _calls: &mut ToolCalls) -> bool {
    document.members(|key, value| match key {
        b"output" => value.object(|key, value| {
            if key == b"message" {
                value.object(|key, value| {
                    if key == b"content" {
                        value.array(|block| read_block(block, said));
                    }
                });
            }
        }),
        b"stopReason" => said.read_finish_reason(value),
        b"usage" => said.usage = Some(read_usage(value)),
        _ => {}
    })
}

fn read_block<'a>(block: &mut Cursor<'a>, said: &mut EventFacts<'a>) {
    block.object(|key, value| match key {
        b"text" => said.add_text(value.text()),
        b"reasoningContent" => read_reasoning(value, said),
        b"toolUse" => read_tool_use(value, said),
        _ => {}
    });
}

fn read_tool_use<'a>(tool: &mut Cursor<'a>, said: &mut EventFacts<'a>) {
    let is_server = tool.find(b"type").and_then(|mut kind| kind.string()).as_deref() == Some("server_tool_use");
    said.tool_calls += u64::from(!is_server);
    said.server_tool_calls += u64::from(is_server);
    tool.object(|key, value| match key {
        b"name" if !is_server => said.add_text(value.text()),
        b"input" if !is_server => said.add_arguments(value.raw()),
        _ => {}
    });
}

fn read_usage(usage: &mut Cursor<'_>) -> ProviderUsage {
    let mut said = ProviderUsage::default();
    let (mut cache_read, mut cache_write) = (None, None);
    usage.object(|key, value| match key {
        b"inputTokens" => said.input_tokens = value.count(),
        b"outputTokens" => said.output_tokens = value.count(),
        b"totalTokens" => said.total_tokens = value.count(),
        b"cacheReadInputTokens" => said.cache_read_tokens = value.count(),
        b"cacheWriteInputTokens" => said.cache_creation_tokens = value.count(),
        b"cacheReadInputTokenCount" => cache_read = value.count(),
        b"cacheWriteInputTokenCount" => cache_write = value.count(),
        _ => {}
    });
    said.cache_read_tokens = said.cache_read_tokens.or(cache_read);
    said.cache_creation_tokens = said.cache_creation_tokens.or(cache_write);
    said
}
