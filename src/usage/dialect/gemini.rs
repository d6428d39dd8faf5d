//! Gemini and Vertex AI (`streamGenerateContent`), as Server-Sent Events or as one JSON array.
//!
//! Every chunk has the same shape. `usageMetadata` comes on each or only the last, its numbers go up and down, and a count
//! that is missing in it is none: so the newest takes the place of the whole earlier one. There is no end mark but the
//! `finishReason`, which older models repeat on every chunk.

use super::super::event_facts::EventFacts;
use super::super::normalise::Counting;
use super::super::tool::ToolCalls;
use super::{Dialect, Event, Merge};
use crate::json::Cursor;
use crate::usage::ProviderUsage;

pub(super) static DIALECT: Dialect = Dialect {
    speaks: |event| ["candidates", "usageMetadata", "promptFeedback"].iter().any(|key| event.member(key).is_some()),
    read,
    read_tail: |event, said| {
        said.read_usage_of_tail(event.data, "usageMetadata", read_usage);
        said.read_finish_reason_of_tail(event.data, "finishReason");
    },
    merge: Merge::Replace,
    counting: Counting::ReasoningApart,
};

pub(super) fn read<'a>(event: &Event<'a>, said: &mut EventFacts<'a>, _calls: &mut ToolCalls) -> bool {
    event.members(|key, value| match key {
        b"modelVersion" => said.read_model(value),
        b"usageMetadata" => said.usage = Some(read_usage(value)),
        b"candidates" => value.array(|candidate| {
            candidate.object(|key, value| match key {
                b"finishReason" => said.read_finish_reason(value),
                b"content" => value.object(|key, value| {
                    if key == b"parts" {
                        value.array(|part| read_part(part, said));
                    }
                }),
                _ => {}
            });
        }),
        b"promptFeedback" => value.object(|key, value| {
            if key == b"blockReason" {
                // The prompt was refused: there will be no candidate to say so.
                said.finish_reason = value.word().map(|reason| format!("BLOCKED:{reason}").into());
                said.ended = said.finish_reason.is_some();
            }
        }),
        b"error" => said.read_error(value),
        _ => {}
    })
}

fn read_part<'a>(part: &mut Cursor<'a>, said: &mut EventFacts<'a>) {
    part.object(|key, value| match key {
        b"text" => said.add_text(value.text()),
        b"functionCall" => value.object(|key, value| match key {
            // The later pieces of a call whose arguments are streamed have no name.
            b"name" => {
                let name = value.text();
                said.tool_calls += u64::from(name.bytes > 0);
                said.add_text(name);
            }
            b"args" => said.add_arguments(value.raw()),
            b"partialArgs" => value.array(|arg| {
                arg.object(|key, value| {
                    if key == b"stringValue" {
                        said.add_text(value.text());
                    }
                });
            }),
            _ => {}
        }),
        b"executableCode" => {
            said.server_tool_calls += 1;
            value.object(|key, value| {
                if key == b"code" {
                    said.add_text(value.text());
                }
            });
        }
        _ => {}
    });
}

fn read_usage(usage: &mut Cursor<'_>) -> ProviderUsage {
    let mut said = ProviderUsage::default();
    usage.object(|key, value| match key {
        b"promptTokenCount" => said.input_tokens = value.count(),
        b"candidatesTokenCount" => said.output_tokens = value.count(),
        b"totalTokenCount" => said.total_tokens = value.count(),
        b"cachedContentTokenCount" => said.cache_read_tokens = value.count(),
        b"thoughtsTokenCount" => said.reasoning_tokens = value.count(),
        b"toolUsePromptTokenCount" => said.tool_prompt_tokens = value.count(),
        _ => {}
    });
    // A count of 0 is left out.
    if said.total_tokens.is_some() {
        said.output_tokens.get_or_insert(0);
    }
    said
}
