//! Ollama's chat and generate: one object a line; the last, `"done":true`, has the counts.

use super::{
    Dialect,
    document::{Document, Mark},
    request::{PathFacts, RequestForm, RequestKey},
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
    speaks: |event| event.find("done").is_some() && event.find("model").is_some(),
    read,
    read_tail: |event, facts| {
        facts.usage = Some(read_counts(event.data)).filter(|usage| !usage.is_empty());
        facts.read_finish_reason_of_tail(event.data, "done_reason");
    },
    document: Some(Document { marks: &[Mark::Has(b"done"), Mark::Has(b"prompt_eval_count")], read }),
    request: RequestForm {
        path: Some(read_path),
        keys: &[
            (b"messages", RequestKey::Messages),
            (b"prompt", RequestKey::Prompt),
            (b"content", RequestKey::Blocks),
            (b"tool_calls", RequestKey::ToolCalls),
        ],
    },
    merge: Merge::Replace,
    counting: Counting::Inclusive,
};

/// Reads the paths of chats and completions, which stream unless they are told not to.
fn read_path(path: &str) -> Option<PathFacts<'_>> {
    let streams = path.ends_with("/api/chat") || path.ends_with("/api/generate");
    streams.then(|| PathFacts { is_streaming: Some(true), ..PathFacts::default() })
}

fn read<'a>(event: &ResponseEvent<'a>, facts: &mut EventFacts<'a>) -> bool {
    let mut usage = ProviderUsage::default();
    let is_read = event.members(|key, value| match key {
        b"model" => facts.read_model(value),
        b"response" | b"thinking" => facts.add_text(value.text()),
        b"message" => value.object(|key, value| match key {
            b"content" | b"thinking" => facts.add_text(value.text()),
            b"tool_calls" => value.array(|call| read_call(call, facts)),
            _ => {}
        }),
        b"done" => facts.ended |= value.is_true(),
        b"done_reason" => facts.finish_reason = value.word(),
        b"error" => facts.read_error(value),
        _ => read_count(key, value, &mut usage),
    });
    facts.usage = Some(usage);
    is_read
}

/// A call comes whole.
fn read_call<'a>(call: &mut Cursor<'a>, facts: &mut EventFacts<'a>) {
    facts.tool_calls += 1;
    call.member(b"function", |function| {
        function.object(|key, value| match key {
            b"name" => facts.add_text(value.text()),
            b"arguments" => facts.add_arguments(value.raw()),
            _ => {}
        })
    });
}

/// `prompt_eval_count` is missing where the whole prompt came from the cache, in older versions.
fn read_count(key: &[u8], value: &mut Cursor<'_>, usage: &mut ProviderUsage) {
    match key {
        b"prompt_eval_count" => usage.input_tokens = value.count(),
        b"eval_count" => usage.output_tokens = value.count(),
        b"prompt_eval_cached_count" => usage.cache_read_tokens = value.count(),
        _ => {}
    }
}

/// The counts at the end of a line whose front is missing: the token ids of `context` can be long.
fn read_counts(tail: &[u8]) -> ProviderUsage {
    let mut usage = ProviderUsage::default();
    for key in ["prompt_eval_count", "eval_count", "prompt_eval_cached_count"] {
        if let Some(mut value) = Cursor::find_members(tail, key).next() {
            read_count(key.as_bytes(), &mut value, &mut usage);
        }
    }
    usage
}
