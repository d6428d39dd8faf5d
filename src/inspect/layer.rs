//! The layer and its settings.

use tower_layer::Layer;

use super::service::InspectRequest;

/// Reads what requests ask for, and writes it to their rows. See the [module](super).
///
/// The inner service gets an [`InspectedBody`](super::InspectedBody): **the type of the request's body changes**, as it does under tower-http's
/// `RequestBodyLimitLayer`. axum's `Router::layer` takes any body. A service that wants one certain body, such as
/// `axum::middleware::from_fn` in the same `ServiceBuilder`, needs tower-http's `MapRequestBodyLayer` between, or a `Router::layer`
/// of its own.
///
/// The layer stands inside an [`ActiveRequestsLayer`](crate::track::ActiveRequestsLayer), which gives the request its row. In the wrong order
/// all rows show the model `unknown`; with the feature `tracing`, the first such request logs a warning.
#[derive(Clone, Copy, Debug)]
pub struct InspectRequestLayer {
    pub(super) scan_limit: u64,
    pub(super) counts: bool,
}

impl InspectRequestLayer {
    /// Reads all of it, in the first 8 MiB of any body.
    pub fn new() -> Self {
        Self { scan_limit: 8 * 1024 * 1024, counts: true }
    }

    /// Looks at no more than the first `bytes` of a body. Counts whose list of messages is longer stay unknown.
    #[must_use]
    pub fn scan_limit(mut self, bytes: u64) -> Self {
        self.scan_limit = bytes;
        self
    }

    /// Sets whether to count messages, and the uses and results of tools in them. Without counts a body is looked at only until its
    /// model and `stream` have been found.
    #[must_use]
    pub fn counts(mut self, yes: bool) -> Self {
        self.counts = yes;
        self
    }
}

impl Default for InspectRequestLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for InspectRequestLayer {
    type Service = InspectRequest<S>;

    fn layer(&self, inner: S) -> Self::Service {
        InspectRequest::with_settings(inner, *self)
    }
}
