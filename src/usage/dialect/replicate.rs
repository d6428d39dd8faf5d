//! Replicate: plain text in events named `output`, and no word about tokens.

use super::super::event_facts::EventFacts;
use super::super::normalise::Counting;
use super::super::tool::ToolCalls;
use super::{Dialect, Event, Merge};
use crate::json::Span;

pub(super) static DIALECT: Dialect = Dialect {
    speaks: |event| event.name == b"output",
    read,
    read_tail: |_, _| {},
    merge: Merge::Replace,
    counting: Counting::Inclusive,
};

fn read<'a>(event: &Event<'a>, said: &mut EventFacts<'a>, _calls: &mut ToolCalls) -> bool {
    match event.name {
        b"output" => said.add_text(Span { bytes: event.data.len() as u64, start: 0, end: event.data.len() }),
        b"done" => said.ended = true,
        b"error" => said.error = Some(String::from_utf8_lossy(event.data)),
        _ => {}
    }
    true
}
