//! The meter of one response body: chooses decoder and framing by the head, and feeds the events to a reader.

use http::{HeaderMap, HeaderValue, StatusCode, header, response};

use super::{
    custom::Dialects,
    framing::{Framing, ResponseKind},
    reader::ResponseReader,
    reading::{Observation, Reading},
};
use crate::decompress::{ContentEncoding, Decompressor};

/// Watches one response body.
///
/// It is a pointer: a body that cannot be read (encoded, or of a kind that says nothing about tokens) costs nothing more.
#[derive(Debug, Default)]
pub struct Meter {
    body: Option<Box<ReadableBody>>,
    is_stream: Option<bool>,
}

#[derive(Debug)]
struct ReadableBody {
    /// Decodes the body, if it is encoded.
    decompressor: Option<Box<Decompressor>>,
    framing: Framing,
    reader: ResponseReader,
}

/// The reading of a body that is not looked at.
static UNREAD: Reading = Reading { observation: Observation::None, ..Reading::EMPTY };

impl Meter {
    /// Returns the meter for a response with this head, chosen by content type and encoding; the dialect is found in the body.
    pub fn for_response(head: &response::Parts) -> Self {
        Self::with_dialects(head, &Dialects::new())
    }

    /// Returns the meter for a response with this head, which knows these dialects besides those that are built in.
    pub fn with_dialects(head: &response::Parts, dialects: &Dialects) -> Self {
        Self::new(head.status, &head.headers, dialects)
    }

    /// Returns the meter for the bytes of a successful response of this content type, such as a recorded one; not encoded.
    ///
    /// ```
    /// use active_requests::usage::Meter;
    ///
    /// let mut meter = Meter::for_content_type("application/x-ndjson");
    /// meter.observe(b"{\"model\":\"llama3\",\"response\":\"Hi\",\"done\":false}\n");
    /// meter.observe(b"{\"model\":\"llama3\",\"done\":true,\"prompt_eval_count\":26,\"eval_count\":1}\n");
    /// meter.finish();
    /// assert_eq!(meter.reading().usage.input_tokens, 26);
    /// ```
    pub fn for_content_type(content_type: &str) -> Self {
        // What cannot stand in a header is no content type that could be read.
        let Ok(content_type) = HeaderValue::from_str(content_type) else { return Self::default() };
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, content_type)]);
        Self::new(StatusCode::OK, &headers, &Dialects::new())
    }

    fn new(status: StatusCode, headers: &HeaderMap, dialects: &Dialects) -> Self {
        let kind = ResponseKind::of(headers, dialects);
        let body = kind.and_then(|kind| ReadableBody::new(kind, status, headers, dialects));
        Self { body, is_stream: kind.and_then(ResponseKind::is_stream) }
    }

    /// Whether the response is a stream, by its content type; `None` where that does not tell.
    pub fn is_stream(&self) -> Option<bool> {
        self.is_stream
    }

    /// Whether the body is one that cannot be read: there is no point in showing it to the meter.
    #[inline]
    pub fn is_blind(&self) -> bool {
        self.body.is_none()
    }

    /// Notes that some of the body has passed unseen: the rest cannot be understood.
    pub fn lose_sight(&mut self) {
        if let Some(body) = &mut self.body {
            body.lose_sight();
        }
    }

    /// Reads a chunk of the body. Chunks may be cut anywhere.
    #[inline]
    pub fn observe(&mut self, chunk: &[u8]) {
        if let Some(body) = &mut self.body {
            body.observe(chunk);
        }
    }

    /// Notes that the body has ended cleanly: an unfinished last line counts too.
    pub fn finish(&mut self) {
        if let Some(body) = &mut self.body {
            body.framing.finish(&mut body.reader);
            body.reader.finish();
        }
    }

    /// Returns the facts so far.
    #[inline]
    pub fn reading(&self) -> &Reading {
        self.body.as_ref().map_or(&UNREAD, |body| body.reader.reading())
    }
}

impl ReadableBody {
    /// `None`: the body cannot be decoded.
    fn new(kind: ResponseKind, status: StatusCode, headers: &HeaderMap, dialects: &Dialects) -> Option<Box<Self>> {
        let decompressor = match ContentEncoding::of(headers) {
            ContentEncoding::Identity => None,
            ContentEncoding::Known(decompressor) => Some(decompressor),
            ContentEncoding::Other => return None,
        };
        let reader = ResponseReader::new(status, dialects);
        Some(Box::new(Self { decompressor, framing: Framing::of(kind), reader }))
    }

    #[inline]
    fn observe(&mut self, chunk: &[u8]) {
        let Self { decompressor, framing, reader } = self;
        let Some(decompressor) = decompressor else { return framing.feed(chunk, reader) };
        if decompressor.feed(chunk, |decoded| framing.feed(decoded, reader)).is_err() {
            self.lose_sight();
        }
    }

    /// Gives the rest of the body up.
    fn lose_sight(&mut self) {
        self.decompressor = None;
        self.framing = Framing::Lost;
        self.reader.lose_sight();
    }
}
