//! The proxy's own errors, in the API format of the client.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use serde_json::json;

use crate::upstream::provider::ApiFormat;

/// The reason why a request was not forwarded, or not answered. The message is one sentence and holds no key.
#[derive(Debug)]
pub struct Refusal {
    pub status: StatusCode,
    pub message: String,
    /// A header that says what would be taken.
    takes: Option<(HeaderName, &'static str)>,
}

/// Marks an answer as a refusal, in its extensions.
#[derive(Clone, Copy, Debug)]
pub struct IsRefusal;

impl Refusal {
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), takes: None }
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// The client has not sent the rest of its request.
    pub fn silent(longest: Duration) -> Self {
        let message = format!("Nothing more of the request has come for {} s.", longest.as_secs_f64());
        Self::new(StatusCode::REQUEST_TIMEOUT, message)
    }

    /// The client's body breaks the rules of its transfer coding.
    pub fn malformed_body(why: &str) -> Self {
        Self::bad_request(format!("The body of the request is malformed: {why}."))
    }

    pub fn method_not_allowed(path: &str, allow: &'static str) -> Self {
        let message = format!("{path} takes {allow} only.");
        Self { takes: Some((header::ALLOW, allow)), ..Self::new(StatusCode::METHOD_NOT_ALLOWED, message) }
    }

    /// There is nothing but a WebSocket here.
    pub fn websocket_only(path: &str) -> Self {
        let message = format!("{path} is a WebSocket: ask for it with \"upgrade: websocket\", over HTTP/1.1.");
        Self { takes: Some((header::UPGRADE, "websocket")), ..Self::new(StatusCode::UPGRADE_REQUIRED, message) }
    }

    /// An operator has ended the request before it was answered.
    pub fn cancelled() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "The request was cancelled by an operator.")
    }

    /// Whether the client may not use the proxy at all.
    pub fn is_for_want_of_access(&self) -> bool {
        matches!(self.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
    }

    /// The proxy takes no more requests.
    pub fn shutting_down() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "This proxy is shutting down: send the request again.")
    }

    /// The error as a client of this format expects it.
    pub fn response(&self, format: ApiFormat) -> Response<Full<Bytes>> {
        self.whole(format).map(Full::from)
    }

    /// The same, with the bytes of its body.
    pub fn whole(&self, format: ApiFormat) -> Response<Bytes> {
        let (kind, code) = kind(self.status, format);
        let body = match format {
            ApiFormat::OpenAi => json!({
                "error": {"message": self.message, "type": kind, "param": null, "code": code}
            }),
            ApiFormat::Anthropic => json!({
                "type": "error", "error": {"type": kind, "message": self.message}
            }),
        };
        let mut response = Response::new(Bytes::from(body.to_string()));
        *response.status_mut() = self.status;
        response.extensions_mut().insert(IsRefusal);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some((name, value)) = &self.takes {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// The provider's own word for an error of this status, and OpenAI's code for it.
/// <https://platform.openai.com/docs/guides/error-codes>, <https://docs.anthropic.com/en/api/errors>
fn kind(status: StatusCode, format: ApiFormat) -> (&'static str, Option<&'static str>) {
    match (format, status.as_u16()) {
        (ApiFormat::OpenAi, 401) => ("invalid_request_error", Some("invalid_api_key")),
        (ApiFormat::OpenAi, 404) => ("invalid_request_error", Some("not_found")),
        (ApiFormat::OpenAi, 413) => ("invalid_request_error", Some("request_too_large")),
        (ApiFormat::OpenAi, 502) => ("server_error", Some("upstream_unreachable")),
        (ApiFormat::OpenAi, 504) => ("server_error", Some("upstream_timeout")),
        (ApiFormat::Anthropic, 401) => ("authentication_error", None),
        (ApiFormat::Anthropic, 404) => ("not_found_error", None),
        (ApiFormat::Anthropic, 413) => ("request_too_large", None),
        (ApiFormat::Anthropic, 504) => ("timeout_error", None),
        (ApiFormat::OpenAi, 500..) => ("server_error", None),
        (ApiFormat::Anthropic, 500..) => ("api_error", None),
        _ => ("invalid_request_error", None),
    }
}
