//! The body of a response.

use std::{
    array,
    convert::Infallible,
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;

use super::{
    coding::{ContentCoding, StreamEncoder},
    payload::Payload,
    subscription::Subscription,
};

/// The body of the monitor's responses: complete at once, or a stream that lasts until the client leaves or the tracker is shut down.
/// The default is empty.
#[derive(Default)]
pub struct ResponseBody(BodyKind);

enum BodyKind {
    Whole(Full<Bytes>),
    Stream(Box<EventStream>),
}

impl Default for BodyKind {
    fn default() -> Self {
        Self::Whole(Full::default())
    }
}

/// A subscription as bytes.
struct EventStream {
    /// The bytes sent before the first event.
    opening: array::IntoIter<Bytes, 2>,
    subscription: Subscription,
    encoder: StreamEncoder,
}

impl EventStream {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Some(opening) = self.opening.find(|bytes| !bytes.is_empty()) {
            return Poll::Ready(Some(opening));
        }
        self.subscription.poll_next(cx).map(|payload| payload.map(|payload| self.encoder.encode(&payload)))
    }
}

impl ResponseBody {
    pub(super) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self(BodyKind::Whole(Full::new(bytes.into())))
    }

    pub(super) fn stream(subscription: Subscription, coding: ContentCoding) -> Self {
        let mut encoder = coding.stream_encoder();
        let opening = [encoder.begin(), encoder.encode(&Payload::retry())].into_iter();
        Self(BodyKind::Stream(Box::new(EventStream { opening, subscription, encoder })))
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            BodyKind::Whole(_) => "ResponseBody(whole)",
            BodyKind::Stream(_) => "ResponseBody(stream)",
        })
    }
}

#[deny(clippy::missing_trait_methods)]
impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut self.0 {
            BodyKind::Whole(whole) => Pin::new(whole).poll_frame(cx),
            BodyKind::Stream(stream) => match ready!(stream.poll_next(cx)) {
                Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
                None => {
                    self.0 = BodyKind::Whole(Full::new(stream.encoder.end()));
                    self.poll_frame(cx)
                }
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            BodyKind::Whole(whole) => whole.is_end_stream(),
            BodyKind::Stream(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            BodyKind::Whole(whole) => whole.size_hint(),
            BodyKind::Stream(_) => SizeHint::default(),
        }
    }
}
