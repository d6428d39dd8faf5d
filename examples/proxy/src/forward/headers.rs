//! Headers of requests and responses that are changed on their way through.

use http::{HeaderMap, HeaderName, HeaderValue, header};

pub static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Where an upstream's own `x-request-id` goes, which its support asks for.
static UPSTREAM_REQUEST_ID: HeaderName = HeaderName::from_static("x-upstream-request-id");

/// Codings of a response that can be read for its tokens.
const READABLE: [&str; 7] = ["gzip", "x-gzip", "deflate", "br", "zstd", "identity", "*"];

/// Asks for no coding that cannot be read.
pub fn limit_encodings(headers: &mut HeaderMap) {
    let readable = |coding: &str| {
        let name = coding.split(';').next().unwrap_or_default().trim();
        READABLE.iter().any(|readable| readable.eq_ignore_ascii_case(name))
    };
    let Some(asked) = headers.get(header::ACCEPT_ENCODING) else { return };
    let asked = asked.to_str().unwrap_or_default();
    if asked.split(',').all(readable) && headers.get_all(header::ACCEPT_ENCODING).iter().nth(1).is_none() {
        return;
    }
    let kept: Vec<&str> = asked.split(',').map(str::trim).filter(|coding| readable(coding)).collect();
    let kept = if kept.is_empty() { "identity".to_owned() } else { kept.join(", ") };
    if let Ok(kept) = HeaderValue::from_str(&kept) {
        headers.insert(header::ACCEPT_ENCODING, kept);
    }
}

/// Puts the request's id on a response; the upstream's own stays, under another name.
pub fn echo_request_id(headers: &mut HeaderMap, id: HeaderValue) {
    let upstream = headers.insert(&REQUEST_ID, id.clone());
    if let Some(upstream) = upstream.filter(|upstream| *upstream != id) {
        headers.insert(&UPSTREAM_REQUEST_ID, upstream);
    }
}

/// Joins the lines of `cookie` that HTTP/2 may cut it into: HTTP/1.1 has one (RFC 9113, section 8.2.3).
pub fn join_cookies(headers: &mut HeaderMap) {
    let lines: Vec<&[u8]> = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if lines.len() > 1
        && let Ok(joined) = HeaderValue::from_bytes(&lines.join(&b"; "[..]))
    {
        headers.insert(header::COOKIE, joined);
    }
}
