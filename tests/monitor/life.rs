//! How streams end, and what lives as long as they do.

use crate::support::{Monitor, ms};
use active_requests::{
    config::MonitorConfig,
    monitor::MonitorService,
    tracker::{BodyProgress, RequestInfo, RequestTracker},
};
use axum::Router;
use http::Method;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use std::time::Duration;
use tokio::time::Instant;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};

#[tokio::test(start_paused = true)]
async fn a_shutdown_ends_every_stream_and_requests_are_tracked_on() {
    let monitor = Monitor::new();
    let mut viewers = Vec::new();
    for format in ["update", "delta", "update"] {
        viewers.push(monitor.watch(format).await);
    }
    viewers[0].event().await;
    let clone = monitor.service.clone();
    monitor.tracker.shutdown();
    for (index, viewer) in viewers.iter_mut().enumerate() {
        while let Some(text) = viewer.next_or_end().await {
            assert!(index > 0, "{text}");
        }
    }
    let request = monitor.start("a");
    assert_eq!(monitor.json("/active-requests").await["active_requests"].as_array().unwrap().len(), 1);
    drop((request, clone));
    let late = monitor.get("/active-requests/stream").await;
    assert_eq!((late.status().as_u16(), late.headers()["retry-after"].as_bytes()), (503, &b"5"[..]));
}

#[test]
fn streams_end_with_the_runtime_that_feeds_them_and_begin_anew_on_another() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let monitor = Monitor::new();
    let first = runtime();
    let mut viewer = first.block_on(async {
        let mut viewer = monitor.watch("delta").await;
        viewer.event().await;
        viewer
    });
    drop(first);
    runtime().block_on(async {
        assert!(viewer.next_or_end().await.is_none());
        let mut viewer = monitor.watch("delta").await;
        assert_eq!(viewer.event().await.data["seq"], 2);
    });
}

#[test]
fn without_a_runtime_a_stream_is_refused_and_nothing_else() {
    let monitor = Monitor::new();
    let status = |path| futures_util::FutureExt::now_or_never(monitor.get(path)).unwrap().status();
    assert_eq!(status("/active-requests/stream"), 500);
    assert_eq!(status("/active-requests"), 200);
}

#[tokio::test]
async fn the_publisher_is_there_as_long_as_somebody_watches() {
    let metrics = tokio::runtime::Handle::current().metrics();
    let idle = metrics.num_alive_tasks();
    let monitor = Monitor::new();
    let mut one = monitor.watch("update").await;
    let mut two = monitor.watch("delta").await;
    one.event().await;
    two.event().await;
    assert_eq!(metrics.num_alive_tasks(), idle + 1, "one task, however many watch");
    drop(one);
    let _request = monitor.start("a");
    two.event().await;
    drop(two);
    timeout(Duration::from_secs(5), async {
        while metrics.num_alive_tasks() > idle {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("gone with the last");
}

/// Sends a request and reads until what has come holds `until`.
async fn ask(address: std::net::SocketAddr, path: &str, until: &str) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    while !text.contains(until) {
        let mut piece = [0; 4096];
        let count = timeout(ms(5000), stream.read(&mut piece)).await.expect("in time").unwrap();
        assert!(count > 0, "{text}");
        text.push_str(std::str::from_utf8(&piece[..count]).unwrap());
    }
    (stream, text)
}

async fn check(address: std::net::SocketAddr, tracker: &RequestTracker) -> TcpStream {
    let request = tracker.start(&Method::POST, "/v1", &RequestInfo::new().model("a")).unwrap();
    let (_, snapshot) = ask(address, "/metrics/active-requests", "]").await;
    assert!(snapshot.starts_with("HTTP/1.1 200 OK\r\n") && snapshot.contains(&request.id().to_string()), "{snapshot}");
    let path = format!("/metrics/active-requests/{}", request.id());
    let (_, one) = ask(address, &path, "provider_usage").await;
    assert!(one.starts_with("HTTP/1.1 200 OK\r\n"), "{one}");
    let (_, missing) = ask(address, "/metrics/nothing", "not_found").await;
    assert!(missing.starts_with("HTTP/1.1 404 Not Found\r\n"), "{missing}");
    let (mut stream, text) = ask(address, "/metrics/active-requests/stream", "\"timestamp\"").await;
    assert!(text.contains("\r\n\r\n") && text.contains("retry: 2000\n\n"), "{text}");
    let id = request.id().to_string();
    drop(request);
    let mut piece = [0; 4096];
    let count = timeout(ms(5000), stream.read(&mut piece)).await.expect("told").unwrap();
    assert!(!std::str::from_utf8(&piece[..count]).unwrap().contains(&id));
    stream
}

async fn ends(mut stream: TcpStream) {
    let mut rest = Vec::new();
    timeout(ms(5000), stream.read_to_end(&mut rest)).await.expect("the stream ends").unwrap();
    assert!(rest.ends_with(b"0\r\n\r\n"), "{}", String::from_utf8_lossy(&rest));
}

#[tokio::test]
async fn it_mounts_under_axum_and_does_not_hold_up_a_graceful_shutdown() {
    let tracker = RequestTracker::default();
    let app = Router::new().nest_service("/metrics", MonitorService::new(tracker.clone(), MonitorConfig::default()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(async move {
        axum::serve(listener, app).with_graceful_shutdown(async { drop(stopped.await) }).await.unwrap();
    });
    let stream = check(address, &tracker).await;
    tracker.shutdown();
    stop.send(()).unwrap();
    ends(stream).await;
    timeout(ms(5000), server).await.expect("ends in time").unwrap();
}

#[tokio::test]
async fn it_stands_alone_under_hyper_and_does_not_hold_up_a_graceful_shutdown() {
    let tracker = RequestTracker::default();
    let monitor = MonitorService::new(tracker.clone(), MonitorConfig::default()).mounted_at("/metrics/");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(async move {
        let builder = auto::Builder::new(TokioExecutor::new());
        let graceful = GracefulShutdown::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let service = TowerToHyperService::new(monitor.clone());
                    let connection = builder.serve_connection(TokioIo::new(accepted.unwrap().0), service).into_owned();
                    let connection = graceful.watch(connection);
                    tokio::spawn(async { drop(connection.await) });
                }
                _ = &mut stopped => break,
            }
        }
        graceful.shutdown().await;
    });
    let stream = check(address, &tracker).await;
    tracker.shutdown();
    stop.send(()).unwrap();
    ends(stream).await;
    timeout(ms(5000), server).await.expect("ends in time").unwrap();
}

#[tokio::test(start_paused = true)]
async fn viewers_that_join_within_100_ms_share_their_first_snapshot() {
    for format in ["update", "delta"] {
        let monitor = Monitor::quiet();
        let mut request = monitor.start("a");
        let mut company = monitor.watch(format).await;
        company.event().await;
        sleep(ms(1000)).await;
        let mut seen = Vec::new();
        for bytes in 1..=60 {
            request.frame(BodyProgress { response_bytes: bytes, text_bytes: 0 });
            seen.push(monitor.watch(format).await.next().await);
            sleep(ms(4)).await;
        }
        seen.dedup();
        assert!(seen.len() <= 4, "{format}: {} snapshots in 240 ms", seen.len());
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_is_told_at_once_and_once_to_those_who_watch_and_to_those_who_ask() {
    let monitor = Monitor::quiet();
    let request = monitor.start("openai:gpt-4o");
    let mut updates = monitor.watch("update").await;
    let mut deltas = monitor.watch("delta").await;
    for viewer in [&mut updates, &mut deltas] {
        assert!(viewer.event().await.data.get("draining").is_none());
    }
    let before = monitor.get("/active-requests").await;
    let etag = |response: &http::Response<_>| response.headers()["etag"].clone();
    assert!(monitor.json("/active-requests").await.get("draining").is_none());

    sleep(ms(500)).await;
    let begun = Instant::now();
    monitor.tracker.drain();
    for viewer in [&mut updates, &mut deltas] {
        let event = viewer.event().await;
        assert_eq!(event.data["draining"], true, "{event:?}");
        assert_eq!(begun.elapsed(), ms(0));
        assert_eq!(viewer.within(ms(0)).await, None);
    }
    assert_eq!(monitor.json("/active-requests").await["draining"], true);
    assert_ne!(etag(&before), etag(&monitor.get("/active-requests").await));

    sleep(ms(500)).await;
    request.finish(active_requests::tracker::Outcome::Completed);
    for viewer in [&mut updates, &mut deltas] {
        assert_eq!(viewer.event().await.data["draining"], true, "with every event from then on");
    }
    monitor.tracker.shutdown();
    assert_eq!((updates.next_or_end().await, deltas.next_or_end().await), (None, None));
}
