//! A server whose requests can be cancelled, and clients that see what becomes of them.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use active_requests::{
    ActiveRequestsLayer, CancelRequestLayer,
    tracker::{Cancellation, Entry, RequestTracker},
};
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::task::AbortHandle;
use tower::ServiceBuilder;

use crate::wiretap::{Received, Wiretap};

/// Longer than anything here takes; nothing waits for it unless something is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    Http2,
}

/// An upstream that answers with some frames, and then with nothing, or with the same frame without an end.
#[derive(Debug)]
pub(crate) struct Upstream {
    frames: Vec<Bytes>,
    endless: Option<Bytes>,
    gone: Arc<AtomicBool>,
}

/// Tells whether the upstream has been dropped.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gone(Arc<AtomicBool>);

impl Gone {
    pub(crate) fn get(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

impl Upstream {
    pub(crate) fn new(frames: &[&'static str], gone: &Gone) -> Self {
        let frames = frames.iter().rev().map(|frame| Bytes::from_static(frame.as_bytes())).collect();
        Self { frames, endless: None, gone: Arc::clone(&gone.0) }
    }

    pub(crate) fn endless(frame: Bytes, gone: &Gone) -> Self {
        Self { frames: Vec::new(), endless: Some(frame), gone: Arc::clone(&gone.0) }
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::SeqCst);
    }
}

impl Body for Upstream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.frames.pop().or_else(|| self.endless.clone()) {
            Some(frame) => Poll::Ready(Some(Ok(Frame::data(frame)))),
            None => Poll::Pending,
        }
    }
}

/// One connection to a server with the layers around `handler`.
pub(crate) struct Connection {
    pub(crate) tracker: RequestTracker,
    pub(crate) received: Received,
    sender: Sender,
    tasks: Vec<AbortHandle>,
}

enum Sender {
    Http1(hyper::client::conn::http1::SendRequest<Empty<Bytes>>),
    Http2(hyper::client::conn::http2::SendRequest<Empty<Bytes>>),
}

impl Connection {
    pub(crate) async fn open<F>(protocol: Protocol, layer: CancelRequestLayer, handler: F) -> Self
    where
        F: AsyncHandler,
    {
        let tracker = RequestTracker::default();
        let service = ServiceBuilder::new()
            .layer(ActiveRequestsLayer::new(tracker.clone()))
            .layer(layer)
            .service(tower::service_fn(move |request| handler.call(request)));
        let (near, far) = tokio::io::duplex(64 * 1024);
        let server = tokio::spawn(async move {
            let builder = auto::Builder::new(TokioExecutor::new());
            // How the connection fares is the client's business.
            drop(builder.serve_connection(TokioIo::new(far), TowerToHyperService::new(service)).await);
        });
        let received = Received::default();
        let io = TokioIo::new(Wiretap { stream: near, received: received.clone() });
        let (sender, client) = match protocol {
            Protocol::Http1 => {
                let (sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
                (Sender::Http1(sender), tokio::spawn(async move { drop(connection.await) }))
            }
            Protocol::Http2 => {
                let (sender, connection) =
                    hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
                (Sender::Http2(sender), tokio::spawn(async move { drop(connection.await) }))
            }
        };
        Self { tracker, received, sender, tasks: vec![server.abort_handle(), client.abort_handle()] }
    }

    pub(crate) fn send(&mut self) -> impl Future<Output = hyper::Result<Response<Incoming>>> + Send + 'static {
        let request = Request::post("http://test/v1/chat/completions").body(Empty::<Bytes>::new()).unwrap();
        let response: Pin<Box<dyn Future<Output = _> + Send>> = match &mut self.sender {
            Sender::Http1(sender) => Box::pin(sender.send_request(request)),
            Sender::Http2(sender) => Box::pin(sender.send_request(request)),
        };
        response
    }

    /// Cancels the only request, once it is on the list.
    pub(crate) async fn cancel(&self) {
        self.until(|tracker| tracker.active() == 1).await;
        let id = self.tracker.snapshot()[0].request_id;
        assert_eq!(self.tracker.cancel(id), Cancellation::Cancelled);
        assert_eq!(self.tracker.active(), 0, "the row ends at once");
        assert_eq!(self.tracker.cancel(id), Cancellation::Gone);
    }

    pub(crate) async fn until(&self, done: impl Fn(&RequestTracker) -> bool) {
        let wait = async {
            while !done(&self.tracker) {
                self.tracker.wait_for_change(self.tracker.version(), Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("it comes to that");
    }

    /// The only entry.
    pub(crate) fn entry(&self) -> Entry {
        let mut entries = self.tracker.recent_traces(10);
        assert_eq!(entries.len(), 1, "a request ends once");
        entries.remove(0)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

/// A handler of requests.
pub(crate) trait AsyncHandler: Clone + Send + 'static {
    fn call(&self, request: Request<Incoming>) -> Pin<Box<dyn Future<Output = Handled> + Send>>;
}

pub(crate) type Handled = Result<Response<Upstream>, Infallible>;

impl<F, R> AsyncHandler for F
where
    F: Fn(Request<Incoming>) -> R + Clone + Send + 'static,
    R: Future<Output = Handled> + Send + 'static,
{
    fn call(&self, request: Request<Incoming>) -> Pin<Box<dyn Future<Output = Handled> + Send>> {
        Box::pin(self(request))
    }
}

/// The bytes of a body that have come, and how it ended.
pub(crate) async fn read(mut body: Incoming) -> (String, Result<(), hyper::Error>) {
    let mut text = String::new();
    loop {
        match tokio::time::timeout(PATIENCE, body.frame()).await.expect("the body comes to an end") {
            None => return (text, Ok(())),
            Some(Err(error)) => return (text, Err(error)),
            Some(Ok(frame)) => {
                text.push_str(&String::from_utf8_lossy(&frame.into_data().unwrap_or_default()));
            }
        }
    }
}
