//! A stream of events as a body: its frames, its end, and what is let go when.

use crate::{channel, is_silent, next};
use active_requests::sse::{Event, Sse, response};
use futures_util::stream;
use http_body::Body;
use http_body_util::BodyExt;
use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration};

fn data(text: &str) -> Event {
    Event::new().data(text)
}

#[tokio::test]
async fn each_event_is_a_frame_and_the_body_ends_with_the_stream() {
    let mut body = pin!(Sse::new(stream::iter([data("a"), data("b").event("x")].map(Ok::<_, Infallible>))));
    assert!(!body.is_end_stream());
    assert_eq!(next(&mut body).await.as_deref(), Some("data: a\n\n"));
    assert_eq!(next(&mut body).await.as_deref(), Some("data: b\nevent: x\n\n"));
    assert_eq!(next(&mut body).await, None);
    assert!(body.is_end_stream());
    assert_eq!(next(&mut body).await, None, "polled again after its end");
}

#[tokio::test]
async fn an_error_of_the_stream_is_the_end_of_the_body() {
    let mut body = pin!(Sse::new(stream::iter([Ok(data("a")), Err("broken"), Ok(data("never"))])));
    assert_eq!(next(&mut body).await.as_deref(), Some("data: a\n\n"));
    assert_eq!(body.frame().await.expect("a frame").expect_err("an error"), "broken");
    assert!(body.is_end_stream());
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn a_channel_is_a_body_until_its_last_sender_is_dropped() {
    let (sender, body) = channel();
    let mut body = pin!(body);
    assert!(is_silent(&mut body).await);
    let second = sender.clone();
    sender.send(data("a")).await.expect("the body is there");
    drop(sender);
    assert_eq!(next(&mut body).await.as_deref(), Some("data: a\n\n"));
    assert!(is_silent(&mut body).await);
    second.send(data("b")).await.expect("the body is there");
    drop(second);
    assert_eq!(next(&mut body).await.as_deref(), Some("data: b\n\n"));
    assert_eq!(next(&mut body).await, None);
}

#[tokio::test]
async fn dropping_the_body_tells_the_sender() {
    let (sender, body) = channel();
    drop(body);
    sender.closed().await;
    assert!(sender.send(data("a")).await.is_err());
}

#[tokio::test]
async fn the_stream_is_dropped_with_its_body_and_at_its_end() {
    let held = Arc::new(());
    let events = |ends: bool| {
        let held = Arc::clone(&held);
        stream::poll_fn(move |_| {
            let _ = &held;
            if ends { None::<Result<Event, Infallible>>.into() } else { std::task::Poll::Pending }
        })
    };
    let mut body = Box::pin(Sse::new(events(false)));
    assert!(is_silent(&mut body).await);
    assert_eq!(Arc::strong_count(&held), 2);
    drop(body);
    assert_eq!(Arc::strong_count(&held), 1, "dropped with the body");

    let mut body = Box::pin(Sse::new(events(true)));
    assert_eq!(next(&mut body).await, None);
    assert_eq!(Arc::strong_count(&held), 1, "dropped at the end");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_in_silence_unless_asked_for() {
    let (_sender, body) = channel();
    let mut body = pin!(body);
    let waited = tokio::time::timeout(Duration::from_secs(86_400), next(&mut body)).await;
    assert!(waited.is_err());
}

#[test]
fn the_response_has_the_head_of_an_event_stream() {
    let (_sender, body) = channel();
    for head in [body.into_response().into_parts().0, response("any body").into_parts().0] {
        assert_eq!(head.status, 200);
        assert_eq!(head.headers["content-type"], "text/event-stream; charset=utf-8");
        assert_eq!(head.headers["cache-control"], "no-cache");
        assert_eq!(head.headers["x-accel-buffering"], "no");
        assert_eq!(head.headers.len(), 3);
    }
}
