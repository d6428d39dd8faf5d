//! Bodies over HTTP/1 whose last frame wakes nobody.
//!
//! hyper hands the frames of a body on through a channel, and wakes the connection when one has been taken, so that it reads the next. Behind
//! the last one there is none; yet the task that drives the connection, mostly the one that takes the frames, would have another turn for
//! nothing. So a connection's wake-up from within the poll of its body is held back until it is known whether more is to come.
//!
//! Only what happens in this very call is held back: a wake-up from elsewhere comes from another thread, or at another time.

use std::{
    cell::Cell,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

thread_local! {
    /// A body is being polled.
    static POLLING: Cell<bool> = const { Cell::new(false) };
    /// The connection that it has woken meanwhile.
    static HELD_BACK: Cell<Option<Waker>> = const { Cell::new(None) };
}

/// Says that a body is being polled, for as long as it is there.
struct Polling;

impl Polling {
    fn begin() -> Self {
        POLLING.set(true);
        Self
    }
}

impl Drop for Polling {
    fn drop(&mut self) {
        POLLING.set(false);
    }
}

/// Polls a body over HTTP/1. Its connection is woken unless the frame is the last one.
pub fn poll_quietly(body: &mut Incoming, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
    let polling = Polling::begin();
    let polled = Pin::new(&mut *body).poll_frame(cx);
    drop(polling);
    if let Some(connection) = HELD_BACK.take()
        && !(matches!(polled, Poll::Ready(Some(Ok(_)))) && body.is_end_stream())
    {
        connection.wake();
    }
    polled
}

/// Keeps a connection's wake-up back if it comes from its body's poll. Returns whether it does.
pub fn hold_back(connection: impl FnOnce() -> Waker) -> bool {
    let is_polling = POLLING.get();
    if is_polling {
        HELD_BACK.set(Some(connection()));
    }
    is_polling
}

/// The body of a client's request, quiet over HTTP/1. Over HTTP/2 its connection is driven by another task, which has something to say behind
/// the last frame too.
#[derive(Debug)]
pub struct QuietBody {
    inner: Incoming,
    is_http1: bool,
}

impl QuietBody {
    pub fn new(inner: Incoming, is_http1: bool) -> Self {
        Self { inner, is_http1 }
    }
}

#[deny(clippy::missing_trait_methods)]
impl Body for QuietBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Self { inner, is_http1 } = &mut *self;
        if *is_http1 { poll_quietly(inner, cx) } else { Pin::new(inner).poll_frame(cx) }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// The task of a connection whose bodies are quiet, known by a waker that can be held back.
#[derive(Debug, Default)]
pub struct QuietTask(Option<KnownTask>);

#[derive(Debug)]
struct KnownTask {
    task: Waker,
    quiet: Waker,
}

impl QuietTask {
    /// The waker to poll the connection with, where the task has this one.
    pub fn waker(&mut self, task: &Waker) -> &Waker {
        let known = self.0.take().filter(|known| known.task.will_wake(task));
        let known =
            known.unwrap_or_else(|| KnownTask { task: task.clone(), quiet: Arc::new(QuietWaker(task.clone())).into() });
        &self.0.insert(known).quiet
    }
}

#[derive(Debug)]
struct QuietWaker(Waker);

impl Wake for QuietWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !hold_back(|| Waker::from(Arc::clone(self))) {
            self.0.wake_by_ref();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use futures_util::FutureExt;
    use http::{Request, Response};
    use http_body_util::{BodyExt, Full};
    use hyper::{server::conn::http1, service::service_fn};
    use hyper_util::rt::TokioIo;
    use tokio::io::AsyncWriteExt;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// How often a connection's task is woken by its own turn, in which a service takes one frame of this request's body.
    fn wakes(request: &str) -> usize {
        let (mut client, server) = tokio::io::duplex(4096);
        client.write_all(request.as_bytes()).now_or_never().unwrap().unwrap();
        let service = service_fn(|request: Request<Incoming>| async {
            let mut body = QuietBody::new(request.into_body(), true);
            assert!(body.frame().await.unwrap().unwrap().is_data());
            // Whether it is woken for more.
            std::future::pending::<()>().await;
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        });
        let mut connection = http1::Builder::new().serve_connection(TokioIo::new(server), service);
        let woken = Arc::<Woken>::default();
        let mut task = QuietTask::default();
        let waker = task.waker(&Waker::from(Arc::clone(&woken))).clone();
        assert!(connection.poll_unpin(&mut Context::from_waker(&waker)).is_pending());
        woken.0.load(Ordering::SeqCst)
    }

    #[test]
    fn the_last_frame_wakes_nobody_and_any_other_one_does() {
        assert_eq!(wakes("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello"), 0);
        assert_eq!(wakes("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nhello"), 1);
        assert_eq!(wakes("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"), 1);
    }

    #[test]
    fn a_wake_up_at_any_other_time_passes() {
        let woken = Arc::<Woken>::default();
        QuietTask::default().waker(&Waker::from(Arc::clone(&woken))).wake_by_ref();
        assert_eq!(woken.0.load(Ordering::SeqCst), 1);
    }
}
