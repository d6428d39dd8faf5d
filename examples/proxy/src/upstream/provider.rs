//! A provider: its addresses, the API formats it speaks, and the header under which it takes its API key.

use std::fmt;

use active_requests::config::Secret;
use http::{
    HeaderName, HeaderValue, Uri, header,
    uri::{PathAndQuery, Scheme},
};

use crate::upstream::{connection::ConnectionPool, request_body::SentBody};

/// The format of an API: its routes, and the shape of its requests, answers and errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiFormat {
    OpenAi,
    Anthropic,
}

impl ApiFormat {
    /// The header under which a provider of this format takes its key.
    pub fn key_header(self) -> HeaderName {
        match self {
            Self::OpenAi => header::AUTHORIZATION,
            Self::Anthropic => HeaderName::from_static("x-api-key"),
        }
    }
}

impl fmt::Display for ApiFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OpenAi => "OpenAI",
            Self::Anthropic => "Anthropic",
        })
    }
}

/// The key that a provider is sent in place of the client's.
#[derive(Clone, Debug)]
pub enum ProviderKey {
    /// No key: the client's is removed.
    None,
    /// This key.
    Own(Secret),
    /// The client's key, unless it is the proxy's own.
    Passthrough,
}

/// A base address, the connections to it, and the headers that every request to it gets.
///
/// `Debug` does not show the key: its header value is marked as sensitive.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Scheme and authority.
    origin: Uri,
    host: HeaderValue,
    /// The path, without a slash at its end.
    path: String,
    key: Option<(HeaderName, HeaderValue)>,
    secret: Option<Secret>,
    pool: ConnectionPool<SentBody>,
}

impl Endpoint {
    /// An endpoint at `url`; `None` if that is no URL of the form `https://host/path`, or the key is not fit for a header.
    pub fn new(url: &str, key_header: HeaderName, key: &ProviderKey) -> Option<Self> {
        // The parser would leave a fragment out without a word.
        let url = Some(url.trim()).filter(|url| !url.contains('#'))?;
        let parts = url.trim_end_matches('/').parse::<Uri>().ok()?.into_parts();
        let scheme = parts.scheme.filter(|scheme| [Scheme::HTTP, Scheme::HTTPS].contains(scheme))?;
        let authority = parts.authority.filter(|authority| !authority.as_str().contains('@'))?;
        let after_host = authority.as_str().len() > authority.host().len();
        if after_host && authority.port_u16().is_none_or(|port| port == 0) {
            return None;
        }
        let path = parts.path_and_query.filter(|path| path.query().is_none())?;
        // The port of the scheme is left out (RFC 9110, section 7.2).
        let default_port = if scheme == Scheme::HTTPS { 443 } else { 80 };
        let is_default = authority.port_u16() == Some(default_port);
        let host = HeaderValue::from_str(if is_default { authority.host() } else { authority.as_str() }).ok()?;
        let origin = Uri::builder().scheme(scheme).authority(authority).path_and_query("/").build().ok()?;
        let secret = match key {
            ProviderKey::Own(key) => Some(key.clone()),
            ProviderKey::None | ProviderKey::Passthrough => None,
        };
        let key = match &secret {
            Some(key) => {
                let bearer = if key_header == header::AUTHORIZATION { "Bearer " } else { "" };
                let mut value = HeaderValue::try_from(format!("{bearer}{}", key.expose())).ok()?;
                value.set_sensitive(true);
                Some((key_header, value))
            }
            None => None,
        };
        let path = path.path().trim_end_matches('/').to_owned();
        Some(Self { origin, host, path, key, secret, pool: ConnectionPool::default() })
    }

    /// The target of a request for `rest`, a path that starts with a slash (or is empty) and may carry a query. Nothing in it is
    /// decoded.
    pub fn path(&self, rest: &str) -> Option<Uri> {
        let path = if self.path.is_empty() && rest.starts_with('/') {
            PathAndQuery::try_from(rest).ok()?
        } else {
            let slash = if self.path.is_empty() { "/" } else { "" };
            PathAndQuery::from_maybe_shared(format!("{}{slash}{rest}", self.path)).ok()?
        };
        Some(Uri::from(path))
    }

    pub fn origin(&self) -> &Uri {
        &self.origin
    }

    pub fn host(&self) -> &HeaderValue {
        &self.host
    }

    pub fn pool(&self) -> &ConnectionPool<SentBody> {
        &self.pool
    }

    /// The provider's own key, if it has one.
    pub fn secret(&self) -> Option<&Secret> {
        self.secret.as_ref()
    }

    /// The header with the provider's own key, if it has one.
    pub fn key(&self) -> Option<&(HeaderName, HeaderValue)> {
        self.key.as_ref()
    }
}

/// A provider that requests can be forwarded to.
#[derive(Clone, Debug)]
pub struct Provider {
    pub name: String,
    /// The endpoint of `/v1/...` in OpenAI format, if the provider speaks it.
    pub openai: Option<Endpoint>,
    /// The endpoint of `/v1/...` in Anthropic format, if the provider speaks it.
    pub anthropic: Option<Endpoint>,
    /// The endpoint of `/{provider}/...`.
    pub native: Endpoint,
    /// Whether a client's own API key is sent on.
    pub passthrough: bool,
}

impl Provider {
    /// The endpoint for a format.
    pub fn endpoint(&self, format: ApiFormat) -> Option<&Endpoint> {
        match format {
            ApiFormat::OpenAi => self.openai.as_ref(),
            ApiFormat::Anthropic => self.anthropic.as_ref(),
        }
    }

    /// The format its errors have on its own routes.
    pub fn format(&self) -> ApiFormat {
        if self.openai.is_some() { ApiFormat::OpenAi } else { ApiFormat::Anthropic }
    }

    /// Closes connections that have been idle for too long.
    pub fn sweep(&self) {
        self.endpoints().for_each(|endpoint| endpoint.pool.sweep());
    }

    /// All that it can be reached at.
    pub fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        [self.openai.as_ref(), self.anthropic.as_ref(), Some(&self.native)].into_iter().flatten()
    }
}
