//! One response as a sequence of events: its dialect, and all that has been read of it.

use http::StatusCode;

use super::{
    counts::ProviderUsage,
    custom::Dialects,
    event::ResponseEvent,
    event_facts::EventFacts,
    event_shape::EventShape,
    reading::{Observation, Reading, UsageSource},
    record::ResponseRecord,
    speaker::Speaker,
};
use crate::json::{Condenser, Cursor};

/// Events in which to look for a dialect before the stream is taken for one of none.
const FIRST_EVENTS: u64 = 64;

/// Reads the events of one response body.
#[derive(Debug)]
pub(super) struct ResponseReader {
    speaker: Speaker,
    record: ResponseRecord,
    shape: EventShape,
}

impl ResponseReader {
    pub(super) fn new(status: StatusCode, custom: &Dialects) -> Self {
        let has_failed = status.as_u16() >= 400;
        Self {
            speaker: Speaker::Unknown(custom.clone()),
            record: ResponseRecord::new(has_failed),
            shape: EventShape::default(),
        }
    }

    pub(super) fn reading(&self) -> &Reading {
        &self.record.reading
    }

    /// Reads an event. Of one that is too long to be kept, `data` is the end.
    #[inline]
    pub(super) fn event(&mut self, event: ResponseEvent<'_>, is_tail: bool) {
        if is_tail || !self.ordinary_event(&event) {
            self.other_event(event, is_tail);
        }
    }

    /// Counts an event that is like those before it; returns whether it is.
    #[inline]
    fn ordinary_event(&mut self, event: &ResponseEvent<'_>) -> bool {
        let text = self.shape.text_of(event);
        if let Some(bytes) = text {
            self.record.add_text_event(bytes);
        }
        text.is_some()
    }

    #[inline(never)]
    fn other_event(&mut self, event: ResponseEvent<'_>, is_tail: bool) {
        if !self.read(event, is_tail) {
            self.lose_sight();
        }
    }

    /// Takes over the counts of the platform that runs the model. They stand for those of the model's own events.
    pub(super) fn platform_usage(&mut self, usage: ProviderUsage) {
        self.record.apply_platform_usage(usage, self.speaker.counting());
        self.observe_again();
    }

    /// Bytes of each string of a document that are kept, as written. A dialect of the user's own sees the text itself and not only
    /// its length, so it gets more.
    pub(super) fn text_limit(&self) -> usize {
        if self.speaker.may_be_custom() { Condenser::WHOLE_UP_TO } else { Condenser::TEXT_LIMIT }
    }

    /// Notes that the body is one JSON document, which ends where its bracket is closed.
    pub(super) fn await_document(&mut self) {
        self.record.await_end();
    }

    /// Reads the answer if it is this document and is known; returns whether that is so. It may as well be cut off, or no JSON.
    pub(super) fn whole_document(&mut self, document: &ResponseEvent<'_>) -> bool {
        let mut facts = EventFacts::default();
        let Some((speaker, true)) = self.read_document(document, &mut facts) else { return false };
        self.take_document(document, Some(speaker), &mut facts);
        true
    }

    /// Reads the answer, which has come as one document. Of an abridged one, something may be missing that counts.
    pub(super) fn document(&mut self, document: &ResponseEvent<'_>, is_abridged: bool) {
        let mut facts = EventFacts::default();
        let (speaker, is_read) = match self.read_document(document, &mut facts) {
            Some((speaker, is_read)) => (Some(speaker), is_read),
            None => (None, document.members(|_, _| {})),
        };
        if !is_read {
            return self.lose_sight();
        }
        if is_abridged && speaker.is_some() && !facts.has_usage() {
            self.lose_sight();
        }
        self.take_document(document, speaker, &mut facts);
    }

    /// Returns the dialect of a document, and whether it could be read to its end.
    fn read_document<'a>(&self, document: &ResponseEvent<'a>, facts: &mut EventFacts<'a>) -> Option<(Speaker, bool)> {
        let mut speaker = self.speaker.of_document(document)?;
        let is_read = speaker.read_document(document, facts);
        Some((speaker, is_read))
    }

    /// Takes over the facts of a document, which are none if its dialect is not known.
    fn take_document(&mut self, document: &ResponseEvent<'_>, speaker: Option<Speaker>, facts: &mut EventFacts<'_>) {
        self.record.reading.events += 1;
        let has_usage = facts.has_usage();
        if let Some(speaker) = speaker {
            self.record.apply(facts, speaker.merge(), speaker.counting());
            self.speaker = speaker;
        }
        // A document with numbers has not failed, unless its dialect has read so.
        if !has_usage {
            self.any_error(document);
        }
        if self.record.has_failed && self.record.reading.error.is_none() {
            // Some say what is wrong without calling it an error: the status does.
            self.stray_error(document.cursor());
        }
        self.record.end();
    }

    /// Counts an event of which nothing is known.
    pub(super) fn unread_event(&mut self) {
        self.record.reading.events += 1;
        self.lose_sight();
    }

    /// Takes over the error with which the stream itself has failed.
    pub(super) fn fail(&mut self, error: &str) {
        self.record.reading.events += 1;
        self.record.fail(error.into());
    }

    /// Takes over an error that stands beside the events.
    pub(super) fn stray_error(&mut self, mut error: Cursor<'_>) {
        let mut facts = EventFacts::default();
        facts.read_error(&mut error);
        if let Some(error) = facts.error.filter(|_| !error.is_broken()) {
            self.record.fail(error);
        }
    }

    /// Takes over the error of an event of whatever dialect.
    fn any_error(&mut self, event: &ResponseEvent<'_>) {
        let mut facts = EventFacts::default();
        facts.read_any_error(event);
        if let Some(error) = facts.error {
            self.record.fail(error);
        }
    }

    /// Reads the event that the end of the body has cut off: it may lack only its line end, or be half an event.
    pub(super) fn last_event(&mut self, event: ResponseEvent<'_>, is_tail: bool) {
        self.read(event, is_tail);
    }

    /// Notes that the body has ended cleanly.
    pub(super) fn finish(&mut self) {
        if self.speaker.is_known() {
            // The end of the body is the end of a stream that has no other.
            if !self.speaker.has_end_mark() {
                self.record.end();
            }
        } else if self.record.reading.source == UsageSource::None {
            self.observe_nothing();
        }
    }

    /// Reads an event; returns whether it could be read.
    fn read(&mut self, event: ResponseEvent<'_>, is_tail: bool) -> bool {
        self.record.reading.events += 1;
        if event.data.trim_ascii_end() == b"[DONE]" {
            self.record.end();
            return true;
        }
        if !self.speaker.is_known() && !self.recognise(&event) {
            self.unknown_event(&event);
            return true;
        }
        let speaker = &mut self.speaker;
        let mut facts = self.record.begin_event();
        let is_read = if is_tail {
            speaker.read_tail(&event, &mut facts);
            facts.usage.is_some()
        } else {
            speaker.read(&event, &mut facts)
        };
        if event.name == b"error" && facts.error.is_none() {
            facts.read_any_error(&event);
        }
        if !is_read && !is_tail {
            self.record.discard(facts);
            if event.name == b"error" {
                self.any_error(&event);
            }
            return false;
        }
        let text = facts.only_text().filter(|_| is_read && !is_tail);
        if self.record.apply(&mut facts, speaker.merge(), speaker.counting()) {
            self.shape.forget();
        } else if let Some(text) = text {
            self.shape.learn(&event, text);
        }
        is_read
    }

    /// Looks for the dialect of a stream in one of its first events; returns whether it is known now.
    fn recognise(&mut self, event: &ResponseEvent<'_>) -> bool {
        if self.record.reading.events > FIRST_EVENTS {
            return false;
        }
        let Some(speaker) = self.speaker.of_event(event) else { return false };
        if speaker.has_end_mark() {
            self.record.await_end();
        }
        self.observe_again();
        self.speaker = speaker;
        true
    }

    /// Notes an event of no known dialect. It may still say why the stream has failed.
    fn unknown_event(&mut self, event: &ResponseEvent<'_>) {
        // A ping is sent ahead of the first event by several dialects.
        if event.kind() != "ping" && self.record.reading.observation == Observation::Full {
            self.observe_nothing();
        }
        self.any_error(event);
    }

    /// Notes that something has passed that could not be read.
    pub(super) fn lose_sight(&mut self) {
        if self.record.reading.observation == Observation::Full {
            self.record.set_observation(Observation::Partial);
        }
    }

    /// Notes that the events before, of no known dialect, had nothing in them that counts.
    fn observe_again(&mut self) {
        if self.record.reading.observation == Observation::None {
            self.record.set_observation(Observation::Full);
        }
    }

    /// Notes that nothing of the body can be read: there will be no tokens.
    pub(super) fn observe_nothing(&mut self) {
        self.record.set_observation(Observation::None);
    }
}
