//! Subscribers that do not read: the memory they hold.
#![cfg(feature = "monitor")]
#![allow(clippy::unwrap_used)]

use std::{alloc::System, time::Duration};

use active_requests::{
    MonitorConfig, MonitorService, RequestTracker,
    monitor::ResponseBody,
    tracker::{ActiveRequest, BodyProgress, RequestInfo},
};
use bytes::Bytes;
use futures_util::FutureExt;
use http::{Method, Request};
use http_body_util::BodyExt;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tower::ServiceExt;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const VIEWERS: usize = 120;
/// The payloads that sleeping subscribers share at most, with a snapshot and deltas that are there for all.
const SHARED: usize = 36 << 20;

struct World {
    monitor: MonitorService,
    requests: Vec<ActiveRequest>,
    bytes: u64,
}

impl World {
    /// A snapshot of its list takes some 700 KB.
    fn new() -> Self {
        let tracker = RequestTracker::default();
        let info = RequestInfo::new().model("openai:gpt-4o");
        let requests = (0..1000).filter_map(|_| tracker.start(&Method::POST, "/v1/chat/completions", &info)).collect();
        Self { monitor: MonitorService::new(tracker, MonitorConfig::default()), requests, bytes: 0 }
    }

    /// Lets a moment pass in which something moves, so that the next snapshot is another one.
    async fn goes_on(&mut self) {
        self.bytes += 100;
        for request in &mut self.requests[..10] {
            request.frame(BodyProgress { response_bytes: self.bytes, text_bytes: 0 });
        }
        tokio::time::advance(Duration::from_millis(150)).await;
    }

    async fn join(&self, format: &str) -> ResponseBody {
        let request = Request::get(format!("/active-requests/stream?format={format}")).body(()).unwrap();
        self.monitor.clone().oneshot(request).await.unwrap().into_body()
    }
}

async fn piece(body: &mut ResponseBody) -> Bytes {
    body.frame().await.unwrap().unwrap().into_data().unwrap()
}

/// Joins viewers one by one, each to a snapshot of its own, of which it takes `pieces`. Returns them and the bytes that are held for them.
async fn join(world: &mut World, format: &str, sleeping: bool) -> (Vec<ResponseBody>, isize) {
    let region = Region::new(ALLOCATOR);
    let mut viewers = Vec::new();
    for _ in 0..VIEWERS {
        let mut body = world.join(format).await;
        assert!(piece(&mut body).await.starts_with(b"retry"));
        let first = piece(&mut body).await;
        assert!(first.starts_with(b"event: update") && first.len() > 60_000 && first.len() < 70_000, "{}", first.len());
        viewers.push(body);
        world.goes_on().await;
        if !sleeping {
            for body in &mut viewers {
                while body.frame().now_or_never().is_some() {}
            }
        }
    }
    let change = region.change();
    (viewers, change.bytes_allocated as isize - change.bytes_deallocated as isize)
}

#[tokio::test(start_paused = true)]
async fn sleeping_subscribers_hold_what_reading_ones_do_and_a_bounded_rest() {
    for format in ["update", "delta"] {
        let mut world = World::new();
        let (readers, by_readers) = join(&mut world, format, false).await;
        drop(readers);
        tokio::time::advance(Duration::from_millis(200)).await;
        tokio::task::yield_now().await;
        let (mut sleepers, by_sleepers) = join(&mut world, format, true).await;
        assert!(by_sleepers < by_readers + SHARED as isize, "{format}: {by_sleepers} bytes, {by_readers} for readers");

        // One that sleeps over what is still kept goes on where it was; one that has slept for too long is to connect again.
        let mut text = Vec::new();
        let late = sleepers.last_mut().unwrap();
        while !text.ends_with(b"\n\n") {
            text.extend_from_slice(&piece(late).await);
        }
        assert!(text.ends_with(b",\"can_cancel\":false}\n\n"));
        assert!(sleepers[0].frame().await.is_none(), "{format}");

        let region = Region::new(ALLOCATOR);
        drop(sleepers);
        let change = region.change();
        assert!(change.bytes_deallocated - change.bytes_allocated > SHARED / 2, "all is given back");
    }
}
