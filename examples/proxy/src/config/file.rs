//! The file of settings: TOML, its values as the text that they would be in the environment.

use std::path::Path;

use active_requests::config::Secret;

use crate::config::description::{Description, SettingsError};

/// The keys of a provider's table, besides the table `aliases`.
const PROVIDER_KEYS: [&str; 4] = ["api_key", "base_url", "api_format", "aliases"];

/// A value of the file, and the path to it.
type Entry = (Vec<String>, Secret);

/// Reads all values of a file.
///
/// # Errors
/// The file cannot be read, a name in it is unknown, or a value is no text, number, true or false.
pub(super) fn read(settings: &[Description], path: &Path) -> Result<Vec<Entry>, SettingsError> {
    let name = format!("--config {}", path.display());
    let wrong = |error: &dyn std::fmt::Display| SettingsError::new(format!("{name}: {error}"));
    let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
    // The whole message would quote a line, and that may hold a key.
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| 1 + text[..span.start.min(text.len())].matches('\n').count());
        wrong(&format!("line {line}: {}", error.message()))
    })?;
    let mut entries = Vec::new();
    walk(settings, &name, &mut Vec::new(), table, &mut entries)?;
    Ok(entries)
}

/// The setting that a path leads to.
pub(super) fn setting<'a>(settings: &'a [Description], path: &[String]) -> Option<&'a Description> {
    let (table, key) = match path {
        [key] => ("", key),
        [table, key] => (table.as_str(), key),
        _ => return None,
    };
    settings.iter().find(|setting| setting.table == table && setting.key() == *key)
}

/// Collects the values of a table, whose names have been checked, at `path`.
fn walk(
    settings: &[Description],
    file: &str,
    path: &mut Vec<String>,
    table: toml::Table,
    entries: &mut Vec<Entry>,
) -> Result<(), SettingsError> {
    for (key, value) in table {
        let place = if path.is_empty() { String::new() } else { format!("[{}] ", path.join(".")) };
        let known = names(settings, path);
        if !known.is_empty() && !known.contains(&key) {
            let name = format!("{file}: {place}{key}");
            return Err(SettingsError::unknown(&name, &key, known.iter().map(String::as_str)));
        }
        path.push(key);
        match (value, is_table(settings, path)) {
            (toml::Value::Table(inner), true) => walk(settings, file, path, inner, entries)?,
            (value, false) if plain(&value).is_some() => {
                entries.extend(plain(&value).map(|text| (path.clone(), text.into())));
            }
            (_, is_table) => {
                let kind = if is_table { "a table" } else { "a text, a number, true or false" };
                let key = path.last().map(String::as_str).unwrap_or_default();
                return Err(SettingsError::new(format!("{file}: {place}{key} must be {kind}")));
            }
        }
        path.pop();
    }
    Ok(())
}

/// The names that may stand in the table at `path`; none: any.
fn names(settings: &[Description], path: &[String]) -> Vec<String> {
    match path {
        [] => {
            let tables = settings.iter().map(|setting| setting.table).filter(|table| !table.is_empty());
            let keys = settings.iter().filter(|setting| setting.table.is_empty()).map(Description::key);
            keys.chain(tables.chain(["providers", "aliases"]).map(str::to_owned)).collect()
        }
        [table] if table == "providers" || table == "aliases" => Vec::new(),
        [table] => settings.iter().filter(|setting| setting.table == table).map(Description::key).collect(),
        [_, _] => PROVIDER_KEYS.map(str::to_owned).to_vec(),
        _ => Vec::new(),
    }
}

/// Whether `path` leads to a table.
fn is_table(settings: &[Description], path: &[String]) -> bool {
    match path {
        [table] => ["providers", "aliases"].contains(&table.as_str()) || settings.iter().any(|of| of.table == table),
        [table, _] => table == "providers",
        [table, _, key] => table == "providers" && key == "aliases",
        _ => false,
    }
}

/// A value as text; `None` for lists, tables and times.
fn plain(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Float(number) => Some(number.to_string()),
        toml::Value::Boolean(yes) => Some(yes.to_string()),
        _ => None,
    }
}
