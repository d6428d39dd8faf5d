//! OpenAI chat completions and the legacy completions, with the variants of all who imitate them.
//!
//! `choices[].delta` carries the text, `usage` comes once (on the finish chunk or on one of its own, with no choices) or
//! grows on every chunk; the last one is right. Variants: Groq repeats usage under `x_groq` (older: only there),
//! Moonshot had it inside the choice; Mistral's content is an array of parts; Writer repeats
//! the delta as `message`, HF's router as `text`, Perplexity says all that went before in its `message`; reasoning goes by
//! three names, of which several may say the same.

use super::{
    Dialect,
    document::{Document, Mark},
    request::{PathFacts, RequestForm, RequestKey, percent_decoded},
};
use crate::{
    json::{Cursor, Span},
    usage::{
        counts::ProviderUsage,
        event::ResponseEvent,
        event_facts::EventFacts,
        normalise::{Counting, Merge},
    },
};

pub(super) static DIALECT: Dialect = Dialect {
    speaks: |event| {
        event.find("choices").is_some()
            || event.text("object").is_some_and(|object| object.starts_with("chat.completion"))
    },
    read: |event, facts| read_as(ChatForm::Chunk, event, facts),
    read_tail: |event, facts| {
        facts.read_usage_of_tail(event.data, "usage", read_usage);
        facts.read_finish_reason_of_tail(event.data, "finish_reason");
    },
    document: Some(Document {
        marks: &[Mark::Says(b"object", "chat.completion"), Mark::HasList(b"choices"), Mark::Counts(b"prompt_tokens")],
        read: |document, facts| read_as(ChatForm::Document, document, facts),
    }),
    request: RequestForm {
        path: Some(azure_path),
        keys: &[
            (b"messages", RequestKey::Messages),
            (b"prompt", RequestKey::Prompt),
            (b"content", RequestKey::Blocks),
            (b"tool_calls", RequestKey::ToolCalls),
            (b"function_call", RequestKey::ToolUse),
        ],
    },
    merge: Merge::Replace,
    counting: Counting::Inclusive,
};

/// Reads `/openai/deployments/{deployment}/chat/completions`: Azure, where the body need not name a model.
fn azure_path(path: &str) -> Option<PathFacts<'_>> {
    const BEFORE: &[u8; 8] = b"/openai/";
    let at = path.as_bytes().windows(BEFORE.len()).position(|part| part == BEFORE)?;
    let (deployment, _) = path[at + BEFORE.len()..].strip_prefix("deployments/")?.split_once('/')?;
    Some(PathFacts { model: Some(percent_decoded(deployment)), ..PathFacts::default() })
}

/// The two forms of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ChatForm {
    /// A piece of a stream: what is new stands in `delta`, also where a `message` stands beside it.
    Chunk,
    /// The whole answer, in `message`.
    Document,
}

fn read_as<'a>(form: ChatForm, event: &ResponseEvent<'a>, facts: &mut EventFacts<'a>) -> bool {
    let (mut usage, mut groq, mut moonshot) = (None, None, None);
    let is_read = event.members(|key, value| match key {
        b"model" => facts.read_model(value),
        b"choices" => value.array(|choice| read_choice(form, choice, &mut moonshot, facts)),
        b"usage" => usage = Some(read_usage(value)),
        b"x_groq" => value.object(|key, value| match key {
            b"usage" => groq = Some(read_usage(value)),
            b"error" => facts.read_error(value),
            _ => {}
        }),
        b"error" => facts.read_error(value),
        _ => {}
    });
    facts.usage = [&usage, &groq, &moonshot].into_iter().flatten().find(|usage| !usage.is_empty()).copied();
    is_read
}

/// Reads a choice, and its `usage` if it has one.
fn read_choice<'a>(
    form: ChatForm,
    choice: &mut Cursor<'a>,
    usage: &mut Option<ProviderUsage>,
    facts: &mut EventFacts<'a>,
) {
    let start = choice.clone();
    let (mut has_delta, mut has_message, mut message, mut text) = (false, false, None, Span::default());
    choice.object(|key, value| match key {
        b"delta" if !has_message && value.peek() == b'{' => {
            has_delta = true;
            read_delta(value, &start, facts);
        }
        // It is read where it stands: to look for a delta first would be to walk over the text twice.
        b"message" if form == ChatForm::Document && !has_delta && !has_message && value.peek() == b'{' => {
            has_message = true;
            read_delta(value, &start, facts);
        }
        b"message" => message = Some(value.clone()),
        b"text" => text = value.text(),
        b"finish_reason" => facts.read_finish_reason(value),
        b"usage" => *usage = Some(read_usage(value)),
        b"error" => facts.read_error(value),
        _ => {}
    });
    if !has_delta {
        facts.add_text(text);
        if let Some(mut message) = message.filter(|_| !has_message) {
            read_delta(&mut message, &start, facts);
        }
    }
}

fn read_delta<'a>(delta: &mut Cursor<'a>, choice: &Cursor<'a>, facts: &mut EventFacts<'a>) {
    let (mut refusal, mut reasoning_content, mut reasoning) = (Span::default(), Span::default(), Span::default());
    let mut details = Span::default();
    let mut more_details = 0;
    delta.object(|key, value| match key {
        b"content" => read_content(value, facts),
        b"refusal" => refusal = value.text(),
        b"reasoning_content" => reasoning_content = value.text(),
        b"reasoning" => reasoning = value.text(),
        b"reasoning_details" => value.array(|detail| {
            detail.object(|key, value| {
                if matches!(key, b"text" | b"summary") {
                    let text = value.text();
                    if details.bytes == 0 {
                        details = text;
                    } else {
                        more_details += text.bytes;
                    }
                }
            });
        }),
        b"tool_calls" => {
            let mut position = 0;
            value.array(|call| {
                read_call(call, position, choice, facts);
                position += 1;
            });
        }
        b"function_call" => value.object(|key, value| match key {
            b"name" => {
                let name = value.text();
                if name.bytes > 0 && facts.calls.begin(index_of(choice).unwrap_or_default(), u64::MAX, None, true) {
                    facts.tool_calls += 1;
                }
                facts.add_text(name);
            }
            b"arguments" => facts.add_text(value.text()),
            _ => {}
        }),
        b"audio" => value.member(b"transcript", |transcript| facts.add_text(transcript.text())),
        _ => {}
    });
    facts.add_text(refusal);
    let reasoning = reasoning_content.or(reasoning);
    if reasoning.bytes > 0 {
        facts.add_text(reasoning);
    } else {
        facts.add_text(details);
        facts.other_text_bytes += more_details;
    }
}

/// A string, or parts of text and thinking, where a thinking part holds parts again.
fn read_content<'a>(content: &mut Cursor<'a>, facts: &mut EventFacts<'a>) {
    match content.peek() {
        b'"' => facts.add_text(content.text()),
        b'[' => content.array(|part| {
            part.object(|key, value| match key {
                b"text" => facts.add_text(value.text()),
                b"thinking" => value.array(|part| {
                    part.member(b"text", |text| facts.add_text(text.text()));
                }),
                _ => {}
            });
        }),
        _ => {}
    }
}

fn read_call<'a>(call: &mut Cursor<'a>, position: u64, choice: &Cursor<'a>, facts: &mut EventFacts<'a>) {
    let (mut index, mut id) = (None, None);
    let mut name = Span::default();
    call.object(|key, value| match key {
        b"index" => index = value.count(),
        b"id" => id = value.string(),
        b"function" | b"custom" => value.object(|key, value| match key {
            b"name" => name = value.text(),
            b"arguments" | b"input" => facts.add_text(value.text()),
            _ => {}
        }),
        _ => {}
    });
    let choice = index_of(choice).unwrap_or_default();
    let is_named = name.bytes > 0;
    // With neither an index nor an id, a call comes whole.
    let is_whole = index.is_none() && id.is_none();
    if is_whole && is_named
        || !is_whole && facts.calls.begin(choice, index.unwrap_or(position), id.as_deref(), is_named)
    {
        facts.tool_calls += 1;
    }
    facts.add_text(name);
}

fn index_of(object: &Cursor<'_>) -> Option<u64> {
    object.find(b"index")?.count()
}

pub(super) fn read_usage(usage: &mut Cursor<'_>) -> ProviderUsage {
    let mut counts = ProviderUsage::new();
    // Names that stand for the same number, in the order in which they are believed.
    let mut cache_read = [None; 4];
    let mut cache_creation = [None; 3];
    let mut reasoning = None;
    let reported = |value: &mut Cursor<'_>| value.count().filter(|count| *count > 0);
    usage.object(|key, value| match key {
        b"prompt_tokens" => counts.input_tokens = value.count(),
        b"completion_tokens" => counts.output_tokens = value.count(),
        b"total_tokens" => counts.total_tokens = value.count(),
        b"prompt_tokens_details" | b"prompt_token_details" => value.object(|key, value| match key {
            b"cached_tokens" => cache_read[0] = value.count(),
            b"cache_write_tokens" => cache_creation[0] = value.count(),
            b"cache_creation_tokens" => cache_creation[1] = value.count(),
            _ => {}
        }),
        b"completion_tokens_details" | b"completion_token_details" => {
            value.member(b"reasoning_tokens", |count| counts.reasoning_tokens = count.count())
        }
        b"reasoning_tokens" => reasoning = value.count(),
        b"prompt_cache_hit_tokens" => cache_read[1] = value.count(),
        b"cached_tokens" | b"num_cached_tokens" => cache_read[2] = value.count(),
        // Anthropic's names. Gateways send them with a 0 where they know nothing.
        b"cache_read_input_tokens" => cache_read[3] = reported(value),
        b"cache_creation_input_tokens" => cache_creation[2] = reported(value),
        _ => {}
    });
    counts.cache_read_tokens = cache_read.into_iter().find_map(|count| count);
    counts.cache_creation_tokens = cache_creation.into_iter().find_map(|count| count);
    counts.reasoning_tokens = counts.reasoning_tokens.or(reasoning);
    counts
}
