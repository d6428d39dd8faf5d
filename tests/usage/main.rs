//! Tests of what a meter reads of answers: in every dialect, cut in every way, from friends and from foes.
//!
//! The fixtures are written by hand from the descriptions of the formats.

#![expect(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

mod bodies;
mod bounds;
mod chat_reference;
mod custom;
mod cuts;
mod dialects;
mod documents;
#[cfg(feature = "decompress")]
mod encoded;
mod recordings;
mod sessions;
mod support;
