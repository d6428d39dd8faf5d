//! Cancelling from within, on several lists, and not at all.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use active_requests::{
    ActiveRequestsLayer, CancelRequestLayer, RequestHandle, RequestTracker,
    cancel::{BodyError, CancelRequest, ResponseBody},
    tracker::{Cancellation, Outcome},
};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full};
use tower::{ServiceBuilder, ServiceExt};

/// A body that cancels its own request when it is polled, and then yields a frame all the same.
struct SelfCancelling {
    handle: RequestHandle,
    polled: bool,
}

impl Body for SelfCancelling {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if !std::mem::replace(&mut self.polled, true) {
            return Poll::Ready(Some(Ok(Frame::data(Bytes::from("first")))));
        }
        assert_eq!(self.handle.cancel(), Cancellation::Cancelled);
        assert_eq!(self.handle.cancel(), Cancellation::Gone);
        Poll::Ready(None)
    }
}

fn handle(request: &Request<()>) -> RequestHandle {
    request.extensions().get::<RequestHandle>().unwrap().clone()
}

#[tokio::test]
async fn a_handler_may_cancel_its_own_request() {
    let tracker = RequestTracker::default();
    let service = ServiceBuilder::new()
        .layer(ActiveRequestsLayer::new(tracker.clone()))
        .layer(CancelRequestLayer::new())
        .service_fn(async |request: Request<()>| {
            assert_eq!(handle(&request).cancel(), Cancellation::Cancelled);
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("too late")))
        });
    let response = service.oneshot(Request::new(())).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(tracker.recent_traces(2)[0].outcome, Outcome::Killed);
}

#[tokio::test]
async fn a_body_that_cancels_its_request_never_ends_cleanly() {
    let tracker = RequestTracker::default();
    let service = ServiceBuilder::new()
        .layer(ActiveRequestsLayer::new(tracker.clone()))
        .layer(CancelRequestLayer::new())
        .service_fn(async |request: Request<()>| {
            Ok::<_, Infallible>(Response::new(SelfCancelling { handle: handle(&request), polled: false }))
        });
    let mut body = service.oneshot(Request::new(())).await.unwrap().into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "first");
    assert_eq!(body.frame().await.unwrap().unwrap_err(), BodyError::Killed);
    assert!(body.frame().await.is_none() && body.is_end_stream());
    let entry = tracker.recent_traces(2).remove(0);
    assert_eq!((entry.outcome, entry.response_bytes), (Outcome::Killed, 5));
}

#[tokio::test]
async fn a_request_on_two_lists_is_killed_on_both_whichever_is_asked() {
    for ask_outer in [true, false] {
        let (outer, inner) = (RequestTracker::default(), RequestTracker::default());
        let service = ServiceBuilder::new()
            .layer(ActiveRequestsLayer::new(outer.clone()))
            .layer(ActiveRequestsLayer::new(inner.clone()))
            .layer(CancelRequestLayer::new())
            .service_fn(async |_: Request<()>| {
                std::future::pending::<Result<Response<Full<Bytes>>, Infallible>>().await
            });
        let cancel = async {
            let tracker = if ask_outer { &outer } else { &inner };
            assert_eq!(tracker.cancel(tracker.snapshot()[0].request_id), Cancellation::Cancelled);
        };
        let (response, ()) = tokio::join!(service.oneshot(Request::new(())), cancel);
        assert_eq!(response.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
        for tracker in [outer, inner] {
            assert_eq!((tracker.active(), tracker.recent_traces(2).len()), (0, 1));
            assert_eq!(tracker.recent_traces(1)[0].outcome, Outcome::Killed);
        }
    }
}

async fn is_not_cancellable<S, B>(tracker: &RequestTracker, service: S)
where
    S: tower::Service<Request<()>, Response = Response<B>, Error = Infallible>,
    B: Body<Error: std::fmt::Debug>,
{
    let response = service.oneshot(Request::new(())).await.unwrap();
    let id = tracker.snapshot()[0].request_id;
    assert_eq!(tracker.cancel(id), Cancellation::NotCancellable);
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "an answer");
    assert_eq!(tracker.recent_traces(1)[0].outcome, Outcome::Completed);
    assert_eq!(tracker.cancel(id), Cancellation::Gone);
}

#[tokio::test]
async fn without_the_layer_or_with_it_switched_off_nothing_can_be_cancelled() {
    let tracker = RequestTracker::default();
    let tracked = || ServiceBuilder::new().layer(ActiveRequestsLayer::new(tracker.clone()));
    let answer = async |_: Request<()>| Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("an answer")));
    is_not_cancellable(&tracker, tracked().service_fn(answer)).await;
    is_not_cancellable(&tracker, tracked().layer(CancelRequestLayer::new().enabled(false)).service_fn(answer)).await;
}

#[tokio::test]
async fn an_end_that_comes_first_stands() {
    let tracker = RequestTracker::default();
    let service = ServiceBuilder::new()
        .layer(ActiveRequestsLayer::new(tracker.clone()))
        .layer(CancelRequestLayer::new())
        .service_fn(async |request: Request<()>| {
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(handle(&request).id().unwrap().to_string())))
        });
    let body = service.oneshot(Request::new(())).await.unwrap().into_body();
    let id = body.collect().await.unwrap().to_bytes();
    let id = std::str::from_utf8(&id).unwrap().parse().unwrap();
    assert_eq!(tracker.cancel(id), Cancellation::Gone);
    assert_eq!(tracker.recent_traces(2)[0].outcome, Outcome::Completed);
}

#[test]
fn a_killed_request_writes_nothing_to_the_next_one_in_its_slot() {
    let tracker = RequestTracker::default();
    let mut service = ServiceBuilder::new()
        .layer(ActiveRequestsLayer::new(tracker.clone()))
        .layer(CancelRequestLayer::new())
        .service_fn(async |request: Request<()>| {
            Ok::<_, Infallible>(Response::new(SelfCancelling { handle: handle(&request), polled: false }))
        });
    let mut cx = Context::from_waker(Waker::noop());
    let mut call = || {
        let mut future = std::pin::pin!(tower::Service::call(&mut service, Request::new(())));
        let Poll::Ready(Ok(response)) = future.as_mut().poll(&mut cx) else { panic!("it is ready") };
        response.into_body()
    };
    let mut killed = call();
    assert_eq!(tracker.cancel(tracker.snapshot()[0].request_id), Cancellation::Cancelled);
    let next = call();
    let mut cx = Context::from_waker(Waker::noop());
    assert!(matches!(Pin::new(&mut killed).poll_frame(&mut cx), Poll::Ready(Some(Err(BodyError::Killed)))));
    drop(killed);
    let row = tracker.snapshot().remove(0);
    assert_eq!((row.response_bytes, row.waiting_on.as_str()), (0, "client"));
    drop(next);
    assert_eq!(tracker.active(), 0);
}

#[tokio::test]
async fn the_middleware_passes_everything_on() {
    let service = CancelRequest::new(tower::service_fn(async |_: Request<()>| {
        Err::<Response<Full<Bytes>>, _>(std::io::Error::other("no upstream"))
    }));
    assert_eq!(service.oneshot(Request::new(())).await.unwrap_err().to_string(), "no upstream");
    let empty = ResponseBody::<Full<Bytes>>::default();
    assert!(empty.is_end_stream() && empty.size_hint().exact() == Some(0));
    let error: Box<dyn std::error::Error + Send + Sync> = BodyError::Body("broken").into();
    assert_eq!(error.to_string(), "broken");
}
