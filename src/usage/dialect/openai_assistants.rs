//! OpenAI Assistants (`thread.*` events): the run that ends has the usage.

use super::super::event_facts::EventFacts;
use super::super::normalise::Counting;
use super::super::tool::ToolCalls;
use super::{Dialect, Event, Merge, openai_chat};
use crate::json::Cursor;

pub(super) static DIALECT: Dialect = Dialect {
    speaks: |event| {
        event.kind().starts_with("thread.") || event.text("object").is_some_and(|object| object.starts_with("thread."))
    },
    read,
    read_tail: |event, said| {
        said.read_usage_of_tail(event.data, "usage", openai_chat::read_usage);
        said.ended = said.usage.is_some();
    },
    merge: Merge::Replace,
    counting: Counting::Inclusive,
};

fn read<'a>(event: &Event<'a>, said: &mut EventFacts<'a>, calls: &mut ToolCalls) -> bool {
    let kind = event.kind();
    match &*kind {
        "thread.message.delta" => event.members(|key, value| {
            if key == b"delta" {
                read_message_delta(value, said);
            }
        }),
        "thread.run.step.delta" => event.members(|key, value| {
            if key == b"delta" {
                read_step_delta(value, said, calls);
            }
        }),
        "error" => {
            said.read_error(&mut Cursor::new(event.data));
            true
        }
        _ => match kind.strip_prefix("thread.run.") {
            Some(status) if !status.starts_with("step.") => read_run(event, is_last(status), said),
            _ => true,
        },
    }
}

/// Whether a run of this status says nothing more.
fn is_last(status: &str) -> bool {
    matches!(status, "completed" | "incomplete" | "failed" | "cancelled" | "expired" | "requires_action")
}

fn read_run<'a>(event: &Event<'a>, is_last: bool, said: &mut EventFacts<'a>) -> bool {
    event.members(|key, value| match key {
        b"model" => said.read_model(value),
        b"usage" => said.usage = Some(openai_chat::read_usage(value)),
        b"status" if is_last => said.read_finish_reason(value),
        b"last_error" => said.read_error(value),
        _ => {}
    })
}

/// The run as a whole. It holds no text; the client's tools may be called for.
pub(super) fn read_document<'a>(document: &Event<'a>, said: &mut EventFacts<'a>, calls: &mut ToolCalls) -> bool {
    let status = document.text("status").unwrap_or_default();
    let wanted = document.member("required_action").and_then(|action| action.find(b"submit_tool_outputs"));
    if let Some(mut wanted) = wanted.and_then(|outputs| outputs.find(b"tool_calls")) {
        wanted.array(|call| read_call(call, said, calls));
    }
    read_run(document, is_last(&status), said)
}

fn read_message_delta<'a>(delta: &mut Cursor<'a>, said: &mut EventFacts<'a>) {
    delta.object(|key, value| {
        if key == b"content" {
            value.array(|part| {
                part.object(|key, value| match key {
                    b"text" => value.object(|key, value| {
                        if key == b"value" {
                            said.add_text(value.text());
                        }
                    }),
                    b"refusal" => said.add_text(value.text()),
                    _ => {}
                });
            });
        }
    });
}

/// What the provider's own tools write is not for the client; calls of the client's functions are.
fn read_step_delta<'a>(delta: &mut Cursor<'a>, said: &mut EventFacts<'a>, calls: &mut ToolCalls) {
    delta.object(|key, value| {
        if key == b"step_details" {
            value.object(|key, value| {
                if key == b"tool_calls" {
                    value.array(|call| read_call(call, said, calls));
                }
            });
        }
    });
}

fn read_call<'a>(call: &mut Cursor<'a>, said: &mut EventFacts<'a>, calls: &mut ToolCalls) {
    let (mut index, mut id, mut is_function) = (0, None, false);
    call.object(|key, value| match key {
        b"index" => index = value.count().unwrap_or_default(),
        b"id" => id = value.string(),
        b"function" => {
            is_function = true;
            value.object(|key, value| {
                if matches!(key, b"name" | b"arguments") {
                    said.add_text(value.text());
                }
            });
        }
        _ => {}
    });
    if is_function && calls.begin(0, index, id.as_deref(), id.is_some()) {
        said.tool_calls += 1;
    }
}
