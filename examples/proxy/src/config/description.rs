//! The description of a setting, and the error of a wrong one.

use std::fmt;

use active_requests::config::ConfigError;

/// A setting with a fixed name, as it is described to the user.
#[derive(Clone, Debug)]
pub struct Description {
    /// The environment variable; also the name of the setting in errors.
    pub name: &'static str,
    /// The flag without its dashes. With `_` for `-` it is the key in the file.
    pub flag: String,
    /// The table of the file with the key; `""` is the top level.
    pub table: &'static str,
    pub help: &'static str,
    /// The kind of value: `SECONDS`, `N`.
    pub placeholder: &'static str,
    /// The value when nothing is set; empty if there is none.
    pub default: String,
    /// The value of the flag when it stands alone.
    pub alone: Option<&'static str>,
    /// No flag: the list of processes would show it to everybody.
    pub is_secret: bool,
}

impl Description {
    /// The key in the file.
    pub fn key(&self) -> String {
        self.flag.replace('-', "_")
    }
}

/// An error in the settings; stops the start.
#[derive(Debug)]
pub struct SettingsError(String);

impl SettingsError {
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }

    /// An error for a value that `name` cannot have.
    pub fn value(name: &str, value: &str, allowed: &str) -> Self {
        Self(format!("{name}={value:?} is not understood: allowed {allowed}"))
    }

    /// An error for a name that is unknown. `known` are the names that could have been meant.
    pub fn unknown<'a>(name: &str, key: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let nearest = known.into_iter().min_by_key(|known| strsim::damerau_levenshtein(key, known));
        Self(format!("{name} is not a setting: the nearest one is {}", nearest.unwrap_or_default()))
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SettingsError {}

impl From<ConfigError> for SettingsError {
    fn from(error: ConfigError) -> Self {
        Self(error.to_string())
    }
}
