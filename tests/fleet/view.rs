//! The view of all replicas, as its subscribers get it.

use crate::support::{Replica, Table, ms, pass};
use active_requests::{fleet::MemoryNetwork, tracker::Outcome};

#[tokio::test(start_paused = true)]
async fn any_replica_shows_the_requests_of_all() {
    let network = MemoryNetwork::new(1);
    let mut replicas = ["a", "b", "c"].map(|name| Replica::new(&network, name));
    for replica in &mut replicas {
        replica.start("openai:gpt-4o");
        replica.start("claude");
    }
    for replica in &replicas {
        let shown = replica.json("/active-requests?scope=fleet").await;
        assert_eq!(shown["active_requests"].as_array().unwrap().len(), 6);
        assert_eq!(replica.snapshot().await, Table::of(&replicas));
        assert_eq!(shown["fleet"]["state"], "live");
        assert_eq!(shown["fleet"]["engine"], "memory");
        assert_eq!(shown["fleet"]["replicas"].as_array().unwrap().len(), 3);
        assert_eq!(replica.json("/active-requests").await["active_requests"].as_array().unwrap().len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_shows_starts_progress_and_ends_of_all() {
    let network = MemoryNetwork::new(1);
    let (mut a, mut b) = (Replica::new(&network, "a"), Replica::new(&network, "b"));
    let mut viewer = a.watch("delta").await;
    let first = viewer.next(ms(2_000)).await.unwrap();
    assert_eq!(first["active_requests"].as_array().unwrap().len(), 0);
    b.start("gpt-4o");
    a.start("gpt-4o");
    viewer.read_for(ms(1_000)).await;
    assert_eq!(viewer.table, Table::of([&a, &b]));
    b.requests[0].head(http::StatusCode::OK, Some(true), active_requests::usage::Observation::Full);
    b.requests[0].frame(active_requests::tracker::BodyProgress { response_bytes: 70, text_bytes: 40 });
    viewer.read_for(ms(2_000)).await;
    assert_eq!(viewer.table, Table::of([&a, &b]));
    let ended = b.requests.pop().unwrap();
    ended.finish(Outcome::Completed);
    let delta = viewer.next(ms(1_000)).await.unwrap();
    assert_eq!((&delta["ended"][0][1], &delta["gone"]), (&"completed".into(), &serde_json::Value::Null));
    assert_eq!(viewer.table, Table::of([&a]));
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_updates_shows_all() {
    let network = MemoryNetwork::new(1);
    let (mut a, mut b) = (Replica::new(&network, "a"), Replica::new(&network, "b"));
    a.start("gpt-4o");
    let mut viewer = a.watch("update").await;
    viewer.read_for(ms(3_000)).await;
    b.start("gpt-4o");
    viewer.read_for(ms(4_000)).await;
    assert_eq!(viewer.table, Table::of([&a, &b]));
    // After ten seconds the requests would be stalled.
    assert!(viewer.next(ms(2_000)).await.is_none(), "nothing has changed");
}

#[tokio::test(start_paused = true)]
async fn a_stream_goes_on_where_it_was_left() {
    let network = MemoryNetwork::new(1);
    let (mut a, mut b) = (Replica::new(&network, "a"), Replica::new(&network, "b"));
    a.start("gpt-4o");
    let _other = a.watch("delta").await;
    let mut viewer = a.watch("delta").await;
    viewer.read_for(ms(2_000)).await;
    let (table, last_id) = (viewer.table.clone(), viewer.last_id.clone());
    drop(viewer);
    b.start("gpt-4o");
    pass(1_000).await;
    let mut viewer = a.watch_with("delta", &[("last-event-id", &last_id)]).await;
    viewer.table = table;
    let delta = viewer.next(ms(1_000)).await.unwrap();
    assert!(delta["active_requests"].is_null() && delta["started"].is_array());
    assert_eq!(viewer.table, Table::of([&a, &b]));
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_ends_vanishes_at_once() {
    let network = MemoryNetwork::new(1);
    let (mut a, mut b) = (Replica::new(&network, "a"), Replica::new(&network, "b"));
    a.start("gpt-4o");
    b.start("gpt-4o");
    let mut viewer = a.watch("delta").await;
    viewer.read_for(ms(2_000)).await;
    assert_eq!(viewer.table.rows.len(), 2);
    b.tracker.shutdown();
    b.fleet.ended().await;
    let delta = viewer.next(ms(500)).await.unwrap();
    assert_eq!(delta["gone"][0], b.epoch());
    assert_eq!(viewer.table, Table::of([&a]));
    assert_eq!(viewer.states(), [("a".into(), "live".into())].into());
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_is_cut_off_is_stale_then_gone_and_comes_back_whole() {
    let network = MemoryNetwork::new(1);
    let (mut a, mut b) = (Replica::new(&network, "a"), Replica::new(&network, "b"));
    a.start("gpt-4o");
    b.start("gpt-4o");
    let mut viewer = a.watch("delta").await;
    let mut own = b.watch("delta").await;
    viewer.read_for(ms(2_000)).await;
    b.bus.cut(true);
    viewer.read_for(ms(4_000)).await;
    assert_eq!(viewer.states()["b"], "live");
    viewer.read_for(ms(2_000)).await;
    assert_eq!(viewer.states()["b"], "stale");
    assert_eq!(viewer.table.rows.len(), 2, "stale rows are shown");
    viewer.read_for(ms(5_000)).await;
    assert_eq!(viewer.table, Table::of([&a]));
    own.read_for(ms(1_000)).await;
    assert_eq!(own.list["state"], "lost");
    assert_eq!(own.table, Table::of([&b]), "the own rows need nobody");
    b.start("claude");
    b.bus.cut(false);
    viewer.read_for(ms(2_000)).await;
    own.read_for(ms(2_000)).await;
    assert_eq!(viewer.table, Table::of([&a, &b]));
    assert_eq!(own.table, Table::of([&a, &b]));
    assert_eq!(own.list["state"], "live");
}

#[tokio::test(start_paused = true)]
async fn without_a_watcher_nothing_is_sent() {
    let network = MemoryNetwork::new(1);
    let (mut a, b) = (Replica::new(&network, "a"), Replica::new(&network, "b"));
    pass(1_000).await;
    let sent = network.sent();
    for _ in 0..100 {
        a.start("gpt-4o");
        pass(1_000).await;
    }
    assert_eq!(network.sent(), sent);
    b.snapshot().await;
    assert!(network.sent() > sent);
    // Who asks once stays a watcher for a while.
    pass(20_000).await;
    let sent = network.sent();
    pass(100_000).await;
    assert_eq!(network.sent(), sent);
}

#[tokio::test(start_paused = true)]
async fn a_late_watcher_is_shown_all_within_a_second() {
    let network = MemoryNetwork::new(1);
    let mut replicas: Vec<Replica> = (0..30).map(|n| Replica::new(&network, &format!("r{n}"))).collect();
    for replica in &mut replicas {
        (0..20).for_each(|_| _ = replica.start("gpt-4o"));
    }
    pass(5_000).await;
    let start = tokio::time::Instant::now();
    assert_eq!(replicas[0].snapshot().await, Table::of(&replicas));
    assert!(start.elapsed() <= ms(1_100), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn the_list_of_replicas_tells_their_names_versions_and_rows() {
    let network = MemoryNetwork::new(1);
    let (a, mut b) = (Replica::new(&network, "a"), Replica::new(&network, "b \"x\""));
    b.start("gpt-4o");
    let list = a.json("/fleet").await;
    let of = |name: &str| {
        let all = list["replicas"].as_array().unwrap();
        all.iter().find(|replica| replica["replica"] == name).unwrap().clone()
    };
    assert_eq!(of("b \"x\"")["rows"], 1);
    assert_eq!(of("b \"x\"")["epoch"], b.epoch());
    assert_eq!(of("b \"x\"")["self"], false);
    assert_eq!(of("a")["self"], true);
    assert_eq!(of("a")["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(list["counts"]["mismatches"], 0);
    assert_eq!(a.fleet.counts().unreadable, 0);
}

#[tokio::test(start_paused = true)]
async fn a_fleet_of_another_name_is_not_seen() {
    use active_requests::{RequestTracker, config::FleetConfig, fleet::Fleet};
    let network = MemoryNetwork::new(1);
    let a = Replica::new(&network, "a");
    let config = FleetConfig::default().name("test".parse().unwrap()).replica("b");
    let _b = Fleet::start(network.bus(), RequestTracker::default(), config).unwrap();
    assert_eq!(a.json("/fleet").await["replicas"].as_array().unwrap().len(), 1);
}

#[cfg(feature = "prometheus")]
#[tokio::test(start_paused = true)]
async fn prometheus_is_told_of_the_fleet_and_of_its_replicas_only_while_they_are_watched() {
    use http_body_util::BodyExt;
    let network = MemoryNetwork::new(1);
    let (a, mut b) = (Replica::new(&network, "a"), Replica::new(&network, "b"));
    b.start("gpt-4o");
    pass(1_100).await;
    let scrape = async || {
        let bytes = a.ask("GET", "/", &[]).await.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(bytes.to_vec()).unwrap()
    };
    let before = scrape().await;
    assert!(before.contains("active_requests_fleet_connected 1\n"), "{before}");
    assert!(!before.contains("active_requests_fleet_replicas{"), "nothing is known of them");
    let mut viewer = a.watch("delta").await;
    viewer.read_for(ms(2_000)).await;
    let watched = scrape().await;
    for sample in [
        "active_requests_fleet_replicas{state=\"live\"} 2\n",
        "active_requests_subscribers 1\n",
        "active_requests_fleet_mismatches_total 0\n",
        "active_requests_fleet_unreadable_total 0\n",
    ] {
        assert!(watched.contains(sample), "{sample} in {watched}");
    }
    for direction in ["in", "out"] {
        let name = format!("active_requests_fleet_messages_total{{direction=\"{direction}\"}} ");
        let (_, count) = watched.split_once(&name).unwrap();
        assert!(!count.starts_with('0'), "{watched}");
    }
    a.bus.cut(true);
    viewer.read_for(ms(12_000)).await;
    let cut = scrape().await;
    assert!(
        cut.contains("active_requests_fleet_connected 0\n") && cut.contains("replicas{state=\"live\"} 1\n"),
        "{cut}"
    );
    a.bus.cut(false);
    viewer.read_for(ms(3_000)).await;
    assert!(scrape().await.contains("replicas{state=\"live\"} 2\n"));
}
