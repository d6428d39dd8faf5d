//! Trailers pass in both directions (RFC 9110, section 6.5), over HTTP/1.1 those that `trailer` announces.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request};
use http_body_util::BodyExt;
use hyper::body::Frame;

use crate::support::{Client, Mock, Running, frames, http2, no_body, ok};

fn trailers() -> HeaderMap {
    HeaderMap::from_iter([(http::HeaderName::from_static("x-sum"), HeaderValue::from_static("abc"))])
}

#[tokio::test]
async fn the_trailers_of_a_request_arrive() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    // The second is held until its model is known, which here takes all of it.
    for (path, body) in [("/mock/x", "{}"), ("/v1/chat/completions", r#"{"model":"mock:m"}"#)] {
        let mut client = Client::to(proxy.address).await;
        let head = format!("POST {path} HTTP/1.1\r\nhost: p\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n");
        let size = body.len();
        client.send(format!("{head}{size:x}\r\n{body}\r\n0\r\nx-sum: abc\r\n\r\n").as_bytes()).await;
        let mut upstream = mock.connection().await;
        let asked = upstream.until("\r\n0\r\nx-sum: abc\r\n\r\n").await;
        assert!(asked.contains("\r\ntrailer: x-sum\r\n"), "{asked}");
        upstream.send(ok("").as_bytes()).await;
        assert_eq!(client.answer().await.status(), 200);

        for length in [None, Some(size)] {
            let mut client = http2(proxy.address).await;
            let mut request = Request::post(format!("http://{}{path}", proxy.address)).header("trailer", "x-sum");
            if let Some(length) = length {
                request = request.header("content-length", length);
            }
            let body = frames([Frame::data(Bytes::from_static(body.as_bytes())), Frame::trailers(trailers())]);
            let answer = tokio::spawn(async move { client.send_request(request.body(body).unwrap()).await });
            let mut upstream = mock.connection().await;
            let asked = upstream.until("\r\n0\r\nx-sum: abc\r\n\r\n").await;
            assert!(!asked.contains("content-length"), "{asked}");
            upstream.send(ok("").as_bytes()).await;
            assert_eq!(answer.await.unwrap().unwrap().status(), 200, "{path} {length:?}");
        }
    }
}

/// RFC 9110, section 6.5.1.
#[tokio::test]
async fn a_key_does_not_leave_in_a_trailer() {
    let mut mock = Mock::start().await;
    let proxy = Running::start(&[], &[("MOCK_BASE_URL", &mock.url("")), ("PROXY_API_KEY", "pk-secret")]).await;
    let names = "x-sum, x-mine, x-api-key, api-key";
    let sent = [("x-sum", "abc"), ("x-mine", "a pk-secret"), ("x-api-key", "other"), ("api-key", "other")];
    for (path, body) in [("/mock/x", "{}"), ("/v1/chat/completions", r#"{"model":"mock:m"}"#)] {
        let mut client = Client::to(proxy.address).await;
        let lines: String = sent.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!("host: p\r\nx-api-key: pk-secret\r\ntransfer-encoding: chunked\r\ntrailer: {names}\r\n");
        let body_sent = format!("{:x}\r\n{body}\r\n0\r\n{lines}\r\n", body.len());
        client.send(format!("POST {path} HTTP/1.1\r\n{head}\r\n{body_sent}").as_bytes()).await;
        let mut upstream = mock.connection().await;
        upstream.until("\r\n0\r\nx-sum: abc\r\n\r\n").await;
        upstream.send(ok("").as_bytes()).await;
        assert_eq!(client.answer().await.status(), 200);

        let mut client = http2(proxy.address).await;
        let request = Request::post(format!("http://{}{path}", proxy.address));
        let request = request.header("trailer", names).header("x-api-key", "pk-secret");
        let trailers = sent.map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)));
        let body = [Frame::data(Bytes::from_static(body.as_bytes())), Frame::trailers(HeaderMap::from_iter(trailers))];
        let answer = tokio::spawn(async move { client.send_request(request.body(frames(body)).unwrap()).await });
        let mut upstream = mock.connection().await;
        upstream.until("\r\n0\r\nx-sum: abc\r\n\r\n").await;
        upstream.send(ok("").as_bytes()).await;
        assert_eq!(answer.await.unwrap().unwrap().status(), 200, "{path}");
    }
}

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n\
    2\r\nok\r\n0\r\nx-sum: abc\r\n\r\n";

/// RFC 9110, section 10.1.4: who takes trailers says `te: trailers`.
#[tokio::test]
async fn the_trailers_of_an_answer_arrive_where_they_are_welcome() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    for (te, end) in [("te: trailers\r\nconnection: te\r\n", "\r\n0\r\nx-sum: abc\r\n\r\n"), ("", "\r\n0\r\n\r\n")] {
        let mut client = Client::to(proxy.address).await;
        client.send(format!("GET /mock/x HTTP/1.1\r\nhost: p\r\n{te}\r\n").as_bytes()).await;
        let asked = mock.serve(ANSWER).await;
        assert_eq!(asked.header("te"), (!te.is_empty()).then_some("trailers"));
        assert_eq!(asked.header("connection"), (!te.is_empty()).then_some("te"));
        let got = client.until(end).await;
        assert!(got.contains("\r\ntrailer: x-sum\r\n"), "{got}");
    }
    let mut client = http2(proxy.address).await;
    let request = Request::get(format!("http://{}/mock/x", proxy.address)).header("te", "trailers");
    let request = request.body(no_body()).unwrap();
    let (got, asked) = tokio::join!(client.send_request(request), mock.serve(ANSWER));
    assert_eq!(asked.header("te"), Some("trailers"));
    let got = got.unwrap().into_body().collect().await.unwrap();
    assert_eq!(got.trailers(), Some(&trailers()));
    assert_eq!(got.to_bytes(), "ok");
}
