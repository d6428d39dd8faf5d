//! The facts that one event of a response tells.

use std::{borrow::Cow, sync::LazyLock};

use memchr::memmem::Finder;

use super::{
    counts::ProviderUsage,
    event::ResponseEvent,
    tool::{ToolCalls, ToolKind},
};
use crate::json::{Cursor, Span};

/// Members of one name that are looked at in the end of an event.
const TAIL_MEMBERS: usize = 16;

/// Made once: that takes longer than the search of an event.
static ERROR: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("error"));
static ESCAPE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\\u"));

/// Reads the numbers of a usage object.
pub(super) type ReadUsage = fn(&mut Cursor<'_>) -> ProviderUsage;

/// The facts that one event tells. A dialect fills them in; they take effect only if the whole event could be read.
#[derive(Debug, Default)]
pub struct EventFacts<'a> {
    pub(super) model: Option<Cow<'a, str>>,
    pub(super) usage: Option<ProviderUsage>,
    /// Numbers are to come that replace these.
    pub(super) usage_is_interim: bool,
    pub(super) tool_calls: u64,
    pub(super) server_tool_calls: u64,
    pub(super) finish_reason: Option<Cow<'a, str>>,
    pub(super) error: Option<Cow<'a, str>>,
    /// This was the stream's own end mark.
    pub(super) ended: bool,
    /// The one text of the event, if there was one.
    pub(super) text: Span,
    /// Bytes of other texts, when there were several.
    pub(super) other_text_bytes: u64,
    /// The calls that this and earlier events have told of.
    pub(super) calls: ToolCalls,
    pub(super) is_unreadable: bool,
}

/// Setters for dialects of one's own.
impl EventFacts<'_> {
    /// Sets the model that answers.
    pub fn set_model(&mut self, model: impl Into<String>) {
        self.model = Some(model.into().into()).filter(|model: &Cow<'_, str>| !model.is_empty());
    }

    /// Sets the token counts so far, in all: each count takes the place of an earlier one. Counts beyond 2^53 are ignored.
    pub fn set_usage(&mut self, usage: ProviderUsage) {
        self.usage = Some(usage.plausible());
    }

    /// Adds bytes (in UTF-8) of text, of reasoning, or of a tool call's name and arguments. The first of them are the first
    /// token; until tokens are reported, their number is estimated from all of them.
    pub fn add_text_bytes(&mut self, bytes: usize) {
        // A text whose place is not known is never learnt as the hole of a shape.
        self.other_text_bytes = self.other_text_bytes.saturating_add(bytes as u64);
    }

    /// Adds calls of the client's tools.
    pub fn add_tool_calls(&mut self, calls: u64) {
        self.tool_calls = self.tool_calls.saturating_add(calls);
    }

    /// Sets the reason for which the model has stopped. This is no end mark: see [`end`](Self::end).
    pub fn set_finish_reason(&mut self, reason: impl Into<String>) {
        self.finish_reason = Some(reason.into().into());
    }

    /// Sets the error that the event tells of: the response has failed.
    pub fn set_error(&mut self, error: impl Into<String>) {
        self.error = Some(error.into().into());
    }

    /// Says that this event is the stream's own end mark: a body that is dropped behind it is complete.
    pub fn end(&mut self) {
        self.ended = true;
    }

    /// Says that the event could not be read: nothing of it counts, and the request is shown as partly observed.
    pub fn set_unreadable(&mut self) {
        self.is_unreadable = true;
    }
}

impl<'a> EventFacts<'a> {
    /// Counts a text, reasoning, or a tool's name or arguments.
    pub(super) fn add_text(&mut self, text: Span) {
        if self.text.bytes == 0 {
            self.text = text;
        } else {
            self.other_text_bytes += text.bytes;
        }
    }

    /// Counts the arguments of a tool call that are JSON themselves, not text, by what [`Cursor::raw`] returned of them.
    pub(super) fn add_arguments(&mut self, (json, len): (&[u8], u64)) {
        if json != b"{}" {
            self.other_text_bytes += len;
        }
    }

    /// Counts one call of a tool.
    pub(super) fn add_call(&mut self, tool: ToolKind) {
        match tool {
            ToolKind::Client => self.tool_calls += 1,
            ToolKind::Server => self.server_tool_calls += 1,
        }
    }

    /// The text of the event, if it is one string of its payload.
    pub(super) fn only_text(&self) -> Option<Span> {
        Some(self.text).filter(|text| text.bytes > 0 && self.other_text_bytes == 0)
    }

    /// Whether there are numbers in the usage, if any.
    pub(super) fn has_usage(&self) -> bool {
        self.usage.is_some_and(|usage| !usage.is_empty())
    }

    /// Reads a model name; empty ones do not count.
    pub(super) fn read_model(&mut self, value: &mut Cursor<'a>) {
        self.model = value.string().or(self.model.take());
    }

    /// Reads a finish reason, which is the end mark of most dialects.
    pub(super) fn read_finish_reason(&mut self, value: &mut Cursor<'a>) {
        if let Some(reason) = value.word() {
            self.finish_reason = Some(reason);
            self.ended = true;
        }
    }

    /// Reads a usage object out of the end of an event that lacks its front.
    pub(super) fn read_usage_of_tail(&mut self, tail: &'a [u8], key: &str, read_usage: ReadUsage) {
        let usages = Cursor::find_members(tail, key).map(|mut usage| read_usage(&mut usage));
        self.usage = usages.take(TAIL_MEMBERS).find(|usage| !usage.is_empty());
    }

    /// Reads a finish reason out of the end of an event that lacks its front.
    pub(super) fn read_finish_reason_of_tail(&mut self, tail: &'a [u8], key: &str) {
        let mut reasons = Cursor::find_members(tail, key).take(TAIL_MEMBERS);
        self.finish_reason = reasons.find_map(|mut reason| reason.word());
        self.ended |= self.finish_reason.is_some();
    }

    /// Reads an error: its message, else its type or code. `null`, `false` and `{}` are no errors.
    pub(super) fn read_error(&mut self, value: &mut Cursor<'a>) {
        let error = match value.peek() {
            b'"' => value.string(),
            b'{' => error_of(value, true),
            _ => None,
        };
        self.error = error.or(self.error.take());
    }

    /// Reads the error of an event of whatever dialect.
    pub(super) fn read_any_error(&mut self, event: &ResponseEvent<'a>) {
        // A search for the word is many times quicker than a walk. It may be written with escapes.
        let may_have = |word: &Finder<'_>| word.find(event.data).is_some();
        if event.name.is_empty() && !may_have(&ERROR) && !may_have(&ESCAPE) {
            return;
        }
        if let Some(mut error) = event.find("error") {
            self.read_error(&mut error);
        }
        if self.error.is_none() && event.kind() == "error" {
            self.read_error(&mut event.cursor());
            self.error.get_or_insert_with(|| String::from_utf8_lossy(event.data));
        }
    }
}

fn error_of<'a>(value: &mut Cursor<'a>, may_nest: bool) -> Option<Cow<'a, str>> {
    let (mut message, mut kind, mut code, mut nested) = (None, None, None, None);
    value.object(|key, value| match key {
        b"message" => message = value.string(),
        b"type" | b"status" => kind = value.string().or(kind.take()),
        b"code" => code = value.word(),
        b"error" | b"detail" if value.peek() == b'{' && may_nest => nested = error_of(value, false),
        b"error" | b"detail" => nested = value.string(),
        _ => {}
    });
    message.or(nested).or(kind).or(code)
}
