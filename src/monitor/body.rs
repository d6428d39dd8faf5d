//! The body of an answer.

use super::{
    encoding::{Encoder, Encoding},
    hub::Subscription,
};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use std::{
    array,
    convert::Infallible,
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

/// The body of the monitor's answers: a whole one, or a stream that lasts until its reader leaves or the tracker is shut down.
pub struct Body(Kind);

enum Kind {
    Whole(Bytes),
    Stream(Box<Stream>),
}

struct Stream {
    /// What is sent before anything else.
    opening: array::IntoIter<Bytes, 2>,
    subscription: Subscription,
    encoder: Encoder,
}

impl Stream {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Some(opening) = self.opening.find(|piece| !piece.is_empty()) {
            return Poll::Ready(Some(opening));
        }
        self.subscription.poll_next(cx).map(|frame| frame.map(|frame| self.encoder.next(&frame)))
    }
}

impl Body {
    pub(super) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self(Kind::Whole(bytes.into()))
    }

    pub(super) fn empty() -> Self {
        Self::whole(Bytes::new())
    }

    pub(super) fn stream(subscription: Subscription, encoding: Encoding) -> Self {
        let mut encoder = encoding.stream();
        let opening = [encoder.begin(), encoder.next(&super::frame::Frame::retry())].into_iter();
        Self(Kind::Stream(Box::new(Stream { opening, subscription, encoder })))
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Whole(_) => "Body(whole)",
            Kind::Stream(_) => "Body(stream)",
        })
    }
}

#[deny(clippy::missing_trait_methods)]
impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Kind::Stream(stream) = &mut self.0 {
            match ready!(stream.poll_next(cx)) {
                Some(piece) => return Poll::Ready(Some(Ok(Frame::data(piece)))),
                None => self.0 = Kind::Whole(stream.encoder.end()),
            }
        }
        Poll::Ready(match &mut self.0 {
            Kind::Whole(bytes) if !bytes.is_empty() => Some(Ok(Frame::data(std::mem::take(bytes)))),
            _ => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Whole(bytes) => bytes.is_empty(),
            Kind::Stream(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Stream(_) => SizeHint::default(),
        }
    }
}
