//! Gemini's Interactions API: named steps, and the usage in the last event.

use std::borrow::Cow;

use super::{
    Dialect,
    document::{Document, Mark},
    request::{RequestForm, RequestKey},
};
use crate::{
    json::Cursor,
    usage::{
        counts::ProviderUsage,
        event::ResponseEvent,
        event_facts::EventFacts,
        normalise::{Counting, Merge},
        tool::ToolKind,
    },
};

pub(super) static DIALECT: Dialect = Dialect {
    speaks: |event| {
        let kind = kind(event);
        ["interaction.", "step.", "content."].iter().any(|prefix| kind.starts_with(prefix))
    },
    read,
    read_tail: |event, facts| {
        facts.read_usage_of_tail(event.data, "usage", read_usage);
        facts.read_finish_reason_of_tail(event.data, "status");
    },
    document: Some(Document { marks: &[Mark::Says(b"object", "interaction")], read: read_document }),
    request: RequestForm::with_keys(&[(b"input", RequestKey::Messages), (b"content", RequestKey::Blocks)]),
    merge: Merge::Replace,
    counting: Counting::ReasoningApart,
};

fn kind<'a>(event: &ResponseEvent<'a>) -> Cow<'a, str> {
    event.text("event_type").unwrap_or_else(|| event.kind())
}

fn read<'a>(event: &ResponseEvent<'a>, facts: &mut EventFacts<'a>) -> bool {
    let kind = kind(event);
    match &*kind {
        "step.delta" | "content.delta" => event.member(b"delta", |delta| read_delta(delta, facts)),
        "step.start" | "content.start" => event.members(|key, value| {
            if matches!(key, b"step" | b"content") {
                read_start(value, facts);
            }
        }),
        "error" => event.member(b"error", |error| facts.read_error(error)),
        _ if kind.starts_with("interaction.") => {
            let is_last =
                !matches!(&kind["interaction.".len()..], "created" | "start" | "status_update" | "in_progress");
            event.member(b"interaction", |interaction| read_interaction(interaction, is_last, facts))
        }
        _ => true,
    }
}

fn read_interaction<'a>(interaction: &mut Cursor<'a>, is_last: bool, facts: &mut EventFacts<'a>) {
    interaction.object(|key, value| match key {
        b"model" => facts.read_model(value),
        b"usage" => facts.usage = Some(read_usage(value)),
        b"status" if is_last => facts.read_finish_reason(value),
        b"error" => facts.read_error(value),
        _ => {}
    });
}

fn read_start<'a>(step: &mut Cursor<'a>, facts: &mut EventFacts<'a>) {
    step.object(|key, value| match key {
        b"type" => {
            if let Some(tool) = value.string().as_deref().and_then(ToolKind::of_item) {
                facts.add_call(tool);
            }
        }
        b"text" => facts.add_text(value.text()),
        _ => {}
    });
}

/// The interaction as a whole.
fn read_document<'a>(document: &ResponseEvent<'a>, facts: &mut EventFacts<'a>) -> bool {
    let mut interaction = document.cursor();
    read_interaction(&mut interaction, true, facts);
    for steps in ["outputs", "steps"] {
        if let Some(mut steps) = document.find(steps) {
            steps.array(|step| {
                if let Some(mut content) = step.find(b"content") {
                    content.array(|part| read_start(part, facts));
                }
                read_start(step, facts);
            });
        }
    }
    !interaction.is_broken()
}

/// A text, a summary of a thought (which holds a text), or arguments; the signature of a thought is none of these.
fn read_delta<'a>(delta: &mut Cursor<'a>, facts: &mut EventFacts<'a>) {
    delta.object(|key, value| match key {
        b"text" | b"arguments" if value.peek() == b'"' => facts.add_text(value.text()),
        b"content" => value.member(b"text", |text| facts.add_text(text.text())),
        _ => {}
    });
}

fn read_usage(usage: &mut Cursor<'_>) -> ProviderUsage {
    let mut counts = ProviderUsage::new();
    usage.object(|key, value| match key {
        b"total_input_tokens" => counts.input_tokens = value.count(),
        b"total_output_tokens" => counts.output_tokens = value.count(),
        b"total_tokens" => counts.total_tokens = value.count(),
        b"total_cached_tokens" => counts.cache_read_tokens = value.count(),
        b"total_thought_tokens" => counts.reasoning_tokens = value.count(),
        b"total_tool_use_tokens" => counts.tool_prompt_tokens = value.count(),
        _ => {}
    });
    counts
}
