//! OpenAI's Responses API, as also DeepSeek, xAI, OpenRouter, Copilot, Bedrock and others serve it.
//!
//! Events are named by their `type`. The model stands in the response object of `response.created`, the usage in that of
//! the last event: `response.completed`, `response.incomplete` or `response.failed`. That one repeats the whole answer.

use super::super::tool::ToolCalls;
use std::borrow::Cow;

use super::super::event_facts::EventFacts;
use super::super::normalise::Counting;
use super::{Dialect, Event, Merge};
use crate::json::Cursor;
use crate::usage::ProviderUsage;

pub(super) static DIALECT: Dialect = Dialect {
    speaks: |event| event.kind().starts_with("response."),
    read,
    read_tail,
    merge: Merge::Replace,
    counting: Counting::Inclusive,
};

fn read<'a>(event: &Event<'a>, said: &mut EventFacts<'a>, calls: &mut ToolCalls) -> bool {
    let kind = event.kind();
    let Some(name) = kind.strip_prefix("response.") else {
        return kind != "error" || read_error(event, said);
    };
    match name {
        "output_item.added" | "output_item.done" => read_item(event, said, calls),
        "created" | "in_progress" | "queued" => event.members(|key, value| {
            if key == b"response" {
                value.object(|key, value| {
                    if key == b"model" {
                        said.read_model(value);
                    }
                });
            }
        }),
        _ if is_last(name) => read_last(event, name, said, calls),
        _ if name.ends_with(".delta") => event.members(|key, value| {
            if key == b"delta" {
                said.add_text(value.text());
            }
        }),
        _ => true,
    }
}

/// Whether events of this name are the last of a response.
fn is_last(name: &str) -> bool {
    matches!(name, "completed" | "incomplete" | "failed" | "cancelled" | "done")
}

fn read_last<'a>(event: &Event<'a>, name: &str, said: &mut EventFacts<'a>, calls: &mut ToolCalls) -> bool {
    said.ended = true;
    said.finish_reason = Some(name.to_owned().into());
    event.members(|key, value| {
        if key == b"response" {
            read_response(value, said, calls);
        }
    })
}

/// The response object, which is also the whole of a plain JSON body.
pub(super) fn read_response<'a>(response: &mut Cursor<'a>, said: &mut EventFacts<'a>, calls: &mut ToolCalls) {
    let mut reason = None;
    let items_were_said = !calls.is_empty();
    response.object(|key, value| match key {
        b"model" => said.read_model(value),
        b"usage" => said.usage = Some(read_usage(value)),
        b"status" => said.finish_reason = value.string().or(said.finish_reason.take()),
        b"incomplete_details" => value.object(|key, value| {
            if key == b"reason" {
                reason = value.string();
            }
        }),
        b"error" => said.read_error(value),
        b"output" if !items_were_said => {
            let mut index = 0;
            value.array(|item| {
                Item::read(item).count(index, said, calls);
                index += 1;
            });
        }
        _ => {}
    });
    said.finish_reason = reason.or(said.finish_reason.take());
}

/// The response object alone, with the texts that a stream has told of before.
pub(super) fn read_document<'a>(document: &Event<'a>, said: &mut EventFacts<'a>, calls: &mut ToolCalls) -> bool {
    let mut response = Cursor::new(document.data);
    read_response(&mut response, said, calls);
    if let Some(mut output) = document.member("output") {
        output.array(|item| read_texts(item, said));
    }
    !response.is_broken()
}

/// The texts of an item, or of a part of its content or summary.
fn read_texts<'a>(item: &mut Cursor<'a>, said: &mut EventFacts<'a>) {
    item.object(|key, value| match key {
        b"text" | b"refusal" | b"name" | b"arguments" | b"input" => said.add_text(value.text()),
        b"content" | b"summary" => value.array(|part| {
            part.object(|key, value| {
                if matches!(key, b"text" | b"refusal") {
                    said.add_text(value.text());
                }
            });
        }),
        _ => {}
    });
}

/// The usage stands near the end of the response object, its status ahead of the output.
fn read_tail<'a>(event: &Event<'a>, said: &mut EventFacts<'a>) {
    said.read_usage_of_tail(event.data, "usage", read_usage);
    let name = std::str::from_utf8(event.name).ok().and_then(|name| name.strip_prefix("response."));
    said.finish_reason = name.filter(|name| is_last(name)).map(Into::into);
    said.ended = said.usage.is_some() || said.finish_reason.is_some();
}

fn read_item<'a>(event: &Event<'a>, said: &mut EventFacts<'a>, calls: &mut ToolCalls) -> bool {
    let (mut index, mut item) = (0, Item::default());
    let is_read = event.members(|key, value| match key {
        b"output_index" => index = value.count().unwrap_or_default(),
        b"item" => item = Item::read(value),
        _ => {}
    });
    item.count(index, said, calls);
    is_read
}

/// An item of the output.
#[derive(Default)]
struct Item<'a> {
    kind: Option<Cow<'a, str>>,
    /// What a call goes by. The item's own id is another one in every event, with some gateways.
    call_id: Option<Cow<'a, str>>,
}

impl<'a> Item<'a> {
    fn read(item: &mut Cursor<'a>) -> Self {
        let mut read = Self::default();
        item.object(|key, value| match key {
            b"type" => read.kind = value.string(),
            b"call_id" => read.call_id = value.string(),
            _ => {}
        });
        read
    }

    /// Counts a call that has not been counted; each is announced and reported as done.
    fn count(&self, index: u64, said: &mut EventFacts<'_>, calls: &mut ToolCalls) {
        let Some(tool) = self.kind.as_deref().and_then(ToolKind::of_item) else { return };
        if calls.begin(tool as u64, index, self.call_id.as_deref(), true) {
            match tool {
                ToolKind::Client => said.tool_calls += 1,
                ToolKind::Server => said.server_tool_calls += 1,
            }
        }
    }
}

/// Who runs a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ToolKind {
    Client,
    Server,
}

impl ToolKind {
    /// By the type of an output item; `None` if it is no call of a tool.
    pub(crate) fn of_item(kind: &str) -> Option<Self> {
        match kind {
            "function_call" | "custom_tool_call" | "computer_call" | "local_shell_call" | "shell_call"
            | "apply_patch_call" => Some(Self::Client),
            _ if kind.ends_with("_call") => Some(Self::Server),
            _ => None,
        }
    }
}

/// `{"type":"error","error":{..}}`, or flat: `{"type":"error","code":..,"message":..}`.
fn read_error<'a>(event: &Event<'a>, said: &mut EventFacts<'a>) -> bool {
    said.read_error(&mut Cursor::new(event.data));
    event.members(|key, value| {
        if key == b"error" {
            said.read_error(value);
        }
    })
}

pub(super) fn read_usage(usage: &mut Cursor<'_>) -> ProviderUsage {
    let mut said = ProviderUsage::default();
    usage.object(|key, value| match key {
        b"input_tokens" => said.input_tokens = value.count(),
        b"output_tokens" => said.output_tokens = value.count(),
        b"total_tokens" => said.total_tokens = value.count(),
        b"input_tokens_details" => value.object(|key, value| match key {
            b"cached_tokens" => said.cache_read_tokens = value.count(),
            b"cache_write_tokens" | b"cache_creation_tokens" => said.cache_creation_tokens = value.count(),
            _ => {}
        }),
        b"output_tokens_details" => value.object(|key, value| {
            if key == b"reasoning_tokens" {
                said.reasoning_tokens = value.count();
            }
        }),
        _ => {}
    });
    said
}
