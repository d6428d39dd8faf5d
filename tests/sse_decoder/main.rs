//! The decoder gives the same events by the WHATWG rules, however the bytes are cut.

#![allow(clippy::expect_used, reason = "a test may fail")]

mod cases;
mod oracle;
mod random;

use active_requests::sse::{Decoder, RawEvent};

/// An event, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) name: Vec<u8>,
    pub(crate) data: Vec<u8>,
    pub(crate) id: Vec<u8>,
    pub(crate) skipped: u64,
    pub(crate) unterminated: bool,
    pub(crate) start: u64,
    pub(crate) end: u64,
}

impl From<RawEvent<'_>> for Seen {
    fn from(event: RawEvent<'_>) -> Self {
        Self {
            name: event.name.to_vec(),
            data: event.data.to_vec(),
            id: event.id.to_vec(),
            skipped: event.skipped,
            unterminated: event.unterminated,
            start: event.start,
            end: event.end,
        }
    }
}

/// The events of a whole body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) events: Vec<Seen>,
    pub(crate) retry: Option<u64>,
    pub(crate) last_event_id: Vec<u8>,
}

pub(crate) fn decode_with<'a>(mut decoder: Decoder, chunks: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let mut events = Vec::new();
    for chunk in chunks {
        decoder.feed(chunk, |event| events.push(event.into()));
    }
    decoder.finish(|event| events.push(event.into()));
    Outcome {
        events,
        retry: decoder.retry().map(|time| time.as_millis().try_into().expect("at most u64::MAX ms")),
        last_event_id: decoder.last_event_id().to_vec(),
    }
}

pub(crate) fn decode<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    decode_with(Decoder::new(), chunks)
}

/// Asserts that no cut of `body` changes the outcome: byte by byte, in every two chunks, and with empty chunks around.
pub(crate) fn assert_same_for_every_cut(name: &str, body: &[u8], expected: &Outcome) {
    assert_eq!(&decode([body]), expected, "{name}, whole");
    assert_eq!(&decode(body.chunks(1)), expected, "{name}, byte by byte");
    let padded = body.chunks(1).flat_map(|byte| [&[][..], byte, &[][..]]);
    assert_eq!(&decode(padded), expected, "{name}, byte by byte between empty chunks");
    // In the middle of a long line one cut is like the next.
    let edge = 256;
    let near_an_edge = |at: usize| at < edge || at + edge > body.len();
    for at in (0..=body.len()).filter(|at| near_an_edge(*at) || at % 61 == 0) {
        let (head, tail) = body.split_at(at);
        assert_eq!(&decode([head, tail]), expected, "{name}, cut at {at}");
        if body.len() < 1000 {
            assert_eq!(&decode([head, &[], tail]), expected, "{name}, cut at {at}, an empty chunk between");
        }
    }
}
