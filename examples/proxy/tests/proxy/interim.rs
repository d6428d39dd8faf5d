//! Interim answers (RFC 9110, section 15.2): a proxy passes them on, to clients that can take them.

use http::Request;

use crate::support::{Client, Mock, Running, http2, no_body, ok};

const HINTS: &str = "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nconnection: x-hop\r\nx-hop: 1\r\n\r\n";
const PASSED: &str = "HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n";

fn get(path: &str, version: &str) -> String {
    format!("GET {path} {version}\r\nhost: p\r\n\r\n")
}

#[tokio::test]
async fn an_interim_answer_passes_before_the_answer_is_there() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    // The second goes over the connections of the first.
    let mut client = Client::to(proxy.address).await;
    let mut upstream = None;
    for _ in 0..2 {
        client.send(get("/mock/x", "HTTP/1.1").as_bytes()).await;
        if upstream.is_none() {
            upstream = Some(mock.connection().await);
        }
        let upstream = upstream.as_mut().unwrap();
        upstream.answer().await;
        for (interim, passed) in
            [("HTTP/1.1 102 Processing\r\n\r\n", "HTTP/1.1 102 Processing\r\n\r\n"), (HINTS, PASSED)]
        {
            upstream.send(interim.as_bytes()).await;
            assert_eq!(client.bytes(passed.len()).await, passed.as_bytes());
        }
        assert_eq!(proxy.tracker.snapshot()[0].status, None, "it is no answer");
        upstream.send(ok("{}").replace("connection: close\r\n", "").as_bytes()).await;
        let answer = client.answer().await;
        assert_eq!((answer.status(), answer.text().as_str()), (200, "{}"));
    }
}

#[tokio::test]
async fn what_comes_together_keeps_its_order() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    let mut client = Client::to(proxy.address).await;
    // The second request is there before the first is answered.
    client.send(get("/mock/x", "HTTP/1.1").repeat(2).as_bytes()).await;
    for body in ["first", "second"] {
        mock.serve(format!("{HINTS}{HINTS}{}", ok(body)).as_bytes()).await;
        for _ in 0..2 {
            assert_eq!(client.bytes(PASSED.len()).await, PASSED.as_bytes());
        }
        assert_eq!(client.answer().await.text(), body);
    }
}

#[tokio::test]
async fn a_client_gets_one_100_and_only_if_it_asks() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    let go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    for expect in ["", "expect: 100-continue\r\n"] {
        let mut client = Client::to(proxy.address).await;
        client.send(format!("POST /mock/x HTTP/1.1\r\nhost: p\r\n{expect}content-length: 2\r\n\r\n").as_bytes()).await;
        if !expect.is_empty() {
            assert_eq!(client.bytes(go_on.len()).await, go_on.as_bytes());
        }
        client.send(b"{}").await;
        mock.serve(format!("{go_on}{HINTS}{}", ok("{}")).as_bytes()).await;
        assert_eq!(client.bytes(PASSED.len()).await, PASSED.as_bytes(), "{expect}");
        assert_eq!(client.answer().await.status(), 200, "{expect}");
    }
}

#[tokio::test]
async fn who_cannot_take_an_interim_answer_gets_none() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    let answer = format!("{HINTS}{}", ok("{}"));
    let mut client = Client::to(proxy.address).await;
    client.send(get("/mock/x", "HTTP/1.0").as_bytes()).await;
    mock.serve(answer.as_bytes()).await;
    assert_eq!(client.answer().await.status(), 200);

    let mut client = http2(proxy.address).await;
    let request = Request::get(format!("http://{}/mock/x", proxy.address)).body(no_body()).unwrap();
    let (got, _) = tokio::join!(client.send_request(request), mock.serve(answer.as_bytes()));
    assert_eq!(got.unwrap().status(), 200);
}

#[tokio::test]
async fn a_request_that_is_sent_again_has_its_interim_answers() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    let mut client = Client::to(proxy.address).await;
    client.send(get("/mock/x", "HTTP/1.1").as_bytes()).await;
    let mut upstream = mock.connection().await;
    upstream.answer().await;
    upstream.send(ok("").replace("connection: close\r\n", "").as_bytes()).await;
    client.answer().await;
    client.send(get("/mock/x", "HTTP/1.1").as_bytes()).await;
    upstream.answer().await;
    drop(upstream);
    mock.serve(format!("{HINTS}{}", ok("{}")).as_bytes()).await;
    assert_eq!(client.bytes(PASSED.len()).await, PASSED.as_bytes());
    assert_eq!(client.answer().await.text(), "{}");
}
