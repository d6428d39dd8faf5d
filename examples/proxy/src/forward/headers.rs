//! Headers of requests and responses on their way through.

use active_requests::config::{Secret, sent_api_keys};
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::upstream::provider::{Endpoint, KEY_HEADERS};

/// Headers that are about one connection only (RFC 9110, section 7.6.1).
static HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

pub static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Where an upstream's own `x-request-id` goes, which its support asks for.
static UPSTREAM_REQUEST_ID: HeaderName = HeaderName::from_static("x-upstream-request-id");

/// Codings of a response that can be read for its tokens.
const READABLE: [&str; 7] = ["gzip", "x-gzip", "deflate", "br", "zstd", "identity", "*"];

/// Takes off what is about the connection, and what `connection` itself names.
pub fn drop_hop_by_hop(headers: &mut HeaderMap) {
    // Most requests name nothing, and `close` or `keep-alive` at most; the allocation is for the rest.
    let says =
        |text: &str| headers.get(header::CONNECTION).is_none_or(|v| v.as_bytes().eq_ignore_ascii_case(text.as_bytes()));
    if !says("keep-alive") && !says("close") {
        let named: Vec<HeaderName> = headers
            .get_all(header::CONNECTION)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|name| name.trim().parse().ok())
            .filter(|name| *name != header::CONTENT_LENGTH && *name != header::HOST)
            .collect();
        for name in named {
            headers.remove(name);
        }
    }
    // To walk over the few there are is cheaper than to look for nine that most often are not.
    while let Some(name) = headers.keys().find(|name| HOP_BY_HOP.contains(name)).cloned() {
        headers.remove(name);
    }
}

/// Headers that some SDKs send their API key in, and cannot be told otherwise.
static SDK_KEY_HEADERS: [HeaderName; 2] =
    [HeaderName::from_static("api-key"), HeaderName::from_static("x-goog-api-key")];

/// The API key that clients of this proxy must send.
#[derive(Clone, Debug)]
pub struct ProxyKey(Secret);

impl ProxyKey {
    pub fn new(key: Secret) -> Self {
        Self(key)
    }

    /// Returns whether a request carries it: in the headers that open the monitor, or alone in those that Azure's and Google's SDKs use.
    pub fn opens(&self, headers: &HeaderMap) -> bool {
        let by_sdks = SDK_KEY_HEADERS.iter().filter_map(|name| headers.get(name)).map(HeaderValue::as_bytes);
        sent_api_keys(headers).chain(by_sdks).fold(false, |opens, given| opens | self.0.is(given))
    }

    /// Whether it stands anywhere in `text`, from where it would leave.
    pub fn is_in(&self, text: &[u8]) -> bool {
        memchr::memmem::find(text, self.0.expose().as_bytes()).is_some()
    }
}

/// Replaces the client's key by the provider's. A passing key passes unless it is the proxy's own.
pub fn replace_key(headers: &mut HeaderMap, endpoint: &Endpoint, passthrough: bool, own: Option<&ProxyKey>) {
    for name in &KEY_HEADERS {
        let leaves =
            passthrough && own.is_none_or(|own| !headers.get_all(name).iter().any(|value| own.is_in(value.as_bytes())));
        if !leaves {
            headers.remove(name);
        }
    }
    if let Some((name, value)) = endpoint.key() {
        headers.insert(name, value.clone());
    }
}

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
