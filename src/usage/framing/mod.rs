//! How a body is cut into events, by its content type.

mod aws;
mod elements;
mod lines;
mod sse;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::HeaderMap;

use self::aws::{Message, Messages, Unread};
use self::elements::Elements;
use self::lines::Lines;
use self::sse::Events;
use super::dialect::Event;
use super::reader::ResponseReader;
use crate::http::ContentType;
use crate::json::{Condenser, Cursor};

/// What a body is, by its content type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Server-Sent Events.
    Sse,
    /// One JSON object a line.
    Lines,
    /// An AWS event stream.
    Aws,
    /// One JSON document. It may be streamed, too: an array, element by element.
    Json,
    /// Text of which the first byte must tell.
    Text,
}

impl Kind {
    /// `None`: nothing that could speak of tokens.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let Some(declared) = ContentType::of(headers) else { return Some(Self::Text) };
        if declared.is("text/event-stream") {
            Some(Self::Sse)
        } else if declared.is("application/vnd.amazon.eventstream") {
            Some(Self::Aws)
        } else if declared.is("application/stream+json")
            || ["/x-ndjson", "/ndjson", "/jsonl", "/x-jsonlines"].into_iter().any(|suffix| declared.ends_with(suffix))
        {
            Some(Self::Lines)
        } else if declared.is("application/json") || declared.ends_with("+json") {
            Some(Self::Json)
        } else if declared.is("text/plain") {
            Some(Self::Text)
        } else {
            None
        }
    }

    /// Whether a body of this kind is a stream; `None` if that cannot be told.
    pub(super) fn is_stream(self) -> Option<bool> {
        match self {
            Self::Sse | Self::Lines | Self::Aws => Some(true),
            Self::Json | Self::Text => None,
        }
    }
}

/// The cutter of one body.
#[derive(Debug)]
pub(super) enum Framing {
    Sse(Events),
    Lines(Lines),
    Aws {
        messages: Messages,
        /// The payload within the payload, decoded.
        decoded: Vec<u8>,
    },
    Elements(Elements),
    /// An answer in one piece.
    Document(Condenser),
    /// What it is shows with the first byte.
    Json,
    Text,
    /// It is not looked at any more.
    Lost,
}

impl Framing {
    pub(super) fn of(kind: Kind) -> Self {
        match kind {
            Kind::Sse => Self::Sse(Events::new()),
            Kind::Lines => Self::Lines(Lines::new()),
            Kind::Aws => Self::Aws { messages: Messages::default(), decoded: Vec::new() },
            Kind::Json => Self::Json,
            Kind::Text => Self::Text,
        }
    }

    /// Cuts off the events that end in `piece`.
    #[inline]
    pub(super) fn feed(&mut self, piece: &[u8], stream: &mut ResponseReader) {
        match self {
            Self::Sse(events) => events.feed(piece, stream),
            _ => self.feed_other(piece, stream),
        }
    }

    fn feed_other(&mut self, piece: &[u8], stream: &mut ResponseReader) {
        match self {
            Self::Sse(_) | Self::Lost => {}
            Self::Lines(lines) => lines.feed(piece, |line, is_tail| stream.event(Event::unnamed(line), is_tail)),
            Self::Aws { messages, decoded } => messages.feed(piece, |message| match message {
                Ok(message) => pass_on(message, decoded, stream),
                Err(Unread::Message) => stream.unread_event(),
                Err(Unread::Stream) => stream.lose_sight(),
            }),
            Self::Elements(elements) => {
                elements.feed(piece, |element, is_tail| stream.event(Event::unnamed(element), is_tail));
                if elements.is_lost() {
                    stream.lose_sight();
                    *self = Self::Lost;
                }
            }
            Self::Document(document) => {
                document.push(piece);
                if let Some(copy) = document.complete() {
                    stream.document(&Event::unnamed(copy), document.is_abridged());
                    *self = Self::Lost;
                } else if document.is_lost() {
                    stream.lose_sight();
                    *self = Self::Lost;
                }
            }
            Self::Json | Self::Text => {
                // Space in front is left out, so that it makes no difference where the body is cut.
                let piece = piece.trim_ascii_start();
                if let Some(first) = piece.first() {
                    *self = self.by_first_byte(*first);
                    if let Self::Document(_) = self {
                        stream.await_end();
                        // Most answers come in one piece, which need not be copied to be read. A longer one is, so that it is
                        // abridged whatever the cuts.
                        let is_short = piece.len() <= Condenser::ABRIDGES_NONE_UP_TO;
                        if is_short && stream.whole_document(&Event::unnamed(piece)) {
                            *self = Self::Lost;
                        }
                    }
                    self.feed(piece, stream);
                }
            }
        }
    }

    fn by_first_byte(&self, first: u8) -> Self {
        match (self, first) {
            (_, b'[') => Self::Elements(Elements::new()),
            (Self::Json, b'{') => Self::Document(Condenser::new()),
            // Lines, or a document of one line.
            (Self::Text, b'{') => Self::of(Kind::Lines),
            // No JSON starts like this: some servers call their event streams by the wrong name.
            (_, b'd' | b'e' | b'i' | b'r' | b':') => Self::of(Kind::Sse),
            _ => Self::Lost,
        }
    }

    /// The body has ended: hands over what is left.
    pub(super) fn finish(&mut self, stream: &mut ResponseReader) {
        match self {
            Self::Sse(events) => events.finish(stream),
            Self::Lines(lines) => lines.finish(|line, is_tail| stream.last_event(Event::unnamed(line), is_tail)),
            Self::Aws { .. } | Self::Elements(_) | Self::Document(_) | Self::Json | Self::Text | Self::Lost => {}
        }
    }
}

/// A message is an event, but for the exceptions; with InvokeModel it wraps the model's own event in Base64.
fn pass_on(message: Message<'_>, decoded: &mut Vec<u8>, stream: &mut ResponseReader) {
    if message.kind != b"event" {
        let mut said = Cursor::new(message.payload).find(b"message").and_then(|mut text| text.string());
        let name = if message.error.is_empty() { message.name } else { message.error };
        return stream.fail(&said.take().unwrap_or_else(|| String::from_utf8_lossy(name)));
    }
    if message.name != b"chunk" {
        return stream.event(Event { name: message.name, data: message.payload }, false);
    }
    decoded.clear();
    let bytes = Cursor::new(message.payload).find(b"bytes").and_then(|mut bytes| bytes.string());
    match bytes.map(|bytes| BASE64.decode_vec(&*bytes, decoded)) {
        Some(Ok(())) => stream.event_of_model(Event::unnamed(decoded)),
        _ => stream.unread_event(),
    }
}
