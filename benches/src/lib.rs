//! Shared inputs of the benchmarks: a service that answers at once, and bodies whose frames are all ready.

pub mod bodies;
pub mod events;
pub mod machine;
pub mod measures;
pub mod operations;

use bytes::Bytes;
use http::{Request, Response, header};
use http_body::{Body, Frame, SizeHint};
use std::{
    convert::Infallible,
    future::{Future, Ready, ready},
    pin::Pin,
    task::{Context, Poll, Waker},
};
use tower::Service;

/// A body of so many equal frames, each of them ready.
#[derive(Clone, Debug)]
pub struct Frames {
    frame: Bytes,
    left: usize,
    content_type: &'static str,
}

impl Frames {
    /// No frames.
    pub fn none() -> Self {
        Self::plain(0)
    }

    /// `count` frames of 1 KB that are no event stream.
    pub fn plain(count: usize) -> Self {
        Self { frame: Bytes::from_static(&[b'x'; 1024]), left: count, content_type: "application/octet-stream" }
    }

    /// `count` events, one a frame.
    pub fn events(event: &'static [u8], count: usize) -> Self {
        Self { frame: Bytes::from_static(event), left: count, content_type: "text/event-stream" }
    }

    /// An answer in one frame.
    pub fn answer(answer: &'static [u8]) -> Self {
        Self { frame: Bytes::from_static(answer), left: 1, content_type: "application/json" }
    }
}

impl Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        self.left -= 1;
        Poll::Ready(Some(Ok(Frame::data(self.frame.clone()))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

/// Answers every request with the same frames.
#[derive(Clone, Debug)]
pub struct Bare(Frames);

/// A service that answers with `frames`.
pub fn bare(frames: Frames) -> Bare {
    Bare(frames)
}

impl<B> Service<Request<B>> for Bare {
    type Response = Response<Frames>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Frames>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        let mut response = Response::new(self.0.clone());
        response.headers_mut().insert(header::CONTENT_TYPE, http::HeaderValue::from_static(self.0.content_type));
        ready(Ok(response))
    }
}

/// Runs the exchange to the end of its body. Nothing in it is ever pending.
pub fn block_on<B: Body>(future: impl Future<Output = Result<Response<B>, Infallible>>) {
    let mut cx = Context::from_waker(Waker::noop());
    let Poll::Ready(Ok(response)) = std::pin::pin!(future).poll(&mut cx) else { unreachable!("it answers at once") };
    let mut body = std::pin::pin!(response.into_body());
    while !body.is_end_stream() {
        match body.as_mut().poll_frame(&mut cx) {
            Poll::Ready(Some(frame)) => drop(std::hint::black_box(frame)),
            Poll::Ready(None) => break,
            Poll::Pending => unreachable!("every frame is ready"),
        }
    }
}
