//! Gemini's Interactions API: named steps, and the usage in the last event.

use super::super::event_facts::EventFacts;
use super::super::normalise::Counting;
use super::super::tool::ToolCalls;
use super::{Dialect, Event, Merge};
use crate::json::Cursor;
use crate::usage::ProviderUsage;

pub(super) static DIALECT: Dialect = Dialect {
    speaks: |event| {
        let kind = kind(event);
        ["interaction.", "step.", "content."].iter().any(|prefix| kind.starts_with(prefix))
    },
    read,
    read_tail: |event, said| {
        said.read_usage_of_tail(event.data, "usage", read_usage);
        said.read_finish_reason_of_tail(event.data, "status");
    },
    merge: Merge::Replace,
    counting: Counting::ReasoningApart,
};

fn kind<'a>(event: &Event<'a>) -> std::borrow::Cow<'a, str> {
    event.text("event_type").unwrap_or_else(|| event.kind())
}

fn read<'a>(event: &Event<'a>, said: &mut EventFacts<'a>, _calls: &mut ToolCalls) -> bool {
    let kind = kind(event);
    match &*kind {
        "step.delta" | "content.delta" => event.members(|key, value| {
            if key == b"delta" {
                read_delta(value, said);
            }
        }),
        "step.start" | "content.start" => event.members(|key, value| {
            if matches!(key, b"step" | b"content") {
                read_start(value, said);
            }
        }),
        "error" => event.members(|key, value| {
            if key == b"error" {
                said.read_error(value);
            }
        }),
        _ if kind.starts_with("interaction.") => {
            let is_last =
                !matches!(&kind["interaction.".len()..], "created" | "start" | "status_update" | "in_progress");
            event.members(|key, value| {
                if key == b"interaction" {
                    read_interaction(value, is_last, said);
                }
            })
        }
        _ => true,
    }
}

fn read_interaction<'a>(interaction: &mut Cursor<'a>, is_last: bool, said: &mut EventFacts<'a>) {
    interaction.object(|key, value| match key {
        b"model" => said.read_model(value),
        b"usage" => said.usage = Some(read_usage(value)),
        b"status" if is_last => said.read_finish_reason(value),
        b"error" => said.read_error(value),
        _ => {}
    });
}

fn read_start<'a>(step: &mut Cursor<'a>, said: &mut EventFacts<'a>) {
    step.object(|key, value| match key {
        b"type" => match value.string().as_deref() {
            Some("function_call") => said.tool_calls += 1,
            Some(kind) if kind.ends_with("_call") => said.server_tool_calls += 1,
            _ => {}
        },
        b"text" => said.add_text(value.text()),
        _ => {}
    });
}

/// The interaction as a whole.
pub(super) fn read_document<'a>(document: &Event<'a>, said: &mut EventFacts<'a>, _calls: &mut ToolCalls) -> bool {
    let mut interaction = Cursor::new(document.data);
    read_interaction(&mut interaction, true, said);
    for steps in ["outputs", "steps"] {
        if let Some(mut steps) = document.member(steps) {
            steps.array(|step| {
                if let Some(mut content) = step.find(b"content") {
                    content.array(|part| read_start(part, said));
                }
                read_start(step, said);
            });
        }
    }
    !interaction.is_broken()
}

/// A text, a summary of a thought (which holds a text), or arguments; the signature of a thought is none of these.
fn read_delta<'a>(delta: &mut Cursor<'a>, said: &mut EventFacts<'a>) {
    delta.object(|key, value| match key {
        b"text" | b"arguments" if value.peek() == b'"' => said.add_text(value.text()),
        b"content" => value.object(|key, value| {
            if key == b"text" {
                said.add_text(value.text());
            }
        }),
        _ => {}
    });
}

fn read_usage(usage: &mut Cursor<'_>) -> ProviderUsage {
    let mut said = ProviderUsage::default();
    usage.object(|key, value| match key {
        b"total_input_tokens" => said.input_tokens = value.count(),
        b"total_output_tokens" => said.output_tokens = value.count(),
        b"total_tokens" => said.total_tokens = value.count(),
        b"total_cached_tokens" => said.cache_read_tokens = value.count(),
        b"total_thought_tokens" => said.reasoning_tokens = value.count(),
        b"total_tool_use_tokens" => said.tool_prompt_tokens = value.count(),
        _ => {}
    });
    said
}
