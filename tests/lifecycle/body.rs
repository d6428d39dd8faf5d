//! A body that does what the test says, step by step.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use http_body::{Body, Frame, SizeHint};
use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    task::{Context, Poll},
};

/// The answer of a body that is asked for a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Data(&'static str),
    Trailers,
    Error,
    Panic,
    /// Nothing, for ever.
    Hang,
}

#[derive(Clone, Debug)]
pub(crate) struct Steps {
    left: VecDeque<Step>,
    /// Whether the body says how long it is and when it is over.
    exact: bool,
}

impl Steps {
    /// A body that does not know its length, nor that nothing will follow.
    pub(crate) fn stream(steps: &[Step]) -> Self {
        Self { left: steps.iter().copied().collect(), exact: false }
    }

    /// A body that knows.
    pub(crate) fn exact(data: &'static str) -> Self {
        Self { left: (!data.is_empty()).then_some(Step::Data(data)).into_iter().collect(), exact: true }
    }
}

#[deny(clippy::missing_trait_methods)]
impl Body for Steps {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Poll::Ready(match self.left.pop_front() {
            None => None,
            Some(Step::Data(data)) => {
                // Each frame on its own: what is ready together may be sent together.
                cx.waker().wake_by_ref();
                Some(Ok(Frame::data(Bytes::from_static(data.as_bytes()))))
            }
            Some(Step::Trailers) => {
                let trailers =
                    HeaderMap::from_iter([(http::HeaderName::from_static("x-sum"), HeaderValue::from_static("1"))]);
                Some(Ok(Frame::trailers(trailers)))
            }
            Some(Step::Error) => Some(Err(io::Error::other("the upstream broke off"))),
            Some(Step::Panic) => panic!("the body panics, as the test asks"),
            Some(Step::Hang) => {
                self.left.push_front(Step::Hang);
                return Poll::Pending;
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.exact && self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        match self.left.front() {
            Some(Step::Data(data)) if self.exact => SizeHint::with_exact(data.len() as u64),
            None if self.exact => SizeHint::with_exact(0),
            _ => SizeHint::default(),
        }
    }
}
