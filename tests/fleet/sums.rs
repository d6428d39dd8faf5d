//! Sums instead of rows, where there are more rows than one view is made for, and the rows of one replica beside them.

use crate::support::{Replica, Table, Viewer, document, ms, pass};
use active_requests::{
    MonitorConfig,
    config::FleetConfig,
    fleet::MemoryNetwork,
    tracker::{BodyProgress, Outcome},
    usage::Observation,
};
use serde_json::{Value, json};

/// A replica of a fleet that shows up to `max_rows` rows.
fn replica(network: &MemoryNetwork, name: &str, max_rows: usize) -> Replica {
    Replica::configured(network, FleetConfig::default().replica(name).max_rows(max_rows), MonitorConfig::default())
}

fn start(replica: &mut Replica, count: usize) {
    (0..count).for_each(|_| _ = replica.start("openai:gpt-4o"));
}

/// The requests in flight in the sums of one replica.
fn in_flight(sums: &Value) -> u64 {
    let counts =
        |model: &Value| model.as_array().unwrap()[2..6].iter().map(|count| count.as_u64().unwrap()).sum::<u64>();
    sums["models"].as_array().unwrap().iter().map(counts).sum()
}

#[tokio::test(start_paused = true)]
async fn above_the_limit_a_snapshot_has_the_sums_of_each_replica_and_no_rows() {
    let network = MemoryNetwork::new(1);
    let (mut a, mut b) = (replica(&network, "a", 5), replica(&network, "b", 5));
    start(&mut a, 2);
    start(&mut b, 4);
    b.requests.pop().unwrap().finish(Outcome::ServiceError);
    start(&mut b, 1);
    b.start("claude");
    b.requests[0].head(http::StatusCode::OK, Some(true), Observation::Full);
    pass(100).await;
    let shown = a.json("/active-requests?scope=fleet").await;
    assert_eq!((&shown["fleet"]["mode"], &shown["active_requests"]), (&json!("sums"), &json!([])));
    let of =
        |epoch: &str| shown["sums"].as_array().unwrap().iter().find(|sums| sums["epoch"] == epoch).unwrap().clone();
    let (of_a, of_b) = (of(&a.epoch()), of(&b.epoch()));
    assert_eq!((in_flight(&of_a), in_flight(&of_b)), (2, 5));
    assert_eq!((&of_b["replica"], &of_b["rows"], &of_b["callers"]), (&json!("b"), &json!(5), &json!([])));
    let model = of_b["models"][0].as_array().unwrap();
    assert_eq!(
        (&model[..7], &model[11..]),
        (
            &[json!("openai"), json!("gpt-4o"), json!(3), json!(1), json!(0), json!(0), json!(1)][..],
            &[json!(5), json!(1), json!(1)][..]
        )
    );
    let rows: Vec<&Value> =
        shown["fleet"]["replicas"].as_array().unwrap().iter().map(|replica| &replica["rows"]).collect();
    assert_eq!(rows.iter().map(|rows| rows.as_u64().unwrap()).sum::<u64>(), 7);
}

/// Reads until the mode is `mode`.
async fn reads_until(viewer: &mut Viewer, mode: &str) {
    for _ in 0..200 {
        viewer.read_for(ms(100)).await;
        if viewer.list["mode"] == mode {
            return;
        }
    }
    panic!("never {mode}: {}", viewer.list);
}

#[tokio::test(start_paused = true)]
async fn a_stream_goes_over_to_sums_and_back_to_rows() {
    let network = MemoryNetwork::new(1);
    let (mut a, mut b) = (replica(&network, "a", 20), replica(&network, "b", 20));
    start(&mut a, 4);
    start(&mut b, 10);
    for format in ["delta", "update"] {
        let mut viewer = a.watch(format).await;
        viewer.read_for(ms(3_000)).await;
        assert_eq!(viewer.list["mode"], "rows");
        assert_eq!(viewer.table, Table::of([&a, &b]));
        start(&mut b, 10);
        reads_until(&mut viewer, "sums").await;
        viewer.read_for(ms(4_000)).await;
        assert!(viewer.table.rows.is_empty() && viewer.sums.len() == 2, "{:?}", viewer.sums);
        assert_eq!(in_flight(&viewer.sums[&b.epoch()]), 20);
        b.requests.truncate(12);
        viewer.read_for(ms(4_500)).await;
        assert_eq!(
            (&viewer.list["mode"], in_flight(&viewer.sums[&b.epoch()])),
            (&json!("sums"), 12),
            "16 are too near to 20"
        );
        b.requests.truncate(10);
        reads_until(&mut viewer, "rows").await;
        viewer.read_for(ms(3_000)).await;
        assert!(viewer.sums.is_empty());
        assert_eq!(viewer.table, Table::of([&a, &b]), "{format}");
    }
    assert_eq!((a.fleet.counts().mismatches, a.fleet.counts().unreadable), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn sums_move_and_leave_with_their_replica() {
    let network = MemoryNetwork::new(1);
    let (mut a, mut b) = (replica(&network, "a", 0), replica(&network, "b", 0));
    start(&mut a, 1);
    start(&mut b, 1);
    let mut viewer = a.watch("delta").await;
    viewer.read_for(ms(2_000)).await;
    b.requests[0].head(http::StatusCode::OK, Some(true), Observation::Full);
    b.requests[0].frame(BodyProgress { response_bytes: 400, text_bytes: 400 });
    viewer.read_for(ms(2_600)).await;
    let model = viewer.sums[&b.epoch()]["models"][0].as_array().unwrap().clone();
    assert!(model[8].as_u64().unwrap() > 0, "output tokens: {model:?}");
    b.tracker.shutdown();
    b.fleet.ended().await;
    viewer.read_for(ms(500)).await;
    assert_eq!(viewer.sums.keys().collect::<Vec<_>>(), [&a.epoch()]);
}

#[tokio::test(start_paused = true)]
async fn the_rows_of_one_replica_are_shown_beside_the_sums_of_all() {
    let network = MemoryNetwork::new(1);
    let mut replicas = ["a", "b", "c"].map(|name| replica(&network, name, 5));
    replicas.iter_mut().for_each(|replica| start(replica, 4));
    let mut all = replicas[0].watch("delta").await;
    all.read_for(ms(1_000)).await;
    // Another one, and the watcher itself.
    for (format, one) in [("delta", 1), ("update", 1), ("delta", 0), ("update", 0)] {
        let scope = format!("replica:{}", replicas[one].epoch());
        let mut viewer = replicas[0].watch_scope(&scope, format, &[]).await;
        viewer.read_for(ms(1_000)).await;
        assert_eq!((&viewer.list["mode"], viewer.states().len()), (&json!("rows"), 1));
        assert_eq!(viewer.table, Table::of([&replicas[one]]));
        replicas[one].requests.pop().unwrap().finish(Outcome::Completed);
        start(&mut replicas[one], 2);
        viewer.read_for(ms(2_500)).await;
        assert_eq!(viewer.table, Table::of([&replicas[one]]), "{format}");
    }
    all.read_for(ms(2_500)).await;
    assert_eq!((&all.list["mode"], all.sums.len()), (&json!("sums"), 3));
    let snapshot = replicas[0].json(&format!("/active-requests?scope=replica:{}", replicas[1].epoch())).await;
    assert_eq!(Table::default().put_all(&snapshot["active_requests"]), Table::of([&replicas[1]]));
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_nobody_hears_and_a_scope_that_makes_no_sense_are_errors() {
    let network = MemoryNetwork::new(1);
    let a = replica(&network, "a", 5);
    for (path, status, kind) in [
        ("/active-requests?scope=replica:00000000", 404, "no_replica"),
        ("/active-requests/stream?scope=replica:00000000", 404, "no_replica"),
        ("/active-requests?scope=replica:b", 400, "bad_request"),
        ("/logs?scope=replica:00000000", 400, "bad_request"),
        ("/running-totals?scope=replica:00000000", 400, "bad_request"),
    ] {
        let answer = a.ask("GET", path, &[]).await;
        assert_eq!(
            (answer.status().as_u16(), document(answer).await["error"]["type"].clone()),
            (status, kind.into()),
            "{path}"
        );
    }
}

/// Bytes that a viewer at one of `count` replicas, which may show `max_rows` rows, causes to come within ten seconds.
async fn bytes_heard(count: usize, max_rows: usize) -> u64 {
    let network = MemoryNetwork::new(1);
    let mut replicas: Vec<Replica> = (0..count).map(|n| replica(&network, &format!("r{n}"), max_rows)).collect();
    for replica in &mut replicas {
        start(replica, 200);
    }
    let mut viewer = replicas[0].watch("delta").await;
    viewer.read_for(ms(10_000)).await;
    let shown = viewer.table.rows.len() + viewer.sums.values().map(in_flight).sum::<u64>() as usize;
    assert_eq!(shown, 200 * count);
    replicas[0].fleet.counts().heard_bytes
}

#[tokio::test(start_paused = true)]
async fn a_viewer_of_sums_costs_a_small_part_of_what_rows_would_even_at_its_start() {
    let (sums, rows) = (bytes_heard(20, 100).await, bytes_heard(20, 20_000).await);
    assert!(sums * 4 < rows, "{sums} {rows}");
    let few = bytes_heard(20, 100).await / 20;
    assert!(few < 4_000, "{few} bytes per replica");
}
