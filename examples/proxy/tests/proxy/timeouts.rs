//! An upstream is not waited for without end.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Client, Mock, Running, SSE, chunk, ok, post};

#[tokio::test]
async fn an_upstream_that_does_not_answer_in_time_is_a_504() {
    let mut mock = Mock::start().await;
    let proxy = Running::start(&["--request-timeout=0.1"], &[("MOCK_BASE_URL", &mock.url(""))]).await;
    for (path, anthropic) in [("/v1/chat/completions", false), ("/mock/x", false)] {
        let answer = proxy.post(path, r#"{"model":"m"}"#).await;
        assert_eq!(answer.status(), 504);
        let error = answer.json();
        assert_eq!(error["error"]["message"], "mock did not answer within 0.1 s.");
        assert_eq!(error["type"] == "error", anthropic);
        // The upstream's connection ends too.
        let mut upstream = mock.connection().await;
        while upstream.fill().await {}
    }
    proxy.quiet().await;
    let row = serde_json::to_value(&proxy.tracker.recent_errors(1)[0]).unwrap();
    assert_eq!(row["error_type"], "upstream_timeout");
}

#[tokio::test]
async fn a_client_that_is_slow_to_send_is_not_the_upstreams_fault() {
    let mut mock = Mock::start().await;
    let proxy = Running::start(&["--request-timeout=30"], &[("MOCK_BASE_URL", &mock.url(""))]).await;
    let mut client = Client::to(proxy.address).await;
    client.send(b"POST /mock/x HTTP/1.1\r\nhost: p\r\ncontent-length: 3\r\n\r\n{").await;
    let mut upstream = mock.connection().await;
    upstream.until("{").await;
    pass(20).await;
    client.send(b" ").await;
    upstream.until("{ ").await;
    pass(20).await;
    client.send(b"}").await;
    upstream.until("{ }").await;
    // From here on it is the upstream's time, and all of it is left.
    pass(20).await;
    upstream.send(ok("{}").as_bytes()).await;
    assert_eq!(client.answer().await.status(), 200);
}

#[tokio::test]
async fn a_client_that_falls_silent_is_told_so() {
    let mut mock = Mock::start().await;
    let proxy = Running::start(&["--request-timeout=0.2"], &[("MOCK_BASE_URL", &mock.url(""))]).await;
    // While its body goes out as it comes, and while the model is looked for.
    for path in ["/mock/x", "/v1/chat/completions"] {
        let mut client = Client::to(proxy.address).await;
        let head = format!("POST {path} HTTP/1.1\r\nhost: p\r\ncontent-length: 30\r\n\r\n{{");
        client.send(head.as_bytes()).await;
        let _upstream = if path.starts_with("/mock") { Some(mock.connection().await) } else { None };
        let answer = client.answer().await;
        assert_eq!(answer.status(), 408, "{path}");
    }
}

/// Lets so many seconds pass at once.
async fn pass(seconds: u64) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(seconds)).await;
    tokio::time::resume();
}

#[tokio::test]
async fn an_upstream_that_stops_reading_is_its_own_fault() {
    let mock = Mock::start().await;
    let proxy = Running::start(&["--request-timeout=0.2"], &[("MOCK_BASE_URL", &mock.url(""))]).await;
    let (mut answer, mut request) = Client::to(proxy.address).await.stream.into_split();
    // More than fits into all the buffers on the way; how much of it goes out does not matter.
    let upload = tokio::spawn(async move {
        let _ = request.write_all(post("/mock/x", "", &" ".repeat(32 << 20)).as_bytes()).await;
        request
    });
    let mut start = [0; 12];
    answer.read_exact(&mut start).await.unwrap();
    assert_eq!(&start, b"HTTP/1.1 504");
    upload.abort();
}

#[tokio::test]
async fn an_upstream_that_falls_silent_inside_a_response_breaks_it_off() {
    let mut mock = Mock::start().await;
    let proxy = Running::start(&["--read-timeout=0.2"], &[("MOCK_BASE_URL", &mock.url(""))]).await;
    let mut client = Client::to(proxy.address).await;
    client.send(post("/mock/x", "", "{}").as_bytes()).await;
    let mut upstream = mock.connection().await;
    upstream.answer().await;
    upstream.send(SSE.as_bytes()).await;
    client.head().await.unwrap();
    for _ in 0..3 {
        upstream.send(&chunk(b"data: {}\n\n")).await;
        assert_eq!(client.chunk().await.as_deref(), Some(&b"data: {}\n\n"[..]));
    }
    assert_eq!(client.chunk().await, None, "cut, so that nobody takes it for a whole answer");
    while upstream.fill().await {}
    proxy.quiet().await;
    let row = serde_json::to_value(&proxy.tracker.recent_errors(1)[0]).unwrap();
    assert_eq!(row["outcome"], "body_error");
    assert_eq!(row["error"], "The upstream was silent for 0.2 s.");
}

#[tokio::test]
async fn a_connection_without_a_request_is_let_go_of() {
    let proxy = Running::start(&["--idle-timeout=0.1"], &[]).await;
    for start in ["", "P", "PRI * HTTP/2.0\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET /hea"] {
        let mut client = Client::to(proxy.address).await;
        client.send(start.as_bytes()).await;
        while client.fill().await {}
    }
}

#[tokio::test]
async fn an_idle_http_2_connection_is_told_and_closed_but_not_one_with_a_stream() {
    let mut mock = Mock::start().await;
    let args = ["--idle-timeout=0.1"];
    let proxy = Running::start(&args, &[("MOCK_BASE_URL", &mock.url(""))]).await;
    let stream = tokio::net::TcpStream::connect(proxy.address).await.unwrap();
    let io = hyper_util::rt::TokioIo::new(stream);
    let executor = hyper_util::rt::TokioExecutor::new();
    let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, io).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = http::Request::post(format!("http://{}/mock/x", proxy.address));
    let asked = sender.send_request(request.body(http_body_util::Full::<bytes::Bytes>::from("{}")).unwrap());
    let serve = async {
        let mut upstream = mock.connection().await;
        upstream.answer().await;
        // Idle times pass; the stream is open. Another connection, which begins later, is let go of meanwhile.
        for _ in 0..2 {
            let mut other = Client::to(proxy.address).await;
            while other.fill().await {}
        }
        upstream.send(crate::support::ok("{}").as_bytes()).await;
    };
    let (response, ()) = tokio::join!(asked, serve);
    assert_eq!(response.unwrap().status(), 200);
    let ended = tokio::time::timeout(crate::support::PATIENCE, connection).await.expect("the connection ends");
    ended.unwrap().unwrap();
}

#[tokio::test]
async fn a_client_that_feeds_a_byte_now_and_then_is_not_held_for_ever() {
    let proxy = Running::start(&["--request-timeout=0.3"], &[("MOCK_BASE_URL", "http://127.0.0.1:1")]).await;
    let mut client = Client::to(proxy.address).await;
    client.send(b"POST /v1/chat/completions HTTP/1.1\r\nhost: p\r\ncontent-length: 1000000\r\n\r\n{\"x\":\"").await;
    let (mut read, mut write) = client.stream.split();
    let feed = async {
        while write.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        std::future::pending::<()>().await;
    };
    let mut answer = [0; 12];
    tokio::select! {
        read = tokio::time::timeout(crate::support::PATIENCE, read.read_exact(&mut answer)) => read.unwrap().unwrap(),
        () = feed => unreachable!(),
    };
    assert_eq!(&answer, b"HTTP/1.1 408");
    assert!(proxy.tracker.recent_traces(1)[0].error.as_ref().is_some_and(|error| error.contains("too slowly")));
}
