//! Settings of the tracker.

use std::time::Duration;

use super::{
    caller::CallerSource,
    labels::LabelSources,
    secret::Secret,
    vars::{ConfigError, Variable, check_env, env, read_variables},
};

/// The settings of a tracker.
///
/// ```
/// use active_requests::{RequestTracker, TrackerConfig};
/// use std::time::Duration;
///
/// let config = TrackerConfig::default().stall_after(Duration::from_secs(30)).max_traces(1000);
/// let tracker = RequestTracker::new(config);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TrackerConfig {
    /// Track requests at all (`LOG_REQUEST_METRICS`). Off, the layer passes everything through.
    pub enabled: bool,
    /// Silence from the upstream, before the response head or after it, after which a request counts as stalled
    /// (`VDM_ACTIVE_REQUESTS_STALL_AFTER`, seconds).
    pub stall_after: Duration,
    /// Ended requests between two summary log lines (`LOG_SUMMARY_INTERVAL`); 0: none.
    pub summary_interval: u64,
    /// Errors kept for `/logs` (`VDM_ACTIVE_REQUESTS_MAX_ERRORS`).
    pub max_errors: usize,
    /// Traces kept for `/logs` (`VDM_ACTIVE_REQUESTS_MAX_TRACES`).
    pub max_traces: usize,
    /// Refused requests kept for `/logs` (`VDM_ACTIVE_REQUESTS_MAX_REFUSALS`).
    pub max_refusals: usize,
    /// Distinct `(provider, model)` pairs in the totals; later ones are counted together as `other`.
    pub max_keys: usize,
    /// Provider names accepted as a `provider:` prefix of a model; the default is a list of well-known providers.
    pub known_providers: Vec<String>,
    /// Where a request's `caller` comes from (`VDM_ACTIVE_REQUESTS_CALLER`: `key` or `header:NAME`).
    pub caller: CallerSource,
    /// Key of the hash that [`CallerSource::Key`] shows, so that replicas agree (`VDM_ACTIVE_REQUESTS_CALLER_SALT`). By default one is
    /// drawn by each tracker.
    pub caller_salt: Option<Secret>,
    /// Texts that nothing shows: wherever one of them stands in what is told of a request, percent-encoded or not, `***` is shown in its
    /// place. For API keys, which servers repeat in their errors. One of less than eight bytes is not looked for.
    pub secrets: Vec<Secret>,
    /// The headers and the values of the body that are shown as labels (`VDM_ACTIVE_REQUESTS_LABELS`, comma separated).
    pub labels: LabelSources,
}

/// Provider names accepted as a prefix of a model (`openai:gpt-4o`) by default. `mistral` is not among them: `mistral:7b` is a
/// model of Ollama's.
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
            max_refusals: 50,
            max_keys: 1024,
            known_providers: WELL_KNOWN_PROVIDERS.iter().map(ToString::to_string).collect(),
            caller: CallerSource::default(),
            caller_salt: None,
            secrets: Vec::new(),
            labels: LabelSources::default(),
        }
    }
}

impl TrackerConfig {
    /// The defaults, changed by what the environment says.
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
            Variable::new("LOG_REQUEST_METRICS", "Track requests at all", &mut self.enabled),
            Variable::new(
                "LOG_SUMMARY_INTERVAL",
                "Ended requests between two summary lines in the log; 0: none",
                &mut self.summary_interval,
            ),
            Variable::new(
                "VDM_ACTIVE_REQUESTS_STALL_AFTER",
                "Silence of an upstream after which a request counts as stalled",
                &mut self.stall_after,
            ),
            Variable::new("VDM_ACTIVE_REQUESTS_MAX_ERRORS", "Errors kept for the logs", &mut self.max_errors),
            Variable::new("VDM_ACTIVE_REQUESTS_MAX_TRACES", "Ended requests kept for the logs", &mut self.max_traces),
            Variable::new(
                "VDM_ACTIVE_REQUESTS_MAX_REFUSALS",
                "Refused requests kept for the logs",
                &mut self.max_refusals,
            ),
            Variable::new(
                "VDM_ACTIVE_REQUESTS_CALLER",
                "Show who calls: key (a hash of the client's credential) or header:NAME",
                &mut self.caller,
            ),
            Variable::new(
                "VDM_ACTIVE_REQUESTS_CALLER_SALT",
                "Key of the hash that shows who calls, so that replicas agree",
                &mut self.caller_salt,
            ),
            Variable::new(
                "VDM_ACTIVE_REQUESTS_LABELS",
                "Request headers to show as labels, and body:PATH for values of the body's JSON, comma separated",
                &mut self.labels,
            ),
        ]
    }

    /// Sets [`enabled`](Self::enabled).
    #[must_use]
    pub fn enabled(mut self, yes: bool) -> Self {
        self.enabled = yes;
        self
    }

    /// Sets [`stall_after`](Self::stall_after).
    #[must_use]
    pub fn stall_after(mut self, silence: Duration) -> Self {
        self.stall_after = silence;
        self
    }

    /// Sets [`summary_interval`](Self::summary_interval).
    #[must_use]
    pub fn summary_interval(mut self, requests: u64) -> Self {
        self.summary_interval = requests;
        self
    }

    /// Sets [`max_errors`](Self::max_errors).
    #[must_use]
    pub fn max_errors(mut self, n: usize) -> Self {
        self.max_errors = n;
        self
    }

    /// Sets [`max_traces`](Self::max_traces).
    #[must_use]
    pub fn max_traces(mut self, n: usize) -> Self {
        self.max_traces = n;
        self
    }

    /// Sets [`max_refusals`](Self::max_refusals).
    #[must_use]
    pub fn max_refusals(mut self, n: usize) -> Self {
        self.max_refusals = n;
        self
    }

    /// Sets [`max_keys`](Self::max_keys).
    #[must_use]
    pub fn max_keys(mut self, n: usize) -> Self {
        self.max_keys = n;
        self
    }

    /// Sets [`known_providers`](Self::known_providers), in place of the well-known ones.
    #[must_use]
    pub fn known_providers(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.known_providers = names.into_iter().map(Into::into).collect();
        self
    }

    /// Sets [`caller`](Self::caller).
    #[must_use]
    pub fn caller(mut self, source: CallerSource) -> Self {
        self.caller = source;
        self
    }

    /// Sets [`caller_salt`](Self::caller_salt).
    #[must_use]
    pub fn caller_salt(mut self, salt: impl Into<Secret>) -> Self {
        self.caller_salt = Some(salt.into());
        self
    }

    /// Sets [`secrets`](Self::secrets).
    #[must_use]
    pub fn secrets(mut self, secrets: impl IntoIterator<Item = impl Into<Secret>>) -> Self {
        self.secrets = secrets.into_iter().map(Into::into).collect();
        self
    }

    /// Sets [`labels`](Self::labels).
    #[must_use]
    pub fn labels(mut self, sources: LabelSources) -> Self {
        self.labels = sources;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_is_not_set_keeps_the_default() {
        let config = TrackerConfig::from_vars(|_| None).unwrap();
        assert!(config.enabled);
        assert_eq!(config.summary_interval, 100);
        let vars = |name: &str| (name == "LOG_REQUEST_METRICS").then(|| "Off".to_owned());
        assert!(!TrackerConfig::from_vars(vars).unwrap().enabled);
        assert_eq!((config.max_errors, config.max_traces), (100, 200));
        let config = TrackerConfig::from_vars(|name| name.contains("MAX_").then(|| "7".to_owned())).unwrap();
        assert_eq!((config.max_errors, config.max_traces), (7, 7));
    }
}
