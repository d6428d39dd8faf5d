//! The body of an answer.

use super::{frame as stream, hub::Subscription};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use std::{
    convert::Infallible,
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

/// The body of the monitor's answers: a whole one, or a stream that lasts until its reader leaves or the tracker is shut down.
pub struct Body(Kind);

enum Kind {
    Whole(Bytes),
    Stream {
        /// What is sent before anything else.
        opening: Option<stream::Frame>,
        subscription: Box<Subscription>,
    },
    Ended,
}

impl Body {
    pub(super) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self(Kind::Whole(bytes.into()))
    }

    pub(super) fn empty() -> Self {
        Self(Kind::Ended)
    }

    pub(super) fn stream(subscription: Subscription) -> Self {
        Self(Kind::Stream { opening: Some(stream::Frame::retry()), subscription: Box::new(subscription) })
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Whole(_) => "Body(whole)",
            Kind::Stream { .. } => "Body(stream)",
            Kind::Ended => "Body(ended)",
        })
    }
}

#[deny(clippy::missing_trait_methods)]
impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = match &mut self.0 {
            Kind::Whole(bytes) => Some(std::mem::take(bytes)).filter(|bytes| !bytes.is_empty()),
            Kind::Stream { opening, subscription } => match opening.take() {
                Some(opening) => Some(opening),
                None => ready!(subscription.poll_next(cx)),
            }
            .map(|frame| frame.plain().clone()),
            Kind::Ended => None,
        };
        if piece.is_none() || matches!(self.0, Kind::Whole(_)) {
            self.0 = Kind::Ended;
        }
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Whole(bytes) => bytes.is_empty(),
            Kind::Stream { .. } => false,
            Kind::Ended => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Stream { .. } => SizeHint::default(),
            Kind::Ended => SizeHint::with_exact(0),
        }
    }
}
