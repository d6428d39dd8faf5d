//! How a request ended.

use http::StatusCode;
use serde::{Serialize, Serializer};

/// How a request ended; decided once, when it is let go of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The body's end, all its declared bytes, or the stream's own end mark was seen.
    Completed,
    /// The connection went over to another protocol (101, or CONNECT).
    Upgraded,
    /// The body ended cleanly before the stream's own end mark.
    Truncated,
    /// An error inside the stream, or an HTTP status of 400 and above.
    UpstreamError,
    /// The body yielded an error.
    BodyError,
    /// Dropped after the response head and before the end.
    ClientDisconnect,
    /// Dropped before the response head.
    Cancelled,
    /// Ended by an operator.
    Killed,
    /// The inner service returned an error.
    ServiceError,
    /// A panic in the call, the future or the body.
    Panicked,
}

impl Outcome {
    /// The word of the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Upgraded => "upgraded",
            Self::Truncated => "truncated",
            Self::UpstreamError => "upstream_error",
            Self::BodyError => "body_error",
            Self::ClientDisconnect => "client_disconnect",
            Self::Cancelled => "cancelled",
            Self::Killed => "killed",
            Self::ServiceError => "service_error",
            Self::Panicked => "panicked",
        }
    }

    /// Whether the request counts as an error.
    pub fn is_error(self) -> bool {
        !matches!(self, Self::Completed | Self::Upgraded)
    }
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// What kind of error it was, in the words of the monitor's `error_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorType {
    /// An error inside the stream.
    ApiError,
    /// 401 or 403.
    AuthError,
    /// 429.
    RateLimit,
    /// 504.
    UpstreamTimeout,
    /// 502 or 503.
    UpstreamError,
    /// Any other 4xx.
    BadRequest,
    /// Any other 5xx.
    UpstreamHttpError,
    /// The stream broke off.
    StreamingError,
    /// The client left after the response head.
    ClientDisconnect,
    /// The client left before the response head, or an operator ended the request.
    Cancelled,
    /// The inner service says that time ran out.
    Timeout,
    /// Anything else: an error of the inner service, a panic.
    UnexpectedError,
}

impl ErrorType {
    /// The word of the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ApiError => "api_error",
            Self::AuthError => "auth_error",
            Self::RateLimit => "rate_limit",
            Self::UpstreamTimeout => "upstream_timeout",
            Self::UpstreamError => "upstream_error",
            Self::BadRequest => "bad_request",
            Self::UpstreamHttpError => "upstream_http_error",
            Self::StreamingError => "streaming_error",
            Self::ClientDisconnect => "client_disconnect",
            Self::Cancelled => "cancelled",
            Self::Timeout => "timeout",
            Self::UnexpectedError => "unexpected_error",
        }
    }

    /// The kind of error that `outcome` means, for a response with `status`; `None` for an outcome that is none.
    pub fn of(outcome: Outcome, status: Option<StatusCode>) -> Option<Self> {
        Some(match outcome {
            Outcome::Completed | Outcome::Upgraded => return None,
            Outcome::UpstreamError => match status.map(|s| s.as_u16()) {
                Some(401 | 403) => Self::AuthError,
                Some(429) => Self::RateLimit,
                Some(504) => Self::UpstreamTimeout,
                Some(502 | 503) => Self::UpstreamError,
                Some(500..) => Self::UpstreamHttpError,
                Some(400..500) => Self::BadRequest,
                _ => Self::ApiError,
            },
            Outcome::Truncated | Outcome::BodyError => Self::StreamingError,
            Outcome::ClientDisconnect => Self::ClientDisconnect,
            Outcome::Cancelled | Outcome::Killed => Self::Cancelled,
            Outcome::ServiceError | Outcome::Panicked => Self::UnexpectedError,
        })
    }
}

impl Serialize for ErrorType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstream_error_is_told_apart_by_its_status() {
        let table = [
            (200, "api_error"),
            (400, "bad_request"),
            (401, "auth_error"),
            (403, "auth_error"),
            (404, "bad_request"),
            (429, "rate_limit"),
            (500, "upstream_http_error"),
            (502, "upstream_error"),
            (503, "upstream_error"),
            (504, "upstream_timeout"),
            (529, "upstream_http_error"),
        ];
        for (status, expected) in table {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(ErrorType::of(Outcome::UpstreamError, Some(status)).unwrap().as_str(), expected, "{status}");
        }
    }

    #[test]
    fn only_completed_and_upgraded_are_no_errors() {
        assert_eq!(ErrorType::of(Outcome::Completed, None), None);
        assert_eq!(ErrorType::of(Outcome::Upgraded, None), None);
        assert!(!Outcome::Completed.is_error() && !Outcome::Upgraded.is_error() && Outcome::Cancelled.is_error());
    }
}
