//! OpenAI's Responses API, as also DeepSeek, xAI, OpenRouter, Copilot, Bedrock and others serve it.
//!
//! Events are named by their `type`. The model stands in the response object of `response.created`, the usage in that of
//! the last event: `response.completed`, `response.incomplete` or `response.failed`. That one repeats the whole answer.

use std::borrow::Cow;

use super::{
    Dialect,
    document::{Document, Mark},
    request::{RequestForm, RequestKey},
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

pub(super) static DIALECT: Dialect = Dialect {
    speaks: |event| event.kind().starts_with("response."),
    read,
    read_tail,
    document: Some(Document {
        marks: &[Mark::Says(b"object", "response"), Mark::Counts(b"input_tokens")],
        read: read_document,
    }),
    request: RequestForm::with_keys(&[(b"input", RequestKey::Messages), (b"content", RequestKey::Blocks)]),
    merge: Merge::Replace,
    counting: Counting::Inclusive,
};

fn read<'a>(event: &ResponseEvent<'a>, facts: &mut EventFacts<'a>) -> bool {
    let kind = event.kind();
    let Some(name) = kind.strip_prefix("response.") else {
        return kind != "error" || read_error(event, facts);
    };
    match name {
        "output_item.added" | "output_item.done" => read_item(event, facts),
        "created" | "in_progress" | "queued" => {
            event.member(b"response", |response| response.member(b"model", |model| facts.read_model(model)))
        }
        _ if is_last(name) => read_last(event, name, facts),
        _ if name.ends_with(".delta") => event.member(b"delta", |delta| facts.add_text(delta.text())),
        _ => true,
    }
}

/// Whether events of this name are the last of a response.
fn is_last(name: &str) -> bool {
    matches!(name, "completed" | "incomplete" | "failed" | "cancelled" | "done")
}

fn read_last<'a>(event: &ResponseEvent<'a>, name: &str, facts: &mut EventFacts<'a>) -> bool {
    facts.ended = true;
    facts.finish_reason = Some(name.to_owned().into());
    event.member(b"response", |response| read_response(response, facts))
}

/// The response object, which is also the whole of a plain JSON body.
pub(super) fn read_response<'a>(response: &mut Cursor<'a>, facts: &mut EventFacts<'a>) {
    let mut reason = None;
    let items_were_told = !facts.calls.is_empty();
    response.object(|key, value| match key {
        b"model" => facts.read_model(value),
        b"usage" => facts.usage = Some(read_usage(value)),
        b"status" => facts.finish_reason = value.string().or(facts.finish_reason.take()),
        b"incomplete_details" => value.member(b"reason", |value| reason = value.string()),
        b"error" => facts.read_error(value),
        b"output" if !items_were_told => {
            let mut index = 0;
            value.array(|item| {
                OutputItem::read(item).count(index, facts);
                index += 1;
            });
        }
        _ => {}
    });
    facts.finish_reason = reason.or(facts.finish_reason.take());
}

/// The response object alone, with the texts that a stream has told of before.
fn read_document<'a>(document: &ResponseEvent<'a>, facts: &mut EventFacts<'a>) -> bool {
    let mut response = document.cursor();
    read_response(&mut response, facts);
    if let Some(mut output) = document.find("output") {
        output.array(|item| read_texts(item, facts));
    }
    !response.is_broken()
}

/// The texts of an item, or of a part of its content or summary.
fn read_texts<'a>(item: &mut Cursor<'a>, facts: &mut EventFacts<'a>) {
    item.object(|key, value| match key {
        b"text" | b"refusal" | b"name" | b"arguments" | b"input" => facts.add_text(value.text()),
        b"content" | b"summary" => value.array(|part| {
            part.object(|key, value| {
                if matches!(key, b"text" | b"refusal") {
                    facts.add_text(value.text());
                }
            });
        }),
        _ => {}
    });
}

/// The usage stands near the end of the response object, its status ahead of the output.
fn read_tail<'a>(event: &ResponseEvent<'a>, facts: &mut EventFacts<'a>) {
    facts.read_usage_of_tail(event.data, "usage", read_usage);
    let name = std::str::from_utf8(event.name).ok().and_then(|name| name.strip_prefix("response."));
    facts.finish_reason = name.filter(|name| is_last(name)).map(Into::into);
    facts.ended = facts.usage.is_some() || facts.finish_reason.is_some();
}

fn read_item<'a>(event: &ResponseEvent<'a>, facts: &mut EventFacts<'a>) -> bool {
    let (mut index, mut item) = (0, OutputItem::default());
    let is_read = event.members(|key, value| match key {
        b"output_index" => index = value.count().unwrap_or_default(),
        b"item" => item = OutputItem::read(value),
        _ => {}
    });
    item.count(index, facts);
    is_read
}

/// An item of the output.
#[derive(Default)]
struct OutputItem<'a> {
    kind: Option<Cow<'a, str>>,
    /// The id of a call. The item's own id is another one in every event, with some gateways.
    call_id: Option<Cow<'a, str>>,
}

impl<'a> OutputItem<'a> {
    fn read(item: &mut Cursor<'a>) -> Self {
        let mut read = Self::default();
        item.object(|key, value| match key {
            b"type" => read.kind = value.string(),
            b"call_id" => read.call_id = value.string(),
            _ => {}
        });
        read
    }

    /// Counts a call that has not been counted; each is announced and reported as done.
    fn count(&self, index: u64, facts: &mut EventFacts<'_>) {
        let Some(tool) = self.kind.as_deref().and_then(ToolKind::of_item) else { return };
        if facts.calls.begin(tool as u64, index, self.call_id.as_deref(), true) {
            facts.add_call(tool);
        }
    }
}

/// `{"type":"error","error":{..}}`, or flat: `{"type":"error","code":..,"message":..}`.
fn read_error<'a>(event: &ResponseEvent<'a>, facts: &mut EventFacts<'a>) -> bool {
    facts.read_error(&mut event.cursor());
    event.member(b"error", |error| facts.read_error(error))
}

pub(super) fn read_usage(usage: &mut Cursor<'_>) -> ProviderUsage {
    let mut counts = ProviderUsage::new();
    usage.object(|key, value| match key {
        b"input_tokens" => counts.input_tokens = value.count(),
        b"output_tokens" => counts.output_tokens = value.count(),
        b"total_tokens" => counts.total_tokens = value.count(),
        // The second is what a Realtime session calls it.
        b"input_tokens_details" | b"input_token_details" => value.object(|key, value| match key {
            b"cached_tokens" => counts.cache_read_tokens = value.count(),
            b"cache_write_tokens" | b"cache_creation_tokens" => counts.cache_creation_tokens = value.count(),
            _ => {}
        }),
        b"output_tokens_details" | b"output_token_details" => {
            value.member(b"reasoning_tokens", |count| counts.reasoning_tokens = count.count())
        }
        _ => {}
    });
    counts
}
