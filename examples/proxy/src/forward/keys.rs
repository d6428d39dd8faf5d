//! API keys on their way through: the client's is replaced by the provider's, and the proxy's own stays here.

use std::sync::Arc;

use active_requests::config::{API_KEY_HEADERS, Secret, sent_api_keys};
use http::{HeaderMap, HeaderName, HeaderValue, Request, header};

use crate::{forward::hop_by_hop::elements, upstream::provider::Endpoint};

/// The beginning of the subprotocol in which browsers send OpenAI their API key, as they cannot set headers of a WebSocket.
const KEY_SUBPROTOCOL: &[u8] = b"openai-insecure-api-key.";

/// The API key that clients of this proxy must send.
#[derive(Clone, Debug)]
pub struct ProxyKey(Secret);

impl ProxyKey {
    pub fn new(key: Secret) -> Self {
        Self(key)
    }

    /// Returns whether a request carries it: in the headers that open the monitor too, or in the subprotocol of browsers.
    pub fn opens(&self, headers: &HeaderMap) -> bool {
        sent_api_keys(headers).chain(keys_of_browsers(headers)).fold(false, |opens, given| opens | self.0.is(given))
    }
}

/// Every API key that opens something here. None of them leaves.
#[derive(Clone, Debug)]
pub struct OwnKeys(Arc<[Secret]>);

impl OwnKeys {
    pub fn new<'a>(keys: impl IntoIterator<Item = &'a Secret>) -> Self {
        Self(keys.into_iter().cloned().collect())
    }

    /// Returns where in a request's head one stands that would leave with it. The headers for keys and for the proxy do not leave
    /// as they are.
    pub fn misplaced<B>(&self, request: &Request<B>) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        if self.is_in(request.uri().path().as_bytes()) {
            return Some("the path".to_owned());
        }
        if request.uri().query().is_some_and(|query| self.is_in(query.as_bytes())) {
            return Some("the query".to_owned());
        }
        let stays = |name: &HeaderName| API_KEY_HEADERS.contains(name) || name == header::PROXY_AUTHORIZATION;
        let headers = request.headers();
        let mut leaving = headers.iter().filter(|(name, value)| !stays(name) && self.is_in(value.as_bytes()));
        let leaves = |name: &HeaderName| {
            // The offer of a key stays here too; any other one leaves.
            name != header::SEC_WEBSOCKET_PROTOCOL || other_subprotocols(headers).any(|offer| self.is_in(offer))
        };
        leaving.find(|(name, _)| leaves(name)).map(|(name, _)| format!("the header {name:?}"))
    }

    /// Takes off what stays here: the fields for keys (RFC 9110, section 6.5.1), and whatever else holds one of these.
    pub fn remove_from(&self, trailers: &mut HeaderMap) {
        let stays =
            |name: &HeaderName, value: &HeaderValue| API_KEY_HEADERS.contains(name) || self.is_in(value.as_bytes());
        while let Some(name) = trailers.iter().find(|(name, value)| stays(name, value)).map(|(name, _)| name.clone()) {
            trailers.remove(name);
        }
    }

    fn is_in(&self, text: &[u8]) -> bool {
        self.0.iter().any(|key| key.find_in(text).is_some())
    }
}

/// Replaces the client's key by the provider's. A passing key passes unless it is one of the proxy's own.
pub fn replace_key(headers: &mut HeaderMap, endpoint: &Endpoint, passthrough: bool, own: &OwnKeys) {
    let leaves = |headers: &HeaderMap, name: &HeaderName| {
        passthrough && !headers.get_all(name).iter().any(|value| own.is_in(value.as_bytes()))
    };
    // The provider's own takes the place of what stands there.
    let is_replaced = |name: &HeaderName| endpoint.key().is_some_and(|(own, _)| own == name);
    let stays = |headers: &HeaderMap, name: &HeaderName| {
        API_KEY_HEADERS.contains(name) && !is_replaced(name) && !leaves(headers, name)
    };
    while let Some(name) = headers.keys().find(|name| stays(headers, name)).cloned() {
        headers.remove(name);
    }
    if !passthrough || keys_of_browsers(headers).any(|key| own.is_in(key)) {
        remove_keys_of_browsers(headers);
    }
    if let Some((name, value)) = endpoint.key() {
        headers.insert(name, value.clone());
    }
}

/// The keys among the subprotocols that are offered.
fn keys_of_browsers(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    elements(headers, header::SEC_WEBSOCKET_PROTOCOL).filter_map(|offer| offer.strip_prefix(KEY_SUBPROTOCOL))
}

/// The subprotocols that are offered, without keys.
fn other_subprotocols(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    elements(headers, header::SEC_WEBSOCKET_PROTOCOL).filter(|offer| !offer.starts_with(KEY_SUBPROTOCOL))
}

fn remove_keys_of_browsers(headers: &mut HeaderMap) {
    if keys_of_browsers(headers).next().is_none() {
        return;
    }
    let kept: Vec<&[u8]> = other_subprotocols(headers).collect();
    let kept = HeaderValue::from_bytes(&kept.join(&b", "[..]));
    headers.remove(header::SEC_WEBSOCKET_PROTOCOL);
    if let Ok(kept) = kept
        && !kept.is_empty()
    {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, kept);
    }
}

/// The client's own keys among the headers of a request that passes them.
pub fn passing_keys(headers: &HeaderMap) -> impl Iterator<Item = Secret> {
    let values = API_KEY_HEADERS.iter().flat_map(|name| headers.get_all(name)).filter_map(|value| value.to_str().ok());
    let credentials = values.map(|value| value.split_once(' ').map_or(value, |(_, credential)| credential).trim());
    let by_browsers = keys_of_browsers(headers).filter_map(|key| std::str::from_utf8(key).ok());
    credentials.chain(by_browsers).map(Into::into)
}
