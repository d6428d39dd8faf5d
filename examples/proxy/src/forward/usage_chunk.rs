//! Asks an OpenAI-format stream for its usage where the client did not, and keeps the extra chunk from the client.
//!
//! `stream_options.include_usage` makes the upstream send one more chunk, with `"choices":[]`, before `[DONE]`. The tracker sees
//! it; the client, which has not asked, gets every other byte as it came.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use active_requests::sse::{Decoder, RawEvent};
use bytes::{Bytes, BytesMut};
use http::{Response, header};
use http_body::{Body, Frame, SizeHint};
use serde::{Deserialize, Deserializer, de::IgnoredAny};
use serde_json::{Map, Value, value::RawValue};

use crate::forward::buffer::BodyEdit;

/// Routes whose streams carry usage only on demand.
pub fn is_asked_at(path: &str) -> bool {
    matches!(path, "/v1/chat/completions" | "/v1/completions")
}

/// What makes this body ask for usage; nothing, if it is no stream or asks already.
pub fn edit(body: &[u8]) -> Option<BodyEdit> {
    #[derive(Deserialize)]
    struct Asked<'a> {
        #[serde(default)]
        stream: Option<bool>,
        #[serde(borrow, default, deserialize_with = "as_it_stands")]
        stream_options: Option<&'a RawValue>,
    }
    let asked: Asked<'_> = serde_json::from_slice(body).ok().filter(|asked: &Asked<'_>| asked.stream == Some(true))?;
    let mut options = Map::new();
    let Some(given) = asked.stream_options else {
        let brace = memchr::memchr(b'{', body)?;
        return Some((brace + 1..brace + 1, Bytes::from_static(br#""stream_options":{"include_usage":true},"#)));
    };
    options.extend(serde_json::from_str::<Map<String, Value>>(given.get()).unwrap_or_default());
    if options.get("include_usage") == Some(&Value::Bool(true)) {
        return None;
    }
    options.insert("include_usage".to_owned(), Value::Bool(true));
    let at = given.get().as_ptr() as usize - body.as_ptr() as usize;
    Some((at..at + given.get().len(), Bytes::from(Value::Object(options).to_string())))
}

/// A value that is there, be it `null`, which some SDKs send for nothing.
fn as_it_stands<'de, D: Deserializer<'de>>(value: D) -> Result<Option<&'de RawValue>, D::Error> {
    Deserialize::deserialize(value).map(Some)
}

/// Marks a response whose usage chunk the client has not asked for.
#[derive(Clone, Copy, Debug)]
pub struct UsageInjected;

/// Whether there is a chunk to hide in this response.
pub fn is_to_hide<B>(response: &Response<B>) -> bool {
    let is_stream = |value: &http::HeaderValue| value.as_bytes().starts_with(b"text/event-stream");
    response.extensions().get::<UsageInjected>().is_some()
        && response.headers().get(header::CONTENT_TYPE).is_some_and(is_stream)
        && !response.headers().contains_key(header::CONTENT_ENCODING)
}

/// An event stream without its usage chunk.
#[derive(Debug)]
pub struct WithoutUsageChunk<B: Body> {
    inner: B,
    /// The start of an event that is not complete yet.
    open: BytesMut,
    lines: EventEnds,
    /// What comes after the last of the open event: trailers or an error.
    after: Option<Result<Frame<Bytes>, B::Error>>,
    ended: bool,
}

/// Of a longer event no more is held: a usage chunk is short.
const MAX_OPEN: usize = 64 * 1024;

impl<B: Body> WithoutUsageChunk<B> {
    pub fn new(inner: B) -> Self {
        Self { inner, open: BytesMut::new(), lines: EventEnds::default(), after: None, ended: false }
    }

    /// What may pass of the next piece.
    fn filter(&mut self, piece: Bytes) -> Bytes {
        let mut kept = BytesMut::new();
        let mut untouched = self.open.is_empty();
        let mut from = 0;
        while let Some(end) = self.lines.event_end(&piece[from..]) {
            self.open.extend_from_slice(&piece[from..from + end]);
            from += end;
            let event = self.open.split();
            if is_usage_chunk(&event) {
                untouched = false;
            } else {
                kept.unsplit(event);
            }
        }
        if untouched && from == piece.len() {
            return piece;
        }
        self.open.extend_from_slice(&piece[from..]);
        if self.open.len() > MAX_OPEN {
            kept.unsplit(self.open.split());
        }
        kept.freeze()
    }

    /// The stream is over: an event without its blank line counts as one.
    fn last(&mut self) -> Option<Result<Frame<Bytes>, B::Error>> {
        let last = self.open.split().freeze();
        (!last.is_empty() && !is_usage_chunk(&last)).then(|| Ok(Frame::data(last)))
    }
}

#[deny(clippy::missing_trait_methods)]
impl<B> Body for WithoutUsageChunk<B>
where
    B: Body<Data = Bytes, Error: Unpin> + Unpin,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = &mut *self;
        while !this.ended {
            match ready!(Pin::new(&mut this.inner).poll_frame(cx)).map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(piece))) => {
                    let kept = this.filter(piece);
                    if !kept.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(kept))));
                    }
                    continue;
                }
                Some(Ok(Err(trailers))) => this.after = Some(Ok(trailers)),
                Some(Err(error)) => this.after = Some(Err(error)),
                None => {}
            }
            this.ended = true;
        }
        Poll::Ready(this.last().or_else(|| this.after.take()))
    }

    fn is_end_stream(&self) -> bool {
        let over = self.ended || self.inner.is_end_stream();
        over && self.open.is_empty() && self.after.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

/// Finds where events end: at a blank line, whatever ends its lines.
#[derive(Debug, Default)]
struct EventEnds {
    /// The current line has bytes.
    filled: bool,
    /// The last byte was a CR: an LF belongs to it.
    cr: bool,
}

impl EventEnds {
    /// The end of the first event that ends in `bytes`.
    fn event_end(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut from = 0;
        while let Some(at) = memchr::memchr2(b'\n', b'\r', &bytes[from..]) {
            let of_crlf = at == 0 && self.cr && bytes[from] == b'\n';
            self.filled |= at > 0;
            self.cr = bytes[from + at] == b'\r';
            from += at + 1;
            if of_crlf {
                continue;
            }
            if !std::mem::take(&mut self.filled) {
                if self.cr && bytes.get(from) == Some(&b'\n') {
                    self.cr = false;
                    from += 1;
                }
                return Some(from);
            }
        }
        if from < bytes.len() {
            self.filled = true;
            self.cr = false;
        }
        None
    }
}

/// Whether this event is the one that `include_usage` adds.
fn is_usage_chunk(event: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Chunk {
        choices: Vec<IgnoredAny>,
        usage: Option<IgnoredAny>,
    }
    let mut found = false;
    if memchr::memmem::find(event, b"\"usage\"").is_some() {
        let mut decoder = Decoder::new();
        let mut read = |event: RawEvent<'_>| {
            let chunk = serde_json::from_slice::<Chunk>(event.data);
            found |= chunk.is_ok_and(|chunk| chunk.choices.is_empty() && chunk.usage.is_some());
        };
        decoder.feed(event, &mut read);
        decoder.finish(&mut read);
    }
    found
}
