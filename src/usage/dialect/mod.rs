//! The tongues in which providers answer. Each is one file: how to recognise it, how to read one of its events, and how its
//! numbers count. A further one is a file and a line in [`ALL`].

mod anthropic;
mod anthropic_legacy;
mod bedrock_converse;
pub(super) mod bedrock_invoke;
mod cohere;
mod document;
mod gemini;
mod gemini_interactions;
mod ollama;
mod openai_assistants;
mod openai_chat;
mod openai_responses;
mod replicate;
mod staged_chat;
mod vercel;

pub(super) use document::recognise_document;
pub(crate) use openai_responses::ToolKind;

use super::ProviderUsage;
use super::event_facts::EventFacts;
use super::normalise::Counting;
use super::tool::ToolCalls;
use crate::json::Cursor;
use std::borrow::Cow;

/// In this order a stream's first event is tried on them.
static ALL: &[&Dialect] = &[
    &anthropic::DIALECT,
    &openai_responses::DIALECT,
    &openai_assistants::DIALECT,
    &openai_chat::DIALECT,
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
    pub(super) speaks: fn(&Event<'_>) -> bool,
    /// What an event says. Gives whether it could be read to its end; if not, what was said does not count.
    pub(super) read: for<'a> fn(&Event<'a>, &mut EventFacts<'a>, &mut ToolCalls) -> bool,
    /// What the end of an event says that is too long to be kept.
    pub(super) read_tail: for<'a> fn(&Event<'a>, &mut EventFacts<'a>),
    pub(super) merge: Merge,
    pub(super) counting: Counting,
}

/// How a later report of usage goes with an earlier one. Reports are never added up.
#[derive(Clone, Copy, Debug)]
pub(super) enum Merge {
    /// It takes the place of the whole earlier one.
    Replace,
    /// Each number that it has takes the place of the earlier one.
    Overlay,
}

impl Merge {
    pub(super) fn apply(self, earlier: ProviderUsage, later: ProviderUsage) -> ProviderUsage {
        match self {
            Self::Replace => later,
            Self::Overlay => earlier.overlaid_with(later),
        }
    }
}

/// One event of a stream: an SSE event, a line, an element of an array, a frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event<'a> {
    /// Its name; empty where it has none.
    pub(super) name: &'a [u8],
    /// Its payload.
    pub(super) data: &'a [u8],
}

impl<'a> Event<'a> {
    pub(super) fn unnamed(data: &'a [u8]) -> Self {
        Self { name: b"", data }
    }

    /// ToolCalls `member` for each member of the payload, which should be an object. Gives whether it is JSON to its end.
    pub(super) fn members(&self, member: impl FnMut(&[u8], &mut Cursor<'a>)) -> bool {
        let mut cursor = Cursor::new(self.data);
        cursor.object(member);
        !cursor.is_broken()
    }

    /// The value of a member of the payload.
    pub(super) fn member(&self, key: &str) -> Option<Cursor<'a>> {
        Cursor::new(self.data).find(key.as_bytes())
    }

    /// A text of the payload.
    pub(super) fn text(&self, key: &str) -> Option<Cow<'a, str>> {
        self.member(key)?.string()
    }

    /// The event's type, which servers repeat as its name, and gateways drop or replace in one place or the other.
    pub(super) fn kind(&self) -> Cow<'a, str> {
        let first = self.data.strip_prefix(br#"{"type":"#).and_then(|rest| Cursor::new(rest).string());
        match (first, self.name) {
            (Some(kind), _) => kind,
            (None, b"" | b"message") => self.text("type").unwrap_or_default(),
            (None, name) => String::from_utf8_lossy(name),
        }
    }
}

/// The dialect of a stream, by an event of it.
pub(super) fn recognise(event: &Event<'_>) -> Option<&'static Dialect> {
    ALL.iter().copied().find(|dialect| (dialect.speaks)(event))
}
