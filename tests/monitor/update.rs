//! `format=update`.

use crate::support::{Event, Monitor, ms};
use active_requests::{tracker::Outcome, usage::Observation};
use http::StatusCode;
use tokio::time::{Instant, sleep};

#[tokio::test(start_paused = true)]
async fn a_viewer_gets_the_snapshot_at_once_even_when_it_is_empty_and_only_once() {
    let monitor = Monitor::new();
    let mut viewer = monitor.watch("update").await;
    let begun = Instant::now();
    let first = viewer.event().await;
    assert_eq!(begun.elapsed(), ms(0));
    assert_eq!((first.name.as_str(), first.ids().len()), ("update", 0));
    assert_eq!(viewer.within(ms(29_000)).await, None, "nothing moves, nothing is sent");

    let _request = monitor.start("openai:gpt-4o");
    let mut second = monitor.watch("update").await;
    assert_eq!(second.event().await.ids().len(), 1);
    assert_eq!(second.within(ms(500)).await, None);
}

#[tokio::test(start_paused = true)]
async fn an_update_is_the_snapshot_byte_for_byte() {
    let monitor = Monitor::new();
    let mut request = monitor.start("openai:gpt-4o");
    sleep(ms(250)).await;
    request.head(StatusCode::OK, Some(true), Observation::Full);
    request.pending();
    sleep(ms(50)).await;
    let mut viewer = monitor.watch("update").await;
    let row = &monitor.tracker.snapshot()[0];
    let update = viewer.next().await;
    let epoch = format!("{:08x}", monitor.tracker.epoch());
    let timestamp = &Event::parse(&update).data["timestamp"];
    assert!((timestamp.as_f64().unwrap() - row.start_time - 0.3).abs() < 1e-6);
    let id = row.request_id;
    let start = row.start_time;
    assert_eq!(
        update,
        format!(
            "event: update\nid: {epoch}-u1\ndata: {{\"disabled\":false,\"active_requests\":[\
             {{\"request_id\":\"{id}\",\"provider\":\"openai\",\"model\":\"gpt-4o\",\
             \"requested_model\":\"openai:gpt-4o\",\"resolved_model\":\"\",\"qualified_model\":\"openai:gpt-4o\",\
             \"is_streaming\":true,\"start_time\":{start:?},\"duration_ms\":300,\
             \"input_tokens\":0,\"output_tokens\":0,\"cache_read_tokens\":0,\"cache_creation_tokens\":0,\
             \"tool_uses\":0,\"tool_results\":0,\"tool_calls\":0,\"request_size\":0,\"message_count\":0,\
             \"reasoning_tokens\":0,\"usage_source\":\"none\",\"observation\":\"full\",\"phase\":\"responding\",\
             \"waiting_on\":\"upstream\",\"stage\":null,\"status\":200,\"time_to_first_token_ms\":null,\
             \"output_tokens_per_second\":0.0,\"response_bytes\":0,\"idle_ms\":50,\"method\":\"POST\",\
             \"path\":\"/v1/chat/completions\"}}],\"timestamp\":{timestamp}}}\n\n"
        )
    );
    let same = serde_json::to_value(row).unwrap();
    assert_eq!(Event::parse(&update).data["active_requests"][0], same);
}

#[tokio::test(start_paused = true)]
async fn a_start_is_told_at_once_and_what_follows_within_100_ms_together() {
    let monitor = Monitor::new();
    let mut viewer = monitor.watch("update").await;
    viewer.event().await;
    sleep(ms(1000)).await;

    let begun = Instant::now();
    let first = monitor.start("a");
    assert_eq!(viewer.event().await.ids(), [first.id().to_string()]);
    assert_eq!(begun.elapsed(), ms(0));

    let second = monitor.start("b");
    sleep(ms(20)).await;
    let _third = monitor.start("c");
    sleep(ms(20)).await;
    second.finish(Outcome::Completed);
    let folded = viewer.event().await;
    assert_eq!(begun.elapsed().as_millis(), 100);
    assert_eq!(folded.ids().len(), 2);
    assert_eq!(viewer.within(ms(500)).await, None);
}
