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

/// The names of the well-known providers.
pub(super) fn well_known() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().map(|known| known.name)
}

/// The first parts of paths that are routes of the proxy itself.
const RESERVED: [&str; 4] = ["v1", "metrics", "dashboard", "health"];

/// The settings of one provider, as they were given.
#[derive(Debug, Default)]
struct ProviderSettings {
    key: Option<Secret>,
    base_url: Option<String>,
    format: Option<String>,
    /// A table of the file is about it.
    in_file: bool,
    /// The variable of it that is no UTF-8 text.
    unreadable: Option<String>,
}

impl ProviderSettings {
    /// Whether these settings are meant for this program: another one's variables may have names like these.
    fn is_meant(&self, name: &str) -> bool {
        let is_known = KNOWN.iter().any(|known| known.name == name);
        self.in_file || is_known || (self.key.is_some() && self.base_url.is_some())
    }

    fn set(&mut self, key: &str, value: &Secret) {
        match key {
            "API_KEY" => self.key = Some(value.clone()),
            "BASE_URL" => self.base_url = Some(value.expose().to_owned()),
            "API_FORMAT" => self.format = Some(value.expose().to_owned()),
            _ => {}
        }
    }
}

/// The providers of the settings, sorted by name.
///
/// # Errors
/// A value that cannot be used, or a name that is a route of the proxy, where it is certain that a provider is meant.
pub fn configured(sources: &Sources) -> Result<Vec<Provider>, SettingsError> {
    let all = read(sources);
    let mut providers = Vec::new();
    for (name, settings) in &all {
        let upper = name.to_ascii_uppercase();
        match provider(name, settings) {
            Ok(Some(provider)) => providers.push(provider),
            Ok(None) if settings.in_file => {
                return Err(SettingsError::new(format!(
                    "[providers.{name}] is no provider: set its base_url, or the api_key of a well-known one"
                )));
            }
            Ok(None) if settings.key.is_some() => tracing::warn!(
                "{upper}_API_KEY is set, but not where {name:?} is: set {upper}_BASE_URL to have it as a provider"
            ),
            Ok(None) if settings.format.is_some() => {
                tracing::warn!(
                    "{upper}_API_FORMAT is about {name:?}, which is no provider. It may be another program's"
                )
            }
            Ok(None) => {}
            Err(wrong) if settings.is_meant(name) => return Err(wrong),
            Err(wrong) => tracing::warn!("{wrong}. It may be another program's: {name:?} is no provider"),
        }
    }
    let names: Vec<&str> = providers.iter().map(|provider| provider.name.as_str()).collect();
    for (name, settings) in all.iter().filter(|(name, of)| of.format.is_some() && !names.contains(&name.as_str())) {
        if let Some(nearest) = misspelt(name, names.iter().copied()).filter(|_| !settings.is_meant(name)) {
            return Err(SettingsError::new(format!(
                "{}_API_FORMAT is about no provider: the nearest one is {nearest}",
                name.to_ascii_uppercase()
            )));
        }
    }
    Ok(providers)
}

/// The one of `names` that was meant, if `name` is a typing error.
pub(super) fn misspelt<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const MAX_TYPOS: usize = 2;
    let distance = |known: &&str| strsim::damerau_levenshtein(&name.to_ascii_lowercase(), known);
    // Of a short name two other letters make another name.
    names
        .into_iter()
        .filter(|_| name.len() > 2 * MAX_TYPOS)
        .min_by_key(distance)
        .filter(|near| distance(near) <= MAX_TYPOS)
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
fn read(sources: &Sources) -> BTreeMap<String, ProviderSettings> {
    let mut all = BTreeMap::<String, ProviderSettings>::new();
    for (path, value) in sources.file() {
        let [table, provider, key, ..] = path else { continue };
        if table == "providers" {
            let settings = all.entry(provider.to_ascii_lowercase()).or_default();
            settings.in_file = true;
            settings.set(&key.to_ascii_uppercase(), value);
        }
    }
    for (name, value) in sources.environment() {
        let keys = ["_API_KEY", "_BASE_URL", "_API_FORMAT"];
        let Some((provider, key)) = keys.iter().find_map(|key| Some((name.strip_suffix(key)?, &key[1..]))) else {
            continue;
        };
        let settings = all.entry(provider.to_ascii_lowercase()).or_default();
        match value {
            Some(value) => settings.set(key, value),
            None => settings.unreadable = Some(name.to_owned()),
        }
    }
    all
}

/// A provider by its settings; `None` if its address is not known.
fn provider(name: &str, settings: &ProviderSettings) -> Result<Option<Provider>, SettingsError> {
    let upper = name.to_ascii_uppercase();
    let known = KNOWN.iter().find(|known| known.name == name);
    if let Some(variable) = &settings.unreadable {
        return Err(SettingsError::new(format!("{variable} is no UTF-8 text")));
    }
    if settings.key.is_none() && settings.base_url.is_none() {
        return Ok(None);
    }
    if RESERVED.contains(&name) {
        return Err(SettingsError::new(format!(
            "{upper}_API_KEY or {upper}_BASE_URL makes {name:?} a provider, but /{name}/ is a route of the proxy itself: \
             allowed is any other name"
        )));
    }
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
