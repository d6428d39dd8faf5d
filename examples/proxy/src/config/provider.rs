//! The upstreams: where each one is, which formats it speaks and under which header it takes its key.

use std::{collections::BTreeMap, fmt};

use http::{
    HeaderName, HeaderValue, Uri, header,
    uri::{PathAndQuery, Scheme},
};

use crate::{
    config::sources::{Layers, Wrong, plain},
    forward::prepare::SentBody,
    upstream::connection::Pool,
};

/// A way of talking to a model: the routes, and the shape of requests, answers and errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    OpenAi,
    Anthropic,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OpenAi => "OpenAI",
            Self::Anthropic => "Anthropic",
        })
    }
}

/// The headers under which clients and providers pass keys.
pub static KEY_HEADERS: [HeaderName; 4] = [
    header::AUTHORIZATION,
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("api-key"),
    HeaderName::from_static("x-goog-api-key"),
];

/// What becomes of the key a client sent.
#[derive(Clone)]
pub enum Key {
    /// It is taken off and nothing put in its place.
    None,
    /// It is replaced by this one.
    Own(String),
    /// It passes, unless it is the proxy's own.
    Passthrough,
}

/// A keeper of secrets shows none.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Own(_) => "Own(..)",
            Self::Passthrough => "Passthrough",
        })
    }
}

/// A base address, the connections to it, and the headers that go with every request to it.
#[derive(Clone, Debug)]
pub struct Base {
    /// Scheme and authority.
    origin: Uri,
    host: HeaderValue,
    /// The path, without a slash at its end.
    path: String,
    key: Option<(HeaderName, HeaderValue)>,
    pool: Pool<SentBody>,
}

impl Base {
    fn new(name: &str, url: &str, key_header: &HeaderName, key: &Key) -> Result<Self, Wrong> {
        let wrong = || Wrong::value(name, url, "is a URL such as https://api.openai.com/v1, without a query");
        let uri: Uri = url.trim().trim_end_matches('/').parse().map_err(|_| wrong())?;
        let parts = uri.into_parts();
        let scheme = parts.scheme.filter(|s| *s == Scheme::HTTP || *s == Scheme::HTTPS).ok_or_else(wrong)?;
        let authority = parts.authority.filter(|a| !a.as_str().contains('@')).ok_or_else(wrong)?;
        let path = parts.path_and_query.filter(|p| p.query().is_none()).ok_or_else(wrong)?;
        // The port of the scheme is not said (RFC 9110, section 7.2).
        let default_port = if scheme == Scheme::HTTPS { 443 } else { 80 };
        let shown =
            authority.port_u16().filter(|port| *port == default_port).map_or(authority.as_str(), |_| authority.host());
        let host = HeaderValue::from_str(shown).map_err(|_| wrong())?;
        let origin =
            Uri::builder().scheme(scheme).authority(authority).path_and_query("/").build().map_err(|_| wrong())?;
        let key = match key {
            Key::Own(key) => {
                let shown = if *key_header == header::AUTHORIZATION { &format!("Bearer {key}") } else { key };
                let mut value = HeaderValue::from_str(shown)
                    .map_err(|_| Wrong::new(format!("the API key that goes with {name} cannot stand in a header")))?;
                value.set_sensitive(true);
                Some((key_header.clone(), value))
            }
            Key::None | Key::Passthrough => None,
        };
        let path = path.path().trim_end_matches('/').to_owned();
        Ok(Self { origin, host, path, key, pool: Pool::default() })
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

    pub fn pool(&self) -> &Pool<SentBody> {
        &self.pool
    }

    /// The header with the provider's own key, if it has one.
    pub fn key(&self) -> Option<&(HeaderName, HeaderValue)> {
        self.key.as_ref()
    }
}

/// One upstream.
#[derive(Clone, Debug)]
pub struct Provider {
    pub name: String,
    /// Where `/v1/...` goes in OpenAI format, if it speaks that.
    pub openai: Option<Base>,
    /// Where `/v1/...` goes in Anthropic format, if it speaks that.
    pub anthropic: Option<Base>,
    /// Where `/{provider}/...` goes.
    pub native: Base,
    /// Whether a client's own key passes.
    pub passthrough: bool,
}

impl Provider {
    /// The base for a format.
    pub fn base(&self, format: Format) -> Option<&Base> {
        match format {
            Format::OpenAi => self.openai.as_ref(),
            Format::Anthropic => self.anthropic.as_ref(),
        }
    }

    /// Closes connections that nobody has used for a while.
    pub fn sweep(&self) {
        [self.openai.as_ref(), self.anthropic.as_ref(), Some(&self.native)]
            .into_iter()
            .flatten()
            .for_each(|base| base.pool.sweep());
    }

    /// The format its errors have on its own routes.
    pub fn format(&self) -> Format {
        if self.openai.is_some() { Format::OpenAi } else { Format::Anthropic }
    }

    /// The simulated provider, which speaks both formats.
    pub fn demo(address: std::net::SocketAddr) -> Result<Self, Wrong> {
        let base = |path: &str| {
            Base::new("the demo's address", &format!("http://{address}{path}"), &header::AUTHORIZATION, &Key::None)
        };
        Ok(Self {
            name: DEMO.to_owned(),
            openai: Some(base("/v1")?),
            anthropic: Some(base("")?),
            native: base("")?,
            passthrough: false,
        })
    }

    fn new(name: &str, given: &Given) -> Result<Option<Self>, Wrong> {
        let known = KNOWN.iter().find(|known| known.name == name);
        let upper = name.to_ascii_uppercase();
        let variable = format!("{upper}_BASE_URL");
        let Some(url) = given.base_url.as_deref().or(known.map(|known| known.base_url)) else {
            return Ok(None);
        };
        let format = match given.format.as_deref() {
            None => known.map_or(Format::OpenAi, |known| known.format),
            Some(format) if format.eq_ignore_ascii_case("openai") => Format::OpenAi,
            Some(format) if format.eq_ignore_ascii_case("anthropic") => Format::Anthropic,
            Some(other) => return Err(Wrong::value(&format!("{upper}_API_FORMAT"), other, "are openai and anthropic")),
        };
        let key = match given.key.as_deref() {
            None => Key::None,
            Some("!PASSTHRU") => Key::Passthrough,
            Some(key) => Key::Own(key.trim().to_owned()),
        };
        let header = match format {
            Format::OpenAi => header::AUTHORIZATION,
            Format::Anthropic => HeaderName::from_static("x-api-key"),
        };
        let base = Base::new(&variable, url, &header, &key)?;
        let native = match known {
            Some(known) if known.native_url.is_some() || known.native_key.is_some() => {
                let url = given.base_url.as_deref().or(known.native_url).unwrap_or(url);
                let header = known.native_key.map_or(header, HeaderName::from_static);
                Base::new(&variable, url, &header, &key)?
            }
            _ => base.clone(),
        };
        Ok(Some(Self {
            name: name.to_owned(),
            openai: (format == Format::OpenAi).then(|| base.clone()),
            anthropic: (format == Format::Anthropic).then_some(base),
            native,
            passthrough: matches!(key, Key::Passthrough),
        }))
    }
}

/// The name of the simulated provider.
pub const DEMO: &str = "demo";

/// A provider whose address needs not be told.
struct Known {
    name: &'static str,
    base_url: &'static str,
    format: Format,
    /// Where its own, other API starts, if that is somewhere else.
    native_url: Option<&'static str>,
    /// The header its own API takes the key under, if it is another than the format's.
    native_key: Option<&'static str>,
}

const fn known(name: &'static str, base_url: &'static str) -> Known {
    Known { name, base_url, format: Format::OpenAi, native_url: None, native_key: None }
}

#[rustfmt::skip]
const KNOWN: &[Known] = &[
    known("openai", "https://api.openai.com/v1"),
    Known { format: Format::Anthropic, ..known("anthropic", "https://api.anthropic.com") },
    known("openrouter", "https://openrouter.ai/api/v1"),
    known("poe", "https://api.poe.com/v1"),
    Known {
        native_url: Some("https://generativelanguage.googleapis.com"),
        native_key: Some("x-goog-api-key"),
        ..known("gemini", "https://generativelanguage.googleapis.com/v1beta/openai")
    },
    Known { native_url: Some("http://localhost:11434"), ..known("ollama", "http://localhost:11434/v1") },
    known("mistral", "https://api.mistral.ai/v1"),
    known("groq", "https://api.groq.com/openai/v1"),
    known("deepseek", "https://api.deepseek.com/v1"),
];

/// First parts of paths that mean something else.
const RESERVED: [&str; 4] = ["v1", "metrics", "dashboard", "health"];

/// What was said of one provider.
#[derive(Debug, Default)]
struct Given {
    key: Option<String>,
    base_url: Option<String>,
    format: Option<String>,
}

impl Given {
    fn of<'a>(all: &'a mut BTreeMap<String, Self>, name: &str) -> &'a mut Self {
        all.entry(name.to_ascii_lowercase()).or_default()
    }
}

/// The configured providers, sorted by name.
///
/// # Errors
/// A value that cannot be used, or a name that means something else in a path.
pub fn configured(layers: &Layers) -> Result<Vec<Provider>, Wrong> {
    let mut given = BTreeMap::new();
    for (name, table) in layers.table("providers").into_iter().flatten() {
        let wrong = |key: &str| Wrong::new(format!("[providers.{name}] {key} is no setting of a provider, or no text"));
        let table = table.as_table().ok_or_else(|| wrong(""))?;
        let given = Given::of(&mut given, name);
        for (key, value) in table {
            let field = match key.as_str() {
                "api_key" => &mut given.key,
                "base_url" => &mut given.base_url,
                "api_format" => &mut given.format,
                "aliases" => continue,
                _ => return Err(wrong(key)),
            };
            *field = Some(plain(value).ok_or_else(|| wrong(key))?);
        }
    }
    for (name, value) in layers.env().filter(|(name, _)| *name != "PROXY_API_KEY") {
        let value = Some(value.to_owned());
        if let Some(provider) = prefix_of(name, "_API_KEY") {
            Given::of(&mut given, provider).key = value;
        } else if let Some(provider) = prefix_of(name, "_BASE_URL") {
            Given::of(&mut given, provider).base_url = value;
        } else if let Some(provider) = prefix_of(name, "_API_FORMAT") {
            Given::of(&mut given, provider).format = value;
        }
    }
    let mut providers = Vec::new();
    for (name, given) in given.iter().filter(|(_, given)| given.key.is_some() || given.base_url.is_some()) {
        if RESERVED.contains(&name.as_str()) {
            let upper = name.to_ascii_uppercase();
            return Err(Wrong::new(format!(
                "{upper}_API_KEY or {upper}_BASE_URL makes {name:?} a provider, but /{name}/ is a route of the proxy itself: \
                 allowed is any other name"
            )));
        }
        match Provider::new(name, given)? {
            Some(provider) => providers.push(provider),
            None => tracing::warn!(
                "{upper}_API_KEY is set, but not where {name:?} is: set {upper}_BASE_URL to have it as a provider",
                upper = name.to_ascii_uppercase()
            ),
        }
    }
    Ok(providers)
}

fn prefix_of<'a>(name: &'a str, suffix: &str) -> Option<&'a str> {
    name.strip_suffix(suffix).filter(|prefix| !prefix.is_empty())
}
