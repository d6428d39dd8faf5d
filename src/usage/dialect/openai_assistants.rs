//! OpenAI Assistants (`thread.*` events): the run that ends has the usage.

use super::{
    Dialect,
    document::{Document, Mark},
    openai_chat,
    request::RequestForm,
};
use crate::{
    json::Cursor,
    usage::{
        event::ResponseEvent,
        event_facts::EventFacts,
        normalise::{Counting, Merge},
    },
};

pub(super) static DIALECT: Dialect = Dialect {
    speaks: |event| {
        event.kind().starts_with("thread.") || event.text("object").is_some_and(|object| object.starts_with("thread."))
    },
    read,
    read_tail: |event, facts| {
        facts.read_usage_of_tail(event.data, "usage", openai_chat::read_usage);
        facts.ended = facts.usage.is_some();
    },
    document: Some(Document { marks: &[Mark::Says(b"object", "thread.run")], read: read_document }),
    request: RequestForm::PLAIN,
    merge: Merge::Replace,
    counting: Counting::Inclusive,
};

fn read<'a>(event: &ResponseEvent<'a>, facts: &mut EventFacts<'a>) -> bool {
    let kind = event.kind();
    match &*kind {
        "thread.message.delta" => event.member(b"delta", |delta| read_message_delta(delta, facts)),
        "thread.run.step.delta" => event.member(b"delta", |delta| read_step_delta(delta, facts)),
        "error" => {
            facts.read_error(&mut event.cursor());
            true
        }
        _ => match kind.strip_prefix("thread.run.") {
            Some(status) if !status.starts_with("step.") => read_run(event, is_last(status), facts),
            _ => true,
        },
    }
}

/// Whether a run of this status says nothing more.
fn is_last(status: &str) -> bool {
    matches!(status, "completed" | "incomplete" | "failed" | "cancelled" | "expired" | "requires_action")
}

fn read_run<'a>(event: &ResponseEvent<'a>, is_last: bool, facts: &mut EventFacts<'a>) -> bool {
    event.members(|key, value| match key {
        b"model" => facts.read_model(value),
        b"usage" => facts.usage = Some(openai_chat::read_usage(value)),
        b"status" if is_last => facts.read_finish_reason(value),
        b"last_error" => facts.read_error(value),
        _ => {}
    })
}

/// The run as a whole. It holds no text; the client's tools may be called for.
fn read_document<'a>(document: &ResponseEvent<'a>, facts: &mut EventFacts<'a>) -> bool {
    let status = document.text("status").unwrap_or_default();
    let wanted = document.find("required_action").and_then(|action| action.find(b"submit_tool_outputs"));
    if let Some(mut wanted) = wanted.and_then(|outputs| outputs.find(b"tool_calls")) {
        wanted.array(|call| read_call(call, facts));
    }
    read_run(document, is_last(&status), facts)
}

fn read_message_delta<'a>(delta: &mut Cursor<'a>, facts: &mut EventFacts<'a>) {
    delta.member(b"content", |content| {
        content.array(|part| {
            part.object(|key, value| match key {
                b"text" => value.member(b"value", |value| facts.add_text(value.text())),
                b"refusal" => facts.add_text(value.text()),
                _ => {}
            });
        })
    });
}

/// Reads the calls of the client's functions. The texts of the provider's own tools are not for the client.
fn read_step_delta<'a>(delta: &mut Cursor<'a>, facts: &mut EventFacts<'a>) {
    delta.member(b"step_details", |details| {
        details.member(b"tool_calls", |tool_calls| tool_calls.array(|call| read_call(call, facts)))
    });
}

fn read_call<'a>(call: &mut Cursor<'a>, facts: &mut EventFacts<'a>) {
    let (mut index, mut id, mut is_function) = (0, None, false);
    call.object(|key, value| match key {
        b"index" => index = value.count().unwrap_or_default(),
        b"id" => id = value.string(),
        b"function" => {
            is_function = true;
            value.object(|key, value| {
                if matches!(key, b"name" | b"arguments") {
                    facts.add_text(value.text());
                }
            });
        }
        _ => {}
    });
    if is_function && facts.calls.begin(0, index, id.as_deref(), id.is_some()) {
        facts.tool_calls += 1;
    }
}
