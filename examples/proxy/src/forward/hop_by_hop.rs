//! Headers that are about one connection only, and end with it (RFC 9110, section 7.6.1).

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

/// Fields that are for the next recipient, even where `connection` does not name them.
static HOP_BY_HOP: [HeaderName; 8] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// A field that is there and about the connection. To walk over the few there are is cheaper than to look for eight that most often are not.
fn any_hop_by_hop(headers: &HeaderMap) -> Option<&HeaderName> {
    headers.keys().find(|name| HOP_BY_HOP.contains(name))
}

/// Takes off what is about the connection, and what any line of `connection` names.
pub fn drop_hop_by_hop(headers: &mut HeaderMap) {
    if any_hop_by_hop(headers).is_none() {
        return;
    }
    // Most messages name nothing, or `close` or `keep-alive`; the allocation is for the rest.
    let is_plain = |value: &HeaderValue| {
        ["keep-alive", "close"].iter().any(|option| value.as_bytes().eq_ignore_ascii_case(option.as_bytes()))
    };
    if !headers.get_all(header::CONNECTION).iter().all(is_plain) {
        let named: Vec<HeaderName> = elements(headers, header::CONNECTION)
            .filter_map(|name| HeaderName::from_bytes(name).ok())
            .filter(|name| *name != header::CONTENT_LENGTH && *name != header::HOST)
            .collect();
        for name in named {
            headers.remove(name);
        }
    }
    while let Some(name) = any_hop_by_hop(headers).cloned() {
        headers.remove(name);
    }
}

/// Drops what is about the client's connection, and tells the upstream of what holds for ours too: trailers are welcome
/// if the client takes them (RFC 9110, section 10.1.4).
pub fn renew_hop_by_hop(headers: &mut HeaderMap) {
    if any_hop_by_hop(headers).is_none() {
        return;
    }
    let takes_trailers = elements(headers, header::TE).any(|coding| coding.eq_ignore_ascii_case(b"trailers"));
    drop_hop_by_hop(headers);
    if takes_trailers {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("te"));
    }
}

/// Whether a request is to be answered here, since it may go no further (RFC 9110, section 7.6.2).
pub fn is_last_hop(method: &Method, headers: &HeaderMap) -> bool {
    hops_left(method, headers) == Some(0)
}

/// Counts this hop, where the request limits how many there may be.
pub fn count_hop(method: &Method, headers: &mut HeaderMap) {
    if let Some(left) = hops_left(method, headers) {
        headers.insert(header::MAX_FORWARDS, HeaderValue::from(left.saturating_sub(1)));
    }
}

fn hops_left(method: &Method, headers: &HeaderMap) -> Option<u64> {
    if method != Method::OPTIONS {
        return None;
    }
    headers.get(header::MAX_FORWARDS)?.to_str().ok()?.trim().parse().ok()
}

/// The elements of a field that is a list, over all its lines (RFC 9110, section 5.6.1).
pub fn elements(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &[u8]> {
    let lines = headers.get_all(name).into_iter();
    lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b',')).map(<[u8]>::trim_ascii).filter(|e| !e.is_empty())
}
