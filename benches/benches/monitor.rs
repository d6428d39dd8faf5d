//! The snapshot and a push to viewers, with 1,000 requests in flight, beside `serde_json` over the same rows and over a
//! `DashMap` registry, which encode for whoever asks.

use active_requests::{
    config::MonitorConfig,
    monitor::{MonitorService, ResponseBody},
    tracker::{ActiveRequest, BodyProgress, RequestId, RequestInfo, RequestTracker, Row},
    usage::{Observation, Reading},
};
use bytes::Bytes;
use criterion::{BatchSize, BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime};
use dashmap::DashMap;
use futures_util::FutureExt;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use std::{
    hint::black_box,
    time::{Duration, Instant},
};
use tower::ServiceExt;

const ROWS: usize = 1000;
const VIEWERS: usize = 100;

/// 1,000 streams under way.
struct World {
    tracker: RequestTracker,
    requests: Vec<ActiveRequest>,
    bytes: u64,
}

impl World {
    fn new() -> Self {
        let tracker = RequestTracker::default();
        let info = RequestInfo::new().model("openai:gpt-4.1-2025-04-14").is_streaming(true);
        let requests = (0..ROWS).map(|_| {
            let mut request = tracker.start(&Method::POST, "/v1/chat/completions", &info).expect("tracking is on");
            request.head(StatusCode::OK, Some(true), Observation::Full);
            request.record(&Reading::new().text_bytes(1));
            request
        });
        Self { requests: requests.collect(), tracker, bytes: 0 }
    }

    /// Tokens come in on every `step`th stream.
    fn progress(&mut self, step: usize) {
        self.bytes += 320;
        for request in self.requests.iter_mut().step_by(step) {
            request.frame(BodyProgress { response_bytes: self.bytes, text_bytes: self.bytes / 16 });
        }
    }

    fn monitor(&self) -> MonitorService {
        MonitorService::new(self.tracker.clone(), MonitorConfig::default().heartbeat(Duration::MAX))
    }
}

fn get(monitor: &MonitorService, path: &str) -> ResponseBody {
    let request = Request::get(path).body(()).expect("a request");
    let answer = monitor.clone().oneshot(request).now_or_never().expect("answered at once");
    answer.expect("infallible").into_body()
}

fn whole(body: ResponseBody) -> Bytes {
    body.collect().now_or_never().expect("there at once").expect("infallible").to_bytes()
}

fn snapshot(c: &mut Criterion) {
    let mut world = World::new();
    let mut group = c.benchmark_group("monitor/snapshot of 1,000 rows, first");
    group.bench_function("ours", |b| {
        b.iter_batched(|| world.monitor(), |monitor| whole(get(&monitor, "/active-requests")), BatchSize::SmallInput);
    });
    group.finish();

    let monitor = world.monitor();
    for (name, step) in [("all changed", 1), ("a tenth changed", 10), ("one changed", ROWS)] {
        let mut group = c.benchmark_group(format!("monitor/snapshot of 1,000 rows, {name}"));
        group.bench_function("ours", |b| {
            b.iter_custom(|times| {
                let mut spent = Duration::ZERO;
                for _ in 0..times {
                    world.progress(step);
                    let begun = Instant::now();
                    black_box(whole(get(&monitor, "/active-requests")));
                    spent += begun.elapsed();
                }
                spent
            });
        });
        if step == 10 {
            rivals(&mut group, &world.tracker);
        }
        group.finish();
    }
    let mut group = c.benchmark_group("monitor/snapshot of 1,000 rows, nothing changed");
    group.bench_function("ours", |b| b.iter(|| whole(get(&monitor, "/active-requests"))));
    group.finish();
}

/// Alternatives that encode all rows for each reader, however little has changed.
fn rivals(group: &mut BenchmarkGroup<'_, WallTime>, tracker: &RequestTracker) {
    group.bench_function("rows + serde_json", |b| b.iter(|| serde_json::to_vec(&tracker.snapshot())));
    let map: DashMap<RequestId, Row> = tracker.snapshot().into_iter().map(|row| (row.request_id, row)).collect();
    group.bench_function("DashMap + serde_json", |b| {
        b.iter(|| {
            let mut rows: Vec<Row> = map.iter().map(|row| row.clone()).collect();
            rows.sort_by_key(|row| std::cmp::Reverse(row.start_time));
            serde_json::to_vec(&rows)
        });
    });
    let rows = tracker.snapshot();
    group.bench_function("serde_json alone", |b| b.iter(|| serde_json::to_vec(&rows)));
    let bytes = serde_json::to_vec(&rows).expect("rows are JSON");
    group.bench_function("a copy of the bytes", |b| b.iter(|| black_box(&bytes).clone()));
}

/// Takes an event, of as many slices as there are.
async fn payload(body: &mut ResponseBody) {
    black_box(body.frame().await.expect("goes on").expect("infallible"));
    while let Some(slice) = body.frame().now_or_never() {
        black_box(slice.expect("goes on").expect("infallible"));
    }
}

/// Everything a push takes but the sockets: the look, the encoding, the wake-ups, and every viewer taking its bytes.
fn push(c: &mut Criterion) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    for (format, pace) in [("update", Duration::from_secs(2)), ("delta", Duration::from_millis(250))] {
        for (viewers, step, what) in
            [(1, 10, "a tenth changed"), (VIEWERS, 10, "a tenth changed"), (VIEWERS, 1, "all changed")]
        {
            let mut group = c.benchmark_group(format!("monitor/{format} to {viewers}, 1,000 rows, {what}"));
            let mut world = World::new();
            let monitor = world.monitor();
            let path = format!("/active-requests/stream?format={format}");
            let mut bodies: Vec<_> = runtime.block_on(async { (0..viewers).map(|_| get(&monitor, &path)).collect() });
            runtime.block_on(async {
                for body in &mut bodies {
                    // How long to wait before connecting again, and the first snapshot.
                    body.frame().await.expect("goes on").expect("infallible");
                    payload(body).await;
                }
            });
            group.bench_function("ours", |b| {
                b.iter_custom(|times| {
                    runtime.block_on(async {
                        let mut spent = Duration::ZERO;
                        for _ in 0..times {
                            world.progress(step);
                            // The runtime's clock stands still but for this; the time taken is the machine's.
                            let begun = Instant::now();
                            tokio::time::advance(pace).await;
                            for body in &mut bodies {
                                payload(body).await;
                            }
                            spent += begun.elapsed();
                        }
                        spent
                    })
                });
            });
            if format == "update" && viewers == VIEWERS && step == 10 {
                group.sample_size(10);
                group.bench_function("rows + serde_json for each", |b| {
                    b.iter(|| {
                        (0..viewers).for_each(|_| drop(black_box(serde_json::to_vec(&world.tracker.snapshot()))))
                    });
                });
            }
            group.finish();
        }
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    targets = snapshot, push
}
criterion_main!(benches);
