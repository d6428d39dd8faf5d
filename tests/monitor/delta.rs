//! `format=delta`: what has changed, and never a table that is wrong.

#[cfg(feature = "prometheus")]
use crate::support::bytes;
use crate::support::{Event, Monitor, Table, ms};
use active_requests::{
    cost::Prices,
    tracker::{ActiveRequest, BodyProgress, Outcome},
    usage::{Observation, Reading, Usage, UsageSource},
};
use http::StatusCode;
use serde_json::json;
use tokio::time::{Instant, sleep};

#[tokio::test(start_paused = true)]
async fn a_viewer_begins_with_an_update_and_goes_on_with_deltas() {
    let monitor = Monitor::quiet();
    let mut first = monitor.start("openai:gpt-4o");
    let id = first.id().to_string();
    let epoch = format!("{:08x}", monitor.tracker.epoch());
    let mut viewer = monitor.watch("delta").await;
    let update = viewer.event().await;
    assert_eq!((update.name.as_str(), &update.data["seq"]), ("update", &json!(1)));
    assert_eq!((update.id.as_str(), update.ids()), (format!("{epoch}-1").as_str(), vec![id.clone()]));

    sleep(ms(500)).await;
    let begun = Instant::now();
    let second = monitor.start("b");
    let delta = viewer.event().await;
    assert_eq!(begun.elapsed(), ms(0));
    assert_eq!((delta.name.as_str(), delta.id.as_str()), ("delta", format!("{epoch}-2").as_str()));
    assert_eq!(delta.keys(), ["seq", "started", "ended_omitted", "timestamp"]);
    assert_eq!(delta.data["started"], serde_json::to_value(&monitor.tracker.snapshot()[..1]).unwrap());

    first.head(StatusCode::OK, Some(true), Observation::Full);
    let delta = viewer.event().await;
    assert_eq!(begun.elapsed().as_millis(), 100, "then at most every 100 ms");
    assert_eq!(delta.keys(), ["seq", "changed", "ended_omitted", "timestamp"]);
    assert_eq!(delta.data["changed"][0]["status"], 200);
    sleep(ms(200)).await;

    let begun = Instant::now();
    let usage = Usage::new().input_tokens(150).output_tokens(212);
    first.frame(BodyProgress { response_bytes: 53_110, text_bytes: 0 });
    first.record(&Reading::new().usage(usage).source(UsageSource::Partial).tool_calls(3));
    let delta = viewer.event().await;
    assert!(begun.elapsed() <= ms(250));
    assert_eq!(delta.keys(), ["seq", "progressed", "ended_omitted", "timestamp"]);
    let row = json!([id, "responding", "client", "partial", 150, 212, 0, 0, 0, 3, 53_110, null]);
    assert_eq!(delta.data["progressed"], json!([row]));
    sleep(ms(200)).await;

    let ended = second.id().to_string();
    second.finish(Outcome::Completed);
    let delta = viewer.event().await;
    assert_eq!(delta.keys(), ["seq", "ended", "ended_omitted", "timestamp"]);
    let entry = json!([
        ended,
        "completed",
        null,
        1050,
        0,
        0,
        "unknown",
        "b",
        "/v1/chat/completions",
        null,
        null,
        "none",
        0,
        0,
        0,
        0,
        0,
        null,
        null,
        false
    ]);
    let mut shown = delta.data["ended"][0].clone();
    assert!(shown[3].as_u64().unwrap() > 400);
    shown[3] = json!(1050);
    assert_eq!(shown, entry);
    assert_eq!(delta.data["seq"], 5);
    assert_eq!(viewer.within(ms(20_000)).await, None, "only the time moves");
}

#[tokio::test(start_paused = true)]
async fn an_id_that_starts_and_ends_inside_one_delta_stands_in_ended_only() {
    let monitor = Monitor::quiet();
    let mut viewer = monitor.watch("delta").await;
    viewer.event().await;
    sleep(ms(500)).await;
    let _first = monitor.start("a");
    viewer.event().await;
    let passing = monitor.start("b");
    let id = passing.id().to_string();
    passing.finish(Outcome::Completed);
    let delta = viewer.event().await;
    assert_eq!(delta.keys(), ["seq", "ended", "ended_omitted", "timestamp"]);
    assert_eq!(delta.data["ended"][0][0], json!(id));
}

#[tokio::test(start_paused = true)]
async fn of_those_that_nobody_has_a_thousand_ends_are_told_and_the_rest_counted() {
    let monitor = Monitor::quiet();
    let mut viewer = monitor.watch("delta").await;
    viewer.event().await;
    for _ in 0..1500 {
        monitor.start("a").finish(Outcome::Completed);
    }
    let delta = viewer.event().await;
    assert_eq!(delta.data["ended"].as_array().unwrap().len(), 1000);
    assert_eq!(delta.data["ended_omitted"], 500);
}

#[tokio::test(start_paused = true)]
async fn of_those_that_a_viewer_has_every_end_is_told() {
    let monitor = Monitor::quiet();
    let requests: Vec<_> = (0..2500).map(|_| monitor.start("openai:gpt-4o")).collect();
    let mut viewer = monitor.watch("delta").await;
    let mut table = Table::default();
    table.apply(&viewer.event().await);
    assert_eq!(table.len(), 2500);
    drop(requests);
    let mut told = 0;
    while let Some(text) = viewer.within(ms(10)).await {
        let delta = Event::parse(&text);
        let ended = delta.data["ended"].as_array().unwrap();
        assert!(ended.len() <= 1000);
        told += ended.len();
        for entry in ended {
            let entry = entry.as_array().unwrap();
            assert_eq!((entry.len(), &entry[1]), (20, &json!("cancelled")));
            assert_eq!(entry[6..9], [json!("openai"), json!("gpt-4o"), json!("/v1/chat/completions")]);
        }
        table.apply(&delta);
    }
    assert_eq!((told, table.len()), (2500, 0));
}

/// A viewer that keeps the feed going.
async fn with_company(monitor: &Monitor) -> crate::support::Viewer {
    let mut company = monitor.watch("delta").await;
    company.event().await;
    company
}

/// As many deltas as there are changes.
async fn change(monitor: &Monitor, times: usize) -> Vec<ActiveRequest> {
    let mut requests = Vec::new();
    for _ in 0..times {
        requests.push(monitor.start("a"));
        sleep(ms(110)).await;
    }
    requests
}

#[tokio::test(start_paused = true)]
async fn a_viewer_that_returns_gets_what_it_missed_while_that_is_kept() {
    let monitor = Monitor::quiet();
    let _company = with_company(&monitor).await;
    let mut viewer = monitor.watch("delta").await;
    let mut table = Table::default();
    let update = viewer.event().await;
    table.apply(&update);
    drop(viewer);
    let _requests = change(&monitor, 256).await;
    let mut viewer = monitor.watch_with("delta", &[("last-event-id", &update.id)]).await;
    for seq in 2..=257 {
        let delta = viewer.event().await;
        assert_eq!((delta.name.as_str(), &delta.data["seq"]), ("delta", &json!(seq)));
        table.apply(&delta);
    }
    assert_eq!(table.len(), 256);
    assert_eq!(viewer.within(ms(200)).await, None);

    let newest = format!("{:08x}-257", monitor.tracker.epoch());
    let mut again = monitor.watch_with("delta", &[("last-event-id", &newest)]).await;
    assert_eq!(again.within(ms(1000)).await, None, "nothing was missed");
}

#[tokio::test(start_paused = true)]
async fn a_viewer_that_cannot_go_on_gets_a_fresh_update() {
    let monitor = Monitor::quiet();
    let _company = with_company(&monitor).await;
    let _requests = change(&monitor, 257).await;
    let epoch = format!("{:08x}", monitor.tracker.epoch());
    for held in ["00000000-257", &format!("{epoch}-1"), &format!("{epoch}-900"), &format!("{epoch}-u3"), "", "x-y-z"] {
        let mut viewer = monitor.watch_with("delta", &[("last-event-id", held)]).await;
        let update = viewer.event().await;
        assert_eq!(
            (update.name.as_str(), update.ids().len(), &update.data["seq"]),
            ("update", 257, &json!(258)),
            "{held}"
        );
        assert_eq!(viewer.within(ms(500)).await, None, "{held}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_viewer_too_slow_for_what_is_kept_is_sent_an_update() {
    let monitor = Monitor::quiet();
    let mut slow = monitor.watch("delta").await;
    let mut table = Table::default();
    table.apply(&slow.event().await);
    let mut requests = change(&monitor, 300).await;
    let update = slow.event().await;
    assert_eq!((update.name.as_str(), update.ids().len()), ("update", 300));
    #[cfg(feature = "prometheus")]
    {
        let metrics = bytes(monitor.get("/").await).await;
        let metrics = std::str::from_utf8(&metrics).unwrap();
        for sample in ["active_requests_feed_skipped_total 1", "active_requests_subscribers 1"] {
            assert!(metrics.lines().any(|line| line == sample), "{sample} in {metrics}");
        }
    }
    table.apply(&update);
    requests.extend(change(&monitor, 3).await);
    for _ in 0..3 {
        let delta = slow.event().await;
        assert_eq!(delta.name, "delta");
        table.apply(&delta);
    }
    assert_eq!(table, Table::of(&monitor.tracker));
    drop(requests);
}

#[tokio::test(start_paused = true)]
async fn a_feed_that_starts_again_raises_its_number_and_keeps_nothing() {
    let monitor = Monitor::quiet();
    let mut viewer = monitor.watch("delta").await;
    viewer.event().await;
    let _requests = change(&monitor, 4).await;
    drop(viewer);
    sleep(ms(10)).await;
    let held = format!("{:08x}-5", monitor.tracker.epoch());
    for restart in 6..9 {
        let mut viewer = monitor.watch_with("delta", &[("last-event-id", &held)]).await;
        let update = viewer.event().await;
        assert_eq!((update.name.as_str(), &update.data["seq"]), ("update", &json!(restart)));
        drop(viewer);
        sleep(ms(10)).await;
    }

    // The same while viewers of the other format keep the publisher going.
    let mut other = monitor.watch("update").await;
    other.event().await;
    for restart in 9..12 {
        let mut viewer = monitor.watch_with("delta", &[("last-event-id", &held)]).await;
        let update = viewer.event().await;
        assert_eq!((update.name.as_str(), &update.data["seq"]), ("update", &json!(restart)));
        drop(viewer);
        sleep(ms(10)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn two_services_of_one_tracker_do_not_take_each_others_ends() {
    let one = Monitor::quiet();
    let other = Monitor::of(one.tracker.clone(), Default::default());
    let mut viewers = [(one.watch("delta").await, Table::default()), (other.watch("delta").await, Table::default())];
    for round in 0..20 {
        let requests: Vec<_> = (0..3).map(|_| one.start("a")).collect();
        sleep(ms(37 * round)).await;
        drop(requests);
    }
    sleep(ms(500)).await;
    for (viewer, table) in &mut viewers {
        while let Some(text) = viewer.within(ms(1)).await {
            table.apply(&Event::parse(&text));
        }
        assert_eq!(*table, Table::of(&one.tracker));
    }
}

#[tokio::test(start_paused = true)]
async fn a_cost_is_the_last_column_of_the_progress_and_new_prices_are_progress() {
    let price = |output: &str| {
        let prices =
            format!(r#"{{"a": {{"input_cost_per_token": 1e-6, "output_cost_per_token": {output}, "mode": "chat"}}}}"#);
        Prices::from_litellm(&prices).unwrap()
    };
    let monitor = Monitor::quiet();
    let request = monitor.start("a");
    let mut viewer = monitor.watch("delta").await;
    let mut table = Table::default();
    table.apply(&viewer.event().await);
    let usage = Usage::new().input_tokens(10).output_tokens(20);
    request.handle().set_usage(usage);
    let delta = viewer.event().await;
    assert_eq!(delta.data["progressed"][0][11], json!(null));
    table.apply(&delta);
    for (output, cost) in [("2e-6", 0.00005), ("4e-6", 0.00009)] {
        monitor.tracker.set_prices(price(output));
        let delta = viewer.event().await;
        assert_eq!(delta.data["progressed"][0][11], json!(cost));
        table.apply(&delta);
        assert_eq!(table, Table::of(&monitor.tracker));
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_tells_the_numbers_that_the_request_ended_with() {
    let monitor = Monitor::quiet();
    let prices = r#"{"a": {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6, "mode": "chat"}}"#;
    monitor.tracker.set_prices(Prices::from_litellm(prices).unwrap());
    let mut request = monitor.start("a");
    request.head(StatusCode::OK, Some(true), Observation::Full);
    let mut viewer = monitor.watch("delta").await;
    viewer.event().await;

    // All that an answer says last, and its end, within one delta.
    sleep(ms(800)).await;
    request.frame(BodyProgress { response_bytes: 900, text_bytes: 4 });
    let usage = Usage::new()
        .input_tokens(150)
        .output_tokens(90)
        .cache_read_tokens(64)
        .cache_creation_tokens(8)
        .reasoning_tokens(30);
    request.record(&Reading::new().usage(usage).source(UsageSource::Reported).tool_calls(2).text_bytes(4));
    request.finish(Outcome::Completed);
    let ended = loop {
        if let Some(ended) = viewer.event().await.data.get("ended") {
            break ended[0].clone();
        }
    };
    let entry = monitor.json("/logs").await["traces"][0].clone();
    let told = [
        "input_tokens",
        "output_tokens",
        "provider",
        "model",
        "path",
        "last_byte_ms",
        "waiting_on",
        "usage_source",
        "cache_read_tokens",
        "cache_creation_tokens",
        "reasoning_tokens",
        "tool_call_count",
        "response_bytes",
        "cost_usd",
        "time_to_first_token_ms",
        "is_streaming",
    ];
    for (index, name) in told.into_iter().enumerate() {
        assert_eq!(ended[4 + index], entry[name], "{name}");
    }
    assert_eq!(ended.as_array().unwrap().len(), 4 + told.len());
    assert_eq!((&ended[11], &ended[17], &ended[18]), (&json!("reported"), &json!(0.000_33), &json!(800)));
}
