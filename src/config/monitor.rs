//! Settings of the monitor.

use std::{fmt, sync::Arc, time::Duration};

use http::request::Parts;

use super::{
    api_keys::{KeyFile, known_among, sent_api_keys},
    cors::CorsOrigins,
    rights::{Right, Rights},
    secret::Secret,
    vars::{ConfigError, Variable, check_env, env, read_variables},
};

/// The settings of the monitor: its routes, the API keys that open them, and the pace of its stream.
///
/// With no API key and no check of one's own, everybody who can connect may read, and so may any page that the operator's browser opens;
/// nobody may cancel.
///
/// ```
/// use active_requests::config::{CorsOrigins, MonitorConfig};
///
/// let config = MonitorConfig::default().keys(["a key"]).cors_origins(CorsOrigins::None);
/// ```
///
/// # API keys and rights
///
/// A key in one of the lists [`scrape_keys`](Self::scrape_keys), [`view_keys`](Self::view_keys) and
/// [`operate_keys`](Self::operate_keys) has that [right](Right), and those that the right includes. The general
/// [`keys`](Self::keys) have the rights to view and to scrape, each only while there is no list for it, and the right to operate only
/// with [`allow_cancel`](Self::allow_cancel). As soon as there is any key, nothing is open. A check of one's own,
/// [`authorize`](Self::authorize), takes the place of all keys.
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
    /// Give the general [`keys`](Self::keys) the right to cancel requests (`VDM_ACTIVE_REQUESTS_ALLOW_CANCEL`), as far as a
    /// [`CancelRequestLayer`](crate::cancel::CancelRequestLayer) makes them cancellable.
    pub allow_cancel: bool,
    /// General API keys: they have each right that has no list of its own, to operate only with [`allow_cancel`](Self::allow_cancel).
    pub keys: Vec<Secret>,
    /// API keys with the right to scrape (`VDM_ACTIVE_REQUESTS_SCRAPE_KEYS`, comma separated).
    pub scrape_keys: Vec<Secret>,
    /// A file with more of them (`VDM_ACTIVE_REQUESTS_SCRAPE_KEYS_FILE`, one key per line).
    pub scrape_keys_file: KeyFile,
    /// API keys with the right to view (`VDM_ACTIVE_REQUESTS_VIEW_KEYS`, comma separated).
    pub view_keys: Vec<Secret>,
    /// A file with more of them (`VDM_ACTIVE_REQUESTS_VIEW_KEYS_FILE`, one key per line).
    pub view_keys_file: KeyFile,
    /// API keys with the right to operate (`VDM_ACTIVE_REQUESTS_OPERATE_KEYS`, comma separated).
    pub operate_keys: Vec<Secret>,
    /// A file with more of them (`VDM_ACTIVE_REQUESTS_OPERATE_KEYS_FILE`, one key per line).
    pub operate_keys_file: KeyFile,
    authorize: Option<Authorize>,
}

/// A user's own check of who may do what.
#[derive(Clone)]
struct Authorize(Arc<dyn Fn(&Parts) -> Rights + Send + Sync>);

impl fmt::Debug for Authorize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authorize(..)")
    }
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
            scrape_keys: Vec::new(),
            scrape_keys_file: KeyFile::default(),
            view_keys: Vec::new(),
            view_keys_file: KeyFile::default(),
            operate_keys: Vec::new(),
            operate_keys_file: KeyFile::default(),
            authorize: None,
        }
    }
}

impl MonitorConfig {
    /// The defaults, changed by what the environment says. The general [`keys`](Self::keys) are not read from it.
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
                "Give the general API key the right to cancel requests",
                &mut self.allow_cancel,
            ),
            Variable::new(
                "VDM_ACTIVE_REQUESTS_SCRAPE_KEYS",
                "API keys that may read GET /metrics and nothing else, comma separated",
                &mut self.scrape_keys,
            ),
            Variable::new(
                "VDM_ACTIVE_REQUESTS_SCRAPE_KEYS_FILE",
                "File with more keys that may read GET /metrics, one per line",
                &mut self.scrape_keys_file,
            ),
            Variable::new(
                "VDM_ACTIVE_REQUESTS_VIEW_KEYS",
                "API keys that may read all of the monitor, comma separated",
                &mut self.view_keys,
            ),
            Variable::new(
                "VDM_ACTIVE_REQUESTS_VIEW_KEYS_FILE",
                "File with more keys that may read all of the monitor, one per line",
                &mut self.view_keys_file,
            ),
            Variable::new(
                "VDM_ACTIVE_REQUESTS_OPERATE_KEYS",
                "API keys that may read all of the monitor and cancel requests, comma separated",
                &mut self.operate_keys,
            ),
            Variable::new(
                "VDM_ACTIVE_REQUESTS_OPERATE_KEYS_FILE",
                "File with more keys that may read all and cancel, one per line",
                &mut self.operate_keys_file,
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

    /// Sets [`scrape_keys`](Self::scrape_keys).
    #[must_use]
    pub fn scrape_keys(mut self, keys: impl IntoIterator<Item = impl Into<Secret>>) -> Self {
        self.scrape_keys = keys.into_iter().map(Into::into).collect();
        self
    }

    /// Sets [`view_keys`](Self::view_keys).
    #[must_use]
    pub fn view_keys(mut self, keys: impl IntoIterator<Item = impl Into<Secret>>) -> Self {
        self.view_keys = keys.into_iter().map(Into::into).collect();
        self
    }

    /// Sets [`operate_keys`](Self::operate_keys).
    #[must_use]
    pub fn operate_keys(mut self, keys: impl IntoIterator<Item = impl Into<Secret>>) -> Self {
        self.operate_keys = keys.into_iter().map(Into::into).collect();
        self
    }

    /// Lets `check` say which rights a request has, in place of all keys. Without any right the answer is `401`, with too few `403`.
    ///
    /// ```
    /// use active_requests::config::{MonitorConfig, Right, Rights};
    ///
    /// let config = MonitorConfig::default().authorize(|parts| match parts.headers.get("x-role") {
    ///     Some(role) if role == "operator" => Rights::none().with(Right::Operate),
    ///     Some(_) => Rights::none().with(Right::View),
    ///     None => Rights::none(),
    /// });
    /// ```
    #[must_use]
    pub fn authorize(mut self, check: impl Fn(&Parts) -> Rights + Send + Sync + 'static) -> Self {
        self.authorize = Some(Authorize(Arc::new(check)));
        self
    }

    /// Returns the rights of a request.
    pub fn rights(&self, request: &Parts) -> Rights {
        if let Some(Authorize(check)) = &self.authorize {
            return check(request);
        }
        let lists = self.lists();
        if self.keys.is_empty() && lists.iter().all(|(_, listed, file)| listed.is_empty() && file.keys().is_empty()) {
            return Rights::none().with(Right::View);
        }
        // Everything given is compared with every key, whichever fits.
        sent_api_keys(&request.headers).fold(Rights::none(), |rights, given| self.with_rights_of(rights, given))
    }

    /// Adds the rights that the API key `given` opens.
    fn with_rights_of(&self, mut rights: Rights, given: &[u8]) -> Rights {
        let general = known_among(&self.keys, given);
        for (right, listed, file) in self.lists() {
            let known = known_among(listed, given) | known_among(file.keys(), given);
            let unlisted = listed.is_empty() && file.keys().is_empty();
            let given_to_all = if right == Right::Operate { self.allow_cancel } else { unlisted };
            if known | (general & given_to_all) {
                rights = rights.with(right);
            }
        }
        rights
    }

    /// Returns the API key that gives a request the right to cancel; with a check of the user's own, the first key that it carries.
    #[cfg(feature = "monitor")]
    pub(crate) fn operating_key<'a>(&self, request: &'a Parts) -> Option<&'a [u8]> {
        sent_api_keys(&request.headers)
            .find(|given| self.authorize.is_some() || self.with_rights_of(Rights::none(), given).may(Right::Operate))
    }

    /// Returns whether it is known who sends `request`: it carries an API key that is known here, whatever its rights, or the user's own
    /// check gives it a right.
    pub fn knows(&self, request: &Parts) -> bool {
        if let Some(Authorize(check)) = &self.authorize {
            return check(request) != Rights::none();
        }
        let lists = self.lists();
        sent_api_keys(&request.headers).fold(false, |known, given| {
            lists.iter().fold(known | known_among(&self.keys, given), |known, (_, listed, file)| {
                known | known_among(listed, given) | known_among(file.keys(), given)
            })
        })
    }

    /// All API keys that open something, whatever their rights.
    pub fn all_keys(&self) -> impl Iterator<Item = &Secret> {
        let listed = self.lists().into_iter().flat_map(|(_, listed, file)| listed.iter().chain(file.keys()));
        self.keys.iter().chain(listed)
    }

    /// Returns whether these settings let anybody read the list of requests. They do not where the only keys are for scraping.
    pub fn can_view(&self) -> bool {
        let is_listed = |wanted| {
            self.lists()
                .iter()
                .any(|(right, listed, file)| *right == wanted && !(listed.is_empty() && file.keys().is_empty()))
        };
        let general = !self.keys.is_empty() || !is_listed(Right::Scrape);
        self.authorize.is_some() || general || is_listed(Right::View) || is_listed(Right::Operate)
    }

    /// Returns whether these settings can give anybody the right to cancel.
    pub fn can_operate(&self) -> bool {
        let general = self.allow_cancel && !self.keys.is_empty();
        let listed = !self.operate_keys.is_empty() || !self.operate_keys_file.keys().is_empty();
        self.authorize.is_some() || general || listed
    }

    /// The lists of keys, by the right that they give.
    fn lists(&self) -> [(Right, &[Secret], &KeyFile); 3] {
        [
            (Right::Scrape, &self.scrape_keys, &self.scrape_keys_file),
            (Right::View, &self.view_keys, &self.view_keys_file),
            (Right::Operate, &self.operate_keys, &self.operate_keys_file),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::InvalidCorsOrigins;

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
    fn a_config_does_not_print_its_keys() {
        let printed = format!("{:?}", MonitorConfig::default().keys(["sk-hidden", "sk-too"]));
        assert!(printed.contains("keys: [Secret(..), Secret(..)]") && !printed.contains("sk-"), "{printed}");
    }

    #[test]
    fn keys_of_a_right_come_from_a_list_and_from_a_file() {
        let path = std::env::temp_dir().join(format!("keys-of-a-right-{}", std::process::id()));
        std::fs::write(&path, "k3\nk4\r\n").unwrap();
        let config = MonitorConfig::from_vars(|name| match name {
            "VDM_ACTIVE_REQUESTS_OPERATE_KEYS" => Some("k1, k2".to_owned()),
            "VDM_ACTIVE_REQUESTS_OPERATE_KEYS_FILE" => Some(path.display().to_string()),
            _ => None,
        });
        std::fs::remove_file(&path).unwrap();
        let config = config.unwrap();
        for (key, expected) in [("k1", true), ("k2", true), ("k3", true), ("k4", true), ("k1, k2", false), ("k", false)]
        {
            let (parts, ()) = http::Request::builder().header("x-api-key", key).body(()).unwrap().into_parts();
            assert_eq!(config.rights(&parts).may(Right::Operate), expected, "{key}");
            assert_eq!(config.knows(&parts), expected, "{key}");
        }
        assert!(config.can_operate());
        assert!(!format!("{config:?}").contains("k3"), "{config:?}");
    }
}
