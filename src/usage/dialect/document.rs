//! Answers that come as one JSON document instead of a stream: who speaks in them, and how they are read. Some look like
//! an event of the dialect's stream, the others are read by a function beside the one for events.

use super::super::calls::Calls;
use super::super::said::Said;
use super::{
    Dialect, Event, anthropic, anthropic_legacy, bedrock_converse, bedrock_invoke, cohere, gemini, gemini_interactions,
    ollama, openai_assistants, openai_chat, openai_responses,
};

/// A dialect's way of answering in one piece.
pub(in crate::usage) struct Document {
    speaks: fn(&Event<'_>) -> bool,
    /// Gives whether the document could be read to its end.
    pub(in crate::usage) read: for<'a> fn(&Event<'a>, &mut Said<'a>, &mut Calls) -> bool,
    pub(in crate::usage) dialect: &'static Dialect,
}

/// In this order a document is tried on them.
static ALL: &[Document] = &[
    Document {
        speaks: |document| document.member("choices").is_some(),
        read: openai_chat::read,
        dialect: &openai_chat::DIALECT,
    },
    Document {
        speaks: |document| is_object(document, "response"),
        read: openai_responses::read_document,
        dialect: &openai_responses::DIALECT,
    },
    Document {
        speaks: |document| is_object(document, "thread.run"),
        read: openai_assistants::read_document,
        dialect: &openai_assistants::DIALECT,
    },
    Document {
        speaks: |document| document.kind() == "message",
        read: anthropic::read_document,
        dialect: &anthropic::DIALECT,
    },
    Document { speaks: gemini::DIALECT.speaks, read: gemini::read, dialect: &gemini::DIALECT },
    Document {
        speaks: |document| is_object(document, "interaction"),
        read: gemini_interactions::read_document,
        dialect: &gemini_interactions::DIALECT,
    },
    Document {
        speaks: |document| document.member("stopReason").is_some(),
        read: bedrock_converse::read_document,
        dialect: &bedrock_converse::DIALECT,
    },
    Document {
        speaks: |document| ["done", "prompt_eval_count"].iter().any(|key| document.member(key).is_some()),
        read: ollama::read,
        dialect: &ollama::DIALECT,
    },
    Document {
        speaks: |document| {
            document.member("finish_reason").is_some()
                || document.member("meta").is_some_and(|meta| cohere::has_units(&meta))
        },
        read: cohere::read_document,
        dialect: &cohere::DIALECT,
    },
    Document {
        speaks: |document| document.text("completion").is_some(),
        read: anthropic_legacy::read,
        dialect: &anthropic_legacy::DIALECT,
    },
    Document {
        speaks: |document| {
            ["inputTextTokenCount", "generation", "outputs"].iter().any(|key| document.member(key).is_some())
        },
        read: bedrock_invoke::read,
        dialect: &bedrock_invoke::DIALECT,
    },
    // Whatever else has been asked of a model (embeddings, images, a transcript) is counted in one of two ways.
    Document {
        speaks: |document| has_usage(document, "prompt_tokens"),
        read: openai_chat::read,
        dialect: &openai_chat::DIALECT,
    },
    Document {
        speaks: |document| has_usage(document, "input_tokens"),
        read: openai_responses::read_document,
        dialect: &openai_responses::DIALECT,
    },
];

/// The dialect of a document.
pub(in crate::usage) fn recognise_document(document: &Event<'_>) -> Option<&'static Document> {
    ALL.iter().find(|candidate| (candidate.speaks)(document))
}

fn is_object(document: &Event<'_>, name: &str) -> bool {
    document.text("object").as_deref() == Some(name)
}

fn has_usage(document: &Event<'_>, key: &str) -> bool {
    document.member("usage").is_some_and(|usage| usage.find(key.as_bytes()).is_some())
}
