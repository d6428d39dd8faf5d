//! Events on their way out: what stands on the wire, and when.

#![allow(clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod body;
mod event;
mod keep_alive;
mod servers;

use active_requests::sse::{Channel, Event, Sse};
use http_body::Body;
use http_body_util::BodyExt;
use std::{fmt::Debug, pin::pin, task::Poll};
use tokio::sync::mpsc;

/// A body and the sender that feeds it.
pub(crate) fn channel() -> (mpsc::Sender<Event>, Sse<Channel>) {
    let (sender, receiver) = mpsc::channel(16);
    (sender, Sse::from(receiver))
}

/// The next frame as text; `None` at the end.
pub(crate) async fn next<B>(body: &mut B) -> Option<String>
where
    B: Body<Data = bytes::Bytes, Error: Debug> + Unpin,
{
    let frame = body.frame().await?.expect("no error");
    let bytes = frame.into_data().expect("a data frame");
    Some(String::from_utf8(bytes.into()).expect("UTF-8"))
}

/// Whether the body has nothing to say right now.
pub(crate) async fn is_silent<B: Body + Unpin>(body: &mut B) -> bool {
    let mut frame = pin!(body.frame());
    std::future::poll_fn(|cx| Poll::Ready(frame.as_mut().poll(cx).is_pending())).await
}
