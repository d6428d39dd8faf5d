//! Anthropic's text completions (`/v1/complete`), which say nothing about tokens.

use super::super::event_facts::EventFacts;
use super::super::normalise::Counting;
use super::super::tool::ToolCalls;
use super::{Dialect, Event, Merge};

pub(super) static DIALECT: Dialect = Dialect {
    speaks: |event| {
        event.kind() == "completion" || (event.text("completion").is_some() && event.member("stop_reason").is_some())
    },
    read,
    read_tail: |event, said| said.read_finish_reason_of_tail(event.data, "stop_reason"),
    merge: Merge::Replace,
    counting: Counting::CacheApart,
};

pub(super) fn read<'a>(event: &Event<'a>, said: &mut EventFacts<'a>, _calls: &mut ToolCalls) -> bool {
    event.members(|key, value| match key {
        b"completion" => said.add_text(value.text()),
        b"model" => said.read_model(value),
        b"stop_reason" => said.read_finish_reason(value),
        b"error" => said.read_error(value),
        _ => {}
    })
}
