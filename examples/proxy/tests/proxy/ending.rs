//! The end of the proxy: nobody new, time for those who are there.

use http::Request;

use crate::support::{Client, LAST_CHUNK, Mock, Running, SSE, chunk, eventually, http2, no_body, post};

#[tokio::test]
async fn a_running_request_may_finish() {
    let mut mock = Mock::start().await;
    let mut proxy = Running::with(&mock).await;
    let mut client = Client::to(proxy.address).await;
    client.send(post("/mock/x", "", "{}").as_bytes()).await;
    let mut upstream = mock.connection().await;
    upstream.answer().await;
    upstream.send(SSE.as_bytes()).await;
    client.head().await.unwrap();
    let tracker = proxy.tracker.clone();
    let finish = async {
        eventually("the drain has begun", || tracker.is_draining()).await;
        upstream.send(&[&chunk(b"data: [DONE]\n\n")[..], LAST_CHUNK].concat()).await;
        client.until("[DONE]").await;
        client.until("0\r\n\r\n").await;
        drop(client);
    };
    let (ended, ()) = tokio::join!(proxy.end(), finish);
    assert!(ended, "nothing had to be cut off");
}

#[tokio::test]
async fn idle_connections_hold_up_nothing() {
    let mut proxy = Running::start(&["--grace=60"], &[]).await;
    let _silent = Client::to(proxy.address).await;
    let mut idle = Client::to(proxy.address).await;
    idle.send(b"GET /health HTTP/1.1\r\nhost: p\r\n\r\n").await;
    assert_eq!(idle.answer().await.status(), 200);
    let (ended, closed) = tokio::join!(proxy.end(), async {
        let closed = !idle.fill().await;
        drop(idle);
        closed
    });
    assert!(ended && closed);
}

#[tokio::test]
async fn the_end_does_not_wait_for_the_simulated_traffic() {
    let mut proxy = Running::start(&["--demo", "--grace=10"], &[]).await;
    // All of them; one is in for a stall of twice the grace.
    eventually("the simulated users are there", || proxy.tracker.active() >= 8).await;
    assert!(proxy.end().await, "they have left");
}

#[tokio::test]
async fn the_grace_is_not_exceeded() {
    let mut mock = Mock::start().await;
    let mut proxy = Running::start(&["--grace=0.1"], &[("MOCK_BASE_URL", &mock.url(""))]).await;
    let mut client = Client::to(proxy.address).await;
    client.send(post("/mock/x", "", "{}").as_bytes()).await;
    let mut upstream = mock.connection().await;
    upstream.answer().await;
    // One that has its head, one that waits for it, and one of HTTP/2.
    let mut begun = Client::to(proxy.address).await;
    begun.send(post("/mock/x", "", "{}").as_bytes()).await;
    let mut beginning = mock.connection().await;
    beginning.answer().await;
    beginning.send(SSE.as_bytes()).await;
    begun.head().await.unwrap();
    let mut multiplexed = http2(proxy.address).await;
    let request = Request::get(format!("http://{}/mock/x", proxy.address)).body(no_body()).unwrap();
    tokio::spawn(multiplexed.send_request(request));
    let mut waiting = mock.connection().await;
    waiting.answer().await;
    assert!(!proxy.end().await, "requests were still running");
    eventually("all of them have ended", || proxy.tracker.active() == 0).await;
    let ends: Vec<_> = proxy.tracker.recent_errors(9).iter().map(|entry| entry.outcome.as_str()).collect();
    assert_eq!(ends, ["shutdown"; 3], "it was not their clients who left");
}

#[tokio::test]
async fn while_requests_drain_the_monitor_can_be_read_and_nothing_else_begins() {
    let mut mock = Mock::start().await;
    let mut proxy = Running::with(&mock).await;
    let mut client = Client::to(proxy.address).await;
    client.send(post("/mock/x", "", "{}").as_bytes()).await;
    let mut upstream = mock.connection().await;
    upstream.answer().await;
    upstream.send(SSE.as_bytes()).await;
    client.head().await.unwrap();
    let mut viewer = Client::to(proxy.address).await;
    viewer.send(b"GET /metrics/active-requests/stream?format=delta HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n").await;
    viewer.until("event: update").await;

    proxy.ask_to_end().await;
    viewer.until("\"draining\":true").await;
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n");
    let snapshot = proxy.ask(&get("/metrics/active-requests")).await;
    assert_eq!(snapshot.json()["draining"], true);
    assert_eq!(snapshot.json()["active_requests"].as_array().unwrap().len(), 1);
    assert_eq!(snapshot.header("connection"), Some("close"));
    assert_eq!(proxy.ask(&get("/dashboard/")).await.status(), 200);
    let health = proxy.ask(&get("/health")).await;
    assert_eq!((health.status(), health.json()["status"].as_str()), (503, Some("draining")));
    for path in ["/mock/x", "/v1/chat/completions", "/v1/messages"] {
        let refused = proxy.post(path, "{}").await;
        assert_eq!((refused.status(), refused.header("retry-after")), (503, Some("1")), "{path}");
        assert!(refused.text().contains("shutting down"), "{path}");
    }
    assert!(mock.is_idle());

    upstream.send(&[&chunk(b"data: [DONE]\n\n")[..], LAST_CHUNK].concat()).await;
    client.until("0\r\n\r\n").await;
    // The stream tells the end of the last request, and ends.
    viewer.until("\"ended\":").await;
    viewer.until("\r\n0\r\n\r\n").await;
    assert!(!viewer.fill().await);
    assert!(proxy.ended().await);
}

#[tokio::test]
async fn half_a_head_holds_up_nothing() {
    let mut proxy = Running::start(&["--grace=60", "--idle-timeout=60"], &[]).await;
    let mut halves = Vec::new();
    for half in ["G", "GET /hea", "P", "PRI * HTTP/2.0\r\n", "GET /health HTTP/1.1\r\nhost: p\r\n\r\nGET /he"] {
        let mut client = Client::to(proxy.address).await;
        client.send(half.as_bytes()).await;
        if half.contains("health") {
            assert_eq!(client.answer().await.status(), 200);
        }
        halves.push(client);
    }
    assert!(proxy.end().await);
    for mut client in halves {
        while client.fill().await {}
    }
}

#[tokio::test]
async fn asked_twice_it_ends_at_once() {
    let mut mock = Mock::start().await;
    let mut proxy = Running::start(&["--grace=60"], &[("MOCK_BASE_URL", &mock.url(""))]).await;
    let mut client = Client::to(proxy.address).await;
    client.send(post("/mock/x", "", "{}").as_bytes()).await;
    let mut upstream = mock.connection().await;
    upstream.answer().await;
    proxy.ask_to_end().await;
    assert!(!proxy.end().await, "a request was still running");
}
