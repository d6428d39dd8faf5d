//! The handle that every request has, and what a handler does with it.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Waker},
};

use active_requests::{
    config::TrackerConfig,
    track::{ActiveRequests, ActiveRequestsLayer},
    tracker::{Phase, RequestHandle, RequestInfo, RequestTracker},
    usage::{Usage, UsageSource},
};
use http::{Request, Response, header};
use http_body::Body;
use http_body_util::BodyExt;
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};

use crate::body::{
    Step::{Data, Hang},
    Steps,
};

const TOKEN: &str = "data: {\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"12345678\"},\"finish_reason\":\"length\"}]}\n\n";
const USAGE: &str = "data: {\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":5,\"total_tokens\":12}}\n\ndata: [DONE]\n\n";

type Answered = Result<Response<Steps>, Infallible>;

/// Answers with a body that goes on for ever, once `handler` has seen the request's handle.
fn service(
    handler: impl Fn(&RequestHandle) + Clone,
) -> impl Service<Request<()>, Response = Response<Steps>, Error = Infallible> {
    service_fn(move |request: Request<()>| {
        handler(request.extensions().get::<RequestHandle>().expect("every request has a handle"));
        std::future::ready(Answered::Ok(Response::new(Steps::stream(&[Hang]))))
    })
}

#[tokio::test]
async fn with_tracking_off_the_handle_writes_nowhere() {
    let tracker = RequestTracker::new(TrackerConfig::default().enabled(false));
    let service = ActiveRequests::new(
        service(|handle| {
            assert!(!handle.is_tracked());
            assert_eq!((handle.id(), handle.row().is_none()), (None, true));
            handle.set_model("nobody sees it");
            handle.add_text("nor this");
        }),
        tracker.clone(),
    );
    let response = service.oneshot(Request::new(())).await.unwrap();
    assert_eq!(tracker.active(), 0);
    drop(response);
    assert!(tracker.recent_traces(10).is_empty());
}

#[tokio::test]
async fn a_request_that_is_filtered_out_has_a_handle_that_writes_nowhere() {
    let tracker = RequestTracker::default();
    let layer = ActiveRequests::<()>::layer(tracker.clone()).filter(|head| head.uri.path() != "/health");
    let service = ServiceBuilder::new().layer(layer).service(service(|handle| assert!(!handle.is_tracked())));
    let _response = service.oneshot(Request::get("/health").body(()).unwrap()).await.unwrap();
    assert_eq!(tracker.active(), 0);
}

#[tokio::test]
async fn the_same_tracker_twice_has_the_request_once() {
    let (tracker, other) = (RequestTracker::default(), RequestTracker::default());
    let service = ServiceBuilder::new()
        .layer(ActiveRequestsLayer::new(tracker.clone()))
        .layer(ActiveRequestsLayer::new(other.clone()))
        .layer(ActiveRequestsLayer::new(tracker.clone()))
        .service_fn(async |_: Request<()>| Answered::Ok(Response::new(Steps::exact("hello"))));
    let response = service.oneshot(Request::new(())).await.unwrap();
    assert_eq!((tracker.active(), other.active()), (1, 1));
    response.into_body().collect().await.unwrap();
    for tracker in [tracker, other] {
        assert_eq!((tracker.active(), tracker.recent_traces(10).len()), (0, 1));
    }
}

#[tokio::test]
async fn two_trackers_both_have_the_request_and_both_are_written_to() {
    let (outer, inner) = (RequestTracker::default(), RequestTracker::default());
    let ids = inner.clone();
    let service = ServiceBuilder::new()
        .layer(ActiveRequestsLayer::new(outer.clone()))
        .layer(ActiveRequestsLayer::new(inner.clone()))
        .service(service(move |handle| {
            handle.set_provider("local");
            handle.set_stage("thinking");
            handle.add_text("12345678");
            assert_eq!(handle.id(), Some(ids.snapshot()[0].request_id), "the inner one's");
            assert!(handle.is_tracked());
        }));
    let response = service.oneshot(Request::new(())).await.unwrap();
    for tracker in [&outer, &inner] {
        let row = tracker.snapshot().remove(0);
        assert_eq!((row.provider.as_str(), row.stage.as_deref(), row.output_tokens), ("local", Some("thinking"), 2));
    }
    drop(response);
    assert_eq!((outer.recent_traces(9).len(), inner.recent_traces(9).len()), (1, 1));
}

#[tokio::test]
async fn a_handle_whose_request_has_ended_hides_nothing() {
    let tracker = RequestTracker::default();
    let stale = tracker.start(&http::Method::GET, "/", &RequestInfo::new()).unwrap().handle();
    assert!(!stale.is_tracked());
    let mut request = Request::new(());
    request.extensions_mut().insert(stale.clone());
    let old = stale.id();
    let service = ActiveRequests::new(
        service(move |handle| {
            assert!(handle.is_tracked());
            assert_ne!(handle.id(), old);
        }),
        tracker.clone(),
    );
    let _response = service.oneshot(request).await.unwrap();
    assert_eq!(tracker.active(), 1);
}

#[tokio::test(start_paused = true)]
async fn text_that_the_handler_tells_of_is_estimated_and_makes_the_row_stream() {
    let tracker = RequestTracker::default();
    let mut request = tracker.start(&http::Method::POST, "/", &RequestInfo::new()).unwrap();
    request.head(http::StatusCode::OK, None, active_requests::usage::Observation::Full);
    let handle = request.handle();
    handle.add_text("");
    assert_eq!(handle.row().map(|row| row.phase), Some(Phase::Responding), "no text is no token");
    tokio::time::advance(std::time::Duration::from_millis(150)).await;
    handle.add_text("1234");
    handle.add_text_bytes(4);
    let row = handle.row().unwrap();
    assert_eq!((row.phase, row.time_to_first_token_ms), (Phase::Streaming, Some(150)));
    assert_eq!((row.output_tokens, row.usage_source), (2, UsageSource::Estimated), "8 bytes at 4 a token");
}

#[tokio::test]
async fn what_the_handler_reports_goes_before_what_the_body_says() {
    let tracker = RequestTracker::default();
    let usage = Usage::new().input_tokens(100).output_tokens(50);
    let service = ActiveRequests::new(
        service_fn(move |request: Request<()>| {
            let handle: &RequestHandle = request.extensions().get().unwrap();
            handle.add_text("12345678 12345678");
            handle.set_usage(usage);
            handle.set_tool_calls(3);
            handle.set_finish_reason("stop");
            let response = Response::builder().header(header::CONTENT_TYPE, "text/event-stream");
            std::future::ready(Answered::Ok(response.body(Steps::stream(&[Data(TOKEN), Data(USAGE)])).unwrap()))
        }),
        tracker.clone(),
    );
    let mut body = service.oneshot(Request::new(())).await.unwrap().into_body();
    assert!(Pin::new(&mut body).poll_frame(&mut Context::from_waker(Waker::noop())).is_ready());
    let row = tracker.snapshot().remove(0);
    assert_eq!((row.input_tokens, row.output_tokens, row.usage_source), (100, 50, UsageSource::Reported));
    body.collect().await.unwrap();
    let trace = tracker.recent_traces(1).remove(0);
    assert_eq!((trace.input_tokens, trace.output_tokens, trace.usage_source), (100, 50, UsageSource::Reported));
    assert_eq!((trace.tool_call_count, trace.finish_reason.as_deref()), (3, Some("stop")));
    assert_eq!(trace.provider_usage.input_tokens, Some(7), "what the provider said stays as it said it");
    assert_eq!(trace.outcome.as_str(), "completed");
}

#[tokio::test]
async fn the_inner_service_can_be_reached() {
    let mut service = ActiveRequests::new(7, RequestTracker::default());
    *service.get_mut() += 1;
    assert_eq!((*service.get_ref(), service.into_inner()), (8, 8));
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn the_route_is_the_one_that_axum_has_matched() {
    use axum::{Router, body::Body, routing::get};

    let tracker = RequestTracker::default();
    let ask = async |layer: ActiveRequestsLayer| {
        let app: Router = Router::new().route("/users/{id}", get(async || "hello")).layer(layer);
        app.oneshot(Request::get("/users/7").body(Body::empty()).unwrap()).await.unwrap()
    };
    let layer = ActiveRequestsLayer::new(tracker.clone());
    let response = ask(layer.clone()).await;
    let row = tracker.snapshot().remove(0);
    assert_eq!((row.route.as_deref(), row.path.as_str()), (Some("/users/{id}"), "/users/7"));
    drop(response);
    assert_eq!(tracker.recent_traces(1)[0].route.as_deref(), Some("/users/{id}"));
    let _response = ask(layer.describe(|_| RequestInfo::new().route("told"))).await;
    assert_eq!(tracker.snapshot()[0].route.as_deref(), Some("told"));
}
