//! Settings of the monitor.

use std::{fmt, str::FromStr, time::Duration};

use super::{
    secret::Secret,
    vars::{ConfigError, Value, Variable, check_env, env, read_variables},
};

/// The other sites whose pages may read the monitor.
///
/// ```
/// use active_requests::config::CorsOrigins;
///
/// let origins: CorsOrigins = "https://ops.example, http://localhost:8080".parse()?;
/// assert!(origins.allows("https://ops.example") && !origins.allows("https://other.example"));
/// # Ok::<(), active_requests::config::InvalidCorsOrigins>(())
/// ```
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

impl CorsOrigins {
    /// Whether a page of `origin`, written as browsers send it, may read.
    pub fn allows(&self, origin: &str) -> bool {
        match self {
            Self::Any => true,
            Self::None => false,
            Self::List(list) => list.iter().any(|listed| without_slash(listed).eq_ignore_ascii_case(origin)),
        }
    }
}

/// An origin as browsers send it: without the slash that addresses end with.
fn without_slash(origin: &str) -> &str {
    origin.strip_suffix('/').unwrap_or(origin)
}

/// Text that is no [`CorsOrigins`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidCorsOrigins;

impl fmt::Display for InvalidCorsOrigins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ALLOWED)
    }
}

impl std::error::Error for InvalidCorsOrigins {}

impl FromStr for CorsOrigins {
    type Err = InvalidCorsOrigins;

    /// Reads `*`, `none`, or a comma-separated list of origins.
    fn from_str(text: &str) -> Result<Self, InvalidCorsOrigins> {
        let text = text.trim();
        if text == "*" {
            return Ok(Self::Any);
        }
        if text.eq_ignore_ascii_case("none") {
            return Ok(Self::None);
        }
        let origins: Vec<String> = text.split(',').map(|origin| without_slash(origin.trim()).to_owned()).collect();
        let is_origin = |o: &String| {
            o.split_once("://").is_some_and(|(scheme, host)| {
                !scheme.is_empty() && !host.is_empty() && host.bytes().all(|b| b.is_ascii_graphic() && b != b'/')
            })
        };
        if origins.iter().all(is_origin) { Ok(Self::List(origins)) } else { Err(InvalidCorsOrigins) }
    }
}

const ALLOWED: &str = "allowed are *, none, or a comma-separated list of origins such as https://ops.example";

impl Value for CorsOrigins {
    fn set(&mut self, text: &str) -> Result<(), &'static str> {
        *self = text.parse().map_err(|_| ALLOWED)?;
        Ok(())
    }

    fn text(&self) -> String {
        match self {
            Self::Any => "*".to_owned(),
            Self::None => "none".to_owned(),
            Self::List(origins) => origins.join(","),
        }
    }

    fn placeholder(&self) -> &'static str {
        "LIST"
    }
}

/// What the monitor offers, to whom, and how often.
///
/// With neither [`keys`](Self::keys) nor [`cors_origins`](Self::cors_origins) set, everybody who can connect may read, and so
/// may any page that the operator's browser opens.
///
/// ```
/// use active_requests::config::{CorsOrigins, MonitorConfig};
///
/// let config = MonitorConfig::default().keys(["a key"]).cors_origins(CorsOrigins::None);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MonitorConfig {
    /// Offer the stream (`VDM_ACTIVE_REQUESTS_SSE_ENABLED`).
    pub stream_enabled: bool,
    /// Time from one sample of `format=update` to the next (`VDM_ACTIVE_REQUESTS_SSE_INTERVAL`, seconds).
    pub interval: Duration,
    /// Time from one heartbeat to the next (`VDM_ACTIVE_REQUESTS_SSE_HEARTBEAT`, seconds).
    pub heartbeat: Duration,
    /// Time from one sample of `format=delta` to the next (`VDM_ACTIVE_REQUESTS_SSE_DELTA_INTERVAL`, seconds).
    pub delta_interval: Duration,
    /// Streams at a time (`VDM_ACTIVE_REQUESTS_MAX_SUBSCRIBERS`).
    pub max_subscribers: usize,
    /// The other sites whose pages may read (`VDM_ACTIVE_REQUESTS_CORS_ORIGINS`).
    pub cors_origins: CorsOrigins,
    /// Let a client that sends one of the keys cancel requests (`VDM_ACTIVE_REQUESTS_ALLOW_CANCEL`). In this version no request can be
    /// cancelled: with this set and [`keys`](Self::keys), the answer to `DELETE` is `409` in place of `403`.
    pub allow_cancel: bool,
    /// API keys, one of which a client must send; empty: open to everybody who can connect.
    pub keys: Vec<Secret>,
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
    /// The defaults, changed by what the environment says. API keys are not read from it.
    ///
    /// # Errors
    /// A variable is set to something that is not allowed for it, or a name that begins with `VDM_ACTIVE_REQUESTS_` is unknown.
    pub fn from_env() -> Result<Self, ConfigError> {
        check_env()?;
        Self::from_vars(env)
    }

    /// As [`from_env`](Self::from_env), with the variables looked up by `vars`.
    ///
    /// # Errors
    /// A variable is set to something that is not allowed for it. Unknown names are not noticed: see
    /// [`check_names`](super::check_names).
    pub fn from_vars(vars: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut config = Self::default();
        read_variables(config.variables(), vars)?;
        Ok(config)
    }

    /// The settings that can be set by a variable, with their values here.
    pub fn variables(&mut self) -> Vec<Variable<'_>> {
        vec![
            Variable::new(
                "VDM_ACTIVE_REQUESTS_SSE_ENABLED",
                "Offer the stream of the live list",
                &mut self.stream_enabled,
            ),
            Variable::new(
                "VDM_ACTIVE_REQUESTS_SSE_INTERVAL",
                "Time from one sample of the stream to the next",
                &mut self.interval,
            ),
            Variable::new(
                "VDM_ACTIVE_REQUESTS_SSE_HEARTBEAT",
                "Time from one heartbeat of the stream to the next",
                &mut self.heartbeat,
            ),
            Variable::new(
                "VDM_ACTIVE_REQUESTS_SSE_DELTA_INTERVAL",
                "Time from one sample of the stream of changes to the next",
                &mut self.delta_interval,
            ),
            Variable::new("VDM_ACTIVE_REQUESTS_MAX_SUBSCRIBERS", "Streams at a time", &mut self.max_subscribers),
            Variable::new(
                "VDM_ACTIVE_REQUESTS_CORS_ORIGINS",
                "Other sites whose pages may read the monitor: *, none, or a list of origins",
                &mut self.cors_origins,
            ),
            Variable::new(
                "VDM_ACTIVE_REQUESTS_ALLOW_CANCEL",
                "Allow holders of an API key to cancel requests (no request can be cancelled in this version)",
                &mut self.allow_cancel,
            ),
        ]
    }

    /// Sets [`stream_enabled`](Self::stream_enabled).
    #[must_use]
    pub fn stream_enabled(mut self, yes: bool) -> Self {
        self.stream_enabled = yes;
        self
    }

    /// Sets [`interval`](Self::interval).
    #[must_use]
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Sets [`heartbeat`](Self::heartbeat).
    #[must_use]
    pub fn heartbeat(mut self, interval: Duration) -> Self {
        self.heartbeat = interval;
        self
    }

    /// Sets [`delta_interval`](Self::delta_interval).
    #[must_use]
    pub fn delta_interval(mut self, interval: Duration) -> Self {
        self.delta_interval = interval;
        self
    }

    /// Sets [`max_subscribers`](Self::max_subscribers).
    #[must_use]
    pub fn max_subscribers(mut self, n: usize) -> Self {
        self.max_subscribers = n;
        self
    }

    /// Sets [`cors_origins`](Self::cors_origins).
    #[must_use]
    pub fn cors_origins(mut self, origins: CorsOrigins) -> Self {
        self.cors_origins = origins;
        self
    }

    /// Sets [`allow_cancel`](Self::allow_cancel).
    #[must_use]
    pub fn allow_cancel(mut self, yes: bool) -> Self {
        self.allow_cancel = yes;
        self
    }

    /// Sets [`keys`](Self::keys).
    #[must_use]
    pub fn keys(mut self, keys: impl IntoIterator<Item = impl Into<Secret>>) -> Self {
        self.keys = keys.into_iter().map(Into::into).collect();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn monitor(name: &'static str, value: &'static str) -> Result<MonitorConfig, ConfigError> {
        MonitorConfig::from_vars(|asked| (asked == name).then(|| value.to_owned()))
    }

    #[test]
    fn a_variable_that_is_not_set_keeps_the_default() {
        let config = MonitorConfig::from_vars(|_| None).unwrap();
        assert!(config.stream_enabled);
        assert_eq!(config.interval, Duration::from_secs(2));
        assert_eq!(config.heartbeat, Duration::from_secs(30));
        assert_eq!(config.max_subscribers, 1024);
    }

    #[test]
    fn a_wrong_value_names_the_variable_the_value_and_what_is_allowed() {
        for value in ["", "0", "-1", "nan", "inf", "1e3", "two", "0.0000000001"] {
            let error = monitor("VDM_ACTIVE_REQUESTS_SSE_INTERVAL", value).unwrap_err().to_string();
            assert_eq!(
                error,
                format!(
                    "VDM_ACTIVE_REQUESTS_SSE_INTERVAL={value:?} is not understood: allowed is a number of seconds above 0 and up to a year, such as 2 or 0.5"
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
            origins("https://a.example/, http://b.example:8080"),
            CorsOrigins::List(vec!["https://a.example".into(), "http://b.example:8080".into()])
        );
        assert_eq!("https://a.example/path".parse::<CorsOrigins>(), Err(InvalidCorsOrigins));
    }

    #[test]
    fn an_origin_may_be_listed_with_a_trailing_slash() {
        let origins = CorsOrigins::List(vec!["https://a.example/".into(), "https://b.example".into()]);
        for (origin, allowed) in [
            ("https://a.example", true),
            ("https://b.example", true),
            ("https://a.example.org", false),
            ("http://a.example", false),
            ("null", false),
        ] {
            assert_eq!(origins.allows(origin), allowed, "{origin}");
        }
    }

    #[test]
    fn a_config_does_not_print_its_keys() {
        let printed = format!("{:?}", MonitorConfig::default().keys(["sk-hidden", "sk-too"]));
        assert!(printed.contains("keys: [Secret(..), Secret(..)]") && !printed.contains("sk-"), "{printed}");
    }
}
