//! The body under real servers.

use crate::channel;
use active_requests::sse::{Event, KeepAlive, Sse};
use axum::{Router, body::Body, response::IntoResponse, routing::get};
use futures_util::{StreamExt, stream};
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use tower::ServiceExt;

#[tokio::test]
async fn an_axum_handler_returns_the_response_as_it_is() {
    async fn answer() -> impl IntoResponse {
        let tokens = stream::iter(["a", "b"]).map(|token| Event::new().json(token));
        Sse::new(tokens).keep_alive(KeepAlive::default()).into_response()
    }
    async fn by_body() -> Body {
        Body::new(Sse::new(stream::iter([Ok::<_, Infallible>(Event::new().data("c"))])))
    }
    let app = Router::new().route("/answer", get(answer)).route("/body", get(by_body));
    for (path, wire) in [("/answer", "data: \"a\"\n\ndata: \"b\"\n\n"), ("/body", "data: c\n\n")] {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        let response = app.clone().oneshot(request).await.expect("an answer");
        let bytes = response.into_body().collect().await.expect("a body").to_bytes();
        assert_eq!(bytes, wire, "{path}");
    }
}

/// A client of a hyper server that answers every request with what `answer` makes, over a pipe in memory.
async fn answered_by<B>(
    answer: impl Fn() -> Response<B> + Send + Sync + 'static,
) -> hyper::client::conn::http1::SendRequest<Empty<bytes::Bytes>>
where
    B: http_body::Body<Data = bytes::Bytes, Error = Infallible> + Send + 'static,
{
    let (client, server) = tokio::io::duplex(64 * 1024);
    let answer = std::sync::Arc::new(answer);
    tokio::spawn(async move {
        let service = service_fn(|_: Request<Incoming>| {
            let answer = answer.clone();
            async move { Ok::<_, Infallible>(answer()) }
        });
        // It fails when the client leaves, as it does in these tests.
        let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(server), service).await;
    });
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(client)).await.expect("a handshake");
    tokio::spawn(connection);
    sender
}

#[tokio::test]
async fn hyper_sends_each_event_as_it_comes_and_a_leaving_client_ends_the_stream() {
    let (events, body) = channel();
    let body = std::sync::Mutex::new(Some(body));
    let take = move || body.lock().expect("not poisoned").take().expect("one request").into_response();
    let mut client = answered_by(take).await;
    let request = Request::get("/").header("host", "test").body(Empty::new()).expect("a request");
    let mut response = client.send_request(request).await.expect("an answer");
    assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
    for text in ["a", "b"] {
        events.send(Event::new().data(text)).await.expect("the body is there");
        let frame = response.frame().await.expect("a frame").expect("no error");
        assert_eq!(frame.into_data().expect("data"), format!("data: {text}\n\n"));
    }
    drop((response, client));
    events.closed().await;
}
