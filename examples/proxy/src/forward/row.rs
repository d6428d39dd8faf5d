//! The row of a request, as far as the proxy writes to it.

use active_requests::tracker::{RequestHandle, RequestInfo};
use http::{HeaderValue, Request};

/// Writes to the row of one request; while tracking is off, nowhere.
#[derive(Clone, Debug)]
pub struct RequestRow(RequestHandle);

impl RequestRow {
    pub fn of<B>(request: &Request<B>) -> Self {
        Self(request.extensions().get().cloned().unwrap_or_default())
    }

    /// The request's id as a header.
    pub fn id(&self) -> Option<HeaderValue> {
        HeaderValue::try_from(self.0.id()?.to_string()).ok()
    }

    pub fn describe(&self, info: &RequestInfo<'_>) {
        self.0.describe(info);
    }

    pub fn set_provider(&self, provider: &str) {
        self.0.set_provider(provider);
    }

    pub fn set_error(&self, error: &str) {
        self.0.set_error(error);
    }
}
