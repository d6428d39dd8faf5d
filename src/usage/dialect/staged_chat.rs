//! A chat with stages: `{"stage"}`, `{"token"}`, `{"sources"}` and so on, and `[DONE]` last. Its model and its tokens are told, if
//! at all, in `{"metadata"}`, as the server has heard of them from its own upstream.

use super::super::event_facts::EventFacts;
use super::super::normalise::Counting;
use super::super::tool::ToolCalls;
use super::{Dialect, Event, Merge, openai_chat, openai_responses};
use crate::json::Cursor;
use crate::usage::ProviderUsage;

pub(super) static DIALECT: Dialect = Dialect {
    speaks: |event| event.text("stage").is_some() || event.text("token").is_some() || event.member("sources").is_some(),
    read,
    read_tail: |_, _| {},
    merge: Merge::Replace,
    counting: Counting::Inclusive,
};

fn read<'a>(event: &Event<'a>, said: &mut EventFacts<'a>, _calls: &mut ToolCalls) -> bool {
    event.members(|key, value| match key {
        b"token" => said.add_text(value.text()),
        b"error" => said.read_error(value),
        b"metadata" => value.object(|key, value| match key {
            b"model" => said.read_model(value),
            b"usage" => said.usage = Some(read_usage(value)),
            _ => {}
        }),
        _ => {}
    })
}

/// By either of OpenAI's names for the numbers.
fn read_usage(usage: &Cursor<'_>) -> ProviderUsage {
    let chat = openai_chat::read_usage(&mut usage.clone());
    if chat.is_empty() { openai_responses::read_usage(&mut usage.clone()) } else { chat }
}
