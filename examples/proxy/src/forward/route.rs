//! Routes to providers, by method and path.

use http::{Method, Uri};

use crate::{refusal::Refusal, upstream::provider::ApiFormat};

/// Routes whose provider is found by the model in the body.
#[rustfmt::skip]
const BY_MODEL: [(&str, ApiFormat); 6] = [
    ("/v1/chat/completions",      ApiFormat::OpenAi),
    ("/v1/completions",           ApiFormat::OpenAi),
    ("/v1/responses",             ApiFormat::OpenAi),
    ("/v1/embeddings",            ApiFormat::OpenAi),
    ("/v1/messages",              ApiFormat::Anthropic),
    ("/v1/messages/count_tokens", ApiFormat::Anthropic),
];

/// The methods that are forwarded, besides those of extensions.
pub const FORWARDED_METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// The route of a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Route<'a> {
    /// To the provider of the model in the body.
    ByModel(ApiFormat),
    /// To the default provider, or the one in the query.
    ListModels,
    /// To the provider of the model in the query, over a WebSocket.
    Realtime,
    /// To the provider in the path, `rest` as it stands.
    Native { provider: &'a str, rest: &'a str },
}

impl<'a> Route<'a> {
    /// Reads method and path.
    pub fn of(method: &Method, uri: &'a Uri) -> Result<Self, Refusal> {
        let path = uri.path();
        if let Some((_, format)) = BY_MODEL.iter().find(|(route, _)| *route == path) {
            return if method == Method::POST {
                Ok(Self::ByModel(*format))
            } else {
                Err(Refusal::method_not_allowed(path, "POST"))
            };
        }
        if path == "/v1/models" {
            return match *method {
                Method::GET | Method::HEAD => Ok(Self::ListModels),
                _ => Err(Refusal::method_not_allowed(path, "GET, HEAD")),
            };
        }
        if path == "/v1/realtime" {
            return match *method {
                Method::GET => Ok(Self::Realtime),
                _ => Err(Refusal::method_not_allowed(path, "GET")),
            };
        }
        // A provider that implements TRACE sends back what it was sent, its API key included. CONNECT asks for a tunnel.
        if [Method::TRACE, Method::CONNECT].contains(method) {
            let target = if path.is_empty() { "This proxy" } else { path };
            return Err(Refusal::method_not_allowed(target, FORWARDED_METHODS));
        }
        let whole = uri.path_and_query().map_or(path, |path| path.as_str());
        let whole = whole.strip_prefix('/').unwrap_or(whole);
        let (provider, rest) = whole.split_at(whole.find(['/', '?']).unwrap_or(whole.len()));
        if provider == "v1" {
            return Err(Refusal::not_found(format!(
                "{path} is no route of this proxy: it offers {}, /v1/models, /v1/realtime, and everything else a provider has under /{{provider}}/.",
                BY_MODEL.map(|(route, _)| route).join(", ")
            )));
        }
        if climbs(path) {
            return Err(Refusal::bad_request(
                "The path has a segment \"..\", and would leave the base URL of its provider.",
            ));
        }
        Ok(Self::Native { provider, rest })
    }

    /// The format in which a client of this path expects errors, as far as the path tells.
    pub fn format(path: &str) -> Option<ApiFormat> {
        if path.starts_with("/v1/messages") {
            Some(ApiFormat::Anthropic)
        } else if path.starts_with("/v1/") {
            Some(ApiFormat::OpenAi)
        } else {
            None
        }
    }
}

/// The part of a path before its first slash.
pub fn until_slash(path: &str) -> &str {
    // By hand: what searches for `split` takes longer to set up than these few bytes take.
    &path[..path.bytes().position(|byte| byte == b'/').unwrap_or(path.len())]
}

/// Whether somebody who resolves this path may find a segment `..` in it: as it stands, percent-encoded, or with parameters (`..;x`).
fn climbs(path: &str) -> bool {
    // Most paths have neither.
    if memchr::memchr2(b'.', b'%', path.as_bytes()).is_none() {
        return false;
    }
    let mut decoded = Vec::with_capacity(path.len());
    let mut left = path.as_bytes();
    while let [byte, rest @ ..] = left {
        let (byte, rest) = match left {
            [b'%', b'2', b'e' | b'E', rest @ ..] => (b'.', rest),
            [b'%', b'2', b'f' | b'F', rest @ ..] | [b'%', b'5', b'c' | b'C', rest @ ..] | [b'\\', rest @ ..] => {
                (b'/', rest)
            }
            _ => (*byte, rest),
        };
        decoded.push(byte);
        left = rest;
    }
    decoded.split(|byte| *byte == b'/').any(|segment| segment.split(|byte| *byte == b';').next() == Some(b".."))
}

/// The routes that are for a format, to name the right ones where the other was asked.
pub fn routes_of(format: ApiFormat) -> String {
    let routes: Vec<_> = BY_MODEL.iter().filter(|(_, of)| *of == format).map(|(route, _)| *route).collect();
    routes.join(", ")
}
