//! Reads settings from variables: which there are, what their values may be, and what is said of a wrong one.

use std::{fmt, time::Duration};

/// Every name that begins with this belongs to this project, so one that is not known is a typing error.
const PREFIX: &str = "VDM_ACTIVE_REQUESTS_";

/// The variables with [`PREFIX`] that are read, by the rest of their names.
const KNOWN: &[&str] = &[
    "ALLOW_CANCEL",
    "CORS_ORIGINS",
    "MAX_SUBSCRIBERS",
    "SSE_DELTA_INTERVAL",
    "SSE_ENABLED",
    "SSE_HEARTBEAT",
    "SSE_INTERVAL",
    "STALL_AFTER",
];

/// A setting that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(Wrong);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Wrong {
    Value { variable: String, value: String, allowed: &'static str },
    Name { variable: String, nearest: &'static str },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Wrong::Value { variable, value, allowed } => {
                write!(f, "{variable}={value:?} is not understood: {allowed}")
            }
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
        let nearest = KNOWN.iter().min_by_key(|known| strsim::damerau_levenshtein(rest, known));
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

/// A type of value that a setting can have.
pub(super) trait Setting: Sized {
    const ALLOWED: &'static str;
    fn parse(text: &str) -> Option<Self>;
}

/// Sets `into` to the value of `variable`, if it has one.
pub(super) fn read<T: Setting>(
    vars: &impl Fn(&str) -> Option<String>,
    variable: &str,
    into: &mut T,
) -> Result<(), ConfigError> {
    if let Some(value) = vars(variable) {
        let wrong = |value| ConfigError(Wrong::Value { variable: variable.to_owned(), value, allowed: T::ALLOWED });
        *into = T::parse(value.trim()).ok_or_else(|| wrong(value))?;
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
    const ALLOWED: &'static str = <u64 as Setting>::ALLOWED;
    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, collections::BTreeSet};

    use super::*;
    use crate::config::{MonitorConfig, TrackerConfig};

    #[test]
    fn the_known_names_are_those_that_are_read() {
        let asked = RefCell::new(BTreeSet::new());
        let vars = |name: &str| {
            asked.borrow_mut().extend(name.strip_prefix(PREFIX).map(str::to_owned));
            None
        };
        TrackerConfig::from_vars(vars).unwrap();
        MonitorConfig::from_vars(vars).unwrap();
        assert_eq!(asked.into_inner(), KNOWN.iter().map(ToString::to_string).collect());
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_nearest_known_one() {
        for (name, nearest) in [
            ("SSE_INTERVALL", "SSE_INTERVAL"),
            ("HEARTBEAT", "SSE_HEARTBEAT"),
            ("CORS_ORIGIN", "CORS_ORIGINS"),
            ("", "SSE_ENABLED"),
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
