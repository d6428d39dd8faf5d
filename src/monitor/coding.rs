//! The content coding of a response: plain, or gzip for clients that accept it.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};

#[cfg(feature = "compress")]
use super::gzip::{self, GzipStream};
use super::payload::Payload;

/// The content coding agreed on for one response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContentCoding {
    Identity,
    #[cfg(feature = "compress")]
    Gzip,
}

impl ContentCoding {
    /// The coding that the client accepts.
    #[cfg_attr(not(feature = "compress"), expect(unused_variables, reason = "there is nothing to choose from"))]
    pub(crate) fn accepted(request: &HeaderMap) -> Self {
        #[cfg(feature = "compress")]
        if crate::http::takes_gzip(request) {
            return Self::Gzip;
        }
        Self::Identity
    }

    /// Sets the headers of a response in this coding.
    pub(crate) fn set_headers(self, response: &mut HeaderMap) {
        if cfg!(feature = "compress") {
            response.append(header::VARY, HeaderValue::from_static("accept-encoding"));
        }
        match self {
            Self::Identity => {}
            #[cfg(feature = "compress")]
            Self::Gzip => _ = response.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip")),
        }
    }

    /// Encodes a whole body. Returns the coding used, which is plain for a short body.
    pub(crate) fn encode_whole(self, payload: &Payload) -> (Self, Bytes) {
        match self {
            #[cfg(feature = "compress")]
            Self::Gzip if payload.len() >= crate::http::MIN_COMPRESSED => (self, gzip::file(payload.segment())),
            _ => (Self::Identity, whole(payload)),
        }
    }

    pub(super) fn stream_encoder(self) -> StreamEncoder {
        match self {
            Self::Identity => StreamEncoder::Identity,
            #[cfg(feature = "compress")]
            Self::Gzip => StreamEncoder::Gzip(GzipStream::default()),
        }
    }
}

/// The plain bytes of a payload in one piece: as they are, if they are one already.
fn whole(payload: &Payload) -> Bytes {
    match payload.plain() {
        [whole] => whole.clone(),
        slices => slices.concat().into(),
    }
}

/// Encodes one client's stream from payloads that all clients share.
#[derive(Debug)]
pub(super) enum StreamEncoder {
    Identity,
    #[cfg(feature = "compress")]
    Gzip(GzipStream),
}

impl StreamEncoder {
    /// The bytes before the first payload; may be empty.
    pub(super) fn begin(&self) -> Bytes {
        match self {
            Self::Identity => Bytes::new(),
            #[cfg(feature = "compress")]
            Self::Gzip(_) => GzipStream::header(),
        }
    }

    /// Counts a payload, whose slices follow.
    pub(super) fn append(&mut self, payload: &Payload) {
        match self {
            Self::Identity => _ = payload,
            #[cfg(feature = "compress")]
            Self::Gzip(stream) => stream.append(payload.segment()),
        }
    }

    /// The slices of a payload in this coding.
    pub(super) fn slices<'a>(&self, payload: &'a Payload) -> &'a [Bytes] {
        match self {
            Self::Identity => payload.plain(),
            #[cfg(feature = "compress")]
            Self::Gzip(_) => payload.segment().slices(),
        }
    }

    /// The bytes after the last payload; may be empty.
    pub(super) fn end(&self) -> Bytes {
        match self {
            Self::Identity => Bytes::new(),
            #[cfg(feature = "compress")]
            Self::Gzip(stream) => stream.trailer(),
        }
    }
}
