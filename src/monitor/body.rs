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
    payload::{Payload, WeakPayload},
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
    /// Dropped before the subscription, which gives up what nobody is in the middle of.
    begun: Option<BegunPayload>,
    subscription: Subscription,
    encoder: StreamEncoder,
    /// Whether the stream has ended in the middle of a payload.
    is_cut: bool,
}

/// A payload of which slices are still to be sent.
struct BegunPayload {
    payload: WeakPayload,
    /// The number of slices that have been sent.
    sent: usize,
}

impl EventStream {
    fn new(opening: [Bytes; 2], subscription: Subscription, encoder: StreamEncoder) -> Self {
        Self { opening: opening.into_iter(), begun: None, subscription, encoder, is_cut: false }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Some(opening) = self.opening.find(|bytes| !bytes.is_empty()) {
            return Poll::Ready(Some(opening));
        }
        let (payload, sent) = match self.begun.take() {
            Some(begun) => match begun.payload.upgrade() {
                Some(payload) => (payload, begun.sent),
                None => {
                    self.is_cut = true;
                    return Poll::Ready(None);
                }
            },
            None => match ready!(self.subscription.poll_next(cx)) {
                Some(payload) => {
                    self.encoder.append(&payload);
                    (payload, 0)
                }
                None => return Poll::Ready(None),
            },
        };
        let slices = self.encoder.slices(&payload);
        if sent + 1 < slices.len() {
            // Referred to before it is kept: only what is referred to stays on the shelf.
            self.begun = Some(BegunPayload { payload: payload.downgrade(), sent: sent + 1 });
            self.subscription.keep(&payload);
        } else if sent > 0 {
            self.subscription.tidy();
        }
        Poll::Ready(slices.get(sent).cloned())
    }

    /// The bytes after the last event. There are none after half an event, which the client drops.
    fn end(&self) -> Bytes {
        if self.is_cut { Bytes::new() } else { self.encoder.end() }
    }
}

impl ResponseBody {
    pub(crate) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self(BodyKind::Whole(Full::new(bytes.into())))
    }

    /// The bytes of a body that is complete; `None` for a stream.
    #[cfg(feature = "fleet")]
    pub(crate) fn into_whole(mut self) -> Option<Bytes> {
        let BodyKind::Whole(whole) = &mut self.0 else { return None };
        let mut cx = Context::from_waker(std::task::Waker::noop());
        match Pin::new(whole).poll_frame(&mut cx) {
            Poll::Ready(Some(Ok(frame))) => frame.into_data().ok(),
            _ => Some(Bytes::new()),
        }
    }

    pub(crate) fn stream(subscription: Subscription, coding: ContentCoding) -> Self {
        let mut encoder = coding.stream_encoder();
        let retry = Payload::retry();
        encoder.append(&retry);
        let opening = [encoder.begin(), encoder.slices(&retry).concat().into()];
        Self(BodyKind::Stream(Box::new(EventStream::new(opening, subscription, encoder))))
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
                    self.0 = BodyKind::Whole(Full::new(stream.end()));
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
