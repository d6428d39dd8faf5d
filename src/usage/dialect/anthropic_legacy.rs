//! Anthropic's text completions (`/v1/complete`), which say nothing about tokens.

use super::{
    Dialect,
    document::{Document, Mark},
    request::{RequestForm, RequestKey},
};
use crate::usage::{
    event::ResponseEvent,
    event_facts::EventFacts,
    normalise::{Counting, Merge},
};

pub(super) static DIALECT: Dialect = Dialect {
    speaks: |event| {
        event.kind() == "completion" || (event.text("completion").is_some() && event.find("stop_reason").is_some())
    },
    read,
    read_tail: |event, facts| facts.read_finish_reason_of_tail(event.data, "stop_reason"),
    document: Some(Document { marks: &[Mark::HasText(b"completion")], read }),
    request: RequestForm::with_keys(&[(b"prompt", RequestKey::Prompt)]),
    merge: Merge::Replace,
    counting: Counting::CacheApart,
};

fn read<'a>(event: &ResponseEvent<'a>, facts: &mut EventFacts<'a>) -> bool {
    event.members(|key, value| match key {
        b"completion" => facts.add_text(value.text()),
        b"model" => facts.read_model(value),
        b"stop_reason" => facts.read_finish_reason(value),
        b"error" => facts.read_error(value),
        _ => {}
    })
}
