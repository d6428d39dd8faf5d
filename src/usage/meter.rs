//! The observer of one body: what it is made of, by its head, and who reads it.

use http::{HeaderMap, header, response};

use super::framing::{Framing, Kind};
use super::stream::Stream;
use super::{Observation, Reading};

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

/// What is read of a body that is not looked at.
static UNREAD: Reading = Reading { observation: Observation::None, ..Reading::EMPTY };

impl Meter {
    /// The meter for a response with this head, chosen by content type and encoding; the dialect is found in the body.
    pub fn for_response(head: &response::Parts) -> Self {
        let kind = Kind::of(&head.headers);
        let readable = kind.filter(|_| !is_encoded(&head.headers));
        Self {
            state: readable
                .map(|kind| Box::new(State { framing: Framing::of(kind), stream: Stream::new(head.status) })),
            is_stream: kind.and_then(Kind::is_stream),
        }
    }

    /// Whether the response is a stream, by its content type; `None` where that does not tell.
    pub fn is_stream(&self) -> Option<bool> {
        self.is_stream
    }

    /// Whether the body is one that cannot be read: there is no point in showing it.
    #[inline]
    pub fn is_blind(&self) -> bool {
        self.state.is_none()
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
            state.framing.feed(piece, &mut state.stream);
        }
    }

    /// The body has ended cleanly: what an unfinished last line says counts too.
    pub fn finish(&mut self) {
        if let Some(state) = &mut self.state {
            state.framing.finish(&mut state.stream);
            state.stream.finish();
        }
    }

    /// What has been said so far.
    #[inline]
    pub fn reading(&self) -> &Reading {
        self.state.as_ref().map_or(&UNREAD, |state| state.stream.reading())
    }
}

fn is_encoded(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .any(|encoding| !encoding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity"))
}
