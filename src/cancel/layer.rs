//! The layer and its settings.

use bytes::Bytes;
use http::Response;
use tower_layer::Layer;

use super::{answer::CancelAnswer, service::CancelRequest};
use crate::tracker::Row;

/// Lets an operator end requests in flight. See the [module](super).
#[derive(Clone, Debug)]
pub struct CancelRequestLayer {
    pub(super) enabled: bool,
    pub(super) answer: CancelAnswer,
}

impl CancelRequestLayer {
    /// Makes all requests cancellable that are on a tracker's list.
    pub fn new() -> Self {
        Self { enabled: true, answer: CancelAnswer::default() }
    }

    /// Switches it on or off. Off, every request passes through untouched.
    #[must_use]
    pub fn enabled(mut self, yes: bool) -> Self {
        self.enabled = yes;
        self
    }

    /// Sets the answer to a request that is cancelled before its response head, by its row as it was then. Without it, that is `503` with
    /// `{"error":{"type":"cancelled","message":"The request was cancelled by an operator."}}`, and `x-should-retry: false`, which
    /// keeps the official clients of OpenAI and Anthropic from trying again.
    ///
    /// ```
    /// use active_requests::CancelRequestLayer;
    /// use bytes::Bytes;
    /// use http::{Response, StatusCode};
    ///
    /// let layer = CancelRequestLayer::new().on_cancel(|row| {
    ///     let mut response = Response::new(Bytes::from(format!("{} was stopped", row.path)));
    ///     *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    ///     response
    /// });
    /// ```
    #[must_use]
    pub fn on_cancel(mut self, answer: impl Fn(&Row) -> Response<Bytes> + Send + Sync + 'static) -> Self {
        self.answer = CancelAnswer::new(answer);
        self
    }
}

impl Default for CancelRequestLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for CancelRequestLayer {
    type Service = CancelRequest<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CancelRequest::with_settings(inner, self.clone())
    }
}
