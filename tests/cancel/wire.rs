//! Cancelled responses as clients see them over HTTP/1 and HTTP/2.

use active_requests::CancelRequestLayer;
use bytes::Bytes;
use http::{Response, StatusCode, header};
use http_body_util::BodyExt;

use crate::{
    exchange::{Connection, Gone, PATIENCE, Protocol, Upstream, read},
    wiretap::Received,
};

const PROTOCOLS: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];

const CHUNK: &str = "data: {\"id\":\"1\",\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n";
const MESSAGE: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{}}\n\n";

#[tokio::test]
async fn before_the_head_the_client_gets_503() {
    for protocol in PROTOCOLS {
        let gone = Gone::default();
        let upstream_gone = gone.clone();
        let mut connection = Connection::open(protocol, CancelRequestLayer::new(), move |_| {
            let upstream = Upstream::new(&[], &gone);
            async move {
                std::future::pending::<()>().await;
                Ok(Response::new(upstream))
            }
        })
        .await;
        let (response, ()) = tokio::join!(connection.send(), connection.cancel());
        let response = response.unwrap();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE, "{protocol:?}");
        assert_eq!(response.headers()["x-should-retry"], "false");
        let (text, end) = read(response.into_body()).await;
        assert_eq!(text, r#"{"error":{"message":"The request was cancelled by an operator.","type":"cancelled"}}"#);
        assert!(end.is_ok() && upstream_gone.get());
        assert_eq!((connection.entry().outcome.as_str(), connection.entry().http_status), ("killed", None));
    }
}

#[tokio::test]
async fn the_answer_before_the_head_is_the_users() {
    let layer = CancelRequestLayer::new().on_cancel(|row| {
        let mut response = Response::new(Bytes::from(format!("{} is over", row.path)));
        *response.status_mut() = StatusCode::CONFLICT;
        response
    });
    let mut connection = Connection::open(Protocol::Http1, layer, async |_| std::future::pending().await).await;
    let (response, ()) = tokio::join!(connection.send(), connection.cancel());
    let response = response.unwrap();
    assert_eq!(response.status(), StatusCode::CONFLICT);
    assert_eq!(read(response.into_body()).await.0, "/v1/chat/completions is over");
}

/// Checks that no whole answer went over the wire, whatever a client makes of it.
fn ends_uncleanly(protocol: Protocol, received: &Received, last: &str) {
    const DATA: u8 = 0;
    const RST_STREAM: u8 = 3;
    const END_STREAM: u8 = 1;
    match protocol {
        Protocol::Http1 => {
            let bytes = String::from_utf8_lossy(&received.bytes()).into_owned();
            assert!(bytes.contains(last) && !bytes.ends_with("0\r\n\r\n"), "there is no last chunk: {bytes:?}");
        }
        Protocol::Http2 => {
            let frames = received.http2_frames();
            let has = |kind, flag| {
                frames.iter().any(|&(is, flags, stream)| (is, stream) == (kind, 1) && flags & flag == flag)
            };
            assert!(has(DATA, 0) && has(RST_STREAM, 0) && !has(DATA, END_STREAM), "{frames:?}");
        }
    }
}

/// Cancels in mid-stream, once the client has read the first frames.
async fn cut(
    protocol: Protocol,
    head: &'static [(&'static str, &'static str)],
    frames: &'static [&'static str],
) -> String {
    let gone = Gone::default();
    let upstream_gone = gone.clone();
    let mut connection = Connection::open(protocol, CancelRequestLayer::new(), move |_| {
        let mut builder = Response::builder();
        for (name, value) in head {
            builder = builder.header(*name, *value);
        }
        let response = builder.body(Upstream::new(frames, &gone)).unwrap();
        async move { Ok(response) }
    })
    .await;
    let response = tokio::time::timeout(PATIENCE, connection.send()).await.unwrap().unwrap();
    let mut body = response.into_body();
    let mut text = String::new();
    while text.len() < frames.concat().len() {
        let frame = body.frame().await.unwrap().unwrap();
        text.push_str(&String::from_utf8_lossy(frame.data_ref().unwrap()));
    }
    assert!(!upstream_gone.get());
    connection.cancel().await;
    assert!(upstream_gone.get(), "the upstream is gone before anybody polls");
    let (rest, end) = read(body).await;
    assert!(end.is_err(), "{protocol:?} {head:?}: a cut answer never ends cleanly");
    ends_uncleanly(protocol, &connection.received, &rest);
    let entry = connection.entry();
    assert_eq!((entry.outcome.as_str(), entry.http_status), ("killed", Some(200)));
    assert_eq!(text, frames.concat(), "what came first is untouched");
    rest
}

#[tokio::test]
async fn a_stream_is_told_in_its_dialect_and_fails() {
    const SSE: &[(&str, &str)] = &[("content-type", "text/event-stream")];
    const UI: &[(&str, &str)] = &[("content-type", "text/event-stream"), ("x-vercel-ai-ui-message-stream", "v1")];
    let told = "The request was cancelled by an operator.";
    for protocol in PROTOCOLS {
        for (head, frames, prefix) in [
            (SSE, &[CHUNK][..], "data: {\"error\":{"),
            (SSE, &[MESSAGE][..], "event: error\ndata: {\"error\":{\"message\""),
            (SSE, &["event: response.created\ndata: {}\n\n"][..], "event: error\ndata: {\"code\":\"cancelled\""),
            (SSE, &["data: one\r\n\r", "\n"][..], "event: error\ndata: {\"error\":{"),
            (UI, &["data: {\"type\":\"start\"}\n\n"][..], "data: {\"errorText\""),
        ] {
            let rest = cut(protocol, head, frames).await;
            assert!(
                rest.starts_with(prefix) && rest.contains(told) && rest.ends_with("\n\n"),
                "{protocol:?}: {rest:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_body_that_no_event_fits_into_fails_at_once() {
    for protocol in PROTOCOLS {
        for (head, frames) in [
            (&[("content-type", "text/event-stream")][..], &[CHUNK, "data: {\"id\":"][..]),
            (&[("content-type", "text/event-stream"), ("content-encoding", "gzip")][..], &[CHUNK][..]),
            (&[("content-type", "text/event-stream"), ("content-length", "1000")][..], &[CHUNK][..]),
            (&[("content-type", "application/json"), ("content-length", "1000")][..], &["{\"id\":"][..]),
            (&[("content-type", "application/json")][..], &["{\"id\":"][..]),
        ] {
            assert_eq!(cut(protocol, head, frames).await, "", "{protocol:?} {head:?}");
        }
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_no_upstream() {
    for protocol in PROTOCOLS {
        let gone = Gone::default();
        let upstream_gone = gone.clone();
        let mut connection = Connection::open(protocol, CancelRequestLayer::new(), move |_| {
            let upstream = Upstream::endless(Bytes::from(vec![b'x'; 16 * 1024]), &gone);
            let response = Response::builder().header(header::CONTENT_TYPE, "text/plain").body(upstream).unwrap();
            async move { Ok(response) }
        })
        .await;
        let response = connection.send().await.unwrap();
        // It stands still once all that is between the two is full.
        let mut passed = 0;
        loop {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            let now = connection.tracker.snapshot()[0].response_bytes;
            if std::mem::replace(&mut passed, now) == now && now > 0 {
                break;
            }
        }
        connection.cancel().await;
        assert!(upstream_gone.get(), "{protocol:?}");
        let (_, end) = read(response.into_body()).await;
        assert!(end.is_err());
        assert_eq!(connection.entry().response_bytes, passed);
    }
}
