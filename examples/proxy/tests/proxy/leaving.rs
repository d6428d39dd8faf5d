//! A client that leaves takes its row and its upstream with it, whenever it leaves.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use h2::Reason;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;

use crate::support::{Client, Mock, Running, SSE, chunk, eventually, http2, post};

const ASK: &str = r#"{"model":"m","stream":true}"#;

/// The upstream sees the end of its connection.
async fn is_left(mut upstream: Client) {
    while upstream.fill().await {}
}

fn outcome(proxy: &Running) -> String {
    let trace = serde_json::to_value(&proxy.tracker.recent_traces(1)[0]).unwrap();
    trace["outcome"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_client_that_leaves_before_the_head_cancels_the_upstream_request() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    for path in ["/v1/chat/completions", "/mock/x"] {
        let mut client = Client::to(proxy.address).await;
        client.send(post(path, "", ASK).as_bytes()).await;
        let mut upstream = mock.connection().await;
        upstream.answer().await;
        assert_eq!(proxy.tracker.active(), 1);
        drop(client);
        is_left(upstream).await;
        proxy.quiet().await;
        assert_eq!(outcome(&proxy), "cancelled", "{path}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_in_mid_stream_ends_the_upstream_request() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    for path in ["/v1/chat/completions", "/mock/x"] {
        let mut client = Client::to(proxy.address).await;
        client.send(post(path, "", ASK).as_bytes()).await;
        let mut upstream = mock.connection().await;
        upstream.answer().await;
        upstream.send(&[SSE.as_bytes(), &chunk(b"data: {}\n\n")].concat()).await;
        client.until("data: {}").await;
        drop(client);
        is_left(upstream).await;
        proxy.quiet().await;
        assert_eq!(outcome(&proxy), "client_disconnect", "{path}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_with_its_request_half_sent_is_cancelled() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    for (body, length) in [(r#"{"model":"m","messages":["#.to_owned(), 500), ("x".repeat(100_000), 300_000)] {
        let mut client = Client::to(proxy.address).await;
        let head = format!("POST /mock/x HTTP/1.1\r\nhost: p\r\ncontent-length: {length}\r\n\r\n");
        client.send(format!("{head}{body}").as_bytes()).await;
        let upstream = mock.connection().await;
        eventually("the row is there", || proxy.tracker.active() == 1).await;
        drop(client);
        is_left(upstream).await;
        proxy.quiet().await;
        assert_eq!(outcome(&proxy), "cancelled");
    }
}

#[tokio::test]
async fn a_client_that_leaves_before_its_model_is_known_is_cancelled() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    for (framing, start) in [("content-length: 1000", "{\"mod"), ("transfer-encoding: chunked", "5\r\n{\"mod")] {
        let mut client = Client::to(proxy.address).await;
        let head = format!("POST /v1/chat/completions HTTP/1.1\r\nhost: p\r\n{framing}\r\n\r\n");
        client.send(head.as_bytes()).await;
        client.send(start.as_bytes()).await;
        eventually("the row is there", || proxy.tracker.active() == 1).await;
        drop(client);
        proxy.quiet().await;
        assert_eq!(outcome(&proxy), "cancelled", "{framing}");
    }
    assert!(mock.is_idle());
}

#[tokio::test]
async fn a_client_that_leaves_an_upload_that_is_not_read_is_noticed() {
    let mut mock = Mock::start().await;
    let proxy = Running::start(&["--request-timeout=600"], &[("MOCK_BASE_URL", &mock.url(""))]).await;
    // The end of what is sent arrives behind all of it, a reset at once.
    for (size, reset) in [(1_000_000, false), (1_000_000, true), (32_000_000, true)] {
        let mut client = Client::to(proxy.address).await;
        client.send(b"POST /mock/x HTTP/1.1\r\nhost: p\r\ncontent-length: 32000001\r\n\r\n").await;
        // The upstream has taken the connection and reads nothing of it.
        let body = vec![b'x'; size];
        let _ = tokio::time::timeout(Duration::from_millis(300), client.send(&body)).await;
        let upstream = mock.connection().await;
        leave(client, reset);
        proxy.quiet().await;
        is_left(upstream).await;
        assert_eq!(outcome(&proxy), "cancelled");
    }
}

/// Closes a connection, by a FIN or by a reset.
fn leave(client: Client, reset: bool) {
    if reset {
        socket2::SockRef::from(&client.stream).set_linger(Some(Duration::ZERO)).unwrap();
    }
}

#[tokio::test]
async fn a_client_that_leaves_behind_bytes_that_nobody_reads_is_noticed() {
    let mut mock = Mock::start().await;
    let proxy = Running::start(&["--request-timeout=600"], &[("MOCK_BASE_URL", &mock.url(""))]).await;
    for stray in ["\r\n", "GET /health HTTP/1.1\r\nhost: p\r\n\r\n", "x"] {
        for (streams, reset) in [(false, false), (false, true), (true, false), (true, true)] {
            let mut client = Client::to(proxy.address).await;
            client.send((post("/mock/x", "", ASK) + stray).as_bytes()).await;
            let mut upstream = mock.connection().await;
            upstream.answer().await;
            if streams {
                upstream.send(&[SSE.as_bytes(), &chunk(b"data: {}\n\n")].concat()).await;
                client.until("data: {}").await;
            }
            // More of them, when the others have been seen.
            client.send(stray.as_bytes()).await;
            leave(client, reset);
            is_left(upstream).await;
            proxy.quiet().await;
            let expected = if streams { "client_disconnect" } else { "cancelled" };
            assert_eq!(outcome(&proxy), expected, "{stray:?}, reset: {reset}");
        }
    }
}

#[tokio::test]
async fn requests_that_came_early_are_answered_in_their_turn() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    let mut client = Client::to(proxy.address).await;
    client.send((post("/mock/x", "", ASK) + &post("/mock/y", "", ASK)).as_bytes()).await;
    let mut upstream = mock.connection().await;
    assert!(upstream.answer().await.head.starts_with("POST /v1/x"));
    // A third one comes while the second waits.
    client.send(post("/mock/z", "", &"z".repeat(100_000)).as_bytes()).await;
    for (path, next) in [("x", "POST /v1/y"), ("y", "POST /v1/z"), ("z", "")] {
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n{path}");
        upstream.send(answer.as_bytes()).await;
        assert_eq!(client.answer().await.text(), path);
        if !next.is_empty() {
            assert!(upstream.answer().await.head.starts_with(next));
        }
    }
    proxy.quiet().await;
}

#[tokio::test]
async fn an_http2_client_that_gives_up_one_stream_keeps_the_others() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    let stream = tokio::net::TcpStream::connect(proxy.address).await.unwrap();
    let io = hyper_util::rt::TokioIo::new(stream);
    let (sender, connection) =
        hyper::client::conn::http2::handshake(hyper_util::rt::TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    let ask = || {
        let request = http::Request::post(format!("http://{}/mock/x", proxy.address));
        sender.clone().send_request(request.body(http_body_util::Full::<bytes::Bytes>::from(ASK)).unwrap())
    };
    let staying = tokio::spawn(ask());
    let mut kept = mock.connection().await;
    kept.answer().await;
    let leaving = tokio::spawn(ask());
    let mut left = mock.connection().await;
    left.answer().await;
    leaving.abort();
    is_left(left).await;
    eventually("one row has gone", || proxy.tracker.active() == 1).await;
    assert_eq!(outcome(&proxy), "cancelled");
    kept.send(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    assert_eq!(staying.await.unwrap().unwrap().status(), 200);
    proxy.quiet().await;
}

#[tokio::test]
async fn an_upstream_that_breaks_off_breaks_off_the_answer() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    let mut client = Client::to(proxy.address).await;
    client.send(post("/mock/x", "", ASK).as_bytes()).await;
    let mut upstream = mock.connection().await;
    upstream.answer().await;
    upstream.send(&[SSE.as_bytes(), &chunk(b"data: {}\n\n")].concat()).await;
    client.head().await.unwrap();
    assert_eq!(client.chunk().await.unwrap(), b"data: {}\n\n");
    drop(upstream);
    assert_eq!(client.chunk().await, None, "the connection ends without a last chunk");
    proxy.quiet().await;
    assert_eq!(outcome(&proxy), "body_error");
}

#[tokio::test]
async fn a_slow_client_does_not_hold_up_others() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    let mut slow = Client::to(proxy.address).await;
    slow.send(post("/mock/x", "", ASK).as_bytes()).await;
    let mut flood = mock.connection().await;
    flood.answer().await;
    flood.send(SSE.as_bytes()).await;
    // More than all buffers on the way take, and nobody reads it.
    let piece = chunk(&[b'x'; 100_000]);
    let stuck = async {
        loop {
            flood.send(&piece).await;
        }
    };
    let _ = tokio::time::timeout(Duration::from_millis(300), stuck).await;
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    let (other, _) = tokio::join!(proxy.post("/mock/x", ASK), mock.serve(answer));
    assert_eq!(other.status(), 200);
    drop(slow);
    proxy.quiet().await;
}

#[tokio::test]
async fn an_http2_client_that_resets_in_its_upload_is_cancelled() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    // Without an error (`NO_ERROR`) hyper takes the reset for the end of the body.
    let paths = ["/mock/x", "/v1/chat/completions"].into_iter();
    for (path, reason) in paths.flat_map(|path| [(path, Reason::CANCEL), (path, Reason::NO_ERROR)]) {
        // A connection is kept, so that all that was sent could leave at once.
        let kept = async {
            let mut upstream = mock.connection().await;
            upstream.answer().await;
            upstream.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
            upstream
        };
        let (_, mut upstream) = tokio::join!(proxy.post("/mock/first", "{}"), kept);
        let mut client = http2(proxy.address).await;
        let (send, sent) = tokio::sync::mpsc::channel(1);
        let body = stream::unfold(sent, |mut sent| async { Some((sent.recv().await?, sent)) });
        let request = http::Request::post(format!("http://{}{path}", proxy.address));
        let request = request.body(BodyExt::boxed(StreamBody::new(body))).unwrap();
        let answer = tokio::spawn(async move { client.send_request(request).await });
        send.send(Ok(Frame::data(Bytes::from_static(br#"{"model":"m"}"#)))).await.unwrap();
        upstream.until(r#"{"model":"m"}"#).await;
        send.send(Err(h2::Error::from(reason).into())).await.unwrap();
        let _ = answer.await.unwrap();
        proxy.quiet().await;
        assert_eq!(outcome(&proxy), "cancelled", "{path} {reason:?}");
        while upstream.fill().await {}
        let asked = String::from_utf8(upstream.unread().to_vec()).unwrap();
        assert!(!asked.contains("\r\n0\r\n"), "{reason:?}: what was cut is not ended: {asked:?}");
    }
}
