//! One answer as a sequence of events: who speaks, and what has been said.

use http::StatusCode;

use super::dialect::{self, Dialect, Event, bedrock_invoke};
use super::event_facts::{EventFacts, Record};
use super::event_shape::EventShape;
use super::tool::ToolCalls;
use super::{EndMark, Observation, Reading};
use crate::json::Cursor;

/// Events in which to look for a dialect before the stream is taken for one of none.
const FIRST_EVENTS: u64 = 64;

/// The events of one response body.
#[derive(Debug, Default)]
pub(super) struct ResponseReader {
    dialect: Option<&'static Dialect>,
    record: Record,
    /// By its status the response is an error.
    has_failed: bool,
    shape: EventShape,
}

impl ResponseReader {
    pub(super) fn new(status: StatusCode) -> Self {
        Self { has_failed: status.is_client_error() || status.is_server_error(), ..Self::default() }
    }

    pub(super) fn reading(&self) -> &Reading {
        &self.record.reading
    }

    /// An event has passed. Of one that is too long to be kept, `data` is the end.
    #[inline]
    pub(super) fn event(&mut self, event: Event<'_>, is_tail: bool) {
        if is_tail || !self.ordinary_event(&event) {
            self.other_event(event, is_tail);
        }
    }

    /// Counts an event that is like those before it; gives whether it is.
    #[inline]
    fn ordinary_event(&mut self, event: &Event<'_>) -> bool {
        let text = self.shape.text_of(event);
        if let Some(bytes) = text {
            self.record.add_text_event(bytes);
        }
        text.is_some()
    }

    #[inline(never)]
    fn other_event(&mut self, event: Event<'_>, is_tail: bool) {
        if !self.read(event, is_tail) {
            self.lose_sight();
        }
    }

    /// An event has passed in which Bedrock has wrapped one of the model's own. To the last of these it adds its own counts.
    pub(super) fn event_of_model(&mut self, event: Event<'_>) {
        if self.ordinary_event(&event) {
            return;
        }
        self.other_event(event, false);
        if let Some(mut metrics) = event.member(bedrock_invoke::METRICS) {
            self.record.apply_metrics(bedrock_invoke::read_metrics(&mut metrics));
        }
    }

    /// What comes is one JSON document, which ends where its bracket is closed.
    pub(super) fn await_end(&mut self) {
        if self.record.reading.end == EndMark::Unmarked {
            self.record.reading.end = EndMark::Awaited;
            self.record.note_change();
        }
    }

    /// Reads the answer if it is this document and is known; gives whether that is so. It may as well be cut off, or no JSON.
    pub(super) fn whole_document(&mut self, document: &Event<'_>) -> bool {
        let mut calls = ToolCalls::default();
        let mut said = EventFacts { ended: true, ..EventFacts::default() };
        if !document.data.trim_ascii_end().ends_with(b"}") {
            return false;
        }
        let Some(reader) = dialect::recognise_document(document) else { return false };
        if !(reader.read)(document, &mut said, &mut calls) {
            return false;
        }
        self.record.calls = calls;
        self.take_document(document, Some((reader.dialect, said)));
        true
    }

    /// The answer has come as one document. Of an abridged one, something may be missing that counts.
    pub(super) fn document(&mut self, document: &Event<'_>, is_abridged: bool) {
        let mut said = None;
        let is_read = match dialect::recognise_document(document) {
            Some(reader) => {
                let (_, said) = said.insert((reader.dialect, EventFacts { ended: true, ..EventFacts::default() }));
                (reader.read)(document, said, &mut self.record.calls)
            }
            None => document.members(|_, _| {}),
        };
        if !is_read {
            return self.lose_sight();
        }
        if is_abridged && said.as_ref().is_some_and(|(_, said)| !said.has_usage()) {
            self.lose_sight();
        }
        self.take_document(document, said);
    }

    fn take_document(&mut self, document: &Event<'_>, said: Option<(&'static Dialect, EventFacts<'_>)>) {
        self.record.reading.events += 1;
        let is_answer = said.as_ref().is_some_and(|(_, said)| said.has_usage());
        if let Some((dialect, said)) = said {
            self.dialect = Some(dialect);
            self.record.apply(said, dialect);
        }
        // What has numbers has not failed, unless its dialect has read so.
        if !is_answer {
            self.record.apply_error(document);
        }
        if self.has_failed && self.record.reading.error.is_none() {
            // Some say what is wrong without calling it an error: the status does.
            self.stray_error(Cursor::new(document.data));
        }
        self.record.end();
    }

    /// An event has passed of which nothing is known.
    pub(super) fn unread_event(&mut self) {
        self.record.reading.events += 1;
        self.lose_sight();
    }

    /// The stream says that it has failed.
    pub(super) fn fail(&mut self, error: &str) {
        self.record.reading.events += 1;
        self.record.fail(error);
    }

    /// An error has been told of beside the events.
    pub(super) fn stray_error(&mut self, mut error: Cursor<'_>) {
        let mut said = EventFacts::default();
        said.read_error(&mut error);
        if let Some(error) = said.error.filter(|_| !error.is_broken()) {
            self.record.fail(&error);
        }
    }

    /// The event that the end of the body has cut off: it may lack only its line end, or be half an event.
    pub(super) fn last_event(&mut self, event: Event<'_>, is_tail: bool) {
        self.read(event, is_tail);
    }

    /// The body has ended.
    pub(super) fn finish(&mut self) {
        if self.dialect.is_none() {
            self.observe_nothing();
        }
    }

    /// Gives whether the event could be read.
    fn read(&mut self, event: Event<'_>, is_tail: bool) -> bool {
        self.record.reading.events += 1;
        if event.data.trim_ascii_end() == b"[DONE]" {
            self.record.end();
            return true;
        }
        let Some(dialect) = self.dialect.or_else(|| self.recognise(&event)) else {
            return self.read_as_unknown(event);
        };
        let mut said = EventFacts::default();
        let is_read = if is_tail {
            (dialect.read_tail)(&event, &mut said);
            said.usage.is_some()
        } else {
            (dialect.read)(&event, &mut said, &mut self.record.calls)
        };
        if event.name == b"error" && said.error.is_none() {
            self.record.apply_error(&event);
        }
        if is_read || is_tail {
            let text = said.only_text();
            if self.record.apply(said, dialect) {
                self.shape.forget();
            } else if let Some(text) = text.filter(|_| is_read && !is_tail) {
                self.shape.learn(&event, text);
            }
        }
        is_read
    }

    fn recognise(&mut self, event: &Event<'_>) -> Option<&'static Dialect> {
        if self.record.reading.events > FIRST_EVENTS {
            return None;
        }
        self.dialect = dialect::recognise(event);
        if self.dialect.is_some() {
            self.await_end();
        }
        self.dialect
    }

    /// A stream that cannot be told may still say why it failed.
    fn read_as_unknown(&mut self, event: Event<'_>) -> bool {
        if self.record.reading.events == FIRST_EVENTS {
            self.observe_nothing();
        }
        self.record.apply_error(&event);
        true
    }

    /// Something has passed that could not be read.
    pub(super) fn lose_sight(&mut self) {
        if self.record.reading.observation == Observation::Full {
            self.record.reading.observation = Observation::Partial;
            self.record.note_change();
        }
    }

    fn observe_nothing(&mut self) {
        if self.record.reading.observation != Observation::None {
            self.record.reading.observation = Observation::None;
            self.record.note_change();
        }
    }
}
