//! OpenAI's Realtime API, over a WebSocket.
//!
//! Every message has a `type`. The model stands in the session object of `session.created`; each answer ends in a `response.done` with
//! the usage of that answer, also when it was interrupted. The usage of a transcription of the user's speech is left out: that is
//! another model's. Sound comes as base64 and is no text; its transcript is.
//! <https://platform.openai.com/docs/api-reference/realtime-server-events>

use super::{SessionDialect, SessionFacts, openai_responses};
use crate::{
    json::Cursor,
    usage::{event::ResponseEvent, event_facts::EventFacts, normalise::Counting, tool::ToolKind},
};

pub(super) static DIALECT: SessionDialect = SessionDialect {
    speaks: |message| BEGINNINGS.iter().any(|beginning| message.kind().starts_with(beginning)),
    read,
    counting: Counting::Inclusive,
};

/// Beginnings of the types of messages, but for `error`, which may be anybody's.
const BEGINNINGS: [&str; 5] =
    ["session.", "response.", "conversation.", "input_audio_buffer.", "transcription_session."];

fn read<'a>(message: &ResponseEvent<'a>, facts: &mut SessionFacts<'a>) -> bool {
    let kind = message.kind();
    let event = &mut facts.event;
    match &*kind {
        "session.created" | "session.updated" => {
            message.member(b"session", |session| session.member(b"model", |model| event.read_model(model)))
        }
        "error" => message.member(b"error", |error| event.read_error(error)),
        "response.created" => {
            facts.is_answer = true;
            true
        }
        "response.done" => {
            (facts.is_answer, event.ended) = (true, true);
            message.member(b"response", |response| read_response(response, event))
        }
        "response.output_item.added" => {
            facts.is_answer = true;
            message.member(b"item", |item| {
                item.member(b"type", |kind| {
                    if let Some(tool) = kind.string().as_deref().and_then(ToolKind::of_item) {
                        event.add_call(tool);
                    }
                });
            })
        }
        "response.audio.delta" | "response.output_audio.delta" => {
            facts.is_answer = true;
            true
        }
        kind if kind.starts_with("response.") && kind.ends_with(".delta") => {
            facts.is_answer = true;
            message.member(b"delta", |delta| event.add_text(delta.text()))
        }
        _ => true,
    }
}

fn read_response<'a>(response: &mut Cursor<'a>, facts: &mut EventFacts<'a>) {
    let mut reason = None;
    response.object(|key, value| match key {
        b"usage" => facts.usage = Some(openai_responses::read_usage(value)),
        b"status" => facts.finish_reason = value.string(),
        b"status_details" => value.object(|key, value| match key {
            b"reason" => reason = value.string(),
            b"error" => facts.read_error(value),
            _ => {}
        }),
        _ => {}
    });
    facts.finish_reason = reason.or(facts.finish_reason.take());
}
