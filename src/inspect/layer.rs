//! The layer and its settings.

use tower_layer::Layer;

use super::service::InspectRequest;

/// Reads what requests ask for. See the [module](super).
#[derive(Clone, Copy, Debug)]
pub struct InspectRequestLayer {
    pub(super) scan_limit: u64,
    pub(super) counts: bool,
}

impl InspectRequestLayer {
    /// Reads everything, in bodies of up to 8 MiB.
    pub fn new() -> Self {
        Self { scan_limit: 8 * 1024 * 1024, counts: true }
    }

    /// Looks at no more than the first `bytes` of a body. Counts whose list of messages is longer stay unknown.
    #[must_use]
    pub fn scan_limit(mut self, bytes: u64) -> Self {
        self.scan_limit = bytes;
        self
    }

    /// Whether to count messages, and the uses and results of tools in them. Without counts a body is looked at only until its
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
        InspectRequest { inner, layer: *self }
    }
}
