//! Silence: when an upstream last sent something, and whom a request waits for.

use std::time::Duration;

use active_requests::{
    config::MonitorConfig,
    tracker::{ActiveRequest, BodyProgress, Entry, Outcome, Phase, RequestTracker, Row, WaitingOn},
    usage::{Observation, Reading, Usage, UsageSource},
};
use http::StatusCode;
use serde_json::json;
use tokio::time::{Instant, advance, sleep};

use crate::support::{Event, Monitor, ms};

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_begin_is_seen_to_stall() {
    for format in ["update", "delta"] {
        let monitor = Monitor::with(MonitorConfig::default().heartbeat(Duration::MAX));
        let request = monitor.start("a");
        let mut viewer = monitor.watch(format).await;
        let row = viewer.event().await.data["active_requests"][0].clone();
        assert_eq!((&row["phase"], &row["idle_ms"]), (&json!("waiting"), &json!(0)));
        let begun = Instant::now();
        let told = viewer.event().await;
        assert_eq!(begun.elapsed().as_secs(), 10, "{format}");
        if format == "update" {
            let row = &told.data["active_requests"][0];
            assert_eq!((&row["phase"], &row["status"]), (&json!("stalled"), &json!(null)));
            assert_eq!((&row["waiting_on"], &row["idle_ms"]), (&json!("upstream"), &json!(10_000)));
        } else {
            let progressed = &told.data["progressed"][0];
            assert_eq!((&progressed[1], &progressed[2]), (&json!("stalled"), &json!("upstream")));
        }
        drop(request);
    }
}

#[tokio::test(start_paused = true)]
async fn what_other_requests_teach_moves_no_row() {
    for format in ["update", "delta"] {
        let monitor = Monitor::quiet();
        let mut request = monitor.start("openai:gpt-4o");
        request.head(StatusCode::OK, Some(true), Observation::Full);
        request.frame(BodyProgress { response_bytes: 500, text_bytes: 400 });
        request.record(&Reading::new().text_bytes(400));
        let mut viewer = monitor.watch(format).await;
        let row = viewer.event().await.data["active_requests"][0].clone();
        assert_eq!((&row["output_tokens"], &row["usage_source"]), (&json!(100), &json!("estimated")));
        for _ in 0..20 {
            let mut other = monitor.start("openai:gpt-4o");
            other.frame(BodyProgress { response_bytes: 2000, text_bytes: 2000 });
            let usage = Usage::new().output_tokens(200);
            other.record(&Reading::new().text_bytes(2000).usage(usage).source(UsageSource::Reported));
            other.finish(Outcome::Completed);
        }
        sleep(ms(5000)).await;
        while let Some(event) = viewer.within(ms(100)).await {
            let event = Event::parse(&event);
            assert_eq!(event.data.get("progressed"), None, "{event:?}");
            if format == "update" {
                assert_eq!(event.data["active_requests"][0]["output_tokens"], 100);
            }
        }
        request.frame(BodyProgress { response_bytes: 520, text_bytes: 420 });
        assert_eq!(monitor.tracker.snapshot()[0].output_tokens, 105, "bytes of its own move it, by the same ratio");
        drop(request);
        assert_eq!(monitor.tracker.recent_traces(1)[0].output_tokens, 105, "and so does it end");
    }
}

fn frame(request: &mut ActiveRequest, total: u64) {
    request.frame(BodyProgress { response_bytes: total, text_bytes: total });
    request.record(&Reading::new().text_bytes(total));
}

fn row(monitor: &Monitor) -> Row {
    monitor.tracker.snapshot().remove(0)
}

#[tokio::test(start_paused = true)]
async fn a_row_that_a_client_does_not_read_says_so_and_for_how_long() {
    let monitor = Monitor::new();
    let mut request = monitor.start("a");
    request.head(StatusCode::OK, Some(true), Observation::Full);
    let waits = |row: &Row| (row.phase, row.waiting_on, row.idle_ms);
    assert_eq!(waits(&row(&monitor)), (Phase::Responding, WaitingOn::Client, 0), "nobody has asked for the body yet");
    // A slow client that always finds the next frame ready: each of them is news.
    for count in 1..=5 {
        advance(ms(4000)).await;
        frame(&mut request, 40 * count);
        assert_eq!(waits(&row(&monitor)), (Phase::Streaming, WaitingOn::Client, 0), "{count}");
    }
    assert_eq!(row(&monitor).output_tokens_per_second, Some(3.1), "49 tokens in 16 s");
    advance(ms(18_000)).await;
    assert_eq!(waits(&row(&monitor)), (Phase::Streaming, WaitingOn::Client, 18_000));
    assert_eq!(row(&monitor).output_tokens_per_second, None, "a stream that stands still has no rate");
    // It asks again, and there is nothing: the last byte is no younger for that.
    request.pending();
    assert_eq!(waits(&row(&monitor)), (Phase::Stalled, WaitingOn::Upstream, 18_000));
    // What ends the body is no byte.
    request.frame(BodyProgress { response_bytes: 200, text_bytes: 200 });
    assert_eq!(waits(&row(&monitor)), (Phase::Stalled, WaitingOn::Upstream, 18_000));
}

#[tokio::test(start_paused = true)]
async fn a_delta_tells_of_an_end_when_the_last_byte_came_and_whom_it_waited_for() {
    let monitor = Monitor::quiet();
    let mut viewer = monitor.watch("delta").await;
    viewer.event().await;
    for (outcome, is_read, waits_for) in [
        (Outcome::ClientDisconnect, true, json!("upstream")),
        (Outcome::ClientDisconnect, false, json!("client")),
        (Outcome::Completed, true, json!(null)),
    ] {
        let mut request = monitor.start("a");
        request.head(StatusCode::OK, Some(true), Observation::Full);
        sleep(ms(800)).await;
        frame(&mut request, 40);
        if is_read {
            request.pending();
        }
        sleep(ms(19_200)).await;
        request.finish(outcome);
        let end = loop {
            if let Some(ended) = viewer.event().await.data.get("ended") {
                break ended[0].clone();
            }
        };
        assert_eq!((&end[3], &end[9], &end[10]), (&json!(20_000), &json!(800), &waits_for), "{end}");
    }
}

fn ended(tracker: &RequestTracker) -> (Option<u64>, Option<WaitingOn>) {
    let Entry { last_byte_ms, waiting_on, .. } = tracker.recent_traces(1).remove(0);
    (last_byte_ms, waiting_on)
}

#[tokio::test(start_paused = true)]
async fn an_entry_tells_when_the_last_byte_came_and_whom_the_request_waited_for() {
    let monitor = Monitor::new();
    let tracker = &monitor.tracker;
    let begin = async || {
        let mut request = monitor.start("a");
        advance(ms(300)).await;
        request.head(StatusCode::OK, Some(true), Observation::Full);
        request.pending();
        request
    };
    let stream = async || {
        let mut request = begin().await;
        advance(ms(500)).await;
        frame(&mut request, 40);
        request
    };

    // The upstream falls silent, and the client gives up.
    let mut request = stream().await;
    request.pending();
    advance(ms(19_200)).await;
    drop(request);
    assert_eq!(ended(tracker), (Some(800), Some(WaitingOn::Upstream)));
    assert_eq!(monitor.json("/logs").await["errors"][0]["last_byte_ms"], 800);
    assert_eq!(monitor.json("/logs").await["traces"][0]["waiting_on"], "upstream");

    // The client reads no more, and leaves.
    let request = stream().await;
    advance(ms(1000)).await;
    drop(request);
    assert_eq!(ended(tracker), (Some(800), Some(WaitingOn::Client)));

    // Nothing but the head; not even that; an end of the response itself.
    drop(begin().await);
    assert_eq!(ended(tracker), (None, Some(WaitingOn::Upstream)));
    drop(monitor.start("a"));
    assert_eq!(ended(tracker), (None, Some(WaitingOn::Upstream)));
    stream().await.finish(Outcome::Completed);
    assert_eq!(ended(tracker), (Some(800), None));
}
