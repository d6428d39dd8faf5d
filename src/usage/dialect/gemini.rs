//! Gemini and Vertex AI (`streamGenerateContent`), as Server-Sent Events or as one JSON array.
//!
//! Every chunk has the same shape. `usageMetadata` comes on each or only the last, its numbers go up and down, and a count
//! that is missing in it is none: so the newest takes the place of the whole earlier one. There is no end mark but the
//! `finishReason`, which older models repeat on every chunk.

use super::{
    Dialect,
    document::{Document, Mark},
    request::{PathFacts, RequestForm, RequestKey, percent_decoded},
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
    speaks: |event| ["candidates", "usageMetadata", "promptFeedback"].iter().any(|key| event.find(key).is_some()),
    read,
    read_tail: |event, facts| {
        facts.read_usage_of_tail(event.data, "usageMetadata", read_usage);
        facts.read_finish_reason_of_tail(event.data, "finishReason");
    },
    document: Some(Document {
        marks: &[Mark::HasList(b"candidates"), Mark::Has(b"usageMetadata"), Mark::Has(b"promptFeedback")],
        read,
    }),
    request: RequestForm {
        path: Some(read_path),
        keys: &[
            (b"contents", RequestKey::Messages),
            (b"parts", RequestKey::Blocks),
            (b"functionCall", RequestKey::ToolUse),
            (b"functionResponse", RequestKey::ToolResult),
            // The proto's own spelling, which the API takes too.
            (b"function_call", RequestKey::ToolUse),
            (b"function_response", RequestKey::ToolResult),
        ],
    },
    merge: Merge::Replace,
    counting: Counting::ReasoningApart,
};

/// Reads `/v1beta/models/{model}:streamGenerateContent`: the custom methods of Gemini and of all Vertex AI.
fn read_path(path: &str) -> Option<PathFacts<'_>> {
    let (collection, last) = path.rsplit_once('/')?;
    if !["models", "tunedModels", "endpoints"].iter().any(|name| collection.ends_with(name)) {
        return None;
    }
    let last = percent_decoded(last);
    let (model, method) = last.rsplit_once(':')?;
    let is_streaming = match method {
        "streamGenerateContent" | "streamRawPredict" | "serverStreamingPredict" => true,
        "generateContent" | "rawPredict" | "predict" | "countTokens" | "embedContent" | "batchEmbedContents" => false,
        _ => return None,
    };
    Some(PathFacts::decided(model.to_owned().into(), is_streaming))
}

fn read<'a>(event: &ResponseEvent<'a>, facts: &mut EventFacts<'a>) -> bool {
    event.members(|key, value| match key {
        b"modelVersion" => facts.read_model(value),
        b"usageMetadata" => facts.usage = Some(read_usage(value)),
        b"candidates" => value.array(|candidate| {
            candidate.object(|key, value| match key {
                b"finishReason" => facts.read_finish_reason(value),
                b"content" => value.member(b"parts", |parts| parts.array(|part| read_part(part, facts))),
                _ => {}
            });
        }),
        b"promptFeedback" => value.member(b"blockReason", |reason| {
            // The prompt was refused: there will be no candidate to say so.
            facts.finish_reason = reason.word().map(|reason| format!("BLOCKED:{reason}").into());
            facts.ended = facts.finish_reason.is_some();
        }),
        b"error" => facts.read_error(value),
        _ => {}
    })
}

pub(super) fn read_part<'a>(part: &mut Cursor<'a>, facts: &mut EventFacts<'a>) {
    part.object(|key, value| match key {
        b"text" => facts.add_text(value.text()),
        b"functionCall" => value.object(|key, value| match key {
            // The later pieces of a call whose arguments are streamed have no name.
            b"name" => {
                let name = value.text();
                facts.tool_calls += u64::from(name.bytes > 0);
                facts.add_text(name);
            }
            b"args" => facts.add_arguments(value.raw()),
            b"partialArgs" => value.array(|arg| {
                arg.member(b"stringValue", |text| facts.add_text(text.text()));
            }),
            _ => {}
        }),
        b"executableCode" => {
            facts.server_tool_calls += 1;
            value.member(b"code", |code| facts.add_text(code.text()));
        }
        _ => {}
    });
}

pub(super) fn read_usage(usage: &mut Cursor<'_>) -> ProviderUsage {
    let mut counts = ProviderUsage::new();
    usage.object(|key, value| match key {
        b"promptTokenCount" => counts.input_tokens = value.count(),
        // The second is what a Live session calls it.
        b"candidatesTokenCount" | b"responseTokenCount" => counts.output_tokens = value.count(),
        b"totalTokenCount" => counts.total_tokens = value.count(),
        b"cachedContentTokenCount" => counts.cache_read_tokens = value.count(),
        b"thoughtsTokenCount" => counts.reasoning_tokens = value.count(),
        b"toolUsePromptTokenCount" => counts.tool_prompt_tokens = value.count(),
        _ => {}
    });
    // A count of 0 is left out.
    if counts.total_tokens.is_some() {
        counts.output_tokens.get_or_insert(0);
    }
    counts
}
