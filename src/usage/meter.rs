//! The observer of one body: what it is made of, by its head, and who reads it.

use http::response;

use super::framing::{Framing, Kind};
use super::reader::ResponseReader;
use super::{Observation, Reading};
use crate::decompress::{ContentEncoding, Decompressor};

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
    /// Of an encoded body, what makes it readable.
    decompressor: Option<Box<Decompressor>>,
    framing: Framing,
    stream: ResponseReader,
}

/// What is read of a body that is not looked at.
static UNREAD: Reading = Reading { observation: Observation::None, ..Reading::EMPTY };

impl Meter {
    /// The meter for a response with this head, chosen by content type and encoding; the dialect is found in the body.
    pub fn for_response(head: &response::Parts) -> Self {
        let kind = Kind::of(&head.headers);
        Self { state: kind.and_then(|kind| State::new(kind, head)), is_stream: kind.and_then(Kind::is_stream) }
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
            state.lose_sight();
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

impl State {
    /// `None`: the body cannot be decoded.
    fn new(kind: Kind, head: &response::Parts) -> Option<Box<Self>> {
        let decompressor = match ContentEncoding::of(&head.headers) {
            ContentEncoding::Identity => None,
            ContentEncoding::Known(decompressor) => Some(decompressor),
            ContentEncoding::Other => return None,
        };
        Some(Box::new(Self { decompressor, framing: Framing::of(kind), stream: ResponseReader::new(head.status) }))
    }

    #[inline]
    fn observe(&mut self, piece: &[u8]) {
        let Self { decompressor, framing, stream } = self;
        let Some(decompressor) = decompressor else { return framing.feed(piece, stream) };
        if decompressor.feed(piece, |decoded| framing.feed(decoded, stream)).is_err() {
            self.lose_sight();
        }
    }

    /// What follows cannot be read.
    fn lose_sight(&mut self) {
        self.decompressor = None;
        self.framing = Framing::Lost;
        self.stream.lose_sight();
    }
}
