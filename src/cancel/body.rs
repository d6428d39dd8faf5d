//! From the response head to the end of the body.

use std::{
    mem,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::{
    error::BodyError,
    event_watch::EventWatch,
    switch::{Cancellable, Killed},
};

/// Polls between the error event and the body's error. When a body fails, hyper drops what it has not written yet. Over HTTP/1 it
/// writes in the turn in which nothing more is to be had; over HTTP/2 another task writes, which these polls give time to.
const POLLS_FOR_FLUSH: u8 = 16;

pin_project! {
    /// The response body of [`CancelRequest`](super::CancelRequest): the inner body, until the request is cancelled.
    #[derive(Debug)]
    pub struct ResponseBody<B> {
        #[pin]
        source: Source<B>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = SourceProj]
    enum Source<B> {
        // The inner body, of a request that cannot be cancelled.
        Direct { #[pin] body: B },
        Watched { stage: Stage<B> },
    }
}

/// The stages of a body that can be cancelled.
#[derive(Debug)]
enum Stage<B> {
    /// The inner body passes. `events`: of a stream that an event may be added to.
    Passing { body: Cancellable<B>, events: Option<EventWatch> },
    /// The answer to a request that was cancelled before its head.
    Answer(Bytes),
    /// The error event has been handed on; the body fails after some more polls.
    Flushing(u8),
    /// Nothing follows.
    Over,
}

/// An empty body.
impl<B> Default for ResponseBody<B> {
    fn default() -> Self {
        Self::from(Stage::Over)
    }
}

impl<B> From<Stage<B>> for ResponseBody<B> {
    fn from(stage: Stage<B>) -> Self {
        Self { source: Source::Watched { stage } }
    }
}

impl<B> ResponseBody<B> {
    pub(super) fn direct(body: B) -> Self {
        Self { source: Source::Direct { body } }
    }

    pub(super) fn cancellable(body: Cancellable<B>, events: Option<EventWatch>) -> Self {
        Self::from(Stage::Passing { body, events })
    }

    pub(super) fn answer(answer: Bytes) -> Self {
        Self::from(if answer.is_empty() { Stage::Over } else { Stage::Answer(answer) })
    }
}

/// The frames of a body whose error may be a kill.
type PolledFrame<B> = Poll<Option<Result<Frame<<B as Body>::Data>, BodyError<<B as Body>::Error>>>>;

impl<B: Body<Data: From<Bytes>>> Stage<B> {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> PolledFrame<B> {
        match self {
            Self::Passing { body, events } => match body.poll_frame(cx) {
                Ok(polled) => {
                    if let (Some(watch), Poll::Ready(Some(Ok(frame)))) = (events.as_mut(), &polled)
                        && frame.data_ref().is_some_and(|data| !watch.follow(data))
                    {
                        *events = None;
                    }
                    if body.is_over() {
                        *self = Self::Over;
                    }
                    polled.map_err(BodyError::Body)
                }
                Err(Killed) => {
                    let event = events.as_ref().and_then(EventWatch::error_event);
                    if let Some(event) = event {
                        *self = Self::Flushing(POLLS_FOR_FLUSH);
                        return Poll::Ready(Some(Ok(Frame::data(event.into()))));
                    }
                    *self = Self::Over;
                    Poll::Ready(Some(Err(BodyError::Killed)))
                }
            },
            Self::Answer(answer) => {
                let answer = mem::take(answer);
                *self = Self::Over;
                Poll::Ready(Some(Ok(Frame::data(answer.into()))))
            }
            Self::Flushing(0) => {
                *self = Self::Over;
                Poll::Ready(Some(Err(BodyError::Killed)))
            }
            Self::Flushing(polls) => {
                *polls -= 1;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Self::Over => Poll::Ready(None),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Passing { body, .. } => body.size_hint(),
            Self::Answer(answer) => SizeHint::with_exact(answer.remaining() as u64),
            Self::Flushing(_) => SizeHint::default(),
            Self::Over => SizeHint::with_exact(0),
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl<B: Body<Data: From<Bytes>>> Body for ResponseBody<B> {
    type Data = B::Data;
    type Error = BodyError<B::Error>;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        match self.project().source.project() {
            SourceProj::Direct { body } => body.poll_frame(cx).map_err(BodyError::Body),
            SourceProj::Watched { stage } => stage.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Direct { body } => body.is_end_stream(),
            Source::Watched { stage } => matches!(stage, Stage::Over),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Direct { body } => body.size_hint(),
            Source::Watched { stage } => stage.size_hint(),
        }
    }
}
