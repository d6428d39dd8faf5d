//! The layer leaves everything that passes as it is, and shows it on the way.

use crate::{
    body::{
        Step::{Data, Hang, Trailers},
        Steps,
    },
    exchange::{Client::ReadsAll, Protocol::Http1, exchange},
};
use active_requests::{
    track::ActiveRequestsLayer,
    tracker::{Phase, RequestHandle, RequestInfo, RequestTracker, TotalsFilter, WaitingOn},
    usage::{CustomDialect, EventFacts, ResponseEvent, UsageSource},
};
use bytes::Bytes;
use http::{Method, Request, Response, header};
use http_body::{Body, Frame};
use http_body_util::StreamBody;
use proptest::prelude::*;
use std::{
    convert::Infallible,
    io,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
    time::Duration,
};
use tower::{Layer, Service, ServiceBuilder, ServiceExt};

const START: &str = "data: {\"object\":\"chat.completion.chunk\",\"model\":\"gpt-x\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n";
const TOKEN: &str = "data: {\"object\":\"chat.completion.chunk\",\"model\":\"gpt-x\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"12345678\"},\"finish_reason\":null}]}\n\n";
const USAGE: &str = "data: {\"object\":\"chat.completion.chunk\",\"model\":\"gpt-x\",\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":5,\"total_tokens\":12,\"prompt_tokens_details\":{\"cached_tokens\":3}}}\n\ndata: [DONE]\n\n";

type Polled<B> = Poll<Option<Result<Frame<<B as Body>::Data>, <B as Body>::Error>>>;

fn poll<B: Body + Unpin>(body: &mut B) -> Polled<B> {
    Pin::new(body).poll_frame(&mut Context::from_waker(Waker::noop()))
}

fn stream(steps: Steps) -> Response<Steps> {
    Response::builder().header(header::CONTENT_TYPE, "text/event-stream").body(steps).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_row_shows_how_far_its_request_is_and_whose_turn_it_is() {
    let tracker = RequestTracker::default();
    let (release, released) = tokio::sync::oneshot::channel::<()>();
    let mut released = Some(released);
    let mut service = ServiceBuilder::new().layer(ActiveRequestsLayer::new(tracker.clone())).service_fn(
        move |request: Request<()>| {
            let released = released.take().unwrap();
            request.extensions().get::<RequestHandle>().unwrap().set_model("openai:gpt-x-mini");
            async move {
                released.await.unwrap();
                Ok::<_, Infallible>(stream(Steps::stream(&[Data(START), Data(TOKEN), Data(USAGE), Hang])))
            }
        },
    );
    let row = || tracker.snapshot().remove(0);

    let mut response = pin!(service.call(Request::post("/v1/chat/completions?secret").body(()).unwrap()));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(response.as_mut().poll(&mut cx).is_pending());
    tokio::time::advance(Duration::from_millis(100)).await;
    assert_eq!((row().phase, row().waiting_on, row().status), (Phase::Waiting, WaitingOn::Upstream, None));
    assert_eq!(
        (row().provider.as_str(), row().model.as_str(), row().path.as_str()),
        ("openai", "gpt-x-mini", "/v1/chat/completions")
    );
    assert_eq!((row().duration_ms, row().idle_ms), (100, 100));

    release.send(()).unwrap();
    let mut body = response.await.unwrap().into_body();
    assert_eq!((row().phase, row().status, row().is_streaming), (Phase::Responding, Some(200), true));

    assert!(poll(&mut body).is_ready());
    assert_eq!((row().phase, row().waiting_on), (Phase::Responding, WaitingOn::Client), "a role is no token");
    assert_eq!(row().time_to_first_token_ms, None);

    tokio::time::advance(Duration::from_millis(50)).await;
    assert!(poll(&mut body).is_ready());
    assert_eq!((row().phase, row().time_to_first_token_ms), (Phase::Streaming, Some(150)));
    assert_eq!((row().output_tokens, row().usage_source.as_str()), (2, "estimated"), "8 bytes at 4 a token");

    assert!(poll(&mut body).is_ready());
    let told = row();
    assert_eq!((told.input_tokens, told.output_tokens, told.cache_read_tokens), (7, 5, 3));
    assert_eq!(told.usage_source.as_str(), "reported");
    assert_eq!(told.provider_usage.total_tokens, Some(12));
    assert_eq!(told.response_bytes as usize, START.len() + TOKEN.len() + USAGE.len());

    assert!(poll(&mut body).is_pending());
    assert_eq!((row().phase, row().waiting_on, row().idle_ms), (Phase::Streaming, WaitingOn::Upstream, 0));
    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!((row().phase, row().idle_ms), (Phase::Stalled, 10_000));

    drop(body);
    assert!(tracker.snapshot().is_empty());
    let trace = tracker.recent_traces(1).remove(0);
    assert_eq!(trace.outcome.as_str(), "completed", "the stream's own end mark was seen");
    assert_eq!((trace.model.as_str(), trace.requested_model.as_str()), ("gpt-x", "openai:gpt-x-mini"));
    assert_eq!((trace.input_tokens, trace.output_tokens), (7, 5));
}

#[tokio::test]
async fn what_was_counted_is_kept_when_the_client_leaves() {
    let tracker = RequestTracker::default();
    let mut service =
        ServiceBuilder::new().layer(ActiveRequestsLayer::new(tracker.clone())).service_fn(async |_: Request<()>| {
            Ok::<_, Infallible>(stream(Steps::stream(&[Data(START), Data(TOKEN), Hang])))
        });
    let mut body = service.call(Request::new(())).await.unwrap().into_body();
    assert!(poll(&mut body).is_ready() && poll(&mut body).is_ready() && poll(&mut body).is_pending());
    drop(body);
    let error = tracker.recent_errors(1).remove(0);
    assert_eq!((error.outcome.as_str(), error.status), ("client_disconnect", "error"));
    assert_eq!((error.output_tokens, error.usage_source.as_str()), (2, "estimated"));
    assert_eq!(tracker.running_totals(&TotalsFilter::default()).total_output_tokens, 2);
}

#[tokio::test]
async fn what_comes_after_a_report_is_estimated_on_top_of_it() {
    const STARTED: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"claude\",\"usage\":{\"input_tokens\":9,\"output_tokens\":1}}}\n\n";
    const DELTA: &str = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"12345678\"}}\n\n";
    let tracker = RequestTracker::default();
    let mut service =
        ServiceBuilder::new().layer(ActiveRequestsLayer::new(tracker.clone())).service_fn(async |_: Request<()>| {
            Ok::<_, Infallible>(stream(Steps::stream(&[Data(STARTED), Data(DELTA), Hang])))
        });
    let mut body = service.call(Request::new(())).await.unwrap().into_body();
    assert!(poll(&mut body).is_ready());
    let row = tracker.snapshot().remove(0);
    assert_eq!((row.input_tokens, row.output_tokens, row.usage_source.as_str()), (9, 1, "partial"));
    assert!(poll(&mut body).is_ready());
    let row = tracker.snapshot().remove(0);
    assert_eq!((row.input_tokens, row.output_tokens, row.usage_source.as_str()), (9, 3, "partial"));
    assert_eq!(row.provider_usage.output_tokens, Some(1), "what the provider said stays as it said it");
}

#[tokio::test]
async fn a_body_that_cannot_be_read_says_so() {
    for (content_type, encoding, expected) in [
        ("image/png", "identity", "none"),
        ("text/event-stream", "identity", "full"),
        ("text/event-stream", "secret", "none"),
    ] {
        let tracker = RequestTracker::default();
        let mut service =
            ServiceBuilder::new().layer(ActiveRequestsLayer::new(tracker.clone())).service_fn(move |_: Request<()>| {
                let response = Response::builder().header(header::CONTENT_TYPE, content_type);
                let body = Steps::stream(&[Data(TOKEN), Hang]);
                std::future::ready(Ok::<_, Infallible>(
                    response.header(header::CONTENT_ENCODING, encoding).body(body).unwrap(),
                ))
            });
        let mut body = service.call(Request::new(())).await.unwrap().into_body();
        assert!(poll(&mut body).is_ready());
        let row = tracker.snapshot().remove(0);
        assert_eq!(row.observation.as_str(), expected, "{content_type} {encoding}");
        assert_eq!(row.phase, Phase::Streaming, "bytes of a body without tokens count too");
    }
}

#[tokio::test]
async fn a_filter_chooses_and_a_description_names() {
    let tracker = RequestTracker::default();
    let layer = ActiveRequestsLayer::new(tracker.clone())
        .filter(|head| head.uri.path() != "/health")
        .describe(|head| RequestInfo::new().provider("mine").model(head.uri.path().trim_start_matches('/')));
    let mut service = ServiceBuilder::new()
        .layer(layer)
        .service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(Steps::stream(&[Hang]))));
    let _healthy = service.call(Request::get("/health").body(()).unwrap()).await.unwrap();
    assert_eq!(tracker.active(), 0);
    let _named = service.call(Request::get("/m:1").body(()).unwrap()).await.unwrap();
    assert_eq!(tracker.snapshot()[0].qualified_model, "mine:m:1");
}

#[tokio::test]
async fn readiness_that_no_call_follows_puts_nothing_on_the_list() {
    let tracker = RequestTracker::default();
    let (mock, mut inner) = tower_test::mock::pair::<Request<()>, Response<Steps>>();
    let mut service =
        ServiceBuilder::new().layer(ActiveRequestsLayer::new(tracker.clone())).map_err(io::Error::other).service(mock);
    inner.allow(1);
    service.ready().await.unwrap();
    assert_eq!(tracker.active(), 0);
    let call = service.call(Request::new(()));
    assert_eq!(tracker.active(), 1, "on the list from the call on, polled or not");
    drop(call);
    assert_eq!(tracker.active(), 0);
}

#[tokio::test]
async fn a_handle_that_outlives_its_request_writes_nowhere() {
    let tracker = RequestTracker::default();
    let start = |model| tracker.start(&Method::GET, "/", &RequestInfo::new().model(model)).unwrap();
    let first = start("first");
    let handle = first.handle();
    drop(first);
    let second = start("second");
    handle.set_model("written late");
    handle.set_error("late");
    assert_eq!(handle.row().map(|row| row.model), None);
    assert_eq!(tracker.get(second.id()).unwrap().model, "second");
    assert_ne!(handle.id(), Some(second.id()), "no id comes twice");
}

#[tokio::test]
async fn trailers_and_their_values_pass() {
    let entry = exchange(Http1, Method::GET, ReadsAll, async |_| {
        Ok(Response::builder()
            .header(header::TRAILER, "x-sum")
            .body(Steps::stream(&[Data("hello"), Trailers]))
            .unwrap())
    })
    .await;
    assert_eq!((entry.outcome.as_str(), entry.response_bytes), ("completed", 5));
}

proptest! {
    /// Whatever the bytes and wherever they are cut, what comes out is what went in, frame by frame.
    #[test]
    fn frames_come_out_as_they_went_in(
        frames in proptest::collection::vec(
            prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..40),
                Just(START.as_bytes().to_vec()), Just(TOKEN.as_bytes().to_vec()), Just(USAGE.as_bytes().to_vec()),
                Just(b"event: message_start\r\ndata: {\"type\":\"mess".to_vec()), Just(b"\r".to_vec()), Just(b"\n".to_vec()),
            ],
            0..12,
        ),
        content_type in prop_oneof![Just("text/event-stream"), Just("application/json"), Just("application/x-ndjson"), Just("image/png")],
    ) {
        let tracker = RequestTracker::default();
        let frames: Vec<Bytes> = frames.into_iter().map(Bytes::from).collect();
        let given = frames.clone();
        let mut service = ServiceBuilder::new().layer(ActiveRequestsLayer::new(tracker.clone())).service_fn(move |_: Request<()>| {
            let given = given.clone();
            let body = StreamBody::new(futures_util::stream::iter(given.into_iter().map(|data| Ok::<_, Infallible>(Frame::data(data)))));
            let response = Response::builder().header(header::CONTENT_TYPE, content_type).body(body).unwrap();
            std::future::ready(Ok::<_, Infallible>(response))
        });
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(Ok(response)) = pin!(service.call(Request::new(()))).poll(&mut cx) else { unreachable!() };
        let mut body = response.into_body();
        let mut seen = Vec::new();
        while let Poll::Ready(Some(Ok(frame))) = poll(&mut body) {
            seen.push(frame.into_data().unwrap());
        }
        prop_assert_eq!(&seen, &frames);
        prop_assert_eq!(tracker.active(), 0);
        let trace = tracker.recent_traces(1).remove(0);
        prop_assert_eq!(trace.response_bytes as usize, frames.iter().map(Bytes::len).sum::<usize>());
    }
}

/// The phase after each frame of a body of this content type.
async fn phases(content_type: Option<&'static str>, frames: &[&'static str]) -> Vec<Phase> {
    let tracker = RequestTracker::default();
    let steps: Vec<_> = frames.iter().map(|frame| Data(frame)).chain([Hang]).collect();
    let layer = ActiveRequestsLayer::new(tracker.clone());
    let service = layer.layer(tower::service_fn(move |_: Request<()>| {
        let mut response = Response::new(Steps::stream(&steps));
        if let Some(content_type) = content_type {
            response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
        }
        async { Ok::<_, Infallible>(response) }
    }));
    let mut body = service.oneshot(Request::new(())).await.unwrap().into_body();
    let mut phases = Vec::new();
    for _ in frames {
        assert!(poll(&mut body).is_ready());
        phases.push(tracker.snapshot().remove(0).phase);
    }
    phases
}

#[tokio::test]
async fn a_body_without_tokens_streams_with_its_first_bytes() {
    for (content_type, frame) in [
        (Some("text/plain"), "Dear reader"),
        (Some("text/plain; charset=utf-8"), "ideas for a play"),
        (None, "some text"),
        (Some("text/html"), "<p>"),
        (Some("text/event-stream"), "event: news\ndata: {\"n\":1}\n\n"),
        (Some("application/x-ndjson"), "{\"n\":1}\n"),
    ] {
        assert_eq!(phases(content_type, &[frame]).await, [Phase::Streaming], "{content_type:?}");
    }
}

#[tokio::test]
async fn a_stream_of_tokens_streams_with_its_first_token() {
    let sse = Some("text/event-stream");
    assert_eq!(phases(sse, &[START, TOKEN]).await, [Phase::Responding, Phase::Streaming]);
    let frames = ["event: ping\ndata: {\"type\":\"ping\"}\n\n", ": keep-alive\n\n", START, TOKEN];
    let expected = [Phase::Responding, Phase::Responding, Phase::Responding, Phase::Streaming];
    assert_eq!(phases(sse, &frames).await, expected);
}

/// Events named `word`, of plain text.
struct Words;

impl CustomDialect for Words {
    fn recognise(&self, event: &ResponseEvent<'_>) -> bool {
        event.name() == b"word"
    }

    fn read(&self, event: &ResponseEvent<'_>, facts: &mut EventFacts<'_>) {
        facts.add_text_bytes(event.data().len());
    }
}

#[tokio::test]
async fn a_dialect_given_to_the_layer_counts_in_the_row() {
    let tracker = RequestTracker::default();
    let layer = ActiveRequestsLayer::new(tracker.clone()).dialect(Words);
    let steps = Steps::stream(&[Data("event: word\ndata: a long word\n\n"), Hang]);
    let service = layer.layer(tower::service_fn(move |_: Request<()>| {
        let response = stream(steps.clone());
        async { Ok::<_, Infallible>(response) }
    }));
    let mut body = service.oneshot(Request::new(())).await.unwrap().into_body();
    assert!(poll(&mut body).is_ready());
    let row = tracker.snapshot().remove(0);
    assert_eq!((row.phase, row.usage_source), (Phase::Streaming, UsageSource::Estimated));
    assert!(row.output_tokens > 0 && row.time_to_first_token_ms.is_some());
}
