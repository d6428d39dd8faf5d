//! Asks an OpenAI-format stream for its usage where the client did not, and keeps the extra chunk from the client.
//!
//! `stream_options.include_usage` makes the upstream send one more chunk, with `"choices":[]`, before `[DONE]`. The tracker sees
//! it; the client, which has not asked, gets every other byte as it came.

use std::{
    ops::Range,
    pin::Pin,
    task::{Context, Poll, ready},
};

use active_requests::sse::Decoder;
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

/// The edit that makes a body ask for usage; `None` if it is no stream or asks already.
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

/// The mark of a response to a request in which the proxy, and not the client, has asked for usage.
#[derive(Clone, Copy, Debug)]
pub struct UsageInjected;

/// Whether this response is a stream with a usage chunk that its client has not asked for.
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
    events: Events,
    /// Trailers or an error, sent after the last bytes.
    last: Option<Result<Frame<Bytes>, B::Error>>,
    ended: bool,
}

impl<B: Body> WithoutUsageChunk<B> {
    pub fn new(inner: B) -> Self {
        Self { inner, events: Events::default(), last: None, ended: false }
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
                Some(Ok(Ok(chunk))) => {
                    let kept = this.events.filter(chunk);
                    if !kept.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(kept))));
                    }
                    continue;
                }
                Some(Ok(Err(trailers))) => this.last = Some(Ok(trailers)),
                Some(Err(error)) => this.last = Some(Err(error)),
                None => {}
            }
            this.ended = true;
        }
        let rest = this.events.finish();
        Poll::Ready(if rest.is_empty() { this.last.take() } else { Some(Ok(Frame::data(rest))) })
    }

    fn is_end_stream(&self) -> bool {
        let over = self.ended || self.inner.is_end_stream();
        over && self.events.open.is_empty() && self.last.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

/// The most bytes of an incomplete event that are held back: a usage chunk is short.
const MAX_OPEN: usize = 64 * 1024;

/// The events of a stream as bytes, the usage chunk left out. Held back is at most the event that is not complete yet.
#[derive(Debug, Default)]
struct Events {
    decoder: Decoder,
    /// The bytes that are held back.
    open: BytesMut,
    /// The offset of `open` in the body.
    offset: u64,
    /// A usage chunk has been left out up to a CR; an LF behind it belongs to it.
    drop_lf: bool,
}

impl Events {
    /// Takes the next chunk, and returns what may pass now.
    fn filter(&mut self, chunk: Bytes) -> Bytes {
        let mut usage: Vec<Range<u64>> = Vec::new();
        self.decoder.feed(&chunk, |event| {
            if is_usage_chunk(event.data) {
                usage.push(event.start..event.end);
            }
        });
        let complete = self.decoder.event_start();
        let all_pass = usage.is_empty() && complete == self.offset + chunk.len() as u64;
        if all_pass && self.open.is_empty() && !self.drop_lf {
            self.offset = complete;
            return chunk;
        }
        self.open.extend_from_slice(&chunk);
        self.drop_lf();
        let mut kept = BytesMut::new();
        // What has passed because it was too long to be held is no usage chunk.
        for Range { start, end } in usage {
            if start < self.offset {
                continue;
            }
            kept.unsplit(self.take_to(start));
            self.drop_lf = self.take_to(end).ends_with(b"\r");
            self.drop_lf();
        }
        kept.unsplit(self.take_to(complete));
        if self.open.len() > MAX_OPEN {
            kept.unsplit(self.take_to(u64::MAX));
        }
        kept.freeze()
    }

    /// Ends the stream, and returns what is still held back, unless it is a usage chunk without its blank line.
    fn finish(&mut self) -> Bytes {
        let mut is_usage = false;
        std::mem::take(&mut self.decoder).finish(|event| is_usage = is_usage_chunk(event.data));
        let rest = self.take_to(u64::MAX);
        if is_usage { Bytes::new() } else { rest.freeze() }
    }

    fn drop_lf(&mut self) {
        if self.drop_lf && !self.open.is_empty() {
            self.drop_lf = false;
            if self.open.starts_with(b"\n") {
                self.take_to(self.offset + 1);
            }
        }
    }

    /// Takes the bytes before an offset in the body.
    fn take_to(&mut self, end: u64) -> BytesMut {
        let length = usize::try_from(end.saturating_sub(self.offset)).unwrap_or(usize::MAX).min(self.open.len());
        self.offset += length as u64;
        self.open.split_to(length)
    }
}

/// Whether an event with this data is the one that `include_usage` adds.
fn is_usage_chunk(data: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Chunk {
        choices: Vec<IgnoredAny>,
        usage: Option<IgnoredAny>,
    }
    memchr::memmem::find(data, b"\"usage\"").is_some()
        && serde_json::from_slice::<Chunk>(data).is_ok_and(|chunk| chunk.choices.is_empty() && chunk.usage.is_some())
}
