//! What one event of a response says, and what a reading becomes by it.

use super::dialect::{Dialect, Event};
use super::normalise::Counting;
use super::tool::ToolCalls;
use super::{EndMark, ProviderUsage, Reading, UsageSource};
use crate::json::{Cursor, Span};
use memchr::memmem::Finder;
use std::borrow::Cow;
use std::sync::LazyLock;

/// Longest model name, finish reason or error message that is kept, in bytes.
const WORDS_KEPT: usize = 1024;

/// So many members of one name are looked at in the end of an event.
const TAIL_MEMBERS: usize = 16;

/// Made once: that takes longer than the search of an event.
static ERROR: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("error"));
static ESCAPE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\\u"));

/// Reads the numbers of a usage object.
pub(super) type ReadUsage = fn(&mut Cursor<'_>) -> ProviderUsage;

/// The changes of one event. A dialect fills it in; it takes effect only if the whole event could be read.
#[derive(Debug, Default)]
pub(super) struct EventFacts<'a> {
    pub(super) model: Option<Cow<'a, str>>,
    pub(super) usage: Option<ProviderUsage>,
    /// More numbers are to come that replace these.
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
}

impl<'a> EventFacts<'a> {
    /// Counts a piece of text, reasoning, or a tool's name or arguments.
    pub(super) fn add_text(&mut self, text: Span) {
        if self.text.bytes == 0 {
            self.text = text;
        } else {
            self.other_text_bytes += text.bytes;
        }
    }

    /// Counts the arguments of a tool call that are JSON themselves, not text.
    pub(super) fn add_arguments(&mut self, json: &[u8]) {
        if json != b"{}" {
            self.other_text_bytes += json.len() as u64;
        }
    }

    /// The text of the event, if it is one string of its payload.
    pub(super) fn only_text(&self) -> Option<Span> {
        Some(self.text).filter(|text| text.bytes > 0 && self.other_text_bytes == 0)
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

    /// Whether there are numbers in the usage, if any.
    pub(super) fn has_usage(&self) -> bool {
        self.usage.is_some_and(|usage| !usage.is_empty())
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
        let said = match value.peek() {
            b'"' => value.string(),
            b'{' => error_of(value, true),
            _ => None,
        };
        self.error = said.or(self.error.take());
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

/// A reading as it grows, and what has to be remembered from event to event to get it right.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) reading: Reading,
    pub(super) calls: ToolCalls,
    /// The numbers so far are such as are sent ahead of the final ones.
    usage_is_interim: bool,
}

impl Record {
    /// An event has brought so much text and nothing else.
    #[inline]
    pub(super) fn add_text_event(&mut self, bytes: u64) {
        self.reading.events += 1;
        self.reading.text_bytes = self.reading.text_bytes.saturating_add(bytes);
    }

    /// Takes over what an event said. Gives whether that changes anything but the count of text.
    pub(super) fn apply(&mut self, said: EventFacts<'_>, dialect: &Dialect) -> bool {
        let reading = &mut self.reading;
        reading.text_bytes = reading.text_bytes.saturating_add(said.text.bytes).saturating_add(said.other_text_bytes);
        let mut changed = replace(&mut reading.model, said.model);
        changed |= replace(&mut reading.finish_reason, said.finish_reason);
        changed |= replace(&mut reading.error, said.error);
        if said.tool_calls > 0 || said.server_tool_calls > 0 {
            reading.tool_calls = reading.tool_calls.saturating_add(said.tool_calls);
            reading.server_tool_calls = reading.server_tool_calls.saturating_add(said.server_tool_calls);
            changed = true;
        }
        if said.ended && reading.end != EndMark::Seen {
            reading.end = EndMark::Seen;
            changed = true;
        }
        changed |= self.apply_usage(said.usage, said.usage_is_interim, dialect);
        if changed {
            self.note_change();
        }
        changed
    }

    /// Takes over an error that an event of no known dialect tells of.
    pub(super) fn apply_error(&mut self, event: &Event<'_>) {
        // A search for the word is many times quicker than a walk. It may be written with escapes.
        let may_have = |word: &Finder<'_>| word.find(event.data).is_some();
        if event.name.is_empty() && !may_have(&ERROR) && !may_have(&ESCAPE) {
            return;
        }
        let mut said = EventFacts::default();
        if let Some(mut error) = event.member("error") {
            said.read_error(&mut error);
        }
        if said.error.is_none() && event.kind() == "error" {
            said.read_error(&mut Cursor::new(event.data));
            said.error = said.error.or_else(|| Some(String::from_utf8_lossy(event.data)));
        }
        if let Some(error) = said.error {
            self.fail(&error);
        }
    }

    pub(super) fn fail(&mut self, error: &str) {
        if replace(&mut self.reading.error, Some(error.into())) {
            self.note_change();
        }
    }

    /// Takes over the counts of a platform for what the model has not counted itself. They come last.
    pub(super) fn apply_metrics(&mut self, metrics: ProviderUsage) {
        let before = (self.reading.provider_usage, self.reading.source);
        self.reading.provider_usage = metrics.overlaid_with(self.reading.provider_usage);
        self.reading.usage = Counting::CacheApart.normalise(&self.reading.provider_usage);
        self.reading.end = EndMark::Seen;
        self.settle_source();
        if before != (self.reading.provider_usage, self.reading.source) {
            self.note_change();
        }
    }

    /// The stream's own end mark has come by.
    pub(super) fn end(&mut self) {
        if self.reading.end != EndMark::Seen {
            self.reading.end = EndMark::Seen;
            self.settle_source();
            self.note_change();
        }
    }

    pub(super) fn note_change(&mut self) {
        self.reading.revision = self.reading.revision.wrapping_add(1);
    }

    fn apply_usage(&mut self, said: Option<ProviderUsage>, is_interim: bool, dialect: &Dialect) -> bool {
        let before = (self.reading.provider_usage, self.reading.source);
        if let Some(usage) = said.filter(|usage| !usage.is_empty()) {
            self.reading.provider_usage = dialect.merge.apply(self.reading.provider_usage, usage);
            self.reading.usage = dialect.counting.normalise(&self.reading.provider_usage);
            self.usage_is_interim = is_interim;
        }
        self.settle_source();
        before != (self.reading.provider_usage, self.reading.source)
    }

    /// Numbers are final once the stream has said that it is at its end, be it before it gave them or after.
    fn settle_source(&mut self) {
        self.reading.source = if self.reading.provider_usage.is_empty() {
            UsageSource::None
        } else if self.usage_is_interim || self.reading.end != EndMark::Seen {
            UsageSource::Partial
        } else {
            UsageSource::Reported
        };
    }
}

fn replace(kept: &mut Option<String>, said: Option<Cow<'_, str>>) -> bool {
    match said {
        Some(said) if kept.as_deref() != Some(&said) => {
            *kept = Some(cut(&said).to_owned());
            true
        }
        _ => false,
    }
}

fn cut(text: &str) -> &str {
    let mut end = text.len().min(WORDS_KEPT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
