//! The file of prices: read at the start, and again on SIGHUP.

use std::{fmt, fs, path::Path};

use active_requests::{cost::Prices, tracker::RequestTracker};

use crate::config::description::SettingsError;

/// Reads a file of prices: LiteLLM's JSON, by the ending of its name or by its first character, else TOML of our own.
///
/// # Errors
/// The file cannot be read or understood, or no model in it has a price per token.
pub fn read(path: &str) -> Result<Prices, SettingsError> {
    let wrong = |why: &dyn fmt::Display| SettingsError::new(format!("VDM_PRICES_FILE={path:?}: {why}"));
    let text = fs::read_to_string(path).map_err(|error| wrong(&error))?;
    let is_json = Path::new(path).extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
    let prices: Prices = if is_json || text.trim_start().starts_with('{') {
        Prices::from_litellm(&text).map_err(|error| wrong(&error))?
    } else {
        toml::from_str(&text).map_err(|error| wrong(&error))?
    };
    if prices.is_empty() {
        return Err(wrong(&"no model in it has a price per token"));
    }
    Ok(prices)
}

/// Reads the file again. One that cannot be used changes nothing; both is said in the log.
pub fn reload(path: &str, tracker: &RequestTracker) {
    match read(path) {
        Ok(prices) => {
            tracing::info!("{} prices have been read from {path:?}", prices.len());
            tracker.set_prices(prices);
        }
        Err(error) => tracing::error!("{error}; the prices read before are kept"),
    }
}
