//! Cohere's chat: v2 as Server-Sent Events, v1 as one object a line.
//!
//! Usage stands in the last event, twice: `tokens` are what the model read and wrote, `billed_units` leave some of it out.

use super::super::event_facts::EventFacts;
use super::super::normalise::Counting;
use super::super::tool::ToolCalls;
use super::{Dialect, Event, Merge};
use crate::json::Cursor;
use crate::usage::ProviderUsage;

pub(super) static DIALECT: Dialect = Dialect {
    speaks: |event| {
        let v2 =
            ["message-start", "content-start", "content-delta", "tool-plan-delta", "tool-call-start", "message-end"];
        let v1 = ["stream-start", "text-generation", "tool-calls-chunk", "tool-calls-generation", "stream-end"];
        let kind = kind(event);
        v2.contains(&&*kind) || v1.contains(&&*kind)
    },
    read,
    read_tail: |event, said| {
        said.read_usage_of_tail(event.data, "usage", read_usage);
        if said.usage.is_none() {
            said.read_usage_of_tail(event.data, "meta", read_usage);
        }
        said.read_finish_reason_of_tail(event.data, "finish_reason");
    },
    merge: Merge::Replace,
    counting: Counting::Inclusive,
};

fn kind<'a>(event: &Event<'a>) -> std::borrow::Cow<'a, str> {
    event.text("event_type").unwrap_or_else(|| event.kind())
}

fn read<'a>(event: &Event<'a>, said: &mut EventFacts<'a>, _calls: &mut ToolCalls) -> bool {
    match &*kind(event) {
        kind @ ("content-start" | "content-delta" | "tool-plan-delta" | "tool-call-start" | "tool-call-delta") => {
            said.tool_calls += u64::from(kind == "tool-call-start");
            event.members(|key, value| {
                if key == b"delta" {
                    value.object(|key, value| {
                        if key == b"message" {
                            read_message(value, said);
                        }
                    });
                }
            })
        }
        "message-end" => event.members(|key, value| {
            if key == b"delta" {
                read_end(value, said);
            }
        }),
        "text-generation" => event.members(|key, value| {
            if key == b"text" {
                said.add_text(value.text());
            }
        }),
        "tool-calls-chunk" => event.members(|key, value| match key {
            b"text" => said.add_text(value.text()),
            b"tool_call_delta" => value.object(|key, value| {
                if matches!(key, b"name" | b"parameters") {
                    said.add_text(value.text());
                }
            }),
            _ => {}
        }),
        "tool-calls-generation" => event.members(|key, value| {
            if key == b"tool_calls" {
                value.array(|_| said.tool_calls += 1);
            }
        }),
        "stream-end" => {
            said.ended = true;
            event.members(|key, value| match key {
                b"finish_reason" => said.read_finish_reason(value),
                b"error" => said.read_error(value),
                b"response" => value.object(|key, value| {
                    if key == b"meta" {
                        said.usage = Some(read_usage(value));
                    }
                }),
                _ => {}
            })
        }
        _ => true,
    }
}

/// The answer as a whole: v2 with a message, v1 with its text beside the counts.
pub(super) fn read_document<'a>(document: &Event<'a>, said: &mut EventFacts<'a>, _calls: &mut ToolCalls) -> bool {
    document.members(|key, value| match key {
        b"message" => value.object(|key, value| match key {
            b"content" => value.array(|part| read_part(part, said)),
            b"tool_plan" => said.add_text(value.text()),
            b"tool_calls" => value.array(|call| read_whole_call(call, said)),
            _ => {}
        }),
        b"text" => said.add_text(value.text()),
        b"tool_calls" => value.array(|call| read_whole_call(call, said)),
        b"finish_reason" => said.read_finish_reason(value),
        b"usage" | b"meta" => said.usage = Some(read_usage(value)),
        _ => {}
    })
}

fn read_whole_call<'a>(call: &mut Cursor<'a>, said: &mut EventFacts<'a>) {
    said.tool_calls += 1;
    call.object(|key, value| match key {
        b"function" => read_function(value, said),
        b"name" => said.add_text(value.text()),
        b"parameters" => said.add_arguments(value.raw()),
        _ => {}
    });
}

fn read_part<'a>(part: &mut Cursor<'a>, said: &mut EventFacts<'a>) {
    part.object(|key, value| {
        if matches!(key, b"text" | b"thinking") {
            said.add_text(value.text());
        }
    });
}

fn read_function<'a>(function: &mut Cursor<'a>, said: &mut EventFacts<'a>) {
    function.object(|key, value| {
        if matches!(key, b"name" | b"arguments") {
            said.add_text(value.text());
        }
    });
}

fn read_message<'a>(message: &mut Cursor<'a>, said: &mut EventFacts<'a>) {
    message.object(|key, value| match key {
        b"content" => read_part(value, said),
        b"tool_plan" => said.add_text(value.text()),
        b"tool_calls" => value.object(|key, value| {
            if key == b"function" {
                read_function(value, said);
            }
        }),
        _ => {}
    });
}

fn read_end<'a>(delta: &mut Cursor<'a>, said: &mut EventFacts<'a>) {
    said.ended = true;
    delta.object(|key, value| match key {
        b"finish_reason" => said.read_finish_reason(value),
        b"usage" => said.usage = Some(read_usage(value)),
        b"error" => said.read_error(value),
        _ => {}
    });
}

/// Whether `meta` counts tokens, as opposed to naming a version only.
pub(super) fn has_units(meta: &Cursor<'_>) -> bool {
    ["tokens", "billed_units"].iter().any(|key| meta.find(key.as_bytes()).is_some())
}

fn read_usage(usage: &mut Cursor<'_>) -> ProviderUsage {
    let (mut said, mut billed) = (ProviderUsage::default(), ProviderUsage::default());
    usage.object(|key, value| match key {
        b"tokens" => read_units(value, &mut said),
        b"billed_units" => read_units(value, &mut billed),
        b"cached_tokens" => said.cache_read_tokens = value.count(),
        _ => {}
    });
    said.input_tokens = said.input_tokens.or(billed.input_tokens);
    said.output_tokens = said.output_tokens.or(billed.output_tokens);
    said
}

fn read_units(units: &mut Cursor<'_>, said: &mut ProviderUsage) {
    units.object(|key, value| match key {
        b"input_tokens" => said.input_tokens = value.count(),
        b"output_tokens" => said.output_tokens = value.count(),
        b"reasoning_tokens" => said.reasoning_tokens = value.count(),
        _ => {}
    });
}
