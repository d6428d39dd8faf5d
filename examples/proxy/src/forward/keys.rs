//! API keys on their way through: the client's is replaced by the provider's, and the proxy's own stays here.

use active_requests::config::{Secret, sent_api_keys};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::upstream::provider::{Endpoint, KEY_HEADERS};

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
