//! Which responses are errors, and how errors are put into words.

use std::{convert::Infallible, fmt, io};

use active_requests::{
    track::{ActiveRequests, ActiveRequestsLayer, Classifier},
    tracker::{Entry, ErrorInfo, ErrorType, RequestTracker},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tower::{ServiceBuilder, ServiceExt, service_fn};

use crate::body::{
    Step::{self, Data, Error, Hang},
    Steps,
};

/// An error that is not `'static` and no `std::error::Error`.
#[derive(Debug)]
struct Borrowed<'a>(&'a str);

impl fmt::Display for Borrowed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

fn told(tracker: &RequestTracker) -> (String, Option<String>, String) {
    let Entry { outcome, error, error_type, .. } = tracker.recent_traces(1).remove(0);
    (outcome.to_string(), error, error_type.map(|error_type| error_type.to_string()).unwrap_or_default())
}

#[tokio::test]
async fn without_a_hook_nothing_is_said_of_an_error() {
    let tracker = RequestTracker::default();
    let words = String::from("no route");
    let handler = service_fn(|_: Request<()>| std::future::ready(Err::<Response<Steps>, _>(Borrowed(&words))));
    assert!(ActiveRequests::new(handler, tracker.clone()).oneshot(Request::new(())).await.is_err());
    assert_eq!(told(&tracker), ("service_error".into(), None, "unexpected_error".into()));
}

#[tokio::test]
async fn a_hook_puts_an_error_into_words_and_names_its_type() {
    let tracker = RequestTracker::default();
    let words = String::from("no answer");
    let layer = ActiveRequestsLayer::new(tracker.clone())
        .on_error(|error: &Borrowed<'_>| ErrorInfo::new(error.to_string()).error_type(ErrorType::Timeout));
    let handler = service_fn(|_: Request<()>| std::future::ready(Err::<Response<Steps>, _>(Borrowed(&words))));
    assert!(ServiceBuilder::new().layer(layer).service(handler).oneshot(Request::new(())).await.is_err());
    assert_eq!(told(&tracker), ("service_error".into(), Some("no answer".into()), "timeout".into()));
}

#[tokio::test]
async fn an_error_of_the_body_is_put_into_words_by_its_own_hook() {
    for hooked in [false, true] {
        let tracker = RequestTracker::default();
        let handler =
            service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(Steps::stream(&[Data("hel"), Error]))));
        let layer = ActiveRequestsLayer::new(tracker.clone());
        if hooked {
            let layer = layer.on_body_error(|error: &io::Error| ErrorInfo::from_error(error));
            let response = ServiceBuilder::new().layer(layer).service(handler).oneshot(Request::new(())).await.unwrap();
            assert!(response.into_body().collect().await.is_err());
        } else {
            let response = ServiceBuilder::new().layer(layer).service(handler).oneshot(Request::new(())).await.unwrap();
            assert!(response.into_body().collect().await.is_err());
        }
        let words = hooked.then(|| "the upstream broke off".to_owned());
        assert_eq!(told(&tracker), ("body_error".into(), words, "streaming_error".into()));
    }
}

#[test]
fn a_timeout_is_found_among_the_sources() {
    #[derive(Debug)]
    struct Outer(io::Error);
    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("could not ask the upstream")
        }
    }
    impl std::error::Error for Outer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }
    let info = |kind: io::ErrorKind| ErrorInfo::from_error(&Outer(kind.into()));
    assert_eq!(info(io::ErrorKind::TimedOut).error_type, Some(ErrorType::Timeout));
    assert_eq!(info(io::ErrorKind::ConnectionRefused), ErrorInfo::new("could not ask the upstream"));
}

/// How a response with this status is told, read to its end or dropped unread.
async fn classified(
    classifier: Classifier,
    status: u16,
    steps: &'static [Step],
    read: bool,
) -> (String, Option<String>, String) {
    let tracker = RequestTracker::default();
    let layer = ActiveRequestsLayer::new(tracker.clone()).classify(classifier);
    let handler = service_fn(move |_: Request<()>| {
        let response = Response::builder().status(status).body(Steps::stream(steps)).unwrap();
        std::future::ready(Ok::<_, Infallible>(response))
    });
    let response = ServiceBuilder::new().layer(layer).service(handler).oneshot(Request::new(())).await.unwrap();
    if read {
        response.into_body().collect().await.unwrap();
    } else {
        drop(response);
    }
    told(&tracker)
}

#[tokio::test]
async fn what_counts_as_an_error_is_chosen() {
    let by_default = classified(Classifier::default(), 404, &[Data("no")], true).await;
    assert_eq!(by_default, ("upstream_error".into(), None, "bad_request".into()));
    let by_server_errors = classified(Classifier::server_errors(), 404, &[Data("no")], true).await;
    assert_eq!(by_server_errors, ("completed".into(), None, String::new()));
    let own = Classifier::new(|status, _| (status == 204).then_some(ErrorType::ApiError));
    assert_eq!(classified(own, 204, &[], true).await, ("upstream_error".into(), None, "api_error".into()));
}

#[tokio::test]
async fn an_error_whose_body_nobody_asked_for_is_told_by_its_status() {
    let set_aside = classified(Classifier::default(), 503, &[Data("busy"), Hang], false).await;
    assert_eq!(set_aside, ("upstream_error".into(), None, "upstream_error".into()));
    let success = classified(Classifier::default(), 200, &[Data("hello"), Hang], false).await;
    assert_eq!(success, ("client_disconnect".into(), None, "client_disconnect".into()));
}

#[tokio::test]
async fn grpc_is_told_by_its_status_in_head_or_trailers() {
    let status =
        |code| HeaderMap::from_iter([(HeaderName::from_static("grpc-status"), HeaderValue::from_static(code))]);
    for (head, trailers, outcome, error_type) in [
        (None, Some("0"), "completed", ""),
        (None, Some("13"), "upstream_error", "unexpected_error"),
        (None, Some("4"), "upstream_error", "timeout"),
        (Some("5"), None, "upstream_error", "bad_request"),
    ] {
        let tracker = RequestTracker::default();
        let layer = ActiveRequestsLayer::new(tracker.clone()).classify(Classifier::grpc());
        let handler = service_fn(move |_: Request<()>| {
            let frames =
                [Some(Frame::data(Bytes::from_static(b"message"))), trailers.map(|code| Frame::trailers(status(code)))];
            let frames = frames.into_iter().flatten().map(Ok::<_, Infallible>);
            let mut response = Response::new(StreamBody::new(futures_util::stream::iter(frames)));
            response.headers_mut().extend(head.map(status).unwrap_or_default());
            std::future::ready(Ok::<_, Infallible>(response))
        });
        let response = ServiceBuilder::new().layer(layer).service(handler).oneshot(Request::new(())).await.unwrap();
        response.into_body().collect().await.unwrap();
        assert_eq!(told(&tracker), (outcome.into(), None, error_type.into()), "{head:?} {trailers:?}");
    }
}
