//! A panic is told as one, wherever it is caught.

use std::{
    convert::Infallible,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll, Waker},
};

use active_requests::{
    track::{ActiveRequests, ResponseBody},
    tracker::RequestTracker,
};
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full};
use tower::{Service, ServiceExt, service_fn};

use crate::body::{
    Step::{Data, Panic},
    Steps,
};

fn outcome(tracker: &RequestTracker) -> String {
    assert_eq!(tracker.active(), 0);
    let traces = tracker.recent_traces(10);
    assert_eq!(traces.len(), 1, "a request ends once");
    traces[0].outcome.to_string()
}

#[test]
fn a_panic_in_the_future_that_is_caught_outside_is_one() {
    let tracker = RequestTracker::default();
    let handler = service_fn(async |_: Request<()>| -> Result<Response<Steps>, Infallible> {
        tokio::task::yield_now().await;
        panic!("as the test asks");
    });
    let mut call = Box::pin(ActiveRequests::new(handler, tracker.clone()).call(Request::new(())));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(call.as_mut().poll(&mut cx).is_pending());
    let caught = catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(&mut cx).is_ready()));
    assert!(caught.is_err());
    assert_eq!(outcome(&tracker), "panicked", "before the future is dropped");
    drop(call);
    assert_eq!(outcome(&tracker), "panicked");
}

#[tokio::test]
async fn a_panic_in_the_body_that_is_caught_outside_is_one() {
    let tracker = RequestTracker::default();
    let handler =
        service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(Steps::stream(&[Data("hello"), Panic]))));
    let service = ActiveRequests::new(handler, tracker.clone());
    let mut body = service.oneshot(Request::new(())).await.unwrap().into_body();
    let mut poll = || Pin::new(&mut body).poll_frame(&mut Context::from_waker(Waker::noop())).is_ready();
    assert!(poll());
    assert!(catch_unwind(AssertUnwindSafe(poll)).is_err());
    drop(body);
    assert_eq!(outcome(&tracker), "panicked");
}

/// A body that panics when it is dropped.
struct PanicsWhenDropped;

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        panic!("as the test asks");
    }
}

impl Body for PanicsWhenDropped {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

#[tokio::test]
async fn a_panic_in_the_drop_of_the_body_is_one() {
    let tracker = RequestTracker::default();
    let handler = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(PanicsWhenDropped)));
    let response = ActiveRequests::new(handler, tracker.clone()).oneshot(Request::new(())).await.unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| drop(response))).is_err());
    assert_eq!(outcome(&tracker), "panicked");
}

#[tokio::test]
async fn a_body_of_no_request_is_the_inner_bodys_default() {
    let body = ResponseBody::<Full<Bytes>>::default();
    assert!(body.is_end_stream());
    assert!(body.collect().await.unwrap().to_bytes().is_empty());
}
