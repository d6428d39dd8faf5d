//! The future of a response.

use std::{
    convert::Infallible,
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use http::Response;

use super::body::ResponseBody;

/// The future of a response of [`MonitorService`](super::MonitorService). It is ready at once, unless other replicas are asked
/// or metrics are written.
pub struct ResponseFuture(FutureState);

enum FutureState {
    /// `None` once it has been taken.
    Ready(Option<Response<ResponseBody>>),
    Waiting(Pin<Box<dyn Future<Output = Response<ResponseBody>> + Send>>),
}

impl ResponseFuture {
    pub(super) fn ready(response: Response<ResponseBody>) -> Self {
        Self(FutureState::Ready(Some(response)))
    }

    pub(super) fn waiting(response: impl Future<Output = Response<ResponseBody>> + Send + 'static) -> Self {
        Self(FutureState::Waiting(Box::pin(response)))
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            FutureState::Ready(_) => "ResponseFuture(ready)",
            FutureState::Waiting(_) => "ResponseFuture(waiting)",
        })
    }
}

impl Future for ResponseFuture {
    type Output = Result<Response<ResponseBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            // Polled again after it was ready, it never is.
            FutureState::Ready(response) => response.take().map_or(Poll::Pending, |response| Poll::Ready(Ok(response))),
            FutureState::Waiting(response) => response.as_mut().poll(cx).map(Ok),
        }
    }
}
