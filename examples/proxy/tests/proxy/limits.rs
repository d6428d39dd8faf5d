//! Limits of what clients may take.

use crate::support::{Client, Mock, Running, eventually, ok, post};

const START: &str = "POST /v1/chat/completions HTTP/1.1\r\nhost: p\r\ncontent-length: 2000\r\n\r\n{\"x\":\"";

#[tokio::test]
async fn all_held_bodies_have_a_bound_together() {
    let mut mock = Mock::start().await;
    let proxy = Running::start(&["--max-held=1000"], &[("MOCK_BASE_URL", &mock.url(""))]).await;
    let held = [START, &"x".repeat(600)].concat();
    let mut first = Client::to(proxy.address).await;
    first.send(held.as_bytes()).await;
    eventually("it is held", || proxy.tracker.snapshot().iter().any(|row| row.request_size >= 600)).await;
    let refused = proxy.ask(&held).await;
    assert_eq!(refused.status(), 503);
    assert!(refused.text().contains("put \\\"model\\\" first"), "{}", refused.text());

    // One that says its model at once is not held.
    let body = format!("{{\"model\":\"m\",\"x\":\"{}\"}}", "x".repeat(5000));
    let answer = ok("{}");
    let (answered, _) = tokio::join!(proxy.post("/v1/chat/completions", &body), mock.serve(answer.as_bytes()));
    assert_eq!(answered.status(), 200);

    drop(first);
    proxy.quiet().await;
    let mut second = Client::to(proxy.address).await;
    second.send(held.as_bytes()).await;
    eventually("it is held", || proxy.tracker.snapshot().iter().any(|row| row.request_size >= 600)).await;
}

#[tokio::test]
async fn a_head_has_a_bound() {
    let mut mock = Mock::start().await;
    let proxy = Running::start(&["--max-head=2000"], &[("MOCK_BASE_URL", &mock.url(""))]).await;
    let with = |length: usize| post("/mock/x", &format!("x-long: {}\r\n", "x".repeat(length)), "{}");
    let answer = ok("{}");
    let (request, longer) = (with(1000), with(3000));
    let (answered, _) = tokio::join!(proxy.ask(&request), mock.serve(answer.as_bytes()));
    assert_eq!(answered.status(), 200);
    assert_eq!(proxy.ask(&longer).await.status(), 431);
}

#[tokio::test]
async fn connections_have_a_bound_and_their_places_come_back() {
    for flag in ["--max-connections=2", "--max-connections-per-client=2"] {
        let proxy = Running::start(&[flag], &[]).await;
        let health = b"GET /health HTTP/1.1\r\nhost: p\r\n\r\n";
        let mut clients = Vec::new();
        for _ in 0..2 {
            let mut client = Client::to(proxy.address).await;
            client.send(health).await;
            assert_eq!(client.answer().await.status(), 200, "{flag}");
            clients.push(client);
        }
        let mut third = Client::to(proxy.address).await;
        assert!(!third.fill().await, "{flag}: closed at once");
        clients.pop();
        let wait = async {
            loop {
                let mut client = Client::to(proxy.address).await;
                let _ = tokio::io::AsyncWriteExt::write_all(&mut client.stream, health).await;
                if client.fill().await {
                    break;
                }
            }
        };
        tokio::time::timeout(crate::support::PATIENCE, wait).await.expect("a place is free again");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_subscriber_that_takes_nothing_is_let_go_of() {
    use active_requests::tracker::RequestInfo;

    let proxy = Running::start(&["--subscriber-timeout=0.3"], &[]).await;
    let model = "m".repeat(200);
    let start = || proxy.tracker.start(&http::Method::POST, "/x", &RequestInfo::new().model(&model)).unwrap();
    // More than the buffers of both sides take.
    let mut rows: Vec<_> = (0..10_000).map(|_| start()).collect();
    let mut viewers = Vec::new();
    for format in ["update", "delta"] {
        let mut viewer = Client::to(proxy.address).await;
        let request = format!("GET /metrics/active-requests/stream?format={format} HTTP/1.1\r\nhost: p\r\n\r\n");
        viewer.send(request.as_bytes()).await;
        // From now on it is a subscriber, for as long as it is let.
        assert!(viewer.head().await.unwrap().starts_with("HTTP/1.1 200"));
        viewers.push(viewer);
    }
    rows.push(start());
    let gone = async {
        while !proxy
            .ask("GET /metrics HTTP/1.1\r\nhost: p\r\n\r\n")
            .await
            .text()
            .contains("active_requests_subscribers 0\n")
        {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(crate::support::PATIENCE, gone).await.expect("both are let go of");
}
