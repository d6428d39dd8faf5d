//! The snapshot and a push to viewers, with 1,000 requests in flight, beside `serde_json` over the same rows and over a
//! `DashMap` registry, which encode for whoever asks.

use active_requests::{
    config::MonitorConfig,
    monitor::{Body, MonitorService},
    tracker::{ActiveRequest, RequestInfo, RequestTracker},
    usage::{Observation, Reading},
};
use bytes::Bytes;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use dashmap::DashMap;
use futures_util::FutureExt;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::json;
use std::{
    hint::black_box,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
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
            request.record(&Reading { text_bytes: 1, ..Reading::default() });
            request
        });
        Self { requests: requests.collect(), tracker, bytes: 0 }
    }

    /// Tokens come in on every `step`th stream.
    fn progress(&mut self, step: usize) {
        self.bytes += 320;
        for request in self.requests.iter_mut().step_by(step) {
            request.frame(self.bytes, self.bytes / 16);
        }
    }

    fn monitor(&self) -> MonitorService {
        let mut config = MonitorConfig::default();
        config.heartbeat = Duration::MAX;
        MonitorService::new(self.tracker.clone(), config)
    }
}

fn get(monitor: &MonitorService, path: &str) -> Body {
    let request = Request::get(path).body(()).expect("a request");
    let answer = monitor.clone().oneshot(request).now_or_never().expect("answered at once");
    answer.expect("infallible").into_body()
}

fn whole(body: Body) -> Bytes {
    body.collect().now_or_never().expect("there at once").expect("infallible").to_bytes()
}

/// What people keep instead: a map from id to what is known, written out with `serde`.
struct Entry {
    start: Instant,
    start_time: f64,
    model: String,
    path: String,
    output_tokens: AtomicU64,
    response_bytes: AtomicU64,
}

fn dash_map() -> DashMap<String, Entry> {
    let row = |number: usize| {
        let entry = Entry {
            start: Instant::now(),
            start_time: 1_701_234_567.25,
            model: "gpt-4.1-2025-04-14".to_owned(),
            path: "/v1/chat/completions".to_owned(),
            output_tokens: AtomicU64::new(200),
            response_bytes: AtomicU64::new(51_200),
        };
        (format!("req_7f3a9c01-{number:x}"), entry)
    };
    (0..ROWS).map(row).collect()
}

fn dash_map_snapshot(map: &DashMap<String, Entry>) -> Vec<u8> {
    let mut rows: Vec<_> = map
        .iter()
        .map(|row| {
            json!({
                "request_id": row.key(), "provider": "openai", "model": row.model, "requested_model": row.model,
                "resolved_model": "", "qualified_model": format!("openai:{}", row.model), "is_streaming": true,
                "start_time": row.start_time, "duration_ms": row.start.elapsed().as_millis() as u64,
                "input_tokens": 0, "output_tokens": row.output_tokens.load(Relaxed), "cache_read_tokens": 0,
                "cache_creation_tokens": 0, "tool_uses": 0, "tool_results": 0, "tool_calls": 0, "request_size": 0,
                "message_count": 0, "reasoning_tokens": 0, "usage_source": "estimated", "observation": "full",
                "phase": "streaming", "waiting_on": "upstream", "stage": null, "status": 200,
                "time_to_first_token_ms": 310, "output_tokens_per_second": 0.0,
                "response_bytes": row.response_bytes.load(Relaxed), "idle_ms": 12, "method": "POST", "path": row.path,
            })
        })
        .collect();
    rows.sort_by(|a, b| b["start_time"].as_f64().partial_cmp(&a["start_time"].as_f64()).expect("numbers"));
    serde_json::to_vec(&json!({"disabled": false, "active_requests": rows, "timestamp": 1_701_234_568.49}))
        .expect("no failing serializer")
}

fn snapshot(c: &mut Criterion) {
    let mut group = c.benchmark_group("snapshot/1000_rows");
    let mut world = World::new();
    group.bench_function("first", |b| {
        b.iter_batched(|| world.monitor(), |monitor| whole(get(&monitor, "/active-requests")), BatchSize::SmallInput);
    });
    let monitor = world.monitor();
    for (name, step) in [("all_changed", 1), ("a_tenth_changed", 10), ("one_changed", ROWS)] {
        group.bench_function(name, |b| {
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
    }
    group.bench_function("unchanged_within_100_ms", |b| b.iter(|| whole(get(&monitor, "/active-requests"))));
    let tracker = &world.tracker;
    group.bench_function("serde_json_over_the_rows", |b| b.iter(|| serde_json::to_vec(&tracker.snapshot())));
    let map = dash_map();
    group.bench_function("dashmap_and_serde_json", |b| b.iter(|| dash_map_snapshot(&map)));
    group.finish();
}

/// Everything a push takes but the sockets: the look, the encoding, the wake-ups, and every viewer taking its bytes.
fn push(c: &mut Criterion) {
    let mut group = c.benchmark_group("push/1000_rows");
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    for (format, pace) in [("update", Duration::from_secs(2)), ("delta", Duration::from_millis(250))] {
        for viewers in [1, VIEWERS] {
            for (name, step) in [("a_tenth_changed", 10), ("all_changed", 1)] {
                let mut world = World::new();
                let monitor = world.monitor();
                let path = format!("/active-requests/stream?format={format}");
                let mut bodies = runtime.block_on(async {
                    let mut bodies: Vec<_> = (0..viewers).map(|_| get(&monitor, &path)).collect();
                    for body in &mut bodies {
                        for _ in 0..2 {
                            body.frame().await.expect("goes on").expect("infallible");
                        }
                    }
                    bodies
                });
                group.bench_function(format!("{format}_to_{viewers}/{name}"), |b| {
                    b.iter_custom(|times| {
                        runtime.block_on(async {
                            let mut spent = Duration::ZERO;
                            for _ in 0..times {
                                world.progress(step);
                                // The clock of the runtime stands still; this is the machine's.
                                let begun = Instant::now();
                                tokio::time::advance(pace).await;
                                for body in &mut bodies {
                                    black_box(body.frame().await);
                                }
                                spent += begun.elapsed();
                            }
                            spent
                        })
                    });
                });
            }
        }
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    targets = snapshot, push
}
criterion_main!(benches);
