//! Error responses, all of one shape: `{"error": {"type": .., "message": ..}}`.

use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde::Serialize;

use super::{body::ResponseBody, hub::TooManySubscribers, query::BadQuery, respond::json};
use crate::config::Right;

/// An error that a client is told of.
#[derive(Debug)]
pub(crate) struct Error {
    status: StatusCode,
    kind: &'static str,
    message: String,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Error {
    fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, message: message.into(), header: None }
    }

    /// The status of the answer.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    fn with(mut self, name: HeaderName, value: &'static str) -> Self {
        self.header = Some((name, HeaderValue::from_static(value)));
        self
    }

    pub(super) fn unauthorized(right: Right) -> Self {
        let message = format!(
            "A key with the right {right:?} is needed: send it as x-api-key or as authorization: Bearer.",
            right = right.as_str()
        );
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message).with(header::WWW_AUTHENTICATE, "Bearer")
    }

    pub(super) fn forbidden(right: Right) -> Self {
        let message = format!(
            "This needs the right {right:?}, which the key that was sent does not have.",
            right = right.as_str()
        );
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    pub(crate) fn no_fleet() -> Self {
        let message = "This server belongs to no fleet: set VDM_ACTIVE_REQUESTS_FLEET_URL, or ask without scope=fleet.";
        Self::new(StatusCode::NOT_FOUND, "no_fleet", message)
    }

    #[cfg(feature = "fleet")]
    pub(crate) fn no_replica(epoch: u32) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "no_replica",
            format!("No replica {epoch:08x} is heard; /fleet lists those that are."),
        )
    }

    #[cfg(feature = "fleet")]
    pub(crate) fn too_many_replicas(max: usize) -> Self {
        let message = format!("The rows of {max} replicas are looked at one by one already; try again later.");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_subscribers", message).with(header::RETRY_AFTER, "5")
    }

    #[cfg(feature = "fleet")]
    pub(crate) fn fleet_lost() -> Self {
        let message = "The other replicas cannot be reached; nothing was sent to them.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "fleet_lost", message).with(header::RETRY_AFTER, "5")
    }

    #[cfg(feature = "fleet")]
    pub(crate) fn fleet_timeout() -> Self {
        let message = "The replica of this request has not answered; what was asked of it may still be done.";
        Self::new(StatusCode::GATEWAY_TIMEOUT, "fleet_timeout", message)
    }

    pub(crate) fn no_route() -> Self {
        let message = "There is nothing here; /active-requests, /active-requests/stream, /active-requests/{request_id}, \
                       /running-totals, /logs, /series and /fleet are.";
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    pub(crate) fn no_request(id: &str) -> Self {
        let id: String = id.chars().take(100).collect();
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("No request {id:?} is in flight."))
    }

    pub(super) fn method_not_allowed(allow: &'static str) -> Self {
        let message = format!("Allowed here are {allow}.");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message).with(header::ALLOW, allow)
    }

    pub(super) fn nobody_may_cancel() -> Self {
        let message = "Nobody has the right \"operate\" here, which cancelling needs: set operate_keys (VDM_ACTIVE_REQUESTS_OPERATE_KEYS), \
                       or, where a general key is set, allow_cancel (VDM_ACTIVE_REQUESTS_ALLOW_CANCEL).";
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    pub(super) fn not_cancellable() -> Self {
        let message = "This request cannot be cancelled: there is no CancelRequestLayer around it.";
        Self::new(StatusCode::CONFLICT, "not_cancellable", message)
    }

    pub(crate) fn too_many_subscribers(TooManySubscribers: TooManySubscribers, max: usize) -> Self {
        let message = format!("All {max} streams are taken; try again later.");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_subscribers", message).with(header::RETRY_AFTER, "5")
    }

    pub(crate) fn shutting_down() -> Self {
        let message = "The server is shutting down; try again later.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "shutting_down", message).with(header::RETRY_AFTER, "5")
    }

    pub(super) fn no_runtime() -> Self {
        let message = "Streams need a tokio runtime, and this server does not run on one.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "no_runtime", message)
    }
}

impl From<BadQuery> for Error {
    fn from(BadQuery(message): BadQuery) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }
}

impl From<Error> for Response<ResponseBody> {
    fn from(error: Error) -> Self {
        #[derive(Serialize)]
        struct ErrorDocument<'a> {
            error: ErrorMember<'a>,
        }
        #[derive(Serialize)]
        struct ErrorMember<'a> {
            r#type: &'a str,
            message: &'a str,
        }
        let mut response = json(&ErrorDocument { error: ErrorMember { r#type: error.kind, message: &error.message } });
        *response.status_mut() = error.status;
        response.headers_mut().extend(error.header);
        response
    }
}
