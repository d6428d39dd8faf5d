//! Reads settings from variables: which there are, what their values may be, and what is said of a wrong one.

use std::{fmt, time::Duration};

/// Every name that begins with this belongs to this project, so one that is not known is a typing error.
const PREFIX: &str = "VDM_ACTIVE_REQUESTS_";

/// The variables with [`PREFIX`] that are read, by the rest of their names.
const KNOWN: &[&str] = &[
    "ALLOW_CANCEL",
    "CALLER",
    "CALLER_SALT",
    "CORS_ORIGINS",
    "FLEET_CA_FILE",
    "FLEET_CREDENTIALS",
    "FLEET_GONE_AFTER",
    "FLEET_INTERVAL",
    "FLEET_MAX_ROWS",
    "FLEET_NAME",
    "FLEET_REPLICA",
    "FLEET_STALE_AFTER",
    "FLEET_URL",
    "LABELS",
    "MAX_ERRORS",
    "MAX_REFUSALS",
    "MAX_SUBSCRIBERS",
    "MAX_TRACES",
    "OPERATE_KEYS",
    "OPERATE_KEYS_FILE",
    "SCRAPE_KEYS",
    "SCRAPE_KEYS_FILE",
    "SSE_DELTA_INTERVAL",
    "SSE_ENABLED",
    "SSE_HEARTBEAT",
    "SSE_INTERVAL",
    "STALL_AFTER",
    "VIEW_KEYS",
    "VIEW_KEYS_FILE",
];

/// One setting as data: a program can offer it as a flag or in a file, describe it, read it and show its value.
///
/// ```
/// use active_requests::config::TrackerConfig;
///
/// for variable in TrackerConfig::default().variables() {
///     println!("{}={} ({})", variable.name, variable.value.text(), variable.help);
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Variable<'a> {
    /// The name of the environment variable.
    pub name: &'static str,
    /// A phrase that says what the variable sets.
    pub help: &'static str,
    /// The place of its value.
    pub value: &'a mut dyn Value,
}

impl<'a> Variable<'a> {
    /// A variable that sets `value`.
    pub fn new(name: &'static str, help: &'static str, value: &'a mut dyn Value) -> Self {
        Self { name, help, value }
    }
}

/// A value that a setting can have, read from text and shown as text.
pub trait Value: fmt::Debug {
    /// Sets the value to what `text`, without blanks around it, stands for.
    ///
    /// # Errors
    /// It stands for none. The error says what is allowed: `allowed is ..`.
    fn set(&mut self, text: &str) -> Result<(), &'static str>;

    /// The value as the text that sets it; empty if there is none, or if it is secret.
    fn text(&self) -> String;

    /// The name of the value in a description: `SECONDS`, `N`.
    fn placeholder(&self) -> &'static str;

    /// Whether the value must not be shown, nor what was given for it.
    fn is_secret(&self) -> bool {
        false
    }
}

/// A setting that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(Wrong);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Wrong {
    Value { variable: String, value: String, allowed: &'static str },
    Secret { variable: String, allowed: &'static str },
    Name { variable: String, nearest: &'static str },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Wrong::Value { variable, value, allowed } => {
                write!(f, "{variable}={value:?} is not understood: {allowed}")
            }
            Wrong::Secret { variable, allowed } => write!(f, "{variable} is not understood: {allowed}"),
            Wrong::Name { variable, nearest } => {
                write!(f, "{variable} is not a setting: the nearest one is {PREFIX}{nearest}")
            }
        }
    }
}

impl std::error::Error for ConfigError {}

/// Checks that among `names`, those of an environment for instance, each that begins with `VDM_ACTIVE_REQUESTS_` is a
/// setting. The `from_env` functions do it themselves.
///
/// # Errors
/// A name that begins so is not known. The error names the nearest one that is.
///
/// ```
/// let error = active_requests::config::check_names(["PATH", "VDM_ACTIVE_REQUESTS_STAL_AFTER"]).unwrap_err();
/// assert!(error.to_string().ends_with("the nearest one is VDM_ACTIVE_REQUESTS_STALL_AFTER"));
/// ```
pub fn check_names<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> Result<(), ConfigError> {
    for name in names {
        let Some(rest) = name.as_ref().strip_prefix(PREFIX).filter(|rest| !KNOWN.contains(rest)) else { continue };
        // The beginning of a name is nearer to it than any other, however much is missing.
        let begins = |known: &str| !rest.is_empty() && known.starts_with(rest);
        let nearest = KNOWN.iter().min_by_key(|known| (!begins(known), strsim::damerau_levenshtein(rest, known)));
        let variable = name.as_ref().to_owned();
        return Err(ConfigError(Wrong::Name { variable, nearest: nearest.copied().unwrap_or_default() }));
    }
    Ok(())
}

/// Checks the names of the environment.
pub(super) fn check_env() -> Result<(), ConfigError> {
    check_names(std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()))
}

/// The value of a variable of the environment.
pub(super) fn env(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// Sets each of `variables` for which `vars` has a text.
///
/// # Errors
/// A text is not allowed for its variable.
pub fn read_variables<'a>(
    variables: impl IntoIterator<Item = Variable<'a>>,
    vars: impl Fn(&str) -> Option<String>,
) -> Result<(), ConfigError> {
    for Variable { name, value, .. } in variables {
        let Some(text) = vars(name) else { continue };
        value.set(text.trim()).map_err(|allowed| {
            let variable = name.to_owned();
            ConfigError(match value.is_secret() {
                true => Wrong::Secret { variable, allowed },
                false => Wrong::Value { variable, value: text, allowed },
            })
        })?;
    }
    Ok(())
}

/// Implements [`Value`] for a type and for the option of it.
macro_rules! value {
    ($type:ty, $placeholder:literal, $allowed:expr, $parse:expr, $text:expr) => {
        impl Value for $type {
            fn set(&mut self, text: &str) -> Result<(), &'static str> {
                let parse: fn(&str) -> Option<$type> = $parse;
                *self = parse(text).ok_or($allowed)?;
                Ok(())
            }

            fn text(&self) -> String {
                let text: fn(&$type) -> String = $text;
                text(self)
            }

            fn placeholder(&self) -> &'static str {
                $placeholder
            }
        }

        impl Value for Option<$type> {
            fn set(&mut self, text: &str) -> Result<(), &'static str> {
                let mut value = <$type>::default();
                value.set(text)?;
                *self = Some(value);
                Ok(())
            }

            fn text(&self) -> String {
                self.as_ref().map(Value::text).unwrap_or_default()
            }

            fn placeholder(&self) -> &'static str {
                $placeholder
            }
        }
    };
}

const WHOLE_NUMBER: &str = "allowed is a whole number, 0 or more";

value!(bool, "true|false", "allowed are true, false, 1, 0, yes, no, on, off", boolean, bool::to_string);
value!(u64, "N", WHOLE_NUMBER, |text| text.parse().ok(), u64::to_string);
value!(usize, "N", WHOLE_NUMBER, |text| text.parse().ok(), usize::to_string);
value!(u16, "N", "allowed is a number from 0 to 65535", |text| text.parse().ok(), u16::to_string);
value!(
    Duration,
    "SECONDS",
    "allowed is a number of seconds above 0 and up to a year, such as 2 or 0.5",
    seconds,
    |duration| duration.as_secs_f64().to_string()
);
value!(
    String,
    "TEXT",
    "allowed is any text that is not blank",
    |text| (!text.is_empty()).then(|| text.to_owned()),
    String::clone
);

/// Yes or no, in one of four pairs of words and any case.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// The longest time that can be set.
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A number of seconds in decimal digits.
fn seconds(text: &str) -> Option<Duration> {
    let decimal = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let seconds: f64 = text.parse().ok().filter(|_| decimal)?;
    Duration::try_from_secs_f64(seconds).ok().filter(|duration| !duration.is_zero() && *duration <= YEAR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{FleetConfig, MonitorConfig, TrackerConfig};

    #[test]
    fn the_known_names_are_those_of_the_variables() {
        let (mut tracker, mut monitor) = (TrackerConfig::default(), MonitorConfig::default());
        let mut fleet = FleetConfig::default();
        let all = tracker.variables().into_iter().chain(monitor.variables()).chain(fleet.variables());
        let mut names: Vec<_> = all.filter_map(|variable| variable.name.strip_prefix(PREFIX)).collect();
        names.sort_unstable();
        assert_eq!(names, KNOWN);
    }

    #[test]
    fn a_value_is_shown_as_the_text_that_sets_it() {
        let (mut tracker, mut monitor) = (TrackerConfig::default(), MonitorConfig::default());
        let mut fleet = FleetConfig::default();
        let all = tracker.variables().into_iter().chain(monitor.variables()).chain(fleet.variables());
        for Variable { name, value, help } in all {
            let text = value.text();
            if text.is_empty() {
                continue;
            }
            assert_eq!(value.set(&text), Ok(()), "{name}");
            assert_eq!(value.text(), text, "{name}");
            assert!(!help.is_empty() && !value.placeholder().is_empty(), "{name}");
        }
    }

    #[test]
    fn a_time_is_above_0_and_up_to_a_year() {
        for (text, expected) in [
            ("0.5", Some(Duration::from_millis(500))),
            ("31536000", Some(YEAR)),
            ("31536001", None),
            ("0", None),
            ("-1", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_nearest_known_one() {
        for (name, nearest) in [
            ("SSE_INTERVALL", "SSE_INTERVAL"),
            ("HEARTBEAT", "SSE_HEARTBEAT"),
            ("CORS_ORIGIN", "CORS_ORIGINS"),
            ("STALL", "STALL_AFTER"),
            ("", "CALLER"),
        ] {
            let error = check_names([format!("{PREFIX}{name}")]).unwrap_err().to_string();
            let expected = format!("{PREFIX}{name} is not a setting: the nearest one is {PREFIX}{nearest}");
            assert_eq!(error, expected);
        }
        assert_eq!(check_names(["VDM_DEFAULT_PROVIDER", "ACTIVE", "VDM_ACTIVE_REQUESTS_STALL_AFTER"]), Ok(()));
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
            assert_eq!(boolean(text), Some(value), "{text}");
        }
        assert_eq!(boolean("maybe"), None);
    }
}
