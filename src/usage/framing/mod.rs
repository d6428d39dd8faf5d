//! Framing: how a body is cut into events, by its content type and its first bytes.

mod aws;
mod elements;
mod first_bytes;
mod invoke_model;
mod lines;
mod response_kind;
mod sse;

pub(super) use self::response_kind::ResponseKind;

use self::{
    aws::{AwsMessage, AwsMessages, Unread},
    elements::Elements,
    first_bytes::{Announced, FirstBytes},
    lines::Lines,
    sse::SseEvents,
};
use super::{event::ResponseEvent, reader::ResponseReader};
use crate::json::{Condenser, Cursor};

/// Cuts one body into events.
#[derive(Debug)]
pub(super) enum Framing {
    Sse(SseEvents),
    Lines(Lines),
    Aws {
        messages: AwsMessages,
        /// Room for an event that is wrapped in a message.
        decoded: Vec<u8>,
    },
    Elements(Elements),
    /// A JSON document of which nothing has come yet.
    FirstChunk,
    /// A JSON document.
    Document(Condenser),
    /// The first bytes have to tell.
    Undecided {
        first: FirstBytes,
        /// The framing of a body that begins with a JSON object.
        of_object: ObjectFraming,
    },
    /// The body is not looked at any more.
    Lost,
}

/// The meaning of a JSON object at the start of a body.
#[derive(Clone, Copy, Debug)]
pub(super) enum ObjectFraming {
    Document,
    /// Lines, or a document of one line.
    Lines,
}

impl Framing {
    pub(super) fn of(kind: ResponseKind) -> Self {
        let undecided = |of_object| Self::Undecided { first: FirstBytes::default(), of_object };
        match kind {
            ResponseKind::Sse => Self::Sse(SseEvents::new()),
            ResponseKind::Lines => Self::Lines(Lines::new()),
            ResponseKind::Aws => Self::Aws { messages: AwsMessages::default(), decoded: Vec::new() },
            ResponseKind::Json => undecided(ObjectFraming::Document),
            ResponseKind::Text => undecided(ObjectFraming::Lines),
        }
    }

    /// Hands over the events that end in `chunk`.
    #[inline]
    pub(super) fn feed(&mut self, chunk: &[u8], reader: &mut ResponseReader) {
        match self {
            Self::Sse(events) => events.feed(chunk, reader),
            _ => self.feed_other(chunk, reader),
        }
    }

    fn feed_other(&mut self, chunk: &[u8], reader: &mut ResponseReader) {
        match self {
            Self::Sse(_) | Self::Lost => {}
            Self::Lines(lines) => {
                lines.feed(chunk, |line, is_tail| reader.event(ResponseEvent::unnamed(line), is_tail));
            }
            Self::Aws { messages, decoded } => messages.feed(chunk, |message| match message {
                Ok(message) => hand_over(message, decoded, reader),
                Err(Unread::Message) => reader.unread_event(),
                Err(Unread::Stream) => reader.lose_sight(),
            }),
            Self::Elements(elements) => {
                elements.feed(chunk, |element, is_tail| reader.event(ResponseEvent::unnamed(element), is_tail));
                if elements.is_lost() {
                    reader.lose_sight();
                    *self = Self::Lost;
                }
            }
            Self::FirstChunk => {
                // Most answers come in one chunk, which need not be copied to be read.
                let document = ResponseEvent::unnamed(chunk);
                let may_be_whole = chunk.len() <= Condenser::WHOLE_UP_TO && chunk.trim_ascii_end().ends_with(b"}");
                if may_be_whole && reader.whole_document(&document) {
                    invoke_model::hand_over_counts(&document, reader);
                    *self = Self::Lost;
                } else {
                    *self = Self::Document(Condenser::new(reader.text_limit()));
                    self.feed(chunk, reader);
                }
            }
            Self::Document(condenser) => {
                condenser.push(chunk);
                if is_over(condenser, reader) {
                    *self = Self::Lost;
                }
            }
            Self::Undecided { first, of_object } => {
                // Space in front is left out, so that it makes no difference where the body is cut.
                let chunk = if first.kept().is_empty() { chunk.trim_ascii_start() } else { chunk };
                if let Some(announced) = first.announce(chunk) {
                    let (first, of_object) = (std::mem::take(first), *of_object);
                    self.decide(announced, of_object, reader);
                    if !first.kept().is_empty() {
                        self.feed(first.kept(), reader);
                    }
                    self.feed(chunk, reader);
                }
            }
        }
    }

    /// Takes the framing that the first bytes announce.
    fn decide(&mut self, announced: Announced, of_object: ObjectFraming, reader: &mut ResponseReader) {
        match (announced, of_object) {
            (Announced::JsonObject, ObjectFraming::Document) => {
                reader.await_document();
                *self = Self::FirstChunk;
            }
            (Announced::JsonObject, ObjectFraming::Lines) => *self = Self::of(ResponseKind::Lines),
            (Announced::JsonArray, _) => *self = Self::Elements(Elements::new()),
            (Announced::Sse, _) => *self = Self::of(ResponseKind::Sse),
            (Announced::Other, _) => {
                reader.observe_nothing();
                *self = Self::Lost;
            }
        }
    }

    /// Hands over the rest when the body has ended.
    pub(super) fn finish(&mut self, reader: &mut ResponseReader) {
        match self {
            Self::Sse(events) => events.finish(reader),
            Self::Lines(lines) => {
                lines.finish(|line, is_tail| reader.last_event(ResponseEvent::unnamed(line), is_tail));
            }
            Self::Aws { .. }
            | Self::Elements(_)
            | Self::FirstChunk
            | Self::Document(_)
            | Self::Undecided { .. }
            | Self::Lost => {}
        }
    }
}

/// Hands over a document that is complete; returns whether there is nothing more to come of it.
fn is_over(condenser: &Condenser, reader: &mut ResponseReader) -> bool {
    if let Some(copy) = condenser.complete() {
        let document = ResponseEvent::of_copy(copy);
        reader.document(&document, condenser.is_abridged());
        invoke_model::hand_over_counts(&document, reader);
        return true;
    }
    if condenser.is_lost() {
        reader.lose_sight();
    }
    condenser.is_lost()
}

/// Hands over the event that a message is, or wraps; an exception is an error.
fn hand_over(message: AwsMessage<'_>, decoded: &mut Vec<u8>, reader: &mut ResponseReader) {
    if message.kind != b"event" {
        let mut text = Cursor::new(message.payload).find(b"message").and_then(|mut text| text.string());
        let name = if message.error.is_empty() { message.name } else { message.error };
        return reader.fail(&text.take().unwrap_or_else(|| String::from_utf8_lossy(name)));
    }
    if message.name == invoke_model::WRAPPER {
        return invoke_model::unwrap(message.payload, decoded, reader);
    }
    reader.event(ResponseEvent::new(message.name, message.payload), false);
}
