//! The bytes that come out are the bytes that went in, piece by piece, but for the model's name.

use crate::support::{Client, LAST_CHUNK, Mock, Running, SSE, chunk, ok, post};

#[tokio::test]
async fn each_chunk_of_an_answer_passes_before_the_next_is_there() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    for path in ["/v1/chat/completions", "/mock/chat/completions"] {
        let mut client = Client::to(proxy.address).await;
        client.send(post(path, "", r#"{"model":"m","stream":true}"#).as_bytes()).await;
        let mut upstream = mock.connection().await;
        upstream.answer().await;
        upstream.send(SSE.as_bytes()).await;
        let head = client.head().await.unwrap();
        assert!(head.contains("\ncontent-type: text/event-stream"), "{head}");
        let pieces: [&[u8]; 6] =
            [b"data: {\"a\"", b":1}\n\ndata", b": \xff\xfe\r\n\r", b"\n", b": ping\n\n", b"data: [DONE]\n\n"];
        for piece in pieces {
            upstream.send(&chunk(piece)).await;
            assert_eq!(client.chunk().await.as_deref(), Some(piece));
        }
        upstream.send(LAST_CHUNK).await;
        assert_eq!(client.chunk().await.as_deref(), Some(&[][..]));
    }
}

#[tokio::test]
async fn each_chunk_of_a_request_passes_before_the_next_is_there() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    let mut client = Client::to(proxy.address).await;
    client.send(b"PUT /mock/files HTTP/1.1\r\nhost: p\r\ntransfer-encoding: chunked\r\n\r\n").await;
    client.send(&chunk(b"first")).await;
    let mut upstream = mock.connection().await;
    let head = upstream.head().await.unwrap();
    assert!(head.contains("\ntransfer-encoding: chunked"), "{head}");
    assert_eq!(upstream.chunk().await.unwrap(), b"first");
    client.send(&chunk(b"second \x00\xff")).await;
    assert_eq!(upstream.chunk().await.unwrap(), b"second \x00\xff");
    client.send(LAST_CHUNK).await;
    assert_eq!(upstream.chunk().await.unwrap(), b"");
    upstream.send(ok("done").as_bytes()).await;
    assert_eq!(client.answer().await.body, b"done");
}

/// A body with its model somewhere, and what is to come of it.
fn renamed(before: &str, model: &str, after: &str) -> (String, String) {
    (format!("{before}\"mock:{model}\"{after}"), format!("{before}\"{model}\"{after}"))
}

#[tokio::test]
async fn the_models_name_is_replaced_in_place_and_nothing_else() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    let long = "x".repeat(200_000);
    for (sent, expected) in [
        renamed(r#"{"model":"#, "m", "}"),
        renamed("{ \"messages\" : [ {\"model\": \"no\"} ],\r\n\t\"model\" :  ", "m", " , \"x\": 1e5 }\n\n"),
        renamed(&format!(r#"{{"a":"{long}","model":"#), "m", &format!(r#","b":"{long}"}}"#)),
        renamed(r#"{"a":"\ud83d\ude00 ü \"model\"","model":"#, "m-ü-\\\"x\\\"", r#","b":"é"}"#),
    ] {
        let request = post("/v1/chat/completions", "", &sent);
        let answer = ok("");
        let (_, asked) = tokio::join!(proxy.ask(&request), mock.serve(answer.as_bytes()));
        assert_eq!(asked.header("content-length"), Some(expected.len().to_string().as_str()));
        assert_eq!(asked.text(), expected);
    }
}

#[tokio::test]
async fn a_name_that_stays_is_not_even_written_anew() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    let body = r#"{"model":"m\u002D\/x"}"#;
    let answer = ok("");
    let (_, asked) = tokio::join!(proxy.post("/v1/chat/completions", body), mock.serve(answer.as_bytes()));
    assert_eq!(asked.text(), body);
}

#[tokio::test]
async fn a_chunked_request_is_held_until_its_model_is_there_and_no_longer() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    let mut client = Client::to(proxy.address).await;
    client.send(b"POST /v1/chat/completions HTTP/1.1\r\nhost: p\r\ntransfer-encoding: chunked\r\n\r\n").await;
    for piece in ["{\"stream\":fal", "se,\"mo", "del\":\"mock", ":m\""] {
        assert!(mock.is_idle(), "the model is not known yet");
        client.send(&chunk(piece.as_bytes())).await;
    }
    let mut upstream = mock.connection().await;
    upstream.head().await.unwrap();
    let start = upstream.until("\"m\"").await;
    assert!(!start.contains("mock:"), "{start}");
    client.send(&chunk(b",\"rest\":1}")).await;
    upstream.until("\"rest\":1}").await;
    client.send(LAST_CHUNK).await;
    upstream.until("0\r\n\r\n").await;
    upstream.send(ok("done").as_bytes()).await;
    assert_eq!(client.answer().await.body, b"done");
}

#[tokio::test]
async fn a_body_sent_byte_by_byte_arrives_whole() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    let mut client = Client::to(proxy.address).await;
    let request = post("/v1/chat/completions", "", r#"{"messages":["ü"],"model":"mock:m","x":1}"#);
    let send = async {
        for byte in request.as_bytes() {
            client.send(&[*byte]).await;
            tokio::task::yield_now().await;
        }
        client.answer().await
    };
    let answer = ok("done");
    let (answer, asked) = tokio::join!(send, mock.serve(answer.as_bytes()));
    assert_eq!(answer.body, b"done");
    assert_eq!(asked.text(), r#"{"messages":["ü"],"model":"m","x":1}"#);
}

#[tokio::test]
async fn answers_without_a_body_have_none_over_http2_either() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    for (method, status) in [("HEAD", "200 OK"), ("GET", "204 No Content"), ("GET", "304 Not Modified")] {
        let stream = tokio::net::TcpStream::connect(proxy.address).await.unwrap();
        let io = hyper_util::rt::TokioIo::new(stream);
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(hyper_util::rt::TokioExecutor::new(), io).await.unwrap();
        tokio::spawn(connection);
        let request = http::Request::builder().method(method).uri(format!("http://{}/mock/x", proxy.address));
        let request = request.body(http_body_util::Empty::<bytes::Bytes>::new()).unwrap();
        let length = if status.starts_with("204") { "" } else { "content-length: 7\r\n" };
        let answer = format!("HTTP/1.1 {status}\r\n{length}\r\n");
        let (response, _) = tokio::join!(sender.send_request(request), mock.serve(answer.as_bytes()));
        let response = response.unwrap();
        assert_eq!(response.status().as_str(), &status[..3]);
        let body = http_body_util::BodyExt::collect(response.into_body()).await.expect(status).to_bytes();
        assert!(body.is_empty(), "{method} {status}");
    }
    proxy.quiet().await;
}

#[tokio::test]
async fn what_came_together_with_a_cut_reaches_the_client() {
    let data = [&b"data: 1\n\n"[..]; 20];
    let chunked = [SSE.as_bytes(), &data.map(chunk).concat()].concat();
    let length = [b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", data.concat().as_slice()].concat();
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    for cut in [&chunked, &length] {
        for _ in 0..10 {
            let (answer, _) = tokio::join!(proxy.post("/mock/x", "{}"), mock.serve(cut));
            assert_eq!((answer.status(), answer.text()), (200, String::from_utf8(data.concat()).unwrap()));
        }
    }
    proxy.quiet().await;
    assert!(proxy.tracker.recent_traces(20).iter().all(|trace| trace.outcome.as_str() == "body_error"));
}
