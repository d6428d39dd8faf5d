//! Replicate: plain text in events named `output`, and no word about tokens.

use super::{
    Dialect,
    request::{RequestForm, RequestKey},
};
use crate::{
    json::Span,
    usage::{
        event::ResponseEvent,
        event_facts::EventFacts,
        normalise::{Counting, Merge},
    },
};

pub(super) static DIALECT: Dialect = Dialect {
    speaks: |event| event.name == b"output",
    read,
    read_tail: |_, _| {},
    document: None,
    request: RequestForm::with_keys(&[(b"input", RequestKey::Messages)]),
    merge: Merge::Replace,
    counting: Counting::Inclusive,
};

fn read<'a>(event: &ResponseEvent<'a>, facts: &mut EventFacts<'a>) -> bool {
    match event.name {
        b"output" => facts.add_text(Span { bytes: event.data.len() as u64, start: 0, end: event.data.len() }),
        b"done" => facts.ended = true,
        b"error" => facts.error = Some(String::from_utf8_lossy(event.data)),
        _ => {}
    }
    true
}
