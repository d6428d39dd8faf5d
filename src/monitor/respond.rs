//! Responses of JSON and of events.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, header};
use serde::Serialize;

use super::{body::ResponseBody, coding::ContentCoding, payload::Payload, row_json};

/// `200` with `value` as JSON.
pub(super) fn json(value: &impl Serialize) -> Response<ResponseBody> {
    let mut out = Vec::new();
    row_json::json(&mut out, value);
    json_bytes(out)
}

/// `200` with `value` as JSON, in the content coding that the client prefers.
pub(super) fn json_for(client: &HeaderMap, value: &impl Serialize) -> Response<ResponseBody> {
    let mut out = Vec::new();
    row_json::json(&mut out, value);
    respond(client, JSON, out)
}

/// `200` with a text, in the content coding that the client prefers.
pub(super) fn respond(client: &HeaderMap, content_type: HeaderValue, text: impl Into<Bytes>) -> Response<ResponseBody> {
    let (coding, bytes) = ContentCoding::accepted(client).encode_whole(&Payload::whole(text));
    let mut response = whole(content_type, bytes);
    coding.set_headers(response.headers_mut());
    response
}

/// `200` with JSON that is encoded already.
pub(crate) fn json_bytes(bytes: impl Into<Bytes>) -> Response<ResponseBody> {
    whole(JSON, bytes)
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");

fn whole(content_type: HeaderValue, bytes: impl Into<Bytes>) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::whole(bytes));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
