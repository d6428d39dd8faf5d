//! Dialects: the providers' ways of writing events and documents.
//!
//! Each is one file: how it is recognised, how an event and a document of it are read, what its requests tell, and how its
//! numbers count. A further
//! one is a file and a line in [`ALL`].

mod anthropic;
mod anthropic_legacy;
mod bedrock_converse;
mod bedrock_invoke;
mod cohere;
mod document;
mod gemini;
mod gemini_interactions;
mod gemini_live;
mod keys;
mod ollama;
mod openai_assistants;
mod openai_chat;
mod openai_realtime;
mod openai_responses;
mod replicate;
mod request;
mod staged_chat;
mod vercel;

use std::sync::LazyLock;

pub(crate) use self::request::{PathFacts, RequestKey};
use self::{
    document::{Document, Mark},
    keys::KeyTable,
    request::RequestForm,
};
use super::{
    event::ResponseEvent,
    event_facts::EventFacts,
    normalise::{Counting, Merge},
};

/// All dialects, in the order in which a first event or a document is tried on them.
static ALL: [&Dialect; 14] = [
    &anthropic::DIALECT,
    &openai_chat::DIALECT,
    &openai_responses::DIALECT,
    &openai_assistants::DIALECT,
    &gemini::DIALECT,
    &gemini_interactions::DIALECT,
    &cohere::DIALECT,
    &ollama::DIALECT,
    &vercel::DIALECT,
    &bedrock_converse::DIALECT,
    &bedrock_invoke::DIALECT,
    &anthropic_legacy::DIALECT,
    &replicate::DIALECT,
    &staged_chat::DIALECT,
];

/// A provider's way of answering.
#[derive(Debug)]
pub(super) struct Dialect {
    /// Whether an event of a stream that is not known yet is in this dialect.
    speaks: fn(&ResponseEvent<'_>) -> bool,
    /// Reads an event. Returns whether it could be read to its end; if not, its facts do not count.
    pub(super) read: Read,
    /// Reads the end of an event that is too long to be kept.
    pub(super) read_tail: for<'a> fn(&ResponseEvent<'a>, &mut EventFacts<'a>),
    /// The form of an answer that is one JSON document, where there is one.
    pub(super) document: Option<Document>,
    /// The form of its requests.
    request: RequestForm,
    pub(super) merge: Merge,
    pub(super) counting: Counting,
}

/// The dialects of sessions, in the order in which a first message is tried on them.
static SESSIONS: [&SessionDialect; 2] = [&openai_realtime::DIALECT, &gemini_live::DIALECT];

/// A provider's way of speaking in a session.
#[derive(Debug)]
pub(super) struct SessionDialect {
    /// Whether a message of a session that is not known yet is in this dialect.
    speaks: fn(&ResponseEvent<'_>) -> bool,
    /// Reads a message. Returns whether it could be read to its end; if not, its facts do not count.
    pub(super) read: for<'a> fn(&ResponseEvent<'a>, &mut SessionFacts<'a>) -> bool,
    pub(super) counting: Counting,
}

/// The facts that one message of a session tells.
#[derive(Debug, Default)]
pub(super) struct SessionFacts<'a> {
    /// Facts that an event of a stream may tell too. Their end is that of an answer; more may follow.
    pub(super) event: EventFacts<'a>,
    /// A piece of an answer came with it, be it sound.
    pub(super) is_answer: bool,
}

/// Returns the dialect of a session, by a message of the server.
pub(super) fn of_message(message: &ResponseEvent<'_>) -> Option<&'static SessionDialect> {
    SESSIONS.into_iter().find(|dialect| (dialect.speaks)(message))
}

/// Reads an event or a document. Returns whether it could be read to its end.
pub(super) type Read = for<'a> fn(&ResponseEvent<'a>, &mut EventFacts<'a>) -> bool;

/// Returns the dialect of a stream, by an event of it.
pub(super) fn of_event(event: &ResponseEvent<'_>) -> Option<&'static Dialect> {
    ALL.into_iter().find(|dialect| (dialect.speaks)(event))
}

/// Returns the dialect of an answer that is one JSON document.
pub(super) fn of_document(document: &ResponseEvent<'_>) -> Option<&'static Dialect> {
    /// The marks of all dialects, by the member that they look at.
    static MARKS: LazyLock<KeyTable<(Mark, &Dialect)>> = LazyLock::new(|| {
        let marks = |dialect: &&'static Dialect| dialect.document.as_ref().map_or(&[][..], |document| document.marks);
        ALL.iter().flat_map(|dialect| marks(dialect).iter().map(|mark| (mark.key(), (*mark, *dialect)))).collect()
    });
    document::recognise(&document.cursor(), &MARKS)
}

/// Returns the facts that a request's path tells, in any dialect.
pub(crate) fn of_path(path: &str) -> PathFacts<'_> {
    ALL.iter().filter_map(|dialect| dialect.request.path).find_map(|read| read(path)).unwrap_or_default()
}

/// Returns the meaning of a key in a request's body, in any dialect.
pub(crate) fn request_key(key: &[u8]) -> Option<RequestKey> {
    static KEYS: LazyLock<KeyTable<RequestKey>> = LazyLock::new(|| {
        let mut keys: Vec<_> = ALL.iter().flat_map(|dialect| dialect.request.keys).copied().collect();
        keys.sort_by_key(|(key, _)| *key);
        keys.dedup_by_key(|(key, _)| *key);
        keys.into_iter().collect()
    });
    KEYS.of(key).next().copied()
}
