//! The answer to a request that is cancelled before its response head.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::json;

use super::error_event::{ERROR_TYPE, MESSAGE};
use crate::tracker::Row;

/// The answer to a request that is cancelled before its response head.
#[derive(Clone, Default)]
pub(super) struct CancelAnswer(Option<Arc<OnCancel>>);

type OnCancel = dyn Fn(&Row) -> Response<Bytes> + Send + Sync;

impl CancelAnswer {
    pub(super) fn new(answer: impl Fn(&Row) -> Response<Bytes> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(answer)))
    }

    pub(super) fn response(&self, row: Option<&Row>) -> Response<Bytes> {
        if let (Some(answer), Some(row)) = (&self.0, row) {
            return answer(row);
        }
        let body = json!({"error": {"type": ERROR_TYPE, "message": MESSAGE}}).to_string();
        let mut response = Response::new(body.into());
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(HeaderName::from_static("x-should-retry"), HeaderValue::from_static("false"));
        response
    }
}

impl fmt::Debug for CancelAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "CancelAnswer(custom)" } else { "CancelAnswer(default)" })
    }
}
