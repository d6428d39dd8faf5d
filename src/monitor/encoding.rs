//! How an answer goes over the wire: as it is, or compressed with gzip for those who ask.

use super::frame::Frame;
#[cfg(feature = "compress")]
use super::gzip;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};

/// What fits into one packet anyway is not worth the work.
#[cfg(feature = "compress")]
const MIN_COMPRESSED: usize = 1400;

/// An encoding, as agreed upon for one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Identity,
    #[cfg(feature = "compress")]
    Gzip,
}

impl Encoding {
    /// The one that the reader asks for.
    #[cfg_attr(not(feature = "compress"), expect(unused_variables, reason = "there is nothing to choose from"))]
    pub(super) fn asked_for(headers: &HeaderMap) -> Self {
        #[cfg(feature = "compress")]
        if crate::http::takes_gzip(headers) {
            return Self::Gzip;
        }
        Self::Identity
    }

    /// Says in the answer's headers how it is encoded, and that others might get it otherwise.
    pub(super) fn announce(self, answer: &mut HeaderMap) {
        if cfg!(feature = "compress") {
            answer.append(header::VARY, HeaderValue::from_static("accept-encoding"));
        }
        match self {
            Self::Identity => {}
            #[cfg(feature = "compress")]
            Self::Gzip => _ = answer.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip")),
        }
    }

    /// The whole of an answer, and how it is encoded after all.
    pub(super) fn whole(self, frame: &Frame) -> (Self, Bytes) {
        match self {
            #[cfg(feature = "compress")]
            Self::Gzip if frame.len() >= MIN_COMPRESSED => (self, gzip::file(frame.segment())),
            _ => (Self::Identity, frame.plain().clone()),
        }
    }

    pub(super) fn stream(self) -> Encoder {
        match self {
            Self::Identity => Encoder::Identity,
            #[cfg(feature = "compress")]
            Self::Gzip => Encoder::Gzip(gzip::Stream::default()),
        }
    }
}

/// Encodes one reader's stream, out of frames that are compressed for all.
#[derive(Debug)]
pub(super) enum Encoder {
    Identity,
    #[cfg(feature = "compress")]
    Gzip(gzip::Stream),
}

impl Encoder {
    /// What comes before the first frame; may be empty.
    pub(super) fn begin(&self) -> Bytes {
        match self {
            Self::Identity => Bytes::new(),
            #[cfg(feature = "compress")]
            Self::Gzip(_) => gzip::Stream::header(),
        }
    }

    pub(super) fn next(&mut self, frame: &Frame) -> Bytes {
        match self {
            Self::Identity => frame.plain().clone(),
            #[cfg(feature = "compress")]
            Self::Gzip(stream) => stream.next(frame.segment()),
        }
    }

    /// What comes after the last frame; may be empty.
    pub(super) fn end(&self) -> Bytes {
        match self {
            Self::Identity => Bytes::new(),
            #[cfg(feature = "compress")]
            Self::Gzip(stream) => stream.trailer(),
        }
    }
}
