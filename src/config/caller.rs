//! The settings that say who calls, and how requests are labelled.

use std::str::FromStr;

use http::{HeaderName, HeaderValue};

use super::vars::Value;

/// The most labels that a request may have.
pub const MAX_LABELS: usize = 8;

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

/// The request headers whose values are a request's labels, by their names.
///
/// ```
/// use active_requests::config::LabelHeaders;
///
/// let labels: LabelHeaders = "x-session-id, x-team".parse()?;
/// assert_eq!(labels.names().len(), 2);
/// assert!("x-api-key".parse::<LabelHeaders>().is_err(), "it holds a secret");
/// # Ok::<(), &'static str>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelHeaders(Vec<HeaderName>);

const LABELS: &str = "allowed are up to 8 different names of headers that hold no secret, comma separated";

impl LabelHeaders {
    /// The names of the headers, in the order in which labels are shown.
    pub fn names(&self) -> &[HeaderName] {
        &self.0
    }
}

impl FromStr for LabelHeaders {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let names: Option<Vec<_>> = text.split(',').map(header_without_secret).collect();
        let names = names.ok_or(LABELS)?;
        let is_twice = |index: usize| names[..index].contains(&names[index]);
        if names.len() > MAX_LABELS || (0..names.len()).any(is_twice) { Err(LABELS) } else { Ok(Self(names)) }
    }
}

impl Value for LabelHeaders {
    fn set(&mut self, text: &str) -> Result<(), &'static str> {
        *self = text.parse()?;
        Ok(())
    }

    fn text(&self) -> String {
        self.0.iter().map(HeaderName::as_str).collect::<Vec<_>>().join(",")
    }

    fn placeholder(&self) -> &'static str {
        "LIST"
    }
}

/// Reads the name of a header, unless a header of that name holds a secret.
fn header_without_secret(text: &str) -> Option<HeaderName> {
    let name: HeaderName = text.trim().parse().ok()?;
    let is_secret = ["authorization", "proxy-authorization", "cookie", "set-cookie", "key", "token"]
        .contains(&name.as_str())
        || ["-key", "_key", "-token", "_token", "-authorization", "-cookie", "-secret"]
            .iter()
            .any(|end| name.as_str().ends_with(end));
    (!is_secret).then_some(name)
}

/// Returns the text of a header, if it is text.
pub(crate) fn header_text(value: &HeaderValue) -> Option<&str> {
    std::str::from_utf8(value.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_holds_a_secret_names_no_caller_and_no_label() {
        for name in
            ["authorization", "Authorization", "cookie", "X-API-KEY", "api-key", "x-goog-api-key", "X-Auth-Token"]
        {
            assert_eq!(format!("header:{name}").parse::<CallerSource>(), Err(CALLER), "{name}");
            assert_eq!(name.parse::<LabelHeaders>(), Err(LABELS), "{name}");
            assert_eq!(format!("x-team,{name}").parse::<LabelHeaders>(), Err(LABELS), "{name}");
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

    #[test]
    fn there_are_up_to_eight_different_labels() {
        let list = |n: usize| (0..n).map(|n| format!("x-{n}")).collect::<Vec<_>>().join(", ");
        assert_eq!(list(8).parse::<LabelHeaders>().map(|labels| labels.names().len()), Ok(8));
        for text in [list(9), String::new(), "x-a,".to_owned(), "x-a,X-A".to_owned(), "a b".to_owned()] {
            assert_eq!(text.parse::<LabelHeaders>(), Err(LABELS), "{text:?}");
        }
    }
}
