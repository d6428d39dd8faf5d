//! Whatever happens to requests and viewers in whatever order, every viewer's table is the snapshot, and at the same delta that of every
//! other viewer.

use crate::support::{Event, Monitor, Table, Viewer, bytes, ms};
use active_requests::{
    config::{MonitorConfig, TrackerConfig},
    tracker::{ActiveRequest, BodyProgress, Outcome, RequestInfo, RequestTracker},
    usage::{Observation, Reading, Usage, UsageSource},
};
use futures_util::FutureExt;
use http::StatusCode;
use proptest::prelude::*;
use std::{collections::HashMap, time::Duration};

#[derive(Debug, Clone)]
enum Step {
    Start,
    /// On a thread of its own, so that it stands in another shard.
    StartElsewhere,
    Head(usize),
    Frame(usize, u64),
    Poll(usize),
    Usage(usize, u64),
    FirstToken(usize),
    Provider(usize),
    Stage(usize),
    Upload(usize, u64),
    End(usize),
    EndAll,
    Join(bool),
    Leave(usize),
    /// A viewer leaves and returns with what it has seen last.
    Return(usize),
    /// A viewer reads so many pieces, if they are there.
    Read(usize, usize),
    Pass(u64),
    /// All viewers read all, after which their tables are compared.
    Compare,
}

fn step() -> impl Strategy<Value = Step> {
    use Step::*;
    let one = 0..64_usize;
    prop_oneof![
        6 => Just(Start),
        2 => Just(StartElsewhere),
        3 => one.clone().prop_map(Head),
        4 => (one.clone(), 0..9_u64).prop_map(|(i, n)| Frame(i, n)),
        2 => one.clone().prop_map(Poll),
        2 => (one.clone(), 0..9_u64).prop_map(|(i, n)| Usage(i, n)),
        2 => one.clone().prop_map(FirstToken),
        1 => one.clone().prop_map(Provider),
        1 => one.clone().prop_map(Stage),
        1 => (one.clone(), 0..9_u64).prop_map(|(i, n)| Upload(i, n)),
        5 => one.clone().prop_map(End),
        1 => Just(EndAll),
        3 => any::<bool>().prop_map(Join),
        1 => one.clone().prop_map(Leave),
        2 => one.clone().prop_map(Return),
        3 => (one, 0..4_usize).prop_map(|(i, n)| Read(i, n)),
        8 => prop_oneof![Just(0), 1..30_u64, 80..120_u64, 240..260_u64].prop_map(Pass),
        2 => Just(Compare),
    ]
}

struct Watching {
    viewer: Viewer,
    table: Table,
    last_id: Option<String>,
    delta: bool,
}

impl Watching {
    async fn join(monitor: &Monitor, delta: bool) -> Self {
        let viewer = monitor.watch(if delta { "delta" } else { "update" }).await;
        Self { viewer, table: Table::default(), last_id: None, delta }
    }

    /// Reads an event, if there is one. `told`: what was to be known at each delta.
    fn read(&mut self, told: &mut HashMap<String, Table>) -> bool {
        let Some(text) = self.viewer.next().now_or_never() else { return false };
        let event = Event::parse(&text);
        self.table.apply(&event);
        if self.delta {
            let known = told.entry(event.id.clone()).or_insert_with(|| self.table.clone());
            assert_eq!(self.table, *known, "at {}, by {}", event.id, event.name);
        }
        self.last_id = Some(event.id);
        true
    }
}

struct World {
    monitor: Monitor,
    requests: Vec<ActiveRequest>,
    viewers: Vec<Watching>,
    /// The table of delta viewers, by the event's id.
    told: HashMap<String, Table>,
}

impl World {
    async fn take(&mut self, step: Step) {
        let count = self.requests.len().max(1);
        let request = |requests: &mut Vec<ActiveRequest>, i: usize, f: &dyn Fn(&mut ActiveRequest)| {
            requests.get_mut(i % count).map(f);
        };
        let viewer = |i: usize, viewers: &[Watching]| (!viewers.is_empty()).then(|| i % viewers.len());
        let requests = &mut self.requests;
        match step {
            Step::Start => requests.push(self.monitor.start("openai:gpt-4o")),
            Step::StartElsewhere => {
                let tracker = self.monitor.tracker.clone();
                let start = move || tracker.start(&http::Method::GET, "/elsewhere", &RequestInfo::new());
                requests.push(std::thread::spawn(start).join().unwrap().unwrap());
            }
            Step::Head(i) => request(requests, i, &|r| r.head(StatusCode::OK, Some(true), Observation::Full)),
            Step::Frame(i, n) => request(requests, i, &|r| r.frame(BodyProgress { response_bytes: n, text_bytes: 0 })),
            Step::Poll(i) => request(requests, i, &ActiveRequest::pending),
            Step::Usage(i, n) => {
                let usage = Usage::new().input_tokens(n).output_tokens(2 * n);
                let reading = Reading::new().usage(usage).source(UsageSource::Partial).tool_calls(n / 3);
                request(requests, i, &|r| r.record(&reading));
            }
            Step::FirstToken(i) => {
                request(requests, i, &|r| r.record(&Reading::new().text_bytes(1)));
            }
            Step::Provider(i) => request(requests, i, &|r| r.handle().set_provider("openrouter")),
            Step::Stage(i) => request(requests, i, &|r| {
                r.handle().set_stage("\"searching\"");
                r.handle().describe(&RequestInfo::new().route("/v1/{model}").caller("a \"caller\""));
                r.handle().set_label("session", "s1");
            }),
            Step::Upload(i, n) => request(requests, i, &|r| r.handle().set_request_size(n)),
            Step::End(i) => {
                if !requests.is_empty() {
                    requests.swap_remove(i % count).finish(Outcome::Completed);
                }
            }
            Step::EndAll => requests.clear(),
            Step::Join(delta) => self.viewers.push(Watching::join(&self.monitor, delta).await),
            Step::Leave(i) => {
                viewer(i, &self.viewers).map(|i| self.viewers.swap_remove(i));
            }
            Step::Return(i) => {
                if let Some(i) = viewer(i, &self.viewers) {
                    let left = self.viewers.swap_remove(i);
                    let Watching { table, last_id, delta, viewer } = left;
                    drop(viewer);
                    let id = last_id.clone().unwrap_or_default();
                    let format = if delta { "delta" } else { "update" };
                    let viewer = self.monitor.watch_with(format, &[("last-event-id", &id)]).await;
                    self.viewers.push(Watching { viewer, table, last_id, delta });
                }
            }
            Step::Read(i, pieces) => {
                if let Some(i) = viewer(i, &self.viewers) {
                    for _ in 0..pieces {
                        self.viewers[i].read(&mut self.told);
                    }
                }
            }
            Step::Pass(time) => tokio::time::sleep(ms(time)).await,
            Step::Compare => self.compare().await,
        }
    }

    /// The snapshot's rows are those of `serde`, to the byte.
    async fn compare_bytes(&self) {
        let text = bytes(self.monitor.get("/active-requests").await).await;
        let text = std::str::from_utf8(&text).unwrap();
        let list = text.strip_prefix("{\"disabled\":false,\"active_requests\":[").unwrap();
        let (list, _) = list.split_once("],\"timestamp\"").unwrap();
        let rows: Vec<_> =
            self.monitor.tracker.snapshot().iter().map(|row| serde_json::to_string(row).unwrap()).collect();
        assert_eq!(list.len(), rows.iter().map(|row| row.len() + 1).sum::<usize>().saturating_sub(1));
        for row in rows {
            assert!(list.contains(&row), "{row}\n{list}");
        }
    }

    async fn compare(&mut self) {
        // Both formats are sampled in this time.
        tokio::time::sleep(ms(2_300)).await;
        self.compare_bytes().await;
        let truth = Table::of(&self.monitor.tracker);
        for viewer in &mut self.viewers {
            while viewer.read(&mut self.told) {}
            assert_eq!(viewer.table, truth, "delta: {}", viewer.delta);
        }
    }
}

fn run(steps: Vec<Step>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let tracker = TrackerConfig::default().stall_after(Duration::from_secs(1_000_000));
        let monitor = MonitorConfig::default().heartbeat(Duration::MAX);
        let monitor = Monitor::of(RequestTracker::new(tracker), monitor);
        let mut world = World { monitor, requests: Vec::new(), viewers: Vec::new(), told: HashMap::new() };
        for step in steps {
            world.take(step).await;
        }
        world.compare().await;
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_viewers_table_is_the_snapshot(steps in proptest::collection::vec(step(), 1..80)) {
        run(steps);
    }
}
