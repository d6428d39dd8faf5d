//! Decodes encoded bodies on a side copy (feature `decompress`); what is forwarded stays as it is.
//!
//! All that a chunk of the encoded body allows to be decoded is handed on at once: servers flush after each event, so that
//! clients can read it, and so can we. Of a damaged body all that stands before the damage is handed on, however it is cut. A peer may send anything: memory is bounded by the window of the encoding (gzip and
//! deflate 32 KiB, zstd 8 MiB, brotli 16 MiB), time by a limit on the expansion.

#[cfg(feature = "decompress")]
mod codec;
#[cfg(feature = "decompress")]
mod gzip;
#[cfg(feature = "decompress")]
mod inflate;

use http::{HeaderMap, header};

use self::codec::Codec;

/// Decoded bytes handed on at a time.
const CHUNK: usize = 8 * 1024;

/// Decoded bytes allowed per encoded byte. Streams of tokens come to 10 to 30, documents of zeros to 1,000.
const EXPANSION: u64 = 256;

/// Decoded bytes allowed in advance of the encoded bytes that pay for them.
const ALLOWANCE: u64 = 1024 * 1024;

/// How a body is encoded.
#[derive(Debug)]
pub(crate) enum ContentEncoding {
    /// Not encoded.
    Identity,
    /// Encoded in a way that can be decoded.
    Known(Box<Decompressor>),
    /// Encoded in an unknown way, or in several.
    Other,
}

impl ContentEncoding {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all(header::CONTENT_ENCODING);
        let names =
            values.iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).map(<[u8]>::trim_ascii);
        let mut names = names.filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case(b"identity"));
        match (names.next(), names.next()) {
            (None, _) => Self::Identity,
            (Some(name), None) => Codec::named(&name.to_ascii_lowercase()).map_or(Self::Other, |codec| {
                Self::Known(Box::new(Decompressor {
                    codec,
                    decoded: vec![0; CHUNK],
                    allowance: ALLOWANCE,
                    has_ended: false,
                }))
            }),
            _ => Self::Other,
        }
    }
}

/// Decodes one body.
#[derive(Debug)]
pub(crate) struct Decompressor {
    codec: Codec,
    /// The chunk that is handed on next.
    decoded: Vec<u8>,
    /// Bytes that may be decoded before more have to be read.
    allowance: u64,
    has_ended: bool,
}

/// The error of a body that is damaged or expands beyond the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Undecodable;

/// The effect of one call of a codec.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Step {
    read: usize,
    written: usize,
    /// The encoded data is complete; bytes that follow are not part of it.
    ended: bool,
    /// More may be decoded without reading on: a full output may be hiding it.
    has_more: bool,
    /// Behind what has been written the encoded data is damaged.
    damaged: bool,
}

impl Decompressor {
    /// Hands on all that can be decoded once `chunk` has come.
    pub(crate) fn feed(&mut self, mut chunk: &[u8], mut on_decoded: impl FnMut(&[u8])) -> Result<(), Undecodable> {
        let mut has_more = false;
        while (has_more || !chunk.is_empty()) && !self.has_ended {
            let step = self.codec.step(chunk, &mut self.decoded);
            chunk = &chunk[step.read..];
            self.allowance = ALLOWANCE.min(self.allowance + EXPANSION * step.read as u64);
            self.allowance = self.allowance.checked_sub(step.written as u64).ok_or(Undecodable)?;
            if step.written > 0 {
                on_decoded(&self.decoded[..step.written]);
            }
            has_more = step.has_more;
            self.has_ended = step.ended;
            if step.damaged || (step == Step::default() && !chunk.is_empty()) {
                return Err(Undecodable);
            }
        }
        Ok(())
    }
}

/// The codec without the feature: there is none.
#[cfg(not(feature = "decompress"))]
mod codec {
    use super::Step;

    #[derive(Debug)]
    pub(super) enum Codec {}

    impl Codec {
        pub(super) fn named(_: &[u8]) -> Option<Self> {
            None
        }

        pub(super) fn step(&mut self, _: &[u8], _: &mut [u8]) -> Step {
            match *self {}
        }
    }
}

#[cfg(all(test, feature = "decompress"))]
mod tests;
