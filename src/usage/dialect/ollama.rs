//! Ollama's chat and generate: one object a line; the last, `"done":true`, has the counts.

use super::super::event_facts::EventFacts;
use super::super::normalise::Counting;
use super::super::tool::ToolCalls;
use super::{Dialect, Event, Merge};
use crate::json::Cursor;
use crate::usage::ProviderUsage;

pub(super) static DIALECT: Dialect = Dialect {
    speaks: |event| event.member("done").is_some() && event.member("model").is_some(),
    read,
    read_tail: |event, said| {
        said.usage = Some(read_counts(event.data)).filter(|usage| !usage.is_empty());
        said.read_finish_reason_of_tail(event.data, "done_reason");
    },
    merge: Merge::Replace,
    counting: Counting::Inclusive,
};

pub(super) fn read<'a>(event: &Event<'a>, said: &mut EventFacts<'a>, _calls: &mut ToolCalls) -> bool {
    let mut usage = ProviderUsage::default();
    let is_read = event.members(|key, value| match key {
        b"model" => said.read_model(value),
        b"response" | b"thinking" => said.add_text(value.text()),
        b"message" => value.object(|key, value| match key {
            b"content" | b"thinking" => said.add_text(value.text()),
            b"tool_calls" => value.array(|call| read_call(call, said)),
            _ => {}
        }),
        b"done" => said.ended |= value.is_true(),
        b"done_reason" => said.finish_reason = value.word(),
        b"error" => said.read_error(value),
        _ => read_count(key, value, &mut usage),
    });
    said.usage = Some(usage);
    is_read
}

/// A call comes whole.
fn read_call<'a>(call: &mut Cursor<'a>, said: &mut EventFacts<'a>) {
    said.tool_calls += 1;
    call.object(|key, value| {
        if key == b"function" {
            value.object(|key, value| match key {
                b"name" => said.add_text(value.text()),
                b"arguments" => said.add_arguments(value.raw()),
                _ => {}
            });
        }
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
