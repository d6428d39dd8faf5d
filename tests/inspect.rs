//! The row of a request while its body passes; the body itself passes as it is.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use active_requests::inspect::{InspectRequestLayer, InspectedBody};
use active_requests::track::ActiveRequestsLayer;
use active_requests::tracker::{Outcome, RequestHandle, RequestTracker, Row, WaitingOn};
use bytes::{Buf, Bytes};
use futures_util::FutureExt;
use http::{HeaderMap, Request, Response, header, request};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use tokio::sync::mpsc;
use tower::{Layer, Service, ServiceExt, service_fn};

const CHAT: &str = r#"{"model":"gpt-4o","stream":true,"messages":[{"role":"system","content":"s"},{"role":"user","content":"u"},{"role":"assistant","tool_calls":[{},{}]},{"role":"tool"}]}"#;

/// A request body that yields what it is told to.
#[derive(Debug)]
struct Script {
    frames: VecDeque<Result<Frame<Bytes>, &'static str>>,
    hint: SizeHint,
    knows_its_end: bool,
}

impl Script {
    fn new(frames: impl IntoIterator<Item = Result<Frame<Bytes>, &'static str>>) -> Self {
        Self { frames: frames.into_iter().collect(), hint: SizeHint::new(), knows_its_end: false }
    }

    /// `text` in chunks of `size` bytes.
    fn chunks(text: &'static str, size: usize) -> Self {
        Self::new(text.as_bytes().chunks(size).map(|chunk| Ok(Frame::data(Bytes::from_static(chunk)))))
    }

    fn declaring(mut self, size: u64) -> Self {
        self.hint = SizeHint::with_exact(size);
        self
    }
}

impl Body for Script {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        Poll::Ready(self.frames.pop_front())
    }

    fn is_end_stream(&self) -> bool {
        self.knows_its_end && self.frames.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.hint
    }
}

fn post(path: &str) -> request::Builder {
    Request::post(path).header(header::CONTENT_TYPE, "application/json")
}

/// Sends `request` through both layers, and hands what the inner service gets to `handler`.
async fn handled<B, T>(
    layer: InspectRequestLayer,
    request: Request<B>,
    handler: impl AsyncFnOnce(RequestHandle, InspectedBody<B>) -> T,
) -> T
where
    B: Body,
{
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let mut sender = Some(sender);
    let inner = service_fn(|request: Request<InspectedBody<B>>| {
        let handle = request.extensions().get::<RequestHandle>().cloned().expect("a tracked request has a handle");
        let sent = sender.take().expect("one request").send((handle, request.into_body())).is_ok();
        async move {
            assert!(sent);
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        }
    });
    let mut service = ActiveRequestsLayer::new(RequestTracker::default()).layer(layer.layer(inner));
    // The future holds the request on the list.
    let response = service.call(request);
    let (handle, body) = receiver.await.expect("the service has been called");
    let result = handler(handle, body).await;
    drop(response);
    result
}

/// The row once the whole body has passed.
async fn row<B: Body<Error: std::fmt::Debug>>(layer: InspectRequestLayer, request: Request<B>) -> Row {
    handled(layer, request, async |handle, body| {
        body.collect().await.expect("the body is read");
        handle.row().expect("the request is in flight")
    })
    .await
}

fn counts(row: &Row) -> (u32, u32, u32) {
    (row.message_count, row.tool_uses, row.tool_results)
}

#[tokio::test]
async fn the_row_shows_what_the_body_asks_for_however_it_is_cut() {
    for size in [1, 2, 3, 7, 64, 1000] {
        let row =
            row(InspectRequestLayer::new(), post("/v1/chat/completions").body(Script::chunks(CHAT, size)).unwrap())
                .await;
        assert_eq!(
            (row.model.as_str(), row.is_streaming, counts(&row)),
            ("gpt-4o", true, (4, 2, 1)),
            "chunks of {size}"
        );
        assert_eq!(row.request_size, CHAT.len() as u64, "chunks of {size}");
    }
}

#[tokio::test]
async fn of_two_models_the_row_shows_the_first_however_the_body_is_cut() {
    for size in [1, 20, 1000] {
        let body = Script::chunks(r#"{"model":"first","stream":true,"model":"second","stream":false}"#, size);
        let row = row(InspectRequestLayer::new(), post("/v1/chat/completions").body(body).unwrap()).await;
        assert_eq!((row.model.as_str(), row.is_streaming), ("first", false), "chunks of {size}");
    }
}

#[tokio::test]
async fn the_service_gives_back_what_it_wraps() {
    let mut service = active_requests::inspect::InspectRequest::new(7);
    *service.get_mut() += 1;
    assert_eq!((*service.get_ref(), service.into_inner()), (8, 8));
}

#[tokio::test]
async fn the_row_shows_the_model_before_the_body_is_complete() {
    handled(
        InspectRequestLayer::new(),
        post("/v1/messages").body(Script::chunks(CHAT, 32)).unwrap(),
        async |handle, mut body| {
            assert_eq!(handle.row().unwrap().model, "unknown");
            body.frame().await.unwrap().unwrap();
            let row = handle.row().unwrap();
            assert_eq!((row.model.as_str(), row.is_streaming, counts(&row)), ("gpt-4o", true, (0, 0, 0)));
        },
    )
    .await;
}

#[tokio::test]
async fn the_path_decides_where_it_names_the_model() {
    let body = r#"{"contents":[{"role":"user","parts":[{"text":"u"}]}],"model":"other","stream":false}"#;
    for (path, model, is_streaming) in [
        ("/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse", "gemini-2.5-flash", true),
        ("/v1beta/models/gemini-2.5-flash:generateContent", "gemini-2.5-flash", false),
        ("/model/us.amazon.nova-lite-v1%3A0/converse-stream", "us.amazon.nova-lite-v1:0", true),
    ] {
        let row = row(InspectRequestLayer::new(), post(path).body(Full::<Bytes>::from(body)).unwrap()).await;
        assert_eq!((row.model.as_str(), row.is_streaming, counts(&row)), (model, is_streaming, (1, 0, 0)), "{path}");
    }
}

#[tokio::test]
async fn ollama_streams_unless_the_body_says_no() {
    for (body, is_streaming) in [
        (r#"{"model":"llama3:8b","messages":[]}"#, true),
        (r#"{"model":"llama3:8b","messages":[],"stream":false}"#, false),
    ] {
        let row = row(InspectRequestLayer::new(), post("/api/chat").body(Full::<Bytes>::from(body)).unwrap()).await;
        assert_eq!((row.model.as_str(), row.is_streaming), ("llama3:8b", is_streaming), "{body}");
    }
}

#[tokio::test]
async fn only_plain_json_is_read_but_every_body_has_a_size() {
    for (content_type, content_encoding, read) in [
        (Some("application/json; charset=utf-8"), None, true),
        (Some("Application/JSON"), Some("identity"), true),
        (Some("application/vnd.api+json"), None, true),
        (None, None, true),
        (Some("application/x-www-form-urlencoded"), None, true),
        (Some("text/plain"), None, false),
        (Some("multipart/form-data; boundary=x"), None, false),
        (Some("application/json"), Some("compress"), false),
    ] {
        let mut request = Request::post("/v1/chat/completions");
        for (name, value) in [(header::CONTENT_TYPE, content_type), (header::CONTENT_ENCODING, content_encoding)] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        let row = row(InspectRequestLayer::new(), request.body(Full::<Bytes>::from(CHAT)).unwrap()).await;
        assert_eq!(row.model == "gpt-4o", read, "{content_type:?} {content_encoding:?}");
        assert_eq!(row.request_size, CHAT.len() as u64);
    }
}

#[tokio::test]
async fn behind_the_limit_nothing_is_read_and_all_of_it_passes() {
    let layer = InspectRequestLayer::new().scan_limit(40);
    let row = row(layer, post("/v1/chat/completions").body(Script::chunks(CHAT, 16)).unwrap()).await;
    assert_eq!((row.model.as_str(), counts(&row), row.request_size), ("gpt-4o", (0, 0, 0), CHAT.len() as u64));
}

#[tokio::test]
async fn without_counts_model_and_stream_are_read() {
    let layer = InspectRequestLayer::new().counts(false);
    let row = row(layer, post("/v1/chat/completions").body(Full::<Bytes>::from(CHAT)).unwrap()).await;
    assert_eq!((row.model.as_str(), row.is_streaming, counts(&row)), ("gpt-4o", true, (0, 0, 0)));
}

#[tokio::test]
async fn a_declared_size_shows_at_once_and_stays_if_less_is_read() {
    let request = post("/v1/chat/completions").body(Script::chunks(CHAT, 10).declaring(CHAT.len() as u64)).unwrap();
    handled(InspectRequestLayer::new(), request, async |handle, mut body| {
        assert_eq!(handle.row().unwrap().request_size, CHAT.len() as u64);
        body.frame().await.unwrap().unwrap();
        drop(body);
        assert_eq!(handle.row().unwrap().request_size, CHAT.len() as u64);
    })
    .await;
}

#[tokio::test]
async fn a_body_dropped_halfway_has_the_size_that_has_passed() {
    let request = post("/v1/chat/completions").body(Script::chunks(CHAT, 10)).unwrap();
    handled(InspectRequestLayer::new(), request, async |handle, mut body| {
        body.frame().await.unwrap().unwrap();
        drop(body);
        assert_eq!(handle.row().unwrap().request_size, 10);
    })
    .await;
}

#[tokio::test]
async fn frames_trailers_and_errors_pass_as_they_are() {
    let trailers = HeaderMap::from_iter([(header::ETAG, "x".parse().unwrap())]);
    let frames = || {
        [
            Ok(Frame::data(Bytes::from_static(b"{\"model\":"))),
            Ok(Frame::data(Bytes::new())),
            Ok(Frame::data(Bytes::from_static(b"\xff not json"))),
            Err("lost"),
            Ok(Frame::trailers(trailers.clone())),
        ]
    };
    let request = post("/v1/chat/completions").body(Script::new(frames())).unwrap();
    handled(InspectRequestLayer::new(), request, async |_, mut body| {
        for expected in frames() {
            let frame = body.frame().await.expect("as many frames as were sent");
            assert_eq!(frame.map(|frame| format!("{frame:?}")), expected.map(|frame| format!("{frame:?}")));
        }
        assert!(body.frame().await.is_none());
    })
    .await;
}

#[tokio::test]
async fn size_hint_and_end_are_those_of_the_body() {
    let mut script = Script::chunks(CHAT, 100).declaring(7);
    script.knows_its_end = true;
    let request = post("/v1/chat/completions").body(script).unwrap();
    handled(InspectRequestLayer::new(), request, async |_, mut body| {
        assert_eq!(body.size_hint().exact(), Some(7));
        while !body.is_end_stream() {
            body.frame().await.expect("there is more").unwrap();
        }
        assert!(body.frame().await.is_none());
    })
    .await;
    let request = Request::get("/v1/models").body(Full::<Bytes>::default()).unwrap();
    handled(InspectRequestLayer::new(), request, async |_, body| assert!(body.is_end_stream())).await;
}

#[tokio::test]
async fn frames_of_several_pieces_are_read_and_none_is_consumed() {
    let (first, second) = CHAT.split_at(20);
    let frame = Bytes::from(first).chain(Bytes::from(second));
    let request = post("/v1/chat/completions").body(Full::new(frame)).unwrap();
    handled(InspectRequestLayer::new(), request, async |handle, mut body| {
        let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(frame.remaining(), CHAT.len());
        assert_eq!(handle.row().unwrap().model, "gpt-4o");
    })
    .await;
}

#[tokio::test]
async fn without_a_handle_it_is_a_pass_through() {
    let service = InspectRequestLayer::new().layer(service_fn(async |request: Request<InspectedBody<Script>>| {
        let body = request.into_body().collect().await?.to_bytes();
        Ok::<_, &'static str>(Response::new(body))
    }));
    let response = service.oneshot(post("/v1/chat/completions").body(Script::chunks(CHAT, 9)).unwrap()).await.unwrap();
    assert_eq!(response.into_body(), CHAT);
}

#[tokio::test]
async fn under_axum_a_handler_reads_the_body_as_ever() {
    use axum::{Extension, Router, routing};

    let tracker = RequestTracker::default();
    let app = Router::new()
        .route(
            "/v1/chat/completions",
            routing::post(async |Extension(handle): Extension<RequestHandle>, body: String| {
                assert_eq!(body, CHAT);
                handle.row().expect("in flight").model
            }),
        )
        .layer(
            tower::ServiceBuilder::new()
                .layer(ActiveRequestsLayer::new(tracker.clone()))
                .layer(InspectRequestLayer::new()),
        );
    let response = app.oneshot(post("/v1/chat/completions").body(axum::body::Body::from(CHAT)).unwrap()).await.unwrap();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "gpt-4o");
    assert_eq!(tracker.active(), 0);
}

#[cfg(feature = "decompress")]
#[tokio::test]
async fn an_encoded_body_is_read_on_a_side_copy() {
    // {"model":"gpt-4o","stream":true} as the frame of zstd that stores it, and as the bare blocks of deflate that do.
    let text = br#"{"model":"gpt-4o","stream":true}"#;
    let length = u8::try_from(text.len()).unwrap();
    let zstd = [&[0x28, 0xB5, 0x2F, 0xFD, 0x20, length, 1 | length << 3, length >> 5, 0], &text[..]].concat();
    let deflate = [&[1, length, 0, !length, 0xFF], &text[..]].concat();
    for (encoding, body) in [("zstd", zstd), ("deflate", deflate)] {
        let size = body.len() as u64;
        let request = post("/v1/responses").header(header::CONTENT_ENCODING, encoding);
        let row = row(InspectRequestLayer::new(), request.body(Full::<Bytes>::from(body)).unwrap()).await;
        assert_eq!((row.model.as_str(), row.is_streaming, row.request_size), ("gpt-4o", true, size), "{encoding}");
    }
}

/// A request body of which the client sends a part when the test says so.
struct Sending(mpsc::UnboundedReceiver<Bytes>);

impl Body for Sending {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|data| data.map(|data| Ok(Frame::data(data))))
    }
}

#[tokio::test]
async fn a_request_waits_for_its_client_while_more_of_its_body_is_asked_for_than_has_come() {
    let (client, sending) = mpsc::unbounded_channel();
    let request = post("/v1/chat/completions").body(Sending(sending)).unwrap();
    handled(InspectRequestLayer::new(), request, async |handle, mut body| {
        let waits = || handle.row().unwrap().waiting_on;
        assert_eq!(waits(), WaitingOn::Upstream, "nobody has asked for the body");
        for _ in 0..2 {
            assert!(body.frame().now_or_never().is_none());
            assert_eq!(waits(), WaitingOn::Client);
            client.send(Bytes::from_static(b"{")).unwrap();
            assert!(body.frame().await.unwrap().unwrap().is_data());
            assert_eq!(waits(), WaitingOn::Upstream);
        }
    })
    .await;
}

#[tokio::test]
async fn a_request_that_is_cut_off_in_its_upload_has_waited_for_its_client() {
    let tracker = RequestTracker::default();
    let inner = service_fn(async |request: Request<InspectedBody<Sending>>| {
        let _ = request.into_body().frame().await;
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let mut service = ActiveRequestsLayer::new(tracker.clone()).layer(InspectRequestLayer::new().layer(inner));
    let (_client, sending) = mpsc::unbounded_channel();
    let mut response = Box::pin(service.call(post("/v1/chat/completions").body(Sending(sending)).unwrap()));
    assert!(response.as_mut().now_or_never().is_none());
    drop(response);
    let entry = tracker.recent_errors(1).remove(0);
    assert_eq!((entry.outcome, entry.waiting_on), (Outcome::Cancelled, Some(WaitingOn::Client)));
}
