//! Answers that come as one JSON document instead of a stream: who speaks in them, and how they are read. Some look like
//! an event of the dialect's stream, the others are read by a function beside the one for events.

use super::super::event_facts::EventFacts;
use super::super::tool::ToolCalls;
use super::{
    Dialect, Event, anthropic, anthropic_legacy, bedrock_converse, bedrock_invoke, cohere, gemini, gemini_interactions,
    ollama, openai_assistants, openai_chat, openai_responses,
};
use crate::json::Cursor;

/// A dialect's way of answering in one piece.
pub(in crate::usage) struct Document {
    pub(in crate::usage) dialect: &'static Dialect,
    /// Gives whether the document could be read to its end.
    pub(in crate::usage) read: for<'a> fn(&Event<'a>, &mut EventFacts<'a>, &mut ToolCalls) -> bool,
}

static OPENAI_CHAT: Document = Document { dialect: &openai_chat::DIALECT, read: openai_chat::read };
static OPENAI_RESPONSES: Document =
    Document { dialect: &openai_responses::DIALECT, read: openai_responses::read_document };
static OPENAI_ASSISTANTS: Document =
    Document { dialect: &openai_assistants::DIALECT, read: openai_assistants::read_document };
static ANTHROPIC: Document = Document { dialect: &anthropic::DIALECT, read: anthropic::read_document };
static GEMINI: Document = Document { dialect: &gemini::DIALECT, read: gemini::read };
static GEMINI_INTERACTIONS: Document =
    Document { dialect: &gemini_interactions::DIALECT, read: gemini_interactions::read_document };
static BEDROCK_CONVERSE: Document =
    Document { dialect: &bedrock_converse::DIALECT, read: bedrock_converse::read_document };
static OLLAMA: Document = Document { dialect: &ollama::DIALECT, read: ollama::read };
static COHERE: Document = Document { dialect: &cohere::DIALECT, read: cohere::read_document };
static ANTHROPIC_LEGACY: Document = Document { dialect: &anthropic_legacy::DIALECT, read: anthropic_legacy::read };
static BEDROCK_INVOKE: Document = Document { dialect: &bedrock_invoke::DIALECT, read: bedrock_invoke::read };

/// The dialect of a document.
pub(in crate::usage) fn recognise_document(document: &Event<'_>) -> Option<&'static Document> {
    let document = Cursor::new(document.data);
    document.find_map(by_what_it_calls_itself).or_else(|| document.find_map(by_member)).or_else(|| by_usage(&document))
}

/// Most documents say what they are, near their front, so that they are known without a look at the rest.
fn by_what_it_calls_itself(key: &[u8], value: &mut Cursor<'_>) -> Option<&'static Document> {
    match key {
        b"choices" => Some(&OPENAI_CHAT),
        b"object" => match &*value.string()? {
            "response" => Some(&OPENAI_RESPONSES),
            "thread.run" => Some(&OPENAI_ASSISTANTS),
            "interaction" => Some(&GEMINI_INTERACTIONS),
            "chat.completion" => Some(&OPENAI_CHAT),
            _ => None,
        },
        b"type" => (value.string()? == "message").then_some(&ANTHROPIC),
        _ => None,
    }
}

/// Of the others, each has a member that none of the others has.
fn by_member(key: &[u8], value: &mut Cursor<'_>) -> Option<&'static Document> {
    match key {
        b"candidates" | b"usageMetadata" | b"promptFeedback" => Some(&GEMINI),
        b"stopReason" => Some(&BEDROCK_CONVERSE),
        b"done" | b"prompt_eval_count" => Some(&OLLAMA),
        b"finish_reason" => Some(&COHERE),
        b"meta" => cohere::has_units(value).then_some(&COHERE),
        b"completion" => value.string().map(|_| &ANTHROPIC_LEGACY),
        b"inputTextTokenCount" | b"generation" | b"outputs" => Some(&BEDROCK_INVOKE),
        _ => None,
    }
}

/// Whatever else has been asked of a model (embeddings, images, a transcript) is counted in one of two ways.
fn by_usage(document: &Cursor<'_>) -> Option<&'static Document> {
    let usage = document.find(b"usage")?;
    let has = |key: &str| usage.find(key.as_bytes()).is_some();
    if has("prompt_tokens") { Some(&OPENAI_CHAT) } else { has("input_tokens").then_some(&OPENAI_RESPONSES) }
}
