//! Requests that outlive their response.

use std::{convert::Infallible, time::Duration};

use active_requests::{
    ActiveRequestsLayer, RequestHandle, RequestTracker,
    tracker::{Cancellation, Held, Outcome, Phase, WaitingOn},
    usage::{ProviderUsage, Reading, Usage, UsageSource},
};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tower::{ServiceBuilder, ServiceExt};

/// A request that is held, after its response has ended.
async fn held(tracker: &RequestTracker) -> Held {
    let (sender, held) = tokio::sync::oneshot::channel();
    let mut sender = Some(sender);
    let service = ServiceBuilder::new().layer(ActiveRequestsLayer::new(tracker.clone())).service_fn(
        move |request: Request<()>| {
            let held = request.extensions().get::<RequestHandle>().unwrap().hold();
            sender.take().unwrap().send(held).unwrap();
            async {
                let mut response = Response::new(Full::<Bytes>::default());
                *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
                Ok::<_, Infallible>(response)
            }
        },
    );
    service.oneshot(Request::new(())).await.unwrap().into_body().collect().await.unwrap();
    held.await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_row_stays_until_the_guard_is_dropped() {
    let tracker = RequestTracker::default();
    let held = held(&tracker).await;
    let row = || tracker.snapshot().remove(0);
    assert_eq!((row().phase, row().status), (Phase::Streaming, Some(101)));
    assert_eq!(row().waiting_on, WaitingOn::Upstream, "nobody asks for frames of an empty body");
    tokio::time::advance(Duration::from_secs(4)).await;
    held.bytes(100);
    held.bytes(20);
    let mut usage = Usage::default();
    usage.output_tokens = 7;
    held.usage(usage);
    assert_eq!((row().response_bytes, row().output_tokens, row().idle_ms), (120, 7, 0));
    assert!(tracker.recent_traces(1).is_empty());
    held.finish(Outcome::Completed);
    let entry = tracker.recent_traces(2).remove(0);
    assert_eq!((tracker.active(), entry.outcome, entry.response_bytes), (0, Outcome::Completed, 120));
    assert_eq!(entry.duration_ms, 4000);
}

#[tokio::test(start_paused = true)]
async fn a_held_request_is_streaming_however_long_it_is_silent() {
    let tracker = RequestTracker::default();
    let held = held(&tracker).await;
    tokio::time::advance(Duration::from_secs(3600)).await;
    assert_eq!(tracker.snapshot()[0].phase, Phase::Streaming);
    held.bytes(1);
    tokio::time::advance(Duration::from_secs(3600)).await;
    assert_eq!(tracker.snapshot()[0].phase, Phase::Streaming);
}

#[tokio::test(start_paused = true)]
async fn a_reading_of_a_held_request_is_shown_and_what_follows_it_estimated() {
    let tracker = RequestTracker::default();
    let held = held(&tracker).await;
    let row = || tracker.snapshot().remove(0);
    tokio::time::advance(Duration::from_secs(2)).await;
    let mut reading = Reading::new().model("gpt-realtime").text_bytes(40);
    held.record(&reading);
    assert_eq!((row().output_tokens, row().usage_source), (10, UsageSource::Estimated));
    assert_eq!(row().time_to_first_token_ms, Some(2000));
    reading.usage = Usage::new().input_tokens(5).output_tokens(12);
    reading.provider_usage = ProviderUsage::new().input_tokens(5).output_tokens(12);
    reading.source = UsageSource::Partial;
    held.record(&reading);
    assert_eq!((row().output_tokens, row().usage_source), (12, UsageSource::Partial));
    held.record(&reading.clone().text_bytes(48));
    assert_eq!(row().output_tokens, 14);
    held.finish(Outcome::Completed);
    let entry = tracker.recent_traces(1).remove(0);
    assert_eq!((entry.model.as_str(), entry.provider_usage.input_tokens), ("gpt-realtime", Some(5)));
}

#[tokio::test]
async fn the_empty_body_of_an_upgrade_does_not_say_that_nothing_is_streamed() {
    let tracker = RequestTracker::default();
    let service = ServiceBuilder::new().layer(ActiveRequestsLayer::new(tracker.clone())).service_fn(
        async |request: Request<()>| {
            let row = request.extensions().get::<RequestHandle>().unwrap();
            row.describe(&active_requests::tracker::RequestInfo::new().is_streaming(true));
            let mut response = Response::new(Full::<Bytes>::default());
            *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
            Ok::<_, Infallible>(response)
        },
    );
    drop(service.oneshot(Request::new(())).await.unwrap());
    assert!(tracker.recent_traces(1)[0].is_streaming);
}

#[tokio::test]
async fn without_an_outcome_that_of_the_response_counts() {
    let tracker = RequestTracker::default();
    drop(held(&tracker).await);
    assert_eq!(tracker.recent_traces(2)[0].outcome, Outcome::Upgraded);
}

#[tokio::test]
async fn the_last_of_several_guards_ends_the_request() {
    let tracker = RequestTracker::default();
    let first = held(&tracker).await;
    let second = first.handle().hold();
    first.finish(Outcome::BodyError);
    assert_eq!(tracker.active(), 1);
    drop(second);
    assert_eq!(tracker.recent_traces(2)[0].outcome, Outcome::BodyError);
}

#[tokio::test]
async fn a_guard_that_is_dropped_before_the_response_has_ended_changes_nothing() {
    let tracker = RequestTracker::default();
    let service = ServiceBuilder::new().layer(ActiveRequestsLayer::new(tracker.clone())).service_fn(
        async |request: Request<()>| {
            drop(request.extensions().get::<RequestHandle>().unwrap().hold());
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("an answer")))
        },
    );
    let body = service.oneshot(Request::new(())).await.unwrap().into_body();
    assert_eq!(tracker.active(), 1);
    body.collect().await.unwrap();
    assert_eq!(tracker.recent_traces(2)[0].outcome, Outcome::Completed);
}

#[tokio::test]
async fn a_held_request_can_be_cancelled() {
    let tracker = RequestTracker::default();
    let held = held(&tracker).await;
    let id = tracker.snapshot()[0].request_id;
    let waiting = held.cancelled();
    let cancel = async { assert_eq!(tracker.cancel(id), Cancellation::Cancelled) };
    tokio::join!(waiting, cancel);
    assert_eq!((tracker.active(), tracker.recent_traces(2)[0].outcome), (0, Outcome::Killed));
    held.cancelled().await;
    held.finish(Outcome::Completed);
    assert_eq!(tracker.recent_traces(2).len(), 1, "there is one outcome");
    assert_eq!(tracker.cancel(id), Cancellation::Gone);
}

#[tokio::test]
async fn a_guard_without_a_tracked_request_does_nothing() {
    let held = RequestHandle::disabled().hold();
    held.bytes(1);
    assert!(held.handle().row().is_none());
    held.finish(Outcome::Completed);
}
