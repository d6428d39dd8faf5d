//! A network that loses, doubles, delays and damages messages: what is shown is late, and not wrong.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::{
    calls::{KEY, in_flight, operated},
    support::{Replica, Table, document, ms, pass},
};
use active_requests::{
    MonitorConfig,
    config::FleetConfig,
    fleet::{Fleet, FleetBus, Inbox, Listening, Lost, MemoryBus, MemoryNetwork, Topic},
    tracker::Outcome,
};
use bytes::Bytes;
use proptest::prelude::*;

/// Changes messages on their way out.
type Tamper = dyn FnMut(Vec<u8>) -> Vec<u8> + Send;

/// A bus of a network in memory that sends something else than it is given, or needs a while to take it.
#[derive(Clone)]
struct FaultyBus {
    bus: MemoryBus,
    tamper: Arc<Mutex<Box<Tamper>>>,
    delay: Duration,
}

impl FaultyBus {
    fn new(bus: MemoryBus, tamper: impl FnMut(Vec<u8>) -> Vec<u8> + Send + 'static) -> Self {
        Self { bus, tamper: Arc::new(Mutex::new(Box::new(tamper))), delay: Duration::ZERO }
    }

    /// Sends what it is given from now on.
    fn leave_alone(&self) {
        *self.tamper.lock().unwrap() = Box::new(|message| message);
    }
}

impl FleetBus for FaultyBus {
    async fn send(&self, topic: Topic, message: Bytes) -> Result<(), Lost> {
        if !self.delay.is_zero() {
            tokio::time::sleep(self.delay).await;
        }
        let message = (self.tamper.lock().unwrap())(message.to_vec());
        self.bus.send(topic, message.into()).await
    }

    fn listen(&self, topic: Topic, inbox: Inbox) -> Listening {
        self.bus.listen(topic, inbox)
    }

    fn reset(&self) {}

    fn engine(&self) -> &'static str {
        "faulty"
    }

    fn is_connected(&self) -> bool {
        self.bus.is_connected()
    }
}

/// The message with another text in the place of one, and the checksum that it then needs. A compressed one is left as it is.
fn replaced(message: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
    let Ok(text) = String::from_utf8(message.clone()) else { return message };
    if !text.contains(from) || text.contains(" z=1 ") {
        return message;
    }
    let text = text.replace(from, to);
    let (line, body) = text.split_once('\n').unwrap();
    let (line, _) = line.rsplit_once(" c=").unwrap();
    let checksum = crc32fast::hash(format!("{line}{body}").as_bytes());
    format!("{line} c={checksum:08x}\n{body}").into_bytes()
}

fn tampered(network: &MemoryNetwork, tamper: impl FnMut(Vec<u8>) -> Vec<u8> + Send + 'static) -> (Replica, FaultyBus) {
    let bus = network.bus();
    let tampered = FaultyBus::new(bus.clone(), tamper);
    (Replica::over(tampered.clone(), bus, FleetConfig::default().replica("b"), MonitorConfig::default()), tampered)
}

/// A replica `b` in whose messages the first of the two texts, while it is not empty, is replaced by the second.
fn swapping(network: &MemoryNetwork) -> (Replica, FaultyBus, Arc<Mutex<(String, String)>>) {
    let swap = Arc::new(Mutex::new((String::new(), String::new())));
    let shared = Arc::clone(&swap);
    let (b, bus) = tampered(network, move |message| {
        let (from, to) = &*shared.lock().unwrap();
        if from.is_empty() { message } else { replaced(message, from, to) }
    });
    (b, bus, swap)
}

#[tokio::test(start_paused = true)]
async fn a_viewer_gets_to_the_rows_of_all_while_half_of_all_messages_are_lost() {
    for seed in 0..10 {
        let network = MemoryNetwork::new(seed);
        let (a, mut b) = (Replica::new(&network, "a"), Replica::new(&network, "b"));
        (0..20).for_each(|_| _ = b.start("gpt-4o"));
        let mut viewer = a.watch("delta").await;
        network.set_faults(0.5, 0.2, ms(300));
        viewer.read_for(ms(5_000)).await;
        (0..20).for_each(|_| _ = b.start("claude"));
        let mut seconds = 0;
        while viewer.table != Table::of([&a, &b]) {
            viewer.read_for(ms(1_000)).await;
            seconds += 1;
            assert!(seconds < 120, "seed {seed}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_rows_of_a_replica_that_is_not_heard_are_shown_for_as_long_as_is_said() {
    let network = MemoryNetwork::new(1);
    let (a, mut b) = (Replica::new(&network, "a"), Replica::new(&network, "b"));
    b.start("gpt-4o");
    let mut viewer = a.watch("delta").await;
    viewer.read_for(ms(3_000)).await;
    let shown = viewer.table.clone();
    assert_eq!(shown, Table::of([&b]));
    b.bus.cut(true);
    // The last word may have come up to a second before.
    viewer.read_for(ms(8_900)).await;
    assert_eq!(viewer.table, shown);
    viewer.read_for(ms(1_100 + 250)).await;
    assert_eq!(viewer.table, Table::default());
    b.start("gpt-4o");
    viewer.read_for(ms(30_000)).await;
    assert_eq!(viewer.table, Table::default());
    b.bus.cut(false);
    viewer.read_for(ms(2_000)).await;
    assert_eq!(viewer.table, Table::of([&b]));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 30, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_list_that_is_shown_is_one_that_the_replica_had_in_its_order(
        seed in any::<u64>(),
        loss in 0.0..0.5_f64,
        delay in 0..400_u64,
        steps in proptest::collection::vec((any::<bool>(), 0..400_u64), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let network = MemoryNetwork::new(seed);
            let (a, mut b) = (Replica::new(&network, "a"), Replica::new(&network, "b"));
            let mut viewer = a.watch("delta").await;
            network.set_faults(loss, 0.3, ms(delay));
            let ids = |table: &Table| table.rows.keys().cloned().collect::<BTreeSet<_>>();
            // When the replica had which list.
            let mut had: BTreeMap<BTreeSet<String>, usize> = BTreeMap::from([(BTreeSet::new(), 0)]);
            let mut shown = 0;
            for (moment, (starts, time)) in (1..).zip(steps) {
                if starts || b.requests.is_empty() {
                    b.start("gpt-4o");
                } else {
                    b.requests.remove(0).finish(Outcome::Completed);
                }
                had.insert(ids(&Table::of([&b])), moment);
                let end = tokio::time::Instant::now() + ms(time);
                while viewer.next(end.saturating_duration_since(tokio::time::Instant::now())).await.is_some() {
                    let last = had.get(&ids(&viewer.table));
                    let last = *last.unwrap_or_else(|| panic!("never a list of the replica: {:?}", viewer.table));
                    // No list but the empty one comes twice.
                    if !viewer.table.rows.is_empty() {
                        assert!(last >= shown, "an older list is shown after a newer one");
                        shown = last;
                    }
                }
            }
        });
    }

    #[test]
    fn messages_that_are_cut_or_misread_do_no_lasting_harm(seed in any::<u64>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let network = MemoryNetwork::new(seed);
            let a = Replica::new(&network, "a");
            let mut random = seed | 1;
            let mut draw = move |below: usize| {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                usize::try_from(random >> 33).unwrap() % below.max(1)
            };
            let (mut b, bus) = tampered(&network, move |mut message| {
                match draw(4) {
                    0 => message.truncate(draw(message.len())),
                    1 => {
                        let at = draw(message.len());
                        message[at] = u8::try_from(draw(256)).unwrap();
                    }
                    _ => {}
                }
                message
            });
            let mut viewer = a.watch("delta").await;
            for round in 0..20 {
                (0..3).for_each(|_| _ = b.start("gpt-4o"));
                if round % 3 == 0 {
                    b.requests.remove(0).finish(Outcome::Completed);
                }
                viewer.read_for(ms(700)).await;
            }
            bus.leave_alone();
            // What a damaged message has made known has to be given up.
            pass(12_000).await;
            viewer.read_for(ms(3_000)).await;
            assert_eq!(viewer.table, Table::of([&a, &b]));
            assert_eq!(a.snapshot().await, viewer.table);
        });
    }
}

#[tokio::test(start_paused = true)]
async fn a_table_that_has_gone_wrong_is_found_out_and_fetched_anew() {
    let network = MemoryNetwork::new(1);
    let a = Replica::new(&network, "a");
    // One start is told as that of another request.
    let (mut b, _bus, wrong) = swapping(&network);
    b.start("gpt-4o");
    let mut viewer = a.watch("delta").await;
    viewer.read_for(ms(3_000)).await;
    let epoch = b.epoch();
    let next = b.start("gpt-4o");
    *wrong.lock().unwrap() = (next.clone(), format!("req_{epoch}-999999"));
    viewer.read_for(ms(600)).await;
    *wrong.lock().unwrap() = Default::default();
    viewer.read_for(ms(2_500)).await;
    assert_eq!(viewer.table, Table::of([&a, &b]));
    assert_eq!(a.fleet.counts().mismatches, 1);
}

#[tokio::test(start_paused = true)]
async fn a_row_whose_text_was_damaged_is_not_shown_but_asked_for_again() {
    let network = MemoryNetwork::new(1);
    let a = Replica::new(&network, "a");
    let damage = Arc::new(Mutex::new(0));
    let left = Arc::clone(&damage);
    let (mut b, _bus) = tampered(&network, move |message| {
        let mut left = left.lock().unwrap();
        let Ok(text) = String::from_utf8(message.clone()) else { return message };
        if *left == 0 || !text.contains("gpt-4o") {
            return message;
        }
        *left -= 1;
        // Still the JSON of a row, of the same id.
        text.replace("gpt-4o", "gpt-4x").into_bytes()
    });
    b.start("claude");
    let mut viewer = a.watch("delta").await;
    viewer.read_for(ms(3_000)).await;
    *damage.lock().unwrap() = 2;
    b.start("gpt-4o");
    let expected = Table::of([&a, &b]);
    let end = tokio::time::Instant::now() + ms(4_000);
    while viewer.next(end.saturating_duration_since(tokio::time::Instant::now())).await.is_some() {
        assert!(viewer.table.rows.values().all(|row| row["model"] != "gpt-4x"), "{:?}", viewer.table);
    }
    assert_eq!(viewer.table, expected);
    assert_eq!((*damage.lock().unwrap(), a.fleet.counts().unreadable), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_speaks_for_another_is_told_and_changes_nothing() {
    let network = MemoryNetwork::new(1);
    let (a, mut b) = (Replica::new(&network, "a"), Replica::new(&network, "b"));
    b.start("gpt-4o");
    let mut viewer = a.watch("delta").await;
    viewer.read_for(ms(3_000)).await;
    let shown = viewer.table.clone();
    assert_eq!(shown, Table::of([&b]));

    // Another process with the epoch of `b`: it has rows, says that there are none, and says good-bye.
    let (mut c, bus) = (Replica::new(&network, "c"), network.bus());
    c.start("claude");
    let epochs = (c.epoch(), b.epoch());
    let posing = FaultyBus::new(bus.clone(), move |message| replaced(message, &epochs.0, &epochs.1));
    let config = FleetConfig::default().replica("c");
    let fleet = Fleet::start(posing, c.tracker.clone(), config).unwrap();
    let mut posers = c.watch("delta").await;
    posers.read_for(ms(2_000)).await;
    viewer.read_for(ms(3_000)).await;
    assert!(shown.rows.keys().all(|id| viewer.table.rows.contains_key(id)));
    drop(fleet);
    pass(1_000).await;
    viewer.read_for(ms(1_000)).await;
    assert!(shown.rows.keys().all(|id| viewer.table.rows.contains_key(id)));
    assert_eq!(viewer.states().get("b").map(String::as_str), Some("conflict"));
}

#[tokio::test(start_paused = true)]
async fn rows_of_another_replica_than_the_sender_are_not_taken() {
    let network = MemoryNetwork::new(1);
    let a = Replica::new(&network, "a");
    let (mut b, bus, ids) = swapping(&network);
    *ids.lock().unwrap() = (format!("req_{}-", b.epoch()), "req_0badcafe-".to_owned());
    b.start("gpt-4o");
    let mut viewer = a.watch("delta").await;
    viewer.read_for(ms(5_000)).await;
    assert_eq!(viewer.table, Table::default());
    bus.leave_alone();
    viewer.read_for(ms(4_000)).await;
    assert_eq!(viewer.table, Table::of([&b]));
}

#[tokio::test(start_paused = true)]
async fn a_replica_of_a_newer_format_is_listed_as_such() {
    let network = MemoryNetwork::new(1);
    let a = Replica::new(&network, "a");
    let (mut b, _bus) = tampered(&network, |message| {
        let mut message = message;
        message[2] = b'2';
        message
    });
    b.start("gpt-4o");
    let mut viewer = a.watch("delta").await;
    viewer.read_for(ms(3_000)).await;
    assert_eq!(viewer.table, Table::default());
    assert_eq!(viewer.states().get(&b.epoch()).map(String::as_str), Some("incompatible"));
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_wrong_by_an_hour_is_told_and_changes_no_row() {
    for hour in [3_600.0, -3_600.0_f64] {
        let network = MemoryNetwork::new(1);
        let a = Replica::new(&network, "a");
        let (mut b, _bus) = tampered(&network, move |message| {
            let text = String::from_utf8_lossy(&message).into_owned();
            let Some((_, rest)) = text.split_once("\"timestamp\":") else { return message };
            let number: String = rest.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
            let wrong = number.parse::<f64>().unwrap() + hour;
            replaced(message, &format!("\"timestamp\":{number}"), &format!("\"timestamp\":{wrong}"))
        });
        b.start("gpt-4o");
        let mut viewer = a.watch("delta").await;
        viewer.read_for(ms(3_000)).await;
        assert_eq!(viewer.table, Table::of([&b]));
        let told = viewer.list["replicas"].as_array().unwrap().iter().find(|one| one["replica"] == "b").unwrap();
        let offset = told["clock_offset_ms"].as_f64().unwrap();
        assert!((offset - hour * 1_000.0).abs() < 1_000.0, "{told}");
        b.requests.clear();
        viewer.read_for(ms(2_000)).await;
        assert_eq!(viewer.table, Table::default());
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_over_a_bad_network_ends_the_request_that_is_meant_or_none() {
    for seed in 0..10 {
        let network = MemoryNetwork::new(seed);
        let (a, b) = (Replica::with(&network, "a", operated()), Replica::with(&network, "b", operated()));
        let mut requests = Vec::new();
        for _ in 0..12 {
            requests.push(in_flight(&b.tracker).await);
        }
        let ids: Vec<String> = b.tracker.snapshot().iter().map(|row| row.request_id.to_string()).collect();
        network.set_faults(0.4, 0.5, ms(400));
        let mut may_have_ended = BTreeSet::new();
        for id in &ids[..6] {
            let answer = a.ask("DELETE", &format!("/active-requests/{id}"), KEY).await;
            let status = answer.status().as_u16();
            let error = document(answer).await["error"]["type"].clone();
            match (status, error.as_str()) {
                (202, None) => {
                    let ended = b.tracker.recent_traces(99);
                    let ended = ended.iter().find(|entry| entry.request_id.to_string() == *id);
                    assert_eq!(ended.map(|entry| entry.outcome), Some(Outcome::Killed), "{id}, seed {seed}");
                }
                (504, Some("fleet_timeout")) => {}
                other => panic!("{id}, seed {seed}: {other:?}"),
            }
            may_have_ended.insert(id.clone());
        }
        pass(5_000).await;
        let ended = b.tracker.recent_traces(99);
        let ended: Vec<String> = ended.iter().map(|entry| entry.request_id.to_string()).collect();
        assert_eq!(ended.len(), ended.iter().collect::<BTreeSet<_>>().len(), "each ends once");
        assert!(ended.iter().all(|id| may_have_ended.contains(id)), "seed {seed}");
        assert_eq!(b.tracker.active(), ids.len() - ended.len());
    }
}

#[tokio::test(start_paused = true)]
async fn twenty_replicas_that_all_watch_are_shown_all_though_the_server_takes_its_time_with_each_message() {
    let network = MemoryNetwork::new(1);
    let mut replicas: Vec<Replica> = (0..20)
        .map(|number| {
            let bus = network.bus();
            let slow = FaultyBus { delay: ms(100), ..FaultyBus::new(bus.clone(), |message| message) };
            let config = FleetConfig::default().replica(&*format!("r{number}"));
            Replica::over(slow, bus, config, MonitorConfig::default())
        })
        .collect();
    for replica in &mut replicas {
        (0..20).for_each(|_| _ = replica.start("gpt-4o"));
    }
    let mut viewers = Vec::new();
    for replica in &replicas {
        viewers.push(replica.watch("delta").await);
    }
    pass(3_000).await;
    let expected = Table::of(&replicas);
    for viewer in &mut viewers {
        viewer.read_for(ms(1)).await;
        assert_eq!(viewer.table, expected);
    }
    // Nobody had to be asked over and over.
    for replica in &replicas {
        let questions = replica.fleet.counts().questions;
        assert!(questions < 2 * 20, "{questions}");
    }
}
