//! The row of a request, as far as the proxy writes to it.

use active_requests::tracker::{RequestHandle, RequestInfo};
use http::{HeaderValue, Request};

/// The row of one request in the live list, or nothing while tracking is off.
#[derive(Clone, Debug)]
pub struct RequestRow(Option<RequestHandle>);

impl RequestRow {
    pub fn of<B>(request: &Request<B>) -> Self {
        Self(request.extensions().get().cloned())
    }

    /// The request's id as a header.
    pub fn id(&self) -> Option<HeaderValue> {
        let id = self.0.as_ref()?.id();
        HeaderValue::try_from(id.to_string()).ok()
    }

    pub fn describe(&self, info: &RequestInfo<'_>) {
        if let Some(handle) = &self.0 {
            handle.describe(info);
        }
    }

    pub fn set_provider(&self, provider: &str) {
        self.describe(&RequestInfo::new().provider(provider));
    }

    pub fn set_error(&self, error: &str) {
        if let Some(handle) = &self.0 {
            handle.set_error(error);
        }
    }
}
