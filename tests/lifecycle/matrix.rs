//! Method x status x kind of body x kind of end, over both protocols.

use crate::{
    body::{
        Step::{self, Data, Error, Hang, Panic, Trailers},
        Steps,
    },
    exchange::{
        Client::{self, LeavesAfterTheFirstFrame, LeavesAfterTheHead, LeavesBeforeTheHead, ReadsAll},
        Protocol::{Http1, Http2},
        exchange,
    },
};
use http::{Method, Response, StatusCode, header};

/// How the response's length is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    /// The body knows it.
    Exact,
    /// A `content-length` header says it, the body does not know.
    Declared(u64),
    /// Nobody knows.
    Unknown,
}
use Length::{Declared, Exact, Unknown};

const PLAIN: &str = "text/plain";
const SSE: &str = "text/event-stream";
const TOKEN: &str = "data: {\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"},\"finish_reason\":null}]}\n\n";
const DONE: &str = "data: [DONE]\n\n";
const FAILED: &str = "data: {\"error\":{\"message\":\"overloaded\",\"type\":\"server_error\"}}\n\n";

struct Case {
    method: Method,
    status: u16,
    content_type: &'static str,
    length: Length,
    steps: &'static [Step],
    client: Client,
    outcome: &'static str,
}

fn case(
    method: Method,
    status: u16,
    content_type: &'static str,
    length: Length,
    steps: &'static [Step],
    client: Client,
    outcome: &'static str,
) -> Case {
    Case { method, status, content_type, length, steps, client, outcome }
}

#[rustfmt::skip]
fn cases() -> Vec<Case> {
    let (get, post, head) = (Method::GET, Method::POST, Method::HEAD);
    vec![
        // Bodies that come to their end.
        case(get.clone(), 200, PLAIN, Exact, &[Data("hello")], ReadsAll, "completed"),
        case(post.clone(), 200, PLAIN, Exact, &[Data("hello")], ReadsAll, "completed"),
        case(get.clone(), 200, PLAIN, Exact, &[], ReadsAll, "completed"),
        case(get.clone(), 200, PLAIN, Unknown, &[], ReadsAll, "completed"),
        case(get.clone(), 200, PLAIN, Unknown, &[Data("hel"), Data("lo")], ReadsAll, "completed"),
        case(get.clone(), 200, PLAIN, Declared(5), &[Data("hel"), Data("lo")], ReadsAll, "completed"),
        case(get.clone(), 200, PLAIN, Unknown, &[Data("hello"), Trailers], ReadsAll, "completed"),
        case(post.clone(), 201, PLAIN, Exact, &[Data("made")], ReadsAll, "completed"),
        // Answers that have no body, whatever the handler made.
        case(head.clone(), 200, PLAIN, Exact, &[Data("hello")], ReadsAll, "completed"),
        case(head.clone(), 200, PLAIN, Unknown, &[Data("hello")], ReadsAll, "completed"),
        case(get.clone(), 204, PLAIN, Unknown, &[], ReadsAll, "completed"),
        case(get.clone(), 304, PLAIN, Unknown, &[], ReadsAll, "completed"),
        // Errors by status.
        case(get.clone(), 404, PLAIN, Exact, &[Data("no")], ReadsAll, "upstream_error"),
        case(post.clone(), 429, PLAIN, Unknown, &[Data("slow")], ReadsAll, "upstream_error"),
        case(post.clone(), 500, PLAIN, Exact, &[], ReadsAll, "upstream_error"),
        case(head.clone(), 503, PLAIN, Exact, &[], ReadsAll, "upstream_error"),
        // Streams, with their own end mark or short of it.
        case(post.clone(), 200, SSE, Unknown, &[Data(TOKEN), Data(DONE)], ReadsAll, "completed"),
        case(post.clone(), 200, SSE, Unknown, &[Data(TOKEN)], ReadsAll, "truncated"),
        case(post.clone(), 200, SSE, Unknown, &[Data(TOKEN), Data(FAILED)], ReadsAll, "upstream_error"),
        case(post.clone(), 200, SSE, Unknown, &[Data("data: hello\n\n")], ReadsAll, "completed"),
        // Clients that leave.
        case(post.clone(), 200, SSE, Unknown, &[Data(TOKEN), Hang], LeavesAfterTheFirstFrame, "client_disconnect"),
        case(post.clone(), 200, SSE, Unknown, &[Data(TOKEN), Data(DONE), Hang], LeavesAfterTheFirstFrame, "completed"),
        case(post.clone(), 200, SSE, Unknown, &[Data(TOKEN), Data(FAILED), Hang], LeavesAfterTheFirstFrame, "upstream_error"),
        case(get.clone(), 200, PLAIN, Unknown, &[Data("hel"), Hang], LeavesAfterTheFirstFrame, "client_disconnect"),
        case(get.clone(), 200, PLAIN, Unknown, &[Hang], LeavesAfterTheHead, "client_disconnect"),
        case(get.clone(), 200, PLAIN, Declared(9), &[Data("hel"), Hang], LeavesAfterTheFirstFrame, "client_disconnect"),
        case(get.clone(), 500, PLAIN, Unknown, &[Data("hel"), Hang], LeavesAfterTheFirstFrame, "client_disconnect"),
        // Bodies that fail.
        case(get.clone(), 200, PLAIN, Unknown, &[Data("hel"), Error], ReadsAll, "body_error"),
        case(get.clone(), 200, PLAIN, Unknown, &[Error], ReadsAll, "body_error"),
        case(post.clone(), 200, SSE, Unknown, &[Data(TOKEN), Error], ReadsAll, "body_error"),
        case(get.clone(), 200, PLAIN, Unknown, &[Data("hel"), Panic], ReadsAll, "panicked"),
        case(post, 200, SSE, Unknown, &[Data(TOKEN), Panic], ReadsAll, "panicked"),
    ]
}

#[tokio::test]
async fn every_request_ends_with_its_outcome_and_leaves_the_list() {
    for protocol in [Http1, Http2] {
        for case in cases() {
            let told = format!(
                "{protocol:?} {} {} {} {:?} {:?} {:?}",
                case.method, case.status, case.content_type, case.length, case.steps, case.client
            );
            let Case { status, content_type, length, steps, .. } = case;
            let entry = exchange(protocol, case.method.clone(), case.client, move |_| {
                let body = match (length, steps) {
                    (Exact, [Data(data)]) => Steps::exact(data),
                    (Exact, []) => Steps::exact(""),
                    _ => Steps::stream(steps),
                };
                let mut response = Response::builder().status(status).header(header::CONTENT_TYPE, content_type);
                if let Declared(length) = length {
                    response = response.header(header::CONTENT_LENGTH, length);
                }
                std::future::ready(Ok(response.body(body).unwrap()))
            })
            .await;
            assert_eq!(entry.outcome.as_str(), case.outcome, "{told}");
            assert_eq!(entry.http_status, Some(status), "{told}");
            assert_eq!((entry.method.as_str(), entry.path.as_str()), (case.method.as_str(), "/path"), "{told}");
        }
    }
}

#[tokio::test]
async fn a_client_that_leaves_before_the_head_has_cancelled() {
    for protocol in [Http1, Http2] {
        let entry = exchange(protocol, Method::POST, LeavesBeforeTheHead, |_| std::future::pending()).await;
        assert_eq!(entry.outcome.as_str(), "cancelled", "{protocol:?}");
        assert_eq!(entry.error_type.unwrap().as_str(), "cancelled");
        assert_eq!(entry.http_status, None);
    }
}

#[tokio::test]
async fn an_error_of_the_service_is_told_in_its_words() {
    for protocol in [Http1, Http2] {
        let entry = exchange(protocol, Method::GET, ReadsAll, async |_| Err(std::io::Error::other("no route"))).await;
        assert_eq!(entry.outcome.as_str(), "service_error", "{protocol:?}");
        assert_eq!(entry.error.as_deref(), Some("no route"));
        assert_eq!(entry.error_type.unwrap().as_str(), "unexpected_error");
    }
}

#[tokio::test]
async fn an_error_of_the_service_that_speaks_of_time_is_a_timeout() {
    let entry = exchange(Http1, Method::GET, ReadsAll, async |_| Err(std::io::ErrorKind::TimedOut.into())).await;
    assert_eq!(entry.error_type.unwrap().as_str(), "timeout");
}

#[tokio::test]
async fn a_panic_in_the_call_or_in_the_future_lets_go_of_the_row() {
    for protocol in [Http1, Http2] {
        let in_call =
            exchange(protocol, Method::GET, ReadsAll, |_| -> std::future::Ready<_> { panic!("in call") }).await;
        assert_eq!(in_call.outcome.as_str(), "panicked", "{protocol:?}");
        let in_future = exchange(protocol, Method::GET, ReadsAll, async |_| panic!("in the future")).await;
        assert_eq!(in_future.outcome.as_str(), "panicked", "{protocol:?}");
        assert_eq!(in_future.error_type.unwrap().as_str(), "unexpected_error");
    }
}

#[tokio::test]
async fn an_upgraded_connection_is_done_for_http() {
    let entry = exchange(Http1, Method::GET, LeavesAfterTheHead, async |_| {
        let response = Response::builder().status(StatusCode::SWITCHING_PROTOCOLS);
        Ok(response
            .header(header::CONNECTION, "upgrade")
            .header(header::UPGRADE, "test")
            .body(Steps::exact(""))
            .unwrap())
    })
    .await;
    assert_eq!(entry.outcome.as_str(), "upgraded");
    assert_eq!(entry.error_type, None);
}
