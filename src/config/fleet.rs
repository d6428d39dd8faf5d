//! Settings of the fleet.

use std::time::Duration;

use super::{
    secret::Secret,
    vars::{ConfigError, Value, Variable, check_env, env, read_variables},
};

/// The settings of the fleet: the bus over which replicas reach each other, and how they name themselves there.
///
/// ```
/// use active_requests::config::FleetConfig;
///
/// let config = FleetConfig::default().url("nats://nats.internal:4222".parse()?).name("production".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FleetConfig {
    /// Address of the server that carries the messages (`VDM_ACTIVE_REQUESTS_FLEET_URL`): `nats://`, `tls://`, `redis://` or `rediss://`. It
    /// may hold a password, and is not shown.
    pub url: Option<FleetUrl>,
    /// The fleet (`VDM_ACTIVE_REQUESTS_FLEET_NAME`). Replicas of one name see each other.
    pub name: FleetName,
    /// The name of this replica (`VDM_ACTIVE_REQUESTS_FLEET_REPLICA`); by default the environment's `HOSTNAME`, else the tracker's epoch. Cut at
    /// 64 bytes.
    pub replica: Option<String>,
    /// Time from one sample of counters to the next, for other replicas (`VDM_ACTIVE_REQUESTS_FLEET_INTERVAL`, seconds).
    pub interval: Duration,
    /// Silence after which a replica's rows count as stale (`VDM_ACTIVE_REQUESTS_FLEET_STALE_AFTER`, seconds).
    pub stale_after: Duration,
    /// Silence after which a replica's rows are removed (`VDM_ACTIVE_REQUESTS_FLEET_GONE_AFTER`, seconds).
    pub gone_after: Duration,
    /// Requests in flight in the whole fleet above which its viewers are shown sums instead of rows (`VDM_ACTIVE_REQUESTS_FLEET_MAX_ROWS`).
    pub max_rows: usize,
    /// A file of credentials for NATS (`VDM_ACTIVE_REQUESTS_FLEET_CREDENTIALS`).
    pub credentials: Option<String>,
    /// A PEM file of certificate authorities to trust for the server, instead of the public ones (`VDM_ACTIVE_REQUESTS_FLEET_CA_FILE`).
    pub ca_file: Option<String>,
}

/// The name of a fleet: 1 to 32 letters, digits, `-` and `_`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetName(String);

impl FleetName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for FleetName {
    fn default() -> Self {
        Self("default".to_owned())
    }
}

/// The address of a server that carries messages: `nats://`, `tls://` (NATS), `redis://` or `rediss://`, and a host. It may hold a
/// password: `Debug` does not print it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetUrl(Secret);

impl FleetUrl {
    /// The address itself. Mind where it goes.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// The part before `://`.
    pub fn scheme(&self) -> &str {
        self.expose().split_once("://").map_or("", |(scheme, _)| scheme)
    }
}

/// Text that is not the address of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidFleetUrl;

impl std::fmt::Display for InvalidFleetUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(FLEET_URL)
    }
}

impl std::error::Error for InvalidFleetUrl {}

const FLEET_URL: &str =
    "allowed is nats://, tls://, redis:// or rediss:// and a host, such as nats://nats.internal:4222";

impl std::str::FromStr for FleetUrl {
    type Err = InvalidFleetUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (scheme, rest) = text.split_once("://").ok_or(InvalidFleetUrl)?;
        let known = matches!(scheme, "nats" | "tls" | "redis" | "rediss");
        let plain = !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_graphic());
        (known && plain).then(|| Self(text.into())).ok_or(InvalidFleetUrl)
    }
}

impl Value for Option<FleetUrl> {
    fn set(&mut self, text: &str) -> Result<(), &'static str> {
        *self = Some(text.parse().map_err(|InvalidFleetUrl| FLEET_URL)?);
        Ok(())
    }

    fn text(&self) -> String {
        String::new()
    }

    fn placeholder(&self) -> &'static str {
        "URL"
    }

    fn is_secret(&self) -> bool {
        true
    }
}

/// Text that is not the name of a fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidFleetName;

impl std::fmt::Display for InvalidFleetName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(FLEET_NAME)
    }
}

impl std::error::Error for InvalidFleetName {}

const FLEET_NAME: &str = "allowed are 1 to 32 of the characters A-Z, a-z, 0-9, _ and -";

impl std::str::FromStr for FleetName {
    type Err = InvalidFleetName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        let valid = (1..=32).contains(&text.len()) && text.bytes().all(allowed);
        valid.then(|| Self(text.to_owned())).ok_or(InvalidFleetName)
    }
}

impl Value for FleetName {
    fn set(&mut self, text: &str) -> Result<(), &'static str> {
        *self = text.parse().map_err(|InvalidFleetName| FLEET_NAME)?;
        Ok(())
    }

    fn text(&self) -> String {
        self.0.clone()
    }

    fn placeholder(&self) -> &'static str {
        "NAME"
    }
}

/// Values of [`FleetConfig`] that do not go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidFleetTimes;

impl std::fmt::Display for InvalidFleetTimes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(
            "VDM_ACTIVE_REQUESTS_FLEET_STALE_AFTER must be 3 seconds or more, VDM_ACTIVE_REQUESTS_FLEET_GONE_AFTER twice that or more, and \
             VDM_ACTIVE_REQUESTS_FLEET_INTERVAL from 0.25 to 5 seconds",
        )
    }
}

impl std::error::Error for InvalidFleetTimes {}

impl Default for FleetConfig {
    fn default() -> Self {
        Self {
            url: None,
            name: FleetName::default(),
            replica: None,
            interval: Duration::from_secs(1),
            stale_after: Duration::from_secs(5),
            gone_after: Duration::from_secs(10),
            max_rows: 20_000,
            credentials: None,
            ca_file: None,
        }
    }
}

impl FleetConfig {
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
            Variable::new(
                "VDM_ACTIVE_REQUESTS_FLEET_URL",
                "Server that carries the messages between replicas: nats://, tls://, redis:// or rediss://",
                &mut self.url,
            ),
            Variable::new(
                "VDM_ACTIVE_REQUESTS_FLEET_NAME",
                "The fleet; replicas of one name see each other",
                &mut self.name,
            ),
            Variable::new(
                "VDM_ACTIVE_REQUESTS_FLEET_REPLICA",
                "The name of this replica; by default the host's",
                &mut self.replica,
            ),
            Variable::new(
                "VDM_ACTIVE_REQUESTS_FLEET_INTERVAL",
                "Time from one sample of counters to the next, for other replicas",
                &mut self.interval,
            ),
            Variable::new(
                "VDM_ACTIVE_REQUESTS_FLEET_STALE_AFTER",
                "Silence after which a replica's rows count as stale",
                &mut self.stale_after,
            ),
            Variable::new(
                "VDM_ACTIVE_REQUESTS_FLEET_GONE_AFTER",
                "Silence after which a replica's rows are removed",
                &mut self.gone_after,
            ),
            Variable::new(
                "VDM_ACTIVE_REQUESTS_FLEET_MAX_ROWS",
                "Requests in flight in the whole fleet above which sums are shown instead of rows",
                &mut self.max_rows,
            ),
            Variable::new(
                "VDM_ACTIVE_REQUESTS_FLEET_CREDENTIALS",
                "File of credentials for NATS",
                &mut self.credentials,
            ),
            Variable::new(
                "VDM_ACTIVE_REQUESTS_FLEET_CA_FILE",
                "PEM file of certificate authorities to trust for the server, instead of the public ones",
                &mut self.ca_file,
            ),
        ]
    }

    /// Sets [`url`](Self::url).
    #[must_use]
    pub fn url(mut self, url: FleetUrl) -> Self {
        self.url = Some(url);
        self
    }

    /// Sets [`name`](Self::name).
    #[must_use]
    pub fn name(mut self, name: FleetName) -> Self {
        self.name = name;
        self
    }

    /// Sets [`replica`](Self::replica).
    #[must_use]
    pub fn replica(mut self, replica: impl Into<String>) -> Self {
        self.replica = Some(replica.into());
        self
    }

    /// Sets [`interval`](Self::interval).
    #[must_use]
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Sets [`stale_after`](Self::stale_after) and [`gone_after`](Self::gone_after).
    #[must_use]
    pub fn silence(mut self, stale_after: Duration, gone_after: Duration) -> Self {
        (self.stale_after, self.gone_after) = (stale_after, gone_after);
        self
    }

    /// Sets [`max_rows`](Self::max_rows).
    #[must_use]
    pub fn max_rows(mut self, max: usize) -> Self {
        self.max_rows = max;
        self
    }

    /// The name of a setting that is not as by default and of no use, since there is no [`url`](Self::url).
    pub fn set_in_vain(&self) -> Option<&'static str> {
        if self.url.is_some() {
            return None;
        }
        let (mut given, mut default) = (self.clone(), Self::default());
        let settings = given.variables().into_iter().zip(default.variables());
        let mut changed = settings.filter(|(given, default)| given.value.text() != default.value.text());
        changed.next().map(|(given, _)| given.name)
    }

    /// Checks that the times go together.
    ///
    /// # Errors
    /// `stale_after` is below 3 s, `gone_after` below twice that, or `interval` is not from 0.25 s to 5 s.
    pub fn check(&self) -> Result<(), InvalidFleetTimes> {
        let fits = self.stale_after >= Duration::from_secs(3)
            && self.gone_after >= 2 * self.stale_after
            && (Duration::from_millis(250)..=Duration::from_secs(5)).contains(&self.interval);
        fits.then_some(()).ok_or(InvalidFleetTimes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fleet(name: &'static str, value: &'static str) -> Result<FleetConfig, ConfigError> {
        FleetConfig::from_vars(|asked| (asked == name).then(|| value.to_owned()))
    }

    #[test]
    fn a_fleets_name_has_no_character_that_a_topic_could_not_hold() {
        let name = |value| fleet("VDM_ACTIVE_REQUESTS_FLEET_NAME", value);
        assert_eq!(name("prod_eu-1").unwrap().name.as_str(), "prod_eu-1");
        for wrong in ["", "a.b", "a b", "*", "an-name-that-is-longer-than-32-chars"] {
            let error = name(wrong).unwrap_err().to_string();
            assert!(error.ends_with(FLEET_NAME), "{error}");
        }
    }

    #[test]
    fn an_address_names_an_engine_and_is_not_shown() {
        let url = |value| fleet("VDM_ACTIVE_REQUESTS_FLEET_URL", value);
        for right in ["nats://h:4222", "tls://h", "redis://u:hidden@h", "rediss://h/0"] {
            let config = url(right).unwrap();
            assert!(!format!("{config:?}").contains("hidden"), "{config:?}");
        }
        for wrong in ["", "h:4222", "http://u:hidden@h", "nats://", "nats:// h"] {
            let error = url(wrong).unwrap_err().to_string();
            assert!(error.ends_with(FLEET_URL) && !error.contains("hidden"), "{error}");
        }
    }

    #[test]
    fn a_setting_without_an_address_is_named() {
        assert_eq!(FleetConfig::default().set_in_vain(), None);
        let config = FleetConfig::default().replica("a");
        assert_eq!(config.set_in_vain(), Some("VDM_ACTIVE_REQUESTS_FLEET_REPLICA"));
        assert_eq!(config.url("nats://h".parse().unwrap()).set_in_vain(), None);
        let config = fleet("VDM_ACTIVE_REQUESTS_FLEET_CREDENTIALS", "/a").unwrap();
        assert_eq!(config.set_in_vain(), Some("VDM_ACTIVE_REQUESTS_FLEET_CREDENTIALS"));
    }

    #[test]
    fn times_that_do_not_go_together_are_refused() {
        let seconds = Duration::from_secs;
        assert_eq!(FleetConfig::default().check(), Ok(()));
        for (stale, gone, interval) in [(2, 10, 1), (5, 9, 1), (5, 10, 6)] {
            let config = FleetConfig::default().silence(seconds(stale), seconds(gone)).interval(seconds(interval));
            assert_eq!(config.check(), Err(InvalidFleetTimes), "{stale} {gone} {interval}");
        }
    }
}
