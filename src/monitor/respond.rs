//! Answers.

use super::{body::Body, query::Refused};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde::Serialize;

/// An answer that is not what was asked for, in the one shape that all of them have.
#[derive(Debug)]
pub(super) struct Error {
    pub(super) status: StatusCode,
    kind: &'static str,
    message: String,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Error {
    fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, message: message.into(), header: None }
    }

    fn with(mut self, name: HeaderName, value: &'static str) -> Self {
        self.header = Some((name, HeaderValue::from_static(value)));
        self
    }

    pub(super) fn unauthorized() -> Self {
        let message = "A key is needed: send it as x-api-key or as authorization: Bearer.";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message).with(header::WWW_AUTHENTICATE, "Bearer")
    }

    pub(super) fn no_route() -> Self {
        let message = "There is nothing here; /active-requests, /active-requests/stream, /active-requests/{request_id}, \
                       /running-totals and /logs are.";
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    pub(super) fn no_request(id: &str) -> Self {
        let id: String = id.chars().take(100).collect();
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("No request {id:?} is in flight."))
    }

    pub(super) fn method(allow: &'static str) -> Self {
        let message = format!("Allowed here are {allow}.");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message).with(header::ALLOW, allow)
    }

    pub(super) fn may_not_cancel() -> Self {
        let message = "Requests cannot be ended from here: it takes keys and allow_cancel, both.";
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    pub(super) fn not_cancellable() -> Self {
        let message = "This request cannot be ended: no CancelRequestLayer is around it.";
        Self::new(StatusCode::CONFLICT, "not_cancellable", message)
    }

    pub(super) fn too_many_streams(max: usize) -> Self {
        let message = format!("All {max} streams are taken; try again later.");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_subscribers", message).with(header::RETRY_AFTER, "5")
    }

    pub(super) fn shutting_down() -> Self {
        let message = "The server is shutting down; try again later.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "shutting_down", message).with(header::RETRY_AFTER, "5")
    }

    pub(super) fn no_runtime() -> Self {
        let message = "Streams need a tokio runtime, and this server runs on none.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "no_runtime", message)
    }
}

impl From<Refused> for Error {
    fn from(Refused(message): Refused) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }
}

impl From<Error> for Response<Body> {
    fn from(error: Error) -> Self {
        #[derive(Serialize)]
        struct Shape<'a> {
            error: Inner<'a>,
        }
        #[derive(Serialize)]
        struct Inner<'a> {
            r#type: &'a str,
            message: &'a str,
        }
        let mut response = json(&Shape { error: Inner { r#type: error.kind, message: &error.message } });
        *response.status_mut() = error.status;
        response.headers_mut().extend(error.header);
        response
    }
}

/// `200` with JSON.
pub(super) fn json(value: &impl Serialize) -> Response<Body> {
    let mut out = Vec::new();
    super::encode::json(&mut out, value);
    json_bytes(out)
}

/// `200` with JSON that is encoded already.
pub(super) fn json_bytes(bytes: impl Into<Bytes>) -> Response<Body> {
    with_type(Body::whole(bytes), "application/json")
}

/// `200` with events.
pub(super) fn events(body: Body) -> Response<Body> {
    let mut response = with_type(body, "text/event-stream; charset=utf-8");
    // nginx would hold events back.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

fn with_type(body: Body, content_type: &'static str) -> Response<Body> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
