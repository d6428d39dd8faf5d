//! Events as the body of a response.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_core::Stream;
use http::{HeaderValue, Response, header};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::sync::mpsc;

use super::{
    Event,
    keep_alive::{Beat, KeepAlive},
};

pin_project! {
    /// A stream of events as an [`http_body::Body`].
    ///
    /// It ends with the stream; an error of the stream is the body's error, which cuts the connection, so that no
    /// client takes half a response for a whole one.
    ///
    /// # Cancel safety
    ///
    /// All work is done while the body is polled; there is no task. Dropping the body, as servers do when the client
    /// has left, drops the stream where it stands.
    #[derive(Debug)]
    #[must_use = "a body does nothing unless it is sent"]
    pub struct Sse<S> {
        #[pin]
        events: Option<S>,
        #[pin]
        beat: Option<Beat>,
    }
}

impl<S> Sse<S> {
    /// A body of the events that `events` yields. [`Sse::from`] makes one of a channel.
    pub fn new(events: S) -> Self {
        Self { events: Some(events), beat: None }
    }

    /// Keeps the stream alive while it is silent. By default nothing is sent then.
    pub fn keep_alive(self, keep_alive: KeepAlive) -> Self {
        Self { beat: Some(Beat::new(keep_alive)), ..self }
    }

    /// The response to send, see [`response`].
    pub fn into_response(self) -> Response<Self> {
        response(self)
    }
}

/// A response with the head of an event stream: `200`, `content-type: text/event-stream; charset=utf-8`,
/// `cache-control: no-cache`, and `x-accel-buffering: no`, which keeps [nginx] from holding events back.
///
/// [nginx]: https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_buffering
pub fn response<B>(body: B) -> Response<B> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

#[deny(clippy::missing_trait_methods)]
impl<S, E> Body for Sse<S>
where
    S: Stream<Item = Result<Event, E>>,
{
    type Data = Bytes;
    type Error = E;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, E>>> {
        let mut this = self.project();
        let Some(events) = this.events.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        if let Some(frame) = this.beat.as_mut().as_pin_mut().and_then(Beat::overdue) {
            return Poll::Ready(Some(Ok(Frame::data(frame))));
        }
        match events.poll_next(cx) {
            Poll::Ready(Some(Ok(event))) => {
                if let Some(beat) = this.beat.as_pin_mut() {
                    beat.on_event();
                }
                Poll::Ready(Some(Ok(Frame::data(event.into_bytes()))))
            }
            Poll::Ready(end) => {
                // Drops the stream at once, whenever the body itself is dropped.
                this.events.set(None);
                Poll::Ready(end.and_then(Result::err).map(Err))
            }
            Poll::Pending => match this.beat.as_pin_mut() {
                Some(beat) => beat.poll(cx).map(|frame| Some(Ok(Frame::data(frame)))),
                None => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.events.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

/// A stream of the events of a channel. It ends when the channel's last sender is dropped.
#[derive(Debug)]
pub struct Channel {
    receiver: mpsc::Receiver<Event>,
}

impl Stream for Channel {
    type Item = Result<Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.receiver.poll_recv(cx).map(|event| event.map(Ok))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.receiver.len(), None)
    }
}

/// The body ends when the last sender is dropped. When the client leaves, `send` fails and [`closed`] resolves.
///
/// [`closed`]: mpsc::Sender::closed
impl From<mpsc::Receiver<Event>> for Sse<Channel> {
    fn from(receiver: mpsc::Receiver<Event>) -> Self {
        Self::new(Channel { receiver })
    }
}
