//! Gemini's Live API (`BidiGenerateContent`), over a WebSocket.
//!
//! A message is an object with one member that tells what it is, and perhaps `usageMetadata` beside it, or alone. That is about the
//! turn, not about the session: later turns report their own, with all that was said before counted into the prompt once more. Within a
//! turn a later report takes the place of the earlier one. The model is named by the client only.
//! <https://ai.google.dev/api/live>

use super::{SessionDialect, SessionFacts, gemini};
use crate::{
    json::Cursor,
    usage::{event::ResponseEvent, normalise::Counting},
};

pub(super) static DIALECT: SessionDialect = SessionDialect {
    speaks: |message| MEMBERS.iter().any(|member| message.find(member).is_some()),
    read,
    counting: Counting::ReasoningApart,
};

/// Members of which a message has one.
const MEMBERS: [&str; 6] =
    ["setupComplete", "serverContent", "toolCall", "usageMetadata", "sessionResumptionUpdate", "goAway"];

fn read<'a>(message: &ResponseEvent<'a>, facts: &mut SessionFacts<'a>) -> bool {
    message.members(|key, value| match key {
        b"usageMetadata" => facts.event.usage = Some(gemini::read_usage(value)),
        b"serverContent" => read_content(value, facts),
        b"toolCall" => {
            // The model waits for the client's answer to it.
            (facts.is_answer, facts.event.ended) = (true, true);
            value.member(b"functionCalls", |calls| calls.array(|call| read_call(call, facts)));
        }
        b"error" => facts.event.read_error(value),
        _ => {}
    })
}

fn read_content<'a>(content: &mut Cursor<'a>, facts: &mut SessionFacts<'a>) {
    content.object(|key, value| match key {
        b"modelTurn" => {
            facts.is_answer = true;
            value.member(b"parts", |parts| parts.array(|part| gemini::read_part(part, &mut facts.event)));
        }
        b"outputTranscription" => {
            facts.is_answer = true;
            value.member(b"text", |text| facts.event.add_text(text.text()));
        }
        b"turnComplete" | b"interrupted" if value.is_true() => {
            facts.event.ended = true;
            facts.event.finish_reason = Some(String::from_utf8_lossy(key).into_owned().into());
        }
        _ => {}
    });
}

fn read_call<'a>(call: &mut Cursor<'a>, facts: &mut SessionFacts<'a>) {
    facts.event.tool_calls += 1;
    call.object(|key, value| match key {
        b"name" => facts.event.add_text(value.text()),
        b"args" => facts.event.add_arguments(value.raw()),
        _ => {}
    });
}
