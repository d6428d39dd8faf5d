//! What is read of streams: in every dialect, cut in every way, from friends and from foes.
//!
//! The fixtures are written by hand from the descriptions of the formats.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod bodies;
mod bounds;
mod chat_reference;
mod cuts;
mod dialects;
#[cfg(feature = "decompress")]
mod encoded;
mod support;
