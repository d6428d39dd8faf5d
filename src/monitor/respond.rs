//! Responses of JSON and of events.

use bytes::Bytes;
use http::{HeaderValue, Response, header};
use serde::Serialize;

use super::{body::ResponseBody, row_json};

/// `200` with `value` as JSON.
pub(super) fn json(value: &impl Serialize) -> Response<ResponseBody> {
    let mut out = Vec::new();
    row_json::json(&mut out, value);
    json_bytes(out)
}

/// `200` with JSON that is encoded already.
pub(super) fn json_bytes(bytes: impl Into<Bytes>) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::whole(bytes));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
