//! A chat with stages: `{"stage"}`, `{"token"}`, `{"sources"}` and so on, and `[DONE]` last. It says nothing about tokens
//! but the text itself.

use super::super::calls::Calls;
use super::super::normalise::Counting;
use super::super::said::Said;
use super::{Dialect, Event, Merge};

pub(super) static DIALECT: Dialect = Dialect {
    speaks: |event| event.text("stage").is_some() || event.text("token").is_some() || event.member("sources").is_some(),
    read,
    read_tail: |_, _| {},
    merge: Merge::Replace,
    counting: Counting::Inclusive,
};

fn read<'a>(event: &Event<'a>, said: &mut Said<'a>, _calls: &mut Calls) -> bool {
    event.members(|key, value| match key {
        b"token" => said.add_text(value.text()),
        b"error" => said.read_error(value),
        _ => {}
    })
}
