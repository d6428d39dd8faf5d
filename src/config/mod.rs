//! Settings, from code or from the environment.
//!
//! `from_env` takes each variable that is set, keeps the default of each that is not, and refuses what it cannot read: a
//! wrong value is a [`ConfigError`] that names the variable, what was given and what is allowed.

use std::{fmt, time::Duration};

/// A setting whose value cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    variable: String,
    value: String,
    allowed: &'static str,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={:?} is not understood: {}", self.variable, self.value, self.allowed)
    }
}

impl std::error::Error for ConfigError {}

/// What the tracker keeps, and for how long.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TrackerConfig {
    /// Track requests at all (`LOG_REQUEST_METRICS`). Off, the layer passes everything through.
    pub enabled: bool,
    /// Silence from the upstream after which a response counts as stalled (`VDM_ACTIVE_REQUESTS_STALL_AFTER`, seconds).
    pub stall_after: Duration,
    /// Ended requests between two summary log lines (`LOG_SUMMARY_INTERVAL`); 0: none.
    pub summary_interval: u64,
    /// Errors kept for `/logs`.
    pub max_errors: usize,
    /// Traces kept for `/logs`.
    pub max_traces: usize,
    /// Distinct `(provider, model)` pairs in the totals; later ones are counted together as `other`.
    pub max_keys: usize,
    /// Names that a `name:` in front of a model may mean; the default is a list of well-known providers.
    pub known_providers: Vec<String>,
}

/// Providers whose name in front of a model (`openai:gpt-4o`) is taken for one unless told otherwise. `mistral` is not
/// among them: `mistral:7b` is a model of Ollama's.
const WELL_KNOWN_PROVIDERS: &[&str] = &[
    "anthropic",
    "azure",
    "bedrock",
    "cerebras",
    "cohere",
    "deepseek",
    "fireworks",
    "gemini",
    "google",
    "groq",
    "kimi",
    "moonshot",
    "nanogpt",
    "ollama",
    "openai",
    "openrouter",
    "perplexity",
    "poe",
    "together",
    "vertex",
    "xai",
    "zai",
];

impl Default for TrackerConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            stall_after: Duration::from_secs(10),
            summary_interval: 100,
            max_errors: 100,
            max_traces: 200,
            max_keys: 1024,
            known_providers: WELL_KNOWN_PROVIDERS.iter().map(ToString::to_string).collect(),
        }
    }
}

impl TrackerConfig {
    /// The defaults, changed by what the environment says.
    ///
    /// # Errors
    /// A variable is set to something that is not allowed for it.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_vars(env)
    }

    /// As [`from_env`](Self::from_env), with the variables looked up by `vars`.
    ///
    /// # Errors
    /// A variable is set to something that is not allowed for it.
    pub fn from_vars(vars: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut config = Self::default();
        read(&vars, "LOG_REQUEST_METRICS", &mut config.enabled)?;
        read(&vars, "VDM_ACTIVE_REQUESTS_STALL_AFTER", &mut config.stall_after)?;
        read(&vars, "LOG_SUMMARY_INTERVAL", &mut config.summary_interval)?;
        Ok(config)
    }
}

/// Which other sites' pages may read the monitor.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CorsOrigins {
    /// Every site: `access-control-allow-origin: *`.
    Any,
    /// No other site.
    None,
    /// The sites of the list, given as origins (`https://ops.example`).
    List(Vec<String>),
}

/// What the monitor offers, to whom, and how often.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MonitorConfig {
    /// Offer the stream (`VDM_ACTIVE_REQUESTS_SSE_ENABLED`).
    pub stream_enabled: bool,
    /// Between two samples in `format=update` (`VDM_ACTIVE_REQUESTS_SSE_INTERVAL`, seconds).
    pub interval: Duration,
    /// Between two heartbeats (`VDM_ACTIVE_REQUESTS_SSE_HEARTBEAT`, seconds).
    pub heartbeat: Duration,
    /// Between two samples in `format=delta` (`VDM_ACTIVE_REQUESTS_SSE_DELTA_INTERVAL`, seconds).
    pub delta_interval: Duration,
    /// Streams at a time (`VDM_ACTIVE_REQUESTS_MAX_SUBSCRIBERS`).
    pub max_subscribers: usize,
    /// Who may read from a page of another site (`VDM_ACTIVE_REQUESTS_CORS_ORIGINS`).
    pub cors_origins: CorsOrigins,
    /// Let a key holder end requests (`VDM_ACTIVE_REQUESTS_ALLOW_CANCEL`).
    pub allow_cancel: bool,
    /// Keys, one of which a reader must send; empty: open to everybody who can connect.
    pub keys: Vec<String>,
}

impl Default for MonitorConfig {
    fn default() -> Self {
        Self {
            stream_enabled: true,
            interval: Duration::from_secs(2),
            heartbeat: Duration::from_secs(30),
            delta_interval: Duration::from_millis(250),
            max_subscribers: 1024,
            cors_origins: CorsOrigins::Any,
            allow_cancel: false,
            keys: Vec::new(),
        }
    }
}

impl MonitorConfig {
    /// The defaults, changed by what the environment says. Keys are not read from it.
    ///
    /// # Errors
    /// A variable is set to something that is not allowed for it.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_vars(env)
    }

    /// As [`from_env`](Self::from_env), with the variables looked up by `vars`.
    ///
    /// # Errors
    /// A variable is set to something that is not allowed for it.
    pub fn from_vars(vars: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut config = Self::default();
        read(&vars, "VDM_ACTIVE_REQUESTS_SSE_ENABLED", &mut config.stream_enabled)?;
        read(&vars, "VDM_ACTIVE_REQUESTS_SSE_INTERVAL", &mut config.interval)?;
        read(&vars, "VDM_ACTIVE_REQUESTS_SSE_HEARTBEAT", &mut config.heartbeat)?;
        read(&vars, "VDM_ACTIVE_REQUESTS_SSE_DELTA_INTERVAL", &mut config.delta_interval)?;
        read(&vars, "VDM_ACTIVE_REQUESTS_MAX_SUBSCRIBERS", &mut config.max_subscribers)?;
        read(&vars, "VDM_ACTIVE_REQUESTS_CORS_ORIGINS", &mut config.cors_origins)?;
        read(&vars, "VDM_ACTIVE_REQUESTS_ALLOW_CANCEL", &mut config.allow_cancel)?;
        Ok(config)
    }
}

fn env(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// A kind of value a setting can have.
trait Setting: Sized {
    const ALLOWED: &'static str;
    fn parse(text: &str) -> Option<Self>;
}

fn read<T: Setting>(vars: &impl Fn(&str) -> Option<String>, variable: &str, into: &mut T) -> Result<(), ConfigError> {
    if let Some(value) = vars(variable) {
        *into = T::parse(value.trim()).ok_or_else(|| ConfigError {
            variable: variable.to_owned(),
            value,
            allowed: T::ALLOWED,
        })?;
    }
    Ok(())
}

impl Setting for bool {
    const ALLOWED: &'static str = "allowed are true, false, 1, 0, yes, no, on, off";
    fn parse(text: &str) -> Option<Self> {
        boolean(text)
    }
}

/// Yes or no, in one of four pairs of words and any case.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

impl Setting for Duration {
    const ALLOWED: &'static str = "allowed is a positive number of seconds, such as 2 or 0.5";
    fn parse(text: &str) -> Option<Self> {
        let decimal = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let seconds: f64 = text.parse().ok().filter(|s| decimal && *s > 0.0)?;
        Duration::try_from_secs_f64(seconds).ok().filter(|d| !d.is_zero())
    }
}

impl Setting for u64 {
    const ALLOWED: &'static str = "allowed is a whole number, 0 or more";
    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Setting for usize {
    const ALLOWED: &'static str = "allowed is a whole number, 0 or more";
    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Setting for CorsOrigins {
    const ALLOWED: &'static str =
        "allowed are *, none, or a comma-separated list of origins such as https://ops.example";
    fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::Any);
        }
        if text.eq_ignore_ascii_case("none") {
            return Some(Self::None);
        }
        let origins: Vec<String> = text.split(',').map(|origin| origin.trim().to_owned()).collect();
        let is_origin = |o: &String| {
            o.split_once("://").is_some_and(|(scheme, host)| {
                !scheme.is_empty() && !host.is_empty() && host.bytes().all(|b| b.is_ascii_graphic() && b != b'/')
            })
        };
        origins.iter().all(is_origin).then_some(Self::List(origins))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn monitor(name: &'static str, value: &'static str) -> Result<MonitorConfig, ConfigError> {
        MonitorConfig::from_vars(|asked| (asked == name).then(|| value.to_owned()))
    }

    #[test]
    fn what_is_not_set_keeps_its_default() {
        let config = MonitorConfig::from_vars(|_| None).unwrap();
        assert!(config.stream_enabled);
        assert_eq!(config.interval, Duration::from_secs(2));
        assert_eq!(config.heartbeat, Duration::from_secs(30));
        assert_eq!(config.max_subscribers, 1024);
        let config = TrackerConfig::from_vars(|_| None).unwrap();
        assert!(config.enabled);
        assert_eq!(config.summary_interval, 100);
    }

    #[test]
    fn booleans_come_in_four_pairs_and_any_case() {
        for (text, value) in [
            ("true", true),
            ("1", true),
            ("YES", true),
            ("On", true),
            ("false", false),
            ("0", false),
            ("no", false),
            ("OFF", false),
        ] {
            let read =
                TrackerConfig::from_vars(|name| (name == "LOG_REQUEST_METRICS").then(|| text.to_owned())).unwrap();
            assert_eq!(read.enabled, value, "{text}");
        }
    }

    #[test]
    fn a_wrong_value_names_the_variable_the_value_and_what_is_allowed() {
        for value in ["", "0", "-1", "nan", "inf", "1e3", "two", "0.0000000001"] {
            let error = monitor("VDM_ACTIVE_REQUESTS_SSE_INTERVAL", value).unwrap_err().to_string();
            assert_eq!(
                error,
                format!(
                    "VDM_ACTIVE_REQUESTS_SSE_INTERVAL={value:?} is not understood: allowed is a positive number of seconds, such as 2 or 0.5"
                )
            );
        }
        assert!(monitor("VDM_ACTIVE_REQUESTS_SSE_ENABLED", "maybe").is_err());
        assert!(monitor("VDM_ACTIVE_REQUESTS_MAX_SUBSCRIBERS", "-5").is_err());
        assert!(monitor("VDM_ACTIVE_REQUESTS_CORS_ORIGINS", "ops.example").is_err());
    }

    #[test]
    fn origins_are_all_none_or_a_list() {
        let origins = |value| monitor("VDM_ACTIVE_REQUESTS_CORS_ORIGINS", value).unwrap().cors_origins;
        assert_eq!(origins("*"), CorsOrigins::Any);
        assert_eq!(origins("none"), CorsOrigins::None);
        assert_eq!(
            origins("https://a.example, http://b.example:8080"),
            CorsOrigins::List(vec!["https://a.example".into(), "http://b.example:8080".into()])
        );
    }
}
