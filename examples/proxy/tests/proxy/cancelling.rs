//! An operator ends a request: its upstream goes, its client is told, and the connection is not used again.

use crate::support::{Client, Mock, Running, SSE, chunk, post};

const ASK: &str = r#"{"model":"m","stream":true}"#;
const KEY: &str = "x-api-key: sk-proxy\r\n";

async fn start(mock: &Mock, allow: &str) -> Running {
    let base = mock.url("/v1");
    let env = [
        ("MOCK_BASE_URL", base.as_str()),
        ("MOCK_API_KEY", "sk-mock"),
        ("PROXY_API_KEY", "sk-proxy"),
        ("VDM_ACTIVE_REQUESTS_ALLOW_CANCEL", allow),
    ];
    Running::start(&[], &env).await
}

/// Asks to end the only request. Returns the status.
async fn cancel(proxy: &Running) -> u16 {
    let id = proxy.tracker.snapshot()[0].request_id;
    let request = format!("DELETE /metrics/active-requests/{id} HTTP/1.1\r\nhost: p\r\n{KEY}\r\n");
    proxy.ask(&request).await.status()
}

fn outcome(proxy: &Running) -> String {
    proxy.tracker.recent_traces(1)[0].outcome.to_string()
}

/// The upstream sees the end of its connection.
async fn is_left(mut upstream: Client) {
    while upstream.fill().await {}
}

#[tokio::test]
async fn before_the_head_the_client_is_refused_in_its_own_form() {
    let mut mock = Mock::start().await;
    let proxy = start(&mock, "true").await;
    for (path, kind) in [("/v1/chat/completions", "server_error"), ("/mock/x", "server_error")] {
        let mut client = Client::to(proxy.address).await;
        client.send(post(path, KEY, ASK).as_bytes()).await;
        let mut upstream = mock.connection().await;
        upstream.answer().await;
        assert_eq!(cancel(&proxy).await, 202);
        let answer = client.answer().await;
        assert_eq!((answer.status(), answer.header("x-should-retry")), (503, Some("false")));
        assert_eq!(answer.json()["error"]["type"], kind);
        is_left(upstream).await;
        assert_eq!(outcome(&proxy), "killed");
    }
}

#[tokio::test]
async fn in_mid_stream_the_client_gets_an_error_event_and_no_end() {
    let mut mock = Mock::start().await;
    let proxy = start(&mock, "true").await;
    let mut client = Client::to(proxy.address).await;
    client.send(post("/v1/chat/completions", KEY, ASK).as_bytes()).await;
    let mut upstream = mock.connection().await;
    upstream.answer().await;
    upstream.send(&[SSE.as_bytes(), &chunk(b"data: {\"choices\":[]}\n\n")].concat()).await;
    assert!(client.head().await.unwrap().starts_with("HTTP/1.1 200"));
    assert_eq!(client.chunk().await.unwrap(), b"data: {\"choices\":[]}\n\n");
    assert_eq!(cancel(&proxy).await, 202);
    is_left(upstream).await;
    assert_eq!((proxy.tracker.active(), outcome(&proxy).as_str()), (0, "killed"));
    let event = String::from_utf8(client.chunk().await.unwrap()).unwrap();
    assert!(event.starts_with("data: {\"error\":{") && event.ends_with("\n\n"), "{event}");
    assert_eq!(client.chunk().await, None, "the connection ends without a last chunk");
}

#[tokio::test]
async fn without_the_setting_nothing_is_cancelled() {
    let mut mock = Mock::start().await;
    let proxy = start(&mock, "false").await;
    let mut client = Client::to(proxy.address).await;
    client.send(post("/v1/chat/completions", KEY, ASK).as_bytes()).await;
    let mut upstream = mock.connection().await;
    upstream.answer().await;
    assert_eq!(cancel(&proxy).await, 403);
    assert_eq!(proxy.tracker.active(), 1);
}
