//! How a request ended.

use http::StatusCode;

use crate::words::words;

/// How a request ended; decided once, when its guard is finished or dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// The body's end, all its declared bytes, or the stream's own end mark was seen.
    Completed,
    /// The connection went over to another protocol (101, or CONNECT).
    Upgraded,
    /// The body ended cleanly before the stream's own end mark.
    Truncated,
    /// An error inside the stream, or a response that is classified as an error, such as one with status 500.
    UpstreamError,
    /// The body yielded an error.
    BodyError,
    /// Dropped after the response head and before the end.
    ClientDisconnect,
    /// Dropped before the response head.
    Cancelled,
    /// Ended by an operator.
    Killed,
    /// Dropped by the service, which [ended](super::RequestTracker::cut_off) before the request did.
    Shutdown,
    /// Turned away before any work was done for it, and [marked](super::RequestHandle::set_refused) so: for want of a key, say.
    Refused,
    /// The inner service returned an error.
    ServiceError,
    /// A panic in the call, the future or the body.
    Panicked,
}

impl Outcome {
    /// Whether the request counts as an error.
    pub fn is_error(self) -> bool {
        !matches!(self, Self::Completed | Self::Upgraded)
    }

    /// Whether somebody else ended the request while it waited: the client, an operator, or the end of the service.
    pub(crate) fn is_cut(self) -> bool {
        matches!(self, Self::ClientDisconnect | Self::Cancelled | Self::Killed | Self::Shutdown)
    }
}

words!(Outcome {
    Completed => "completed",
    Upgraded => "upgraded",
    Truncated => "truncated",
    UpstreamError => "upstream_error",
    BodyError => "body_error",
    ClientDisconnect => "client_disconnect",
    Cancelled => "cancelled",
    Killed => "killed",
    Shutdown => "shutdown",
    Refused => "refused",
    ServiceError => "service_error",
    Panicked => "panicked",
});

/// The type of an error, as in the monitor's `error_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorType {
    /// An error inside the stream.
    ApiError,
    /// Status 401 or 403.
    AuthError,
    /// Status 429.
    RateLimit,
    /// Status 504.
    UpstreamTimeout,
    /// Status 502 or 503.
    UpstreamError,
    /// Any other status from 400 to 499.
    BadRequest,
    /// Any other status of 500 and above.
    UpstreamHttpError,
    /// The stream broke off.
    StreamingError,
    /// The response was dropped before its end.
    ClientDisconnect,
    /// The request was dropped before the response head, or an operator or the service's own end cut it off.
    Cancelled,
    /// Time ran out: status 408, or the inner service says so.
    Timeout,
    /// Anything else: an error of the inner service, a panic.
    UnexpectedError,
}

impl ErrorType {
    /// The type of error that a response's status means; `None` below 400.
    pub fn of_status(status: StatusCode) -> Option<Self> {
        Some(match status.as_u16() {
            ..400 => return None,
            401 | 403 => Self::AuthError,
            408 => Self::Timeout,
            429 => Self::RateLimit,
            400..500 => Self::BadRequest,
            502 | 503 => Self::UpstreamError,
            504 => Self::UpstreamTimeout,
            500.. => Self::UpstreamHttpError,
        })
    }

    /// The type of error that `outcome` means for a response with `status`; `None` for an outcome that is no error.
    pub fn of(outcome: Outcome, status: Option<StatusCode>) -> Option<Self> {
        Some(match outcome {
            Outcome::Completed | Outcome::Upgraded => return None,
            Outcome::UpstreamError => status.and_then(Self::of_status).unwrap_or(Self::ApiError),
            Outcome::Refused => status.and_then(Self::of_status).unwrap_or(Self::AuthError),
            Outcome::Truncated | Outcome::BodyError => Self::StreamingError,
            Outcome::ClientDisconnect => Self::ClientDisconnect,
            Outcome::Cancelled | Outcome::Killed | Outcome::Shutdown => Self::Cancelled,
            Outcome::ServiceError | Outcome::Panicked => Self::UnexpectedError,
        })
    }
}

words!(ErrorType {
    ApiError => "api_error",
    AuthError => "auth_error",
    RateLimit => "rate_limit",
    UpstreamTimeout => "upstream_timeout",
    UpstreamError => "upstream_error",
    BadRequest => "bad_request",
    UpstreamHttpError => "upstream_http_error",
    StreamingError => "streaming_error",
    ClientDisconnect => "client_disconnect",
    Cancelled => "cancelled",
    Timeout => "timeout",
    UnexpectedError => "unexpected_error",
});

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
            (408, "timeout"),
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
    fn an_outcomes_number_is_its_place_among_all() {
        assert!(Outcome::ALL.iter().enumerate().all(|(index, outcome)| *outcome as usize == index));
    }

    #[test]
    fn only_completed_and_upgraded_are_no_errors() {
        assert_eq!(ErrorType::of(Outcome::Completed, None), None);
        assert_eq!(ErrorType::of(Outcome::Upgraded, None), None);
        assert!(!Outcome::Completed.is_error() && !Outcome::Upgraded.is_error() && Outcome::Cancelled.is_error());
    }
}
