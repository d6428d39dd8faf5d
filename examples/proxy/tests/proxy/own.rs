//! The proxy's own routes: what is in flight, the page, and health.

use crate::support::{Client, Mock, Running, SSE, post};

fn get(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: p\r\n{headers}\r\n")
}

#[tokio::test]
async fn a_request_stands_in_the_snapshot_while_it_is_in_flight() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    let mut client = Client::to(proxy.address).await;
    let body = r#"{"model":"mock:m","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
    client.send(post("/v1/chat/completions", "", body).as_bytes()).await;
    let mut upstream = mock.connection().await;
    upstream.answer().await;
    upstream.send(SSE.as_bytes()).await;
    client.head().await.unwrap();
    let snapshot = proxy.ask(&get("/metrics/active-requests", "")).await.json();
    let row = &snapshot["active_requests"][0];
    assert_eq!(row["provider"], "mock");
    assert_eq!(row["model"], "m");
    assert_eq!(row["qualified_model"], "mock:m");
    assert_eq!(row["is_streaming"], true);
    assert_eq!(row["message_count"], 1);
    assert_eq!(row["request_size"], body.len());
    assert_eq!(row["status"], 200);
    assert_eq!(row["path"], "/v1/chat/completions");
    assert_eq!(proxy.ask(&get("/health", "")).await.json()["active_requests"], 1);
    drop(client);
    proxy.quiet().await;
    let snapshot = proxy.ask(&get("/metrics/active-requests", "")).await.json();
    assert_eq!(snapshot["active_requests"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn prometheus_reads_what_has_passed() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    let mut client = Client::to(proxy.address).await;
    let body = r#"{"model":"mock:m","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
    client.send(post("/v1/chat/completions", "", body).as_bytes()).await;
    let mut upstream = mock.connection().await;
    upstream.answer().await;
    upstream.send(SSE.as_bytes()).await;
    client.head().await.unwrap();
    let metrics = async || proxy.ask(&get("/metrics", "")).await.text();
    let in_flight = r#"active_requests{provider="mock",model="m",phase="responding"} "#;
    assert!(metrics().await.contains(&format!("{in_flight}1\n")));
    drop(client);
    proxy.quiet().await;
    let text = metrics().await;
    assert!(text.contains(&format!("{in_flight}0\n")), "{text}");
    let ended = r#"active_requests_ended_total{provider="mock",model="m",outcome="client_disconnect"} 1"#;
    let class = r#"{gen_ai_provider_name="mock",gen_ai_request_model="m",gen_ai_operation_name="chat",error_type="client_disconnect"} 1"#;
    for sample in [ended, &format!("gen_ai_server_request_duration_seconds_count{class}")] {
        assert!(text.contains(&format!("\n{sample}\n")), "{sample} in {text}");
    }
    assert!(text.ends_with("\n# EOF\n"), "{text}");
}

#[tokio::test]
async fn subscribers_need_the_key_and_the_page_does_not() {
    let proxy = Running::start(&[], &[("PROXY_API_KEY", "pk")]).await;
    for (path, headers, status) in [
        ("/metrics/active-requests", "", 401),
        ("/metrics/logs", "x-api-key: wrong\r\n", 401),
        ("/metrics/active-requests", "x-api-key: pk\r\n", 200),
        ("/metrics/running-totals", "authorization: Bearer pk\r\n", 200),
        ("/metrics/running-totals", "API-Key: pk\r\n", 200),
        ("/metrics/active-requests/stream", "x-goog-api-key: wrong\r\n", 401),
        ("/metrics", "x-goog-api-key: pk\r\n", 200),
        ("/metrics/nothing", "x-api-key: pk\r\n", 404),
        ("/dashboard/", "", 200),
        ("/health", "", 200),
    ] {
        assert_eq!(proxy.ask(&get(path, headers)).await.status(), status, "{path} {headers:?}");
    }
    assert!(proxy.tracker.recent_traces(10).is_empty(), "viewers are not in the list");
}

#[tokio::test]
async fn a_subscribers_stream_ends_with_the_proxy() {
    let mut proxy = Running::start(&["--grace=60"], &[]).await;
    let mut viewer = Client::to(proxy.address).await;
    viewer.send(get("/metrics/active-requests/stream", "").as_bytes()).await;
    viewer.until("event: update").await;
    let (ended, ()) = tokio::join!(proxy.end(), async { while viewer.fill().await {} });
    assert!(ended);
}

#[tokio::test]
async fn settings_of_the_monitor_reach_it() {
    let proxy = Running::start(&["--sse-enabled=false"], &[("LOG_REQUEST_METRICS", "false")]).await;
    assert_eq!(proxy.ask(&get("/metrics/active-requests", "")).await.json()["disabled"], true);
    let proxy = Running::start(&["--sse-enabled=false"], &[]).await;
    assert_eq!(proxy.ask(&get("/metrics/active-requests/stream", "")).await.status(), 503);
}

#[tokio::test]
async fn without_tracking_requests_pass_all_the_same() {
    let proxy = Running::start(&[], &[("LOG_REQUEST_METRICS", "false")]).await;
    let answer = proxy.post("/v1/chat/completions", r#"{"model":"demo-c2-d0"}"#).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.header("x-request-id"), None);
    assert!(proxy.tracker.recent_traces(1).is_empty());
}

#[tokio::test]
async fn a_request_may_come_letter_by_letter() {
    let proxy = Running::start(&[], &[]).await;
    // The first letters of one are those of HTTP/2's first words.
    for (method, status) in [("GET", 200), ("POST", 405), ("PROPFIND", 405), ("PR", 405)] {
        let mut client = Client::to(proxy.address).await;
        for letter in format!("{method} /health HTTP/1.1\r\nhost: p\r\ncontent-length: 0\r\n\r\n").as_bytes() {
            client.send(&[*letter]).await;
            tokio::task::yield_now().await;
        }
        assert_eq!(client.answer().await.status(), status, "{method}");
    }
}
