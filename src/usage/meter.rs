//! The observer of one body: what it is made of, by its head, and who reads it.

use http::{HeaderMap, header, response};

use super::dialect::Event;
use super::stream::Stream;
use super::{Observation, Reading};
use crate::sse::Decoder;

/// Watches one response body.
///
/// It is a pointer: what cannot be read (encoded, or of a kind that says nothing about tokens) costs nothing but that.
#[derive(Debug, Default)]
pub struct Meter {
    state: Option<Box<State>>,
    is_stream: Option<bool>,
}

#[derive(Debug)]
struct State {
    framing: Framing,
    stream: Stream,
}

/// How a body is cut into events.
#[derive(Debug)]
enum Framing {
    /// Server-Sent Events.
    Sse(Decoder),
    /// No longer, since some of it has passed unseen.
    Lost,
}

/// What is read of a body that is not looked at.
static UNREAD: Reading = Reading { observation: Observation::None, ..Reading::EMPTY };

impl Meter {
    /// The meter for a response with this head, chosen by content type and encoding; the dialect is found in the body.
    pub fn for_response(head: &response::Parts) -> Self {
        let kind = Kind::of(&head.headers);
        let framing = if is_encoded(&head.headers) { None } else { kind.and_then(Framing::of) };
        Self {
            state: framing.map(|framing| Box::new(State { framing, stream: Stream::default() })),
            is_stream: kind.map(|kind| kind == Kind::Sse),
        }
    }

    /// Whether the response is a stream, by its content type; `None` where that does not tell.
    pub fn is_stream(&self) -> Option<bool> {
        self.is_stream
    }

    /// Some of the body has passed unseen: what follows cannot be understood.
    pub fn lose_sight(&mut self) {
        if let Some(state) = &mut self.state {
            state.framing = Framing::Lost;
            state.stream.lose_sight();
        }
    }

    /// Sees a piece of the body. Pieces may be cut anywhere.
    #[inline]
    pub fn observe(&mut self, piece: &[u8]) {
        if let Some(state) = &mut self.state {
            state.observe(piece);
        }
    }

    /// The body has ended cleanly: what an unfinished last line says counts too.
    pub fn finish(&mut self) {
        if let Some(state) = &mut self.state {
            state.finish();
        }
    }

    /// What has been said so far.
    #[inline]
    pub fn reading(&self) -> &Reading {
        self.state.as_ref().map_or(&UNREAD, |state| state.stream.reading())
    }
}

impl State {
    fn observe(&mut self, piece: &[u8]) {
        let Self { framing, stream } = self;
        match framing {
            Framing::Sse(decoder) => decoder.feed(piece, |event| {
                stream.event(Event { name: event.name, data: event.data }, event.skipped > 0);
            }),
            Framing::Lost => {}
        }
    }

    fn finish(&mut self) {
        let Self { framing, stream } = self;
        match framing {
            Framing::Sse(decoder) => decoder.finish(|event| {
                stream.last_event(Event { name: event.name, data: event.data }, event.skipped > 0);
            }),
            Framing::Lost => {}
        }
        stream.finish();
    }
}

/// What a body is, by its content type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Sse,
}

impl Kind {
    fn of(headers: &HeaderMap) -> Option<Self> {
        let content_type = headers.get(header::CONTENT_TYPE)?.as_bytes();
        let essence = content_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        if essence.eq_ignore_ascii_case(b"text/event-stream") {
            return Some(Self::Sse);
        }
        None
    }
}

impl Framing {
    fn of(kind: Kind) -> Option<Self> {
        match kind {
            Kind::Sse => Some(Self::Sse(Decoder::new())),
        }
    }
}

fn is_encoded(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .any(|encoding| !encoding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity"))
}
