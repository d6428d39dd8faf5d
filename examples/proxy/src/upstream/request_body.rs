//! The body of a request to an upstream, and how far it has been sent.

use std::{
    collections::VecDeque,
    error::Error,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use active_requests::inspect::InspectedBody;
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

use crate::{quiet_body::QuietBody, upstream::uncut_body::UncutBody};

/// The body of a client's request, inspected as it is read.
pub type ClientBody = InspectedBody<QuietBody>;

/// The same on its way to an upstream.
pub type RequestBody = UncutBody;

/// The body that is sent. Boxed: hyper keeps room for 32 requests in each connection, though there is never more than one.
pub type SentBody = Box<UpstreamRequestBody<RequestBody>>;

/// A request body for the upstream: chunks that are known already, then the rest as the client sends it.
#[derive(Debug)]
pub struct UpstreamRequestBody<B> {
    /// Chunks that are sent first, none of them empty.
    first: VecDeque<Bytes>,
    rest: Option<B>,
    /// Trailers that are known already.
    trailers: Option<HeaderMap>,
    upload: UploadProgress,
}

/// The progress of a request body towards the upstream, shared with the task that waits for the answer.
#[derive(Clone, Debug, Default)]
pub struct UploadProgress(Arc<UploadState>);

#[derive(Debug, Default)]
struct UploadState {
    chunks: AtomicU64,
    is_waited_for: AtomicBool,
}

impl UploadProgress {
    /// Whether the upstream is ready for more and the client has yet to send it.
    pub fn is_waited_for(&self) -> bool {
        self.0.is_waited_for.load(Ordering::Relaxed)
    }

    /// A value that differs from the last one if something has been sent since, or if the other side is waited for now.
    pub fn state(&self) -> (u64, bool) {
        (self.0.chunks.load(Ordering::Relaxed), self.is_waited_for())
    }

    fn polled(&self, is_pending: bool) {
        self.0.is_waited_for.store(is_pending, Ordering::Relaxed);
        if !is_pending {
            self.0.chunks.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl<B> UpstreamRequestBody<B> {
    /// Sends a body of which nothing has been read.
    pub fn streamed(body: B) -> Self {
        Self { first: VecDeque::new(), rest: Some(body), trailers: None, upload: UploadProgress::default() }
    }

    /// An empty body, which tells of its progress in place of another.
    pub fn empty(upload: UploadProgress) -> Self {
        Self { first: VecDeque::new(), rest: None, trailers: None, upload }
    }

    /// The part that has not been read yet; `None` if all of it has.
    pub fn rest(&mut self) -> Option<&mut B> {
        self.rest.as_mut()
    }

    /// Notes that all has been read, its trailers too if there were any.
    pub fn end(&mut self, trailers: Option<HeaderMap>) {
        self.rest = None;
        self.trailers = trailers;
    }

    /// Sends this chunk behind those that are known already, before what has not been read.
    pub fn send(&mut self, chunk: Bytes) {
        if !chunk.is_empty() {
            self.first.push_back(chunk);
        }
    }

    /// Whether trailers are known to follow.
    pub fn has_trailers(&self) -> bool {
        self.trailers.is_some()
    }

    pub fn upload(&self) -> UploadProgress {
        self.upload.clone()
    }
}

/// Says what is wrong with a client's body by the error that it ended with; `None`: the client has gone.
pub fn malformed(error: &(dyn Error + 'static)) -> Option<String> {
    causes(error)
        .filter_map(|error| error.downcast_ref::<io::Error>())
        .find(|error| matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData))
        .map(ToString::to_string)
}

/// An error and its causes.
pub fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

#[deny(clippy::missing_trait_methods)]
impl<B: Body<Data = Bytes> + Unpin> Body for UpstreamRequestBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = &mut *self;
        if let Some(chunk) = this.first.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(chunk))));
        }
        match &mut this.rest {
            Some(rest) => {
                let polled = Pin::new(rest).poll_frame(cx);
                this.upload.polled(polled.is_pending());
                polled
            }
            None => Poll::Ready(this.trailers.take().map(|trailers| Ok(Frame::trailers(trailers)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_empty() && self.trailers.is_none() && self.rest.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let first: u64 = self.first.iter().map(|chunk| chunk.len() as u64).sum();
        let rest = self.rest.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint);
        let mut hint = SizeHint::new();
        if let Some(upper) = rest.upper() {
            hint.set_upper(first + upper);
        }
        hint.set_lower(first + rest.lower());
        hint
    }
}
