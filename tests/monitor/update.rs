//! `format=update`.

use crate::support::{Event, Monitor, ms};
use std::time::UNIX_EPOCH;

use active_requests::{
    config::MonitorConfig,
    tracker::{BodyProgress, Outcome, RequestInfo},
    usage::{Observation, Reading},
};
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
    let start = row.start_time.duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    assert!((timestamp.as_f64().unwrap() - start - 0.3).abs() < 1e-6);
    let id = row.request_id;
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
             \"output_tokens_per_second\":null,\"response_bytes\":0,\"idle_ms\":50,\"method\":\"POST\",\
             \"path\":\"/v1/chat/completions\",\"route\":null,\"caller\":null,\"labels\":{{}},\"cost_usd\":null}}],\"timestamp\":{timestamp},\"can_cancel\":false}}\n\n"
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

#[tokio::test(start_paused = true)]
async fn what_moves_without_notice_is_sampled_every_two_seconds() {
    let monitor = Monitor::new();
    let mut request = monitor.start("a");
    let mut viewer = monitor.watch("update").await;
    viewer.event().await;
    let begun = Instant::now();
    sleep(ms(300)).await;
    request.frame(BodyProgress { response_bytes: 100, text_bytes: 0 });
    let update = viewer.event().await;
    assert_eq!(begun.elapsed().as_millis(), 2000);
    assert_eq!(update.data["active_requests"][0]["response_bytes"], 100);
    assert_eq!(viewer.within(ms(9_000)).await, None, "only the time moves");
}

#[tokio::test(start_paused = true)]
async fn a_head_a_first_token_and_names_are_told_at_once() {
    let monitor = Monitor::new();
    let mut request = monitor.start("a");
    let mut viewer = monitor.watch("update").await;
    viewer.event().await;
    let pause = async || sleep(ms(150)).await;
    let mut field = async |name: &str| {
        let begun = Instant::now();
        let update = viewer.event().await;
        assert_eq!(begun.elapsed(), ms(0), "{name}");
        update.data["active_requests"][0][name].clone()
    };
    pause().await;
    request.handle().set_provider("openai");
    assert_eq!(field("provider").await, "openai");
    pause().await;
    request.handle().describe(&RequestInfo::new().is_streaming(true));
    assert_eq!(field("is_streaming").await, true);
    pause().await;
    request.head(StatusCode::OK, Some(true), Observation::Full);
    assert_eq!(field("status").await, 200);
    pause().await;
    request.frame(BodyProgress { response_bytes: 30, text_bytes: 4 });
    request.record(&Reading::new().text_bytes(4));
    assert_eq!(field("phase").await, "streaming");
    pause().await;
    request.handle().set_stage("searching");
    assert_eq!(field("stage").await, "searching");
    pause().await;
    request.finish(Outcome::Completed);
    assert!(viewer.event().await.ids().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_silent_upstream_is_seen_to_stall() {
    let monitor = Monitor::new();
    let mut request = monitor.start("a");
    request.head(StatusCode::OK, Some(true), Observation::Full);
    request.pending();
    let mut viewer = monitor.watch("update").await;
    assert_eq!(viewer.event().await.data["active_requests"][0]["phase"], "responding");
    let begun = Instant::now();
    assert_eq!(viewer.event().await.data["active_requests"][0]["phase"], "stalled");
    assert_eq!(begun.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn the_heart_beats_on_its_own_clock() {
    let monitor = Monitor::with(MonitorConfig::default().heartbeat(ms(700)));
    let mut viewer = monitor.watch("update").await;
    let mut other = monitor.watch("delta").await;
    viewer.event().await;
    other.event().await;
    let begun = Instant::now();
    for beat in 1..20 {
        assert_eq!(viewer.next().await, ": heartbeat\n\n");
        assert_eq!(other.next().await, ": heartbeat\n\n");
        assert_eq!(begun.elapsed().as_millis(), beat * 700);
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_viewer_gets_the_newest_and_nothing_in_between() {
    let monitor = Monitor::new();
    let mut slow = monitor.watch("update").await;
    slow.event().await;
    let mut requests = Vec::new();
    for _ in 0..50 {
        requests.push(monitor.start("a"));
        sleep(ms(110)).await;
    }
    assert_eq!(slow.event().await.ids().len(), 50);
    assert_eq!(slow.within(ms(1000)).await, None);
}

#[tokio::test(start_paused = true)]
async fn ids_count_on_and_never_come_twice() {
    let monitor = Monitor::new();
    let mut numbers = Vec::new();
    for _ in 0..3 {
        let mut viewer = monitor.watch_with("update", &[("last-event-id", "x")]).await;
        let _request = monitor.start("a");
        for _ in 0..2 {
            let Some(text) = viewer.within(ms(200)).await else { continue };
            let (epoch, number) = Event::parse(&text)
                .id
                .split_once("-u")
                .map(|(e, n)| (e.to_owned(), n.parse::<u64>().unwrap()))
                .unwrap();
            assert_eq!(epoch, format!("{:08x}", monitor.tracker.epoch()));
            numbers.push(number);
        }
        drop(viewer);
        sleep(ms(200)).await;
    }
    assert!(numbers.len() >= 3 && numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
}

#[tokio::test(start_paused = true)]
async fn viewers_of_both_formats_come_and_go() {
    let monitor = Monitor::new();
    for round in 0..20 {
        let mut viewers = Vec::new();
        for format in ["update", "delta", "update", "delta"] {
            viewers.push(monitor.watch(format).await);
            if round % 2 == 0 {
                sleep(ms(30)).await;
            }
        }
        let request = monitor.start("a");
        for viewer in &mut viewers {
            viewer.event().await;
        }
        sleep(ms(500)).await;
        request.finish(Outcome::Completed);
        sleep(ms(5 * round)).await;
    }
    let mut viewer = monitor.watch("update").await;
    assert!(viewer.event().await.ids().is_empty());
}
