//! A chat with stages: `{"stage"}`, `{"token"}`, `{"sources"}` and so on, and `[DONE]` last. It names its model and reports its
//! tokens, if at all, in `{"metadata"}`, as the server has heard of them from its own upstream.

use super::{
    Dialect, openai_chat, openai_responses,
    request::{RequestForm, RequestKey},
};
use crate::{
    json::Cursor,
    usage::{
        counts::ProviderUsage,
        event::ResponseEvent,
        event_facts::EventFacts,
        normalise::{Counting, Merge},
    },
};

pub(super) static DIALECT: Dialect = Dialect {
    speaks: |event| event.text("stage").is_some() || event.text("token").is_some() || event.find("sources").is_some(),
    read,
    read_tail: |_, _| {},
    document: None,
    request: RequestForm::with_keys(&[(b"messages", RequestKey::Messages), (b"content", RequestKey::Blocks)]),
    merge: Merge::Replace,
    counting: Counting::Inclusive,
};

fn read<'a>(event: &ResponseEvent<'a>, facts: &mut EventFacts<'a>) -> bool {
    event.members(|key, value| match key {
        b"token" => facts.add_text(value.text()),
        b"error" => facts.read_error(value),
        b"metadata" => value.object(|key, value| match key {
            b"model" => facts.read_model(value),
            b"usage" => facts.usage = Some(read_usage(value)),
            _ => {}
        }),
        _ => {}
    })
}

/// Reads numbers by either of OpenAI's names for them.
fn read_usage(usage: &Cursor<'_>) -> ProviderUsage {
    let chat = openai_chat::read_usage(&mut usage.clone());
    if chat.is_empty() { openai_responses::read_usage(&mut usage.clone()) } else { chat }
}
