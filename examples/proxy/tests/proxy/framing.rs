//! The end of a body is where its sender has put it (RFC 9112, section 6; RFC 9110, section 8.6).

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Frame;

use crate::support::{Client, LAST_CHUNK, Mock, Running, chunk, frames, http2, no_body, ok, post};

/// RFC 9112, section 6.3: `transfer-encoding` overrides `content-length`, which an intermediary removes.
#[tokio::test]
async fn a_length_beside_a_chunked_coding_is_dropped() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    for length in ["3", "0", "50", "abc", "5"] {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\ntransfer-encoding: chunked\r\n\r\n");
        let answer = [head.as_bytes(), &chunk(b"abcde"), LAST_CHUNK].concat();
        let (got, _) = tokio::join!(proxy.post("/mock/x", "{}"), mock.serve(&answer));
        assert_eq!((got.body.as_slice(), got.header("content-length")), (&b"abcde"[..], None), "{length}");

        let mut client = http2(proxy.address).await;
        let request = Request::get(format!("http://{}/mock/x", proxy.address)).body(no_body()).unwrap();
        let (got, _) = tokio::join!(client.send_request(request), mock.serve(&answer));
        let got = got.unwrap();
        assert_eq!(got.headers().get(header::CONTENT_LENGTH), None, "{length}");
        assert_eq!(got.into_body().collect().await.expect(length).to_bytes(), "abcde");
    }
}

/// RFC 9110, section 9.3.1: a body of GET has no meaning of its own, but is part of the request.
#[tokio::test]
async fn the_body_of_a_get_without_a_length_arrives() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    for method in ["GET", "HEAD", "DELETE", "POST"] {
        let head = format!("{method} /mock/x HTTP/1.1\r\nhost: p\r\ntransfer-encoding: chunked\r\n\r\n");
        let mut client = Client::to(proxy.address).await;
        client.send(&[head.as_bytes(), &chunk(b"asked"), LAST_CHUNK].concat()).await;
        let asked = mock.serve(ok("").as_bytes()).await;
        assert_eq!((asked.body.as_slice(), asked.header("content-length")), (&b"asked"[..], None), "{method}");
        client.head().await.unwrap();

        let body = frames([Frame::data(Bytes::from_static(b"asked"))]);
        let request = Request::builder().method(method).uri(format!("http://{}/mock/x", proxy.address));
        let mut client = http2(proxy.address).await;
        let answer = ok("");
        let (got, asked) =
            tokio::join!(client.send_request(request.body(body).unwrap()), mock.serve(answer.as_bytes()));
        assert_eq!((got.unwrap().status().as_u16(), asked.body.as_slice()), (200, &b"asked"[..]), "{method}");
    }
}

#[tokio::test]
async fn a_request_without_a_body_gets_none() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    let mut client = http2(proxy.address).await;
    for method in ["GET", "HEAD", "DELETE"] {
        let request = Request::builder().method(method).uri(format!("http://{}/mock/x", proxy.address));
        let answer = ok("");
        let (_, asked) =
            tokio::join!(client.send_request(request.body(no_body()).unwrap()), mock.serve(answer.as_bytes()));
        assert!(!asked.head.contains("transfer-encoding") && !asked.head.contains("content-length"), "{}", asked.head);
    }
}

/// RFC 9110, section 8.6: equal lengths are replaced by one, and different ones are an error.
#[tokio::test]
async fn equal_lengths_become_one_and_different_ones_are_refused() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    for (lines, length) in [
        ("content-length: 2, 2\r\n", Some("2")),
        ("content-length: 2\r\ncontent-length: 2\r\n", Some("2")),
        ("content-length: 2\r\ncontent-length: 3\r\n", None),
        ("content-length: 2,3\r\n", None),
        ("content-length: +2\r\n", None),
    ] {
        let answer = format!("HTTP/1.1 200 OK\r\n{lines}\r\n");
        let mut client = Client::to(proxy.address).await;
        client.send(b"HEAD /mock/x HTTP/1.1\r\nhost: p\r\n\r\n").await;
        mock.serve(answer.as_bytes()).await;
        let head = client.head().await.unwrap();
        proxy.quiet().await;
        let trace = serde_json::to_value(&proxy.tracker.recent_traces(1)[0]).unwrap();
        match length {
            Some(length) => {
                let lengths: Vec<_> = head.lines().filter(|line| line.starts_with("content-length")).collect();
                assert_eq!(lengths, [format!("content-length: {length}")], "{lines}");
                assert_eq!(trace["outcome"], "completed");
            }
            None => {
                assert!(head.starts_with("HTTP/1.1 502"), "{lines}: {head}");
                assert_eq!((&trace["http_status"], &trace["outcome"]), (&502.into(), &"upstream_error".into()));
                assert!(trace["error"].as_str().unwrap().contains("content-length"), "{trace}");
            }
        }
    }
}

#[tokio::test]
async fn equal_lengths_of_a_request_over_http2_become_one() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    let mut client = http2(proxy.address).await;
    let request = Request::post(format!("http://{}/mock/x", proxy.address));
    let request = request.header("content-length", "2").header("content-length", "2");
    let request = request.body(Full::from("{}").map_err(|never| match never {}).boxed()).unwrap();
    let answer = ok("");
    let (_, asked) = tokio::join!(client.send_request(request), mock.serve(answer.as_bytes()));
    assert_eq!(asked.head.matches("content-length: 2").count(), 1, "{}", asked.head);
    assert_eq!(asked.body, b"{}");
}

/// RFC 9112, section 6.1: a transfer coding that is not understood is 501; and nobody has asked an upstream for one.
#[tokio::test]
async fn a_transfer_coding_besides_chunked_is_refused() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    for path in ["/mock/x", "/v1/chat/completions", "/v1/messages"] {
        let head = format!("POST {path} HTTP/1.1\r\nhost: p\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n");
        let got = proxy.ask(&head).await;
        assert_eq!(got.status(), 501, "{path}");
        assert!(got.text().contains("gzip, chunked"), "{path}: {}", got.text());
        assert!(mock.is_idle());
    }

    let answer = b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n";
    let (got, _) = tokio::join!(proxy.post("/mock/x", "{}"), mock.serve(answer));
    assert_eq!(got.status(), 502);
    assert!(got.text().contains("gzip, chunked"), "{}", got.text());
}

/// RFC 9112, section 7.1.
#[tokio::test]
async fn a_chunked_body_that_is_malformed_is_told_so() {
    let mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    for path in ["/mock/x", "/v1/chat/completions"] {
        for body in ["xyz\r\n", "2\r\n{\"5\r\n", "2;\n\r\n{}"] {
            let head = format!("POST {path} HTTP/1.1\r\nhost: p\r\ntransfer-encoding: chunked\r\n\r\n{body}");
            let got = proxy.ask(&head).await;
            assert_eq!(got.status(), 400, "{path} {body:?}");
            assert!(got.text().contains("malformed"), "{path} {body:?}: {}", got.text());
            proxy.quiet().await;
            let trace = serde_json::to_value(&proxy.tracker.recent_traces(1)[0]).unwrap();
            assert_eq!((&trace["http_status"], &trace["outcome"]), (&400.into(), &"upstream_error".into()));
        }
    }
}

/// RFC 9113, section 8.2.3.
#[tokio::test]
async fn cookies_that_http2_has_cut_are_joined() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    let mut client = http2(proxy.address).await;
    let request = Request::get(format!("http://{}/mock/x", proxy.address));
    let request = request.header("cookie", "a=1").header("x-y", "z").header("cookie", "b=2").body(no_body()).unwrap();
    let answer = ok("");
    let (_, asked) = tokio::join!(client.send_request(request), mock.serve(answer.as_bytes()));
    let cookies: Vec<_> = asked.head.lines().filter(|line| line.starts_with("cookie:")).collect();
    assert_eq!(cookies, ["cookie: a=1; b=2"]);

    let answer = ok("");
    let request = post("/mock/x", "cookie: a=1\r\ncookie: b=2\r\n", "");
    let (_, asked) = tokio::join!(proxy.ask(&request), mock.serve(answer.as_bytes()));
    assert_eq!(asked.head.matches("\ncookie: ").count(), 2, "over HTTP/1.1 they pass as they are");
}
