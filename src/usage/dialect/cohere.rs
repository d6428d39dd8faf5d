//! Cohere's chat: v2 as Server-Sent Events, v1 as one object a line.
//!
//! Usage stands in the last event, twice: `tokens` are what the model read and wrote, `billed_units` leave some of it out.

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
    },
};

pub(super) static DIALECT: Dialect = Dialect {
    speaks: |event| {
        let v2 =
            ["message-start", "content-start", "content-delta", "tool-plan-delta", "tool-call-start", "message-end"];
        let v1 = ["stream-start", "text-generation", "tool-calls-chunk", "tool-calls-generation", "stream-end"];
        let kind = kind(event);
        v2.contains(&&*kind) || v1.contains(&&*kind)
    },
    read,
    read_tail: |event, facts| {
        facts.read_usage_of_tail(event.data, "usage", read_usage);
        if facts.usage.is_none() {
            facts.read_usage_of_tail(event.data, "meta", read_usage);
        }
        facts.read_finish_reason_of_tail(event.data, "finish_reason");
    },
    document: Some(Document {
        marks: &[
            Mark::Has(b"finish_reason"),
            // `meta` may name a version only.
            Mark::HasWithin(b"meta", b"tokens"),
            Mark::HasWithin(b"meta", b"billed_units"),
        ],
        read: read_document,
    }),
    request: RequestForm::with_keys(&[
        (b"messages", RequestKey::Messages),
        // Version 1.
        (b"chat_history", RequestKey::Messages),
        (b"content", RequestKey::Blocks),
        (b"tool_calls", RequestKey::ToolCalls),
    ]),
    merge: Merge::Replace,
    counting: Counting::Inclusive,
};

fn kind<'a>(event: &ResponseEvent<'a>) -> Cow<'a, str> {
    event.text("event_type").unwrap_or_else(|| event.kind())
}

fn read<'a>(event: &ResponseEvent<'a>, facts: &mut EventFacts<'a>) -> bool {
    match &*kind(event) {
        kind @ ("content-start" | "content-delta" | "tool-plan-delta" | "tool-call-start" | "tool-call-delta") => {
            facts.tool_calls += u64::from(kind == "tool-call-start");
            event.member(b"delta", |delta| delta.member(b"message", |message| read_message(message, facts)))
        }
        "message-end" => event.member(b"delta", |delta| read_end(delta, facts)),
        "text-generation" => event.member(b"text", |text| facts.add_text(text.text())),
        "tool-calls-chunk" => event.members(|key, value| match key {
            b"text" => facts.add_text(value.text()),
            b"tool_call_delta" => value.object(|key, value| {
                if matches!(key, b"name" | b"parameters") {
                    facts.add_text(value.text());
                }
            }),
            _ => {}
        }),
        "tool-calls-generation" => {
            event.member(b"tool_calls", |tool_calls| tool_calls.array(|_| facts.tool_calls += 1))
        }
        "stream-end" => {
            facts.ended = true;
            event.members(|key, value| match key {
                b"finish_reason" => facts.read_finish_reason(value),
                b"error" => facts.read_error(value),
                b"response" => value.member(b"meta", |meta| facts.usage = Some(read_usage(meta))),
                _ => {}
            })
        }
        _ => true,
    }
}

/// The answer as a whole: v2 with a message, v1 with its text beside the counts.
fn read_document<'a>(document: &ResponseEvent<'a>, facts: &mut EventFacts<'a>) -> bool {
    document.members(|key, value| match key {
        b"message" => value.object(|key, value| match key {
            b"content" => value.array(|part| read_part(part, facts)),
            b"tool_plan" => facts.add_text(value.text()),
            b"tool_calls" => value.array(|call| read_whole_call(call, facts)),
            _ => {}
        }),
        b"text" => facts.add_text(value.text()),
        b"tool_calls" => value.array(|call| read_whole_call(call, facts)),
        b"finish_reason" => facts.read_finish_reason(value),
        b"usage" | b"meta" => facts.usage = Some(read_usage(value)),
        _ => {}
    })
}

fn read_whole_call<'a>(call: &mut Cursor<'a>, facts: &mut EventFacts<'a>) {
    facts.tool_calls += 1;
    call.object(|key, value| match key {
        b"function" => read_function(value, facts),
        b"name" => facts.add_text(value.text()),
        b"parameters" => facts.add_arguments(value.raw()),
        _ => {}
    });
}

fn read_part<'a>(part: &mut Cursor<'a>, facts: &mut EventFacts<'a>) {
    part.object(|key, value| {
        if matches!(key, b"text" | b"thinking") {
            facts.add_text(value.text());
        }
    });
}

fn read_function<'a>(function: &mut Cursor<'a>, facts: &mut EventFacts<'a>) {
    function.object(|key, value| {
        if matches!(key, b"name" | b"arguments") {
            facts.add_text(value.text());
        }
    });
}

fn read_message<'a>(message: &mut Cursor<'a>, facts: &mut EventFacts<'a>) {
    message.object(|key, value| match key {
        b"content" => read_part(value, facts),
        b"tool_plan" => facts.add_text(value.text()),
        b"tool_calls" => value.member(b"function", |function| read_function(function, facts)),
        _ => {}
    });
}

fn read_end<'a>(delta: &mut Cursor<'a>, facts: &mut EventFacts<'a>) {
    facts.ended = true;
    delta.object(|key, value| match key {
        b"finish_reason" => facts.read_finish_reason(value),
        b"usage" => facts.usage = Some(read_usage(value)),
        b"error" => facts.read_error(value),
        _ => {}
    });
}

fn read_usage(usage: &mut Cursor<'_>) -> ProviderUsage {
    let (mut counts, mut billed) = (ProviderUsage::new(), ProviderUsage::new());
    usage.object(|key, value| match key {
        b"tokens" => read_units(value, &mut counts),
        b"billed_units" => read_units(value, &mut billed),
        b"cached_tokens" => counts.cache_read_tokens = value.count(),
        _ => {}
    });
    counts.input_tokens = counts.input_tokens.or(billed.input_tokens);
    counts.output_tokens = counts.output_tokens.or(billed.output_tokens);
    counts
}

fn read_units(units: &mut Cursor<'_>, counts: &mut ProviderUsage) {
    units.object(|key, value| match key {
        b"input_tokens" => counts.input_tokens = value.count(),
        b"output_tokens" => counts.output_tokens = value.count(),
        b"reasoning_tokens" => counts.reasoning_tokens = value.count(),
        _ => {}
    });
}
