//! Reads which providers there are: well-known ones by their API key, others by their base URL.

use std::{collections::BTreeMap, net::SocketAddr};

use active_requests::config::{Secret, Variable, read_variables};
use http::{HeaderName, header};

use crate::{
    config::{description::SettingsError, sources::Sources},
    upstream::provider::{ApiFormat, Endpoint, Provider, ProviderKey},
};

/// The name of the simulated provider.
pub const DEMO: &str = "demo";

/// A provider whose address is known.
struct WellKnownProvider {
    name: &'static str,
    base_url: &'static str,
    format: ApiFormat,
    /// The base URL of its own, other API, if that is another.
    native_url: Option<&'static str>,
    /// The header under which its own API takes the key, if it is another than the format's.
    native_key: Option<&'static str>,
}

const fn known(name: &'static str, base_url: &'static str) -> WellKnownProvider {
    WellKnownProvider { name, base_url, format: ApiFormat::OpenAi, native_url: None, native_key: None }
}

#[rustfmt::skip]
const KNOWN: &[WellKnownProvider] = &[
    known("openai", "https://api.openai.com/v1"),
    WellKnownProvider { format: ApiFormat::Anthropic, ..known("anthropic", "https://api.anthropic.com") },
    known("openrouter", "https://openrouter.ai/api/v1"),
    known("poe", "https://api.poe.com/v1"),
    WellKnownProvider {
        native_url: Some("https://generativelanguage.googleapis.com"),
        native_key: Some("x-goog-api-key"),
        ..known("gemini", "https://generativelanguage.googleapis.com/v1beta/openai")
    },
    WellKnownProvider { native_url: Some("http://localhost:11434"), ..known("ollama", "http://localhost:11434/v1") },
    known("mistral", "https://api.mistral.ai/v1"),
    known("groq", "https://api.groq.com/openai/v1"),
    known("deepseek", "https://api.deepseek.com/v1"),
];

/// The first parts of paths that are routes of the proxy itself.
const RESERVED: [&str; 4] = ["v1", "metrics", "dashboard", "health"];

/// The settings of one provider, as they were given.
#[derive(Debug, Default)]
struct ProviderSettings {
    key: Option<Secret>,
    base_url: Option<String>,
    format: Option<String>,
}

/// The providers of the settings, sorted by name.
///
/// # Errors
/// A value that cannot be used, or a name that is a route of the proxy.
pub fn configured(sources: &Sources) -> Result<Vec<Provider>, SettingsError> {
    let mut providers = Vec::new();
    for (name, settings) in read(sources)?.iter().filter(|(_, of)| of.key.is_some() || of.base_url.is_some()) {
        let upper = name.to_ascii_uppercase();
        if RESERVED.contains(&name.as_str()) {
            return Err(SettingsError::new(format!(
                "{upper}_API_KEY or {upper}_BASE_URL makes {name:?} a provider, but /{name}/ is a route of the proxy itself: \
                 allowed is any other name"
            )));
        }
        match provider(name, settings)? {
            Some(provider) => providers.push(provider),
            None => tracing::warn!(
                "{upper}_API_KEY is set, but not where {name:?} is: set {upper}_BASE_URL to have it as a provider"
            ),
        }
    }
    Ok(providers)
}

/// The simulated provider, which speaks both formats and takes no key.
///
/// # Errors
/// The address makes no URL.
pub fn demo(address: SocketAddr) -> Result<Provider, SettingsError> {
    let endpoint = |path: &str| {
        Endpoint::new(&format!("http://{address}{path}"), header::AUTHORIZATION, &ProviderKey::None)
            .ok_or_else(|| SettingsError::new(format!("the simulated provider cannot be reached at {address}")))
    };
    Ok(Provider {
        name: DEMO.to_owned(),
        openai: Some(endpoint("/v1")?),
        anthropic: Some(endpoint("")?),
        native: endpoint("")?,
        passthrough: false,
    })
}

/// The settings of all providers by name, from the file and, before it, the environment.
fn read(sources: &Sources) -> Result<BTreeMap<String, ProviderSettings>, SettingsError> {
    let mut all = BTreeMap::<String, ProviderSettings>::new();
    let file = sources.file().filter_map(|(path, value)| match path {
        [table, provider, key] if table == "providers" => Some((provider.as_str(), key.to_ascii_uppercase(), value)),
        _ => None,
    });
    let environment = sources.environment()?.filter_map(|(name, value)| {
        let at = name.len() - ["_API_KEY", "_BASE_URL", "_API_FORMAT"].iter().find(|key| name.ends_with(**key))?.len();
        let (provider, key) = name.split_at(at);
        Some((provider, key[1..].to_owned(), value))
    });
    for (provider, key, value) in file.chain(environment) {
        let settings = all.entry(provider.to_ascii_lowercase()).or_default();
        match key.as_str() {
            "API_KEY" => settings.key = Some(value.clone()),
            "BASE_URL" => settings.base_url = Some(value.expose().to_owned()),
            _ => settings.format = Some(value.expose().to_owned()),
        }
    }
    Ok(all)
}

/// A provider by its settings; `None` if its address is not known.
fn provider(name: &str, settings: &ProviderSettings) -> Result<Option<Provider>, SettingsError> {
    let upper = name.to_ascii_uppercase();
    let known = KNOWN.iter().find(|known| known.name == name);
    let Some(url) = settings.base_url.as_deref().or(known.map(|known| known.base_url)) else {
        return Ok(None);
    };
    let format = match settings.format.as_deref() {
        None => known.map_or(ApiFormat::OpenAi, |known| known.format),
        Some(format) if format.eq_ignore_ascii_case("openai") => ApiFormat::OpenAi,
        Some(format) if format.eq_ignore_ascii_case("anthropic") => ApiFormat::Anthropic,
        Some(other) => {
            return Err(SettingsError::value(&format!("{upper}_API_FORMAT"), other, "are openai and anthropic"));
        }
    };
    let key = key(&format!("{upper}_API_KEY"), settings.key.as_ref())?;
    let endpoint = |url: &str, key_header: HeaderName| {
        let allowed = "is a URL such as https://api.openai.com/v1, without a query";
        Endpoint::new(url, key_header, &key)
            .ok_or_else(|| SettingsError::value(&format!("{upper}_BASE_URL"), url, allowed))
    };
    let base = endpoint(url, format.key_header())?;
    let native = match known {
        Some(known) if known.native_url.is_some() || known.native_key.is_some() => {
            let url = settings.base_url.as_deref().or(known.native_url).unwrap_or(url);
            endpoint(url, known.native_key.map_or(format.key_header(), HeaderName::from_static))?
        }
        _ => base.clone(),
    };
    Ok(Some(Provider {
        name: name.to_owned(),
        openai: (format == ApiFormat::OpenAi).then(|| base.clone()),
        anthropic: (format == ApiFormat::Anthropic).then_some(base),
        native,
        passthrough: matches!(key, ProviderKey::Passthrough),
    }))
}

/// The key of a provider, from its setting.
fn key(name: &str, given: Option<&Secret>) -> Result<ProviderKey, SettingsError> {
    let Some(given) = given else { return Ok(ProviderKey::None) };
    let mut key: Option<Secret> = None;
    read_variables([Variable::new("API_KEY", "", &mut key)], |_| Some(given.expose().to_owned()))
        .map_err(|error| SettingsError::new(error.to_string().replacen("API_KEY", name, 1)))?;
    Ok(match key {
        Some(key) if key.expose() == "!PASSTHRU" => ProviderKey::Passthrough,
        Some(key) if key.expose().starts_with('!') => {
            return Err(SettingsError::new(format!("{name} is not understood: allowed are a key and !PASSTHRU")));
        }
        Some(key) => ProviderKey::Own(key),
        None => ProviderKey::None,
    })
}
