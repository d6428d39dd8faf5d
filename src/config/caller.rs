//! The setting that says who calls.

use std::str::FromStr;

use http::{HeaderName, HeaderValue};

use super::vars::Value;

/// Where a request's `caller` comes from.
///
/// ```
/// use active_requests::config::CallerSource;
///
/// assert_eq!("key".parse(), Ok(CallerSource::Key));
/// assert!("header:x-team".parse::<CallerSource>().is_ok());
/// assert!("header:authorization".parse::<CallerSource>().is_err(), "it holds a secret");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallerSource {
    /// No source: `caller` is `null` unless the application names one.
    #[default]
    None,
    /// The credential that the client sent, as eight hex digits of a keyed hash (BLAKE2s).
    Key,
    /// The value of this header.
    Header(HeaderName),
}

const CALLER: &str = "allowed are key and header:NAME, where the header holds no secret";

impl FromStr for CallerSource {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text.split_once(':') {
            None if text == "key" => Ok(Self::Key),
            Some(("header", name)) => header_without_secret(name).map(Self::Header).ok_or(CALLER),
            _ => Err(CALLER),
        }
    }
}

impl Value for CallerSource {
    fn set(&mut self, text: &str) -> Result<(), &'static str> {
        *self = text.parse()?;
        Ok(())
    }

    fn text(&self) -> String {
        match self {
            Self::None => String::new(),
            Self::Key => "key".to_owned(),
            Self::Header(name) => format!("header:{name}"),
        }
    }

    fn placeholder(&self) -> &'static str {
        "key|header:NAME"
    }
}

/// Reads the name of a header, unless a header of that name holds a secret.
pub(super) fn header_without_secret(text: &str) -> Option<HeaderName> {
    let name: HeaderName = text.trim().parse().ok()?;
    (!is_secret(name.as_str())).then_some(name)
}

/// Whether what has this name, in lower case, holds a secret.
pub(super) fn is_secret(name: &str) -> bool {
    ["authorization", "proxy-authorization", "cookie", "set-cookie", "key", "token", "secret", "password"]
        .contains(&name)
        || ["-key", "_key", "-token", "_token", "-authorization", "-cookie", "-secret", "_secret", "_password"]
            .iter()
            .any(|end| name.ends_with(end))
}

/// Returns the text of a header, if it is text.
pub(crate) fn header_text(value: &HeaderValue) -> Option<&str> {
    std::str::from_utf8(value.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_holds_a_secret_names_no_caller() {
        for name in
            ["authorization", "Authorization", "cookie", "X-API-KEY", "api-key", "x-goog-api-key", "X-Auth-Token"]
        {
            assert_eq!(format!("header:{name}").parse::<CallerSource>(), Err(CALLER), "{name}");
        }
    }

    #[test]
    fn a_source_of_callers_is_read_and_shown() {
        for text in ["key", "header:x-team"] {
            let mut source = CallerSource::None;
            source.set(text).unwrap();
            assert_eq!(source.text(), text);
        }
        for text in ["", "KEY", "header:", "header: ", "header:a b", "x-team", "cookie:x"] {
            assert_eq!(text.parse::<CallerSource>(), Err(CALLER), "{text:?}");
        }
    }
}
