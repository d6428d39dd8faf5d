//! Cancellations that race with natural ends.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use active_requests::{
    ActiveRequestsLayer, CancelRequestLayer, RequestTracker,
    config::TrackerConfig,
    tracker::{Cancellation, Outcome, TotalsFilter},
};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tower::{ServiceBuilder, ServiceExt};

const REQUESTS: usize = 10_000;

/// A body of a few frames, each of which lets others run first.
struct Few {
    left: usize,
    yielded: bool,
    alive: Arc<AtomicUsize>,
}

impl Few {
    fn new(left: usize, alive: &Arc<AtomicUsize>) -> Self {
        alive.fetch_add(1, Ordering::SeqCst);
        Self { left, yielded: false, alive: Arc::clone(alive) }
    }
}

impl Drop for Few {
    fn drop(&mut self) {
        self.alive.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Body for Few {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.yielded = !self.yielded;
        if self.yielded {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.left == 0 {
            return Poll::Ready(None);
        }
        self.left -= 1;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from("frame")))))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_of_ten_thousand_has_the_one_outcome_that_its_client_saw() {
    let tracker = RequestTracker::new(TrackerConfig::default().max_traces(REQUESTS).max_errors(REQUESTS));
    let alive = Arc::new(AtomicUsize::new(0));
    let bodies = Arc::clone(&alive);
    let service = ServiceBuilder::new()
        .layer(ActiveRequestsLayer::new(tracker.clone()))
        .layer(CancelRequestLayer::new())
        .service_fn(move |request: Request<usize>| {
            let body = Few::new(request.into_body() % 5, &bodies);
            async move {
                tokio::task::yield_now().await;
                Ok::<_, Infallible>(Response::new(body))
            }
        });

    let done = Arc::new(AtomicUsize::new(0));
    let (canceller_tracker, canceller_done) = (tracker.clone(), Arc::clone(&done));
    let canceller = tokio::task::spawn_blocking(move || {
        let mut cancelled = 0;
        while canceller_done.load(Ordering::SeqCst) < REQUESTS {
            for row in canceller_tracker.snapshot().iter().step_by(2) {
                cancelled += usize::from(canceller_tracker.cancel(row.request_id) == Cancellation::Cancelled);
            }
            std::thread::yield_now();
        }
        cancelled
    });

    let mut clients = tokio::task::JoinSet::new();
    for client in 0..20 {
        let (service, done) = (service.clone(), Arc::clone(&done));
        clients.spawn(async move {
            let mut killed = 0;
            for request in 0..REQUESTS / 20 {
                let response = service.clone().oneshot(Request::new(request + client)).await.unwrap();
                let refused = response.status() == StatusCode::SERVICE_UNAVAILABLE;
                let cut = response.into_body().collect().await.is_err();
                killed += usize::from(refused || cut);
                done.fetch_add(1, Ordering::SeqCst);
            }
            killed
        });
    }
    let seen: usize = clients.join_all().await.into_iter().sum();
    let cancelled = canceller.await.unwrap();

    let traces = tracker.recent_traces(REQUESTS + 1);
    let count = |outcome| traces.iter().filter(|entry| entry.outcome == outcome).count();
    assert_eq!(traces.len(), REQUESTS, "each ends once");
    assert_eq!((count(Outcome::Killed), count(Outcome::Completed)), (cancelled, REQUESTS - cancelled));
    assert_eq!(seen, cancelled, "a client sees a cut where there was one, and nowhere else");
    assert!(cancelled > 0, "the two have raced");
    assert_eq!((tracker.active(), alive.load(Ordering::SeqCst)), (0, 0), "nothing is left");
    let totals = tracker.running_totals(&TotalsFilter::default());
    assert_eq!((totals.total_requests, totals.total_errors), (REQUESTS as u64, cancelled as u64));
}
