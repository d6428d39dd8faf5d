//! API keys: the headers they come in, and lists of them as settings.

use std::fs;

use http::{HeaderMap, HeaderName, header};

use super::{secret::Secret, vars::Value};

/// The headers that clients send API keys in: behind `Bearer` in `authorization`, and alone in the others, of which the last two are those of
/// Azure's and Google's SDKs.
pub static API_KEY_HEADERS: [HeaderName; 4] = [
    header::AUTHORIZATION,
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("api-key"),
    HeaderName::from_static("x-goog-api-key"),
];

/// Returns the API keys that a request carries, as `authorization: Bearer KEY` or alone in another of [`API_KEY_HEADERS`]; of several lines of
/// a header the first counts.
///
/// ```
/// let mut headers = http::HeaderMap::new();
/// headers.insert("authorization", http::HeaderValue::from_static("Bearer my-key"));
/// let sent: Vec<_> = active_requests::config::sent_api_keys(&headers).collect();
/// assert_eq!(sent, [b"my-key"]);
/// ```
pub fn sent_api_keys(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    let sent = API_KEY_HEADERS.iter().filter_map(|name| Some((name, headers.get(name)?.as_bytes())));
    let keys =
        sent.filter_map(|(name, value)| if *name == header::AUTHORIZATION { bearer(value) } else { Some(value) });
    keys.filter(|key| !key.is_empty())
}

/// Returns the token of `authorization: Bearer TOKEN`.
pub(crate) fn bearer(authorization: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = authorization.split_at_checked(b"Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| token.trim_ascii())
}

/// Returns whether `given` is one of `keys`, all of which are compared, each in constant time.
pub(super) fn known_among(keys: &[Secret], given: &[u8]) -> bool {
    keys.iter().fold(false, |known, key| known | key.is(given))
}

/// Returns `text` as an API key, if it can stand in a header.
fn api_key(text: &str) -> Option<Secret> {
    let is_key = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    is_key.then(|| text.into())
}

/// An API key: one line of ASCII text, as it can stand in a header.
impl Value for Option<Secret> {
    fn set(&mut self, text: &str) -> Result<(), &'static str> {
        *self = Some(api_key(text).ok_or("allowed is one line of ASCII text that is not blank")?);
        Ok(())
    }

    fn text(&self) -> String {
        String::new()
    }

    fn placeholder(&self) -> &'static str {
        "KEY"
    }

    fn is_secret(&self) -> bool {
        true
    }
}

/// A comma-separated list.
impl Value for Vec<Secret> {
    fn set(&mut self, text: &str) -> Result<(), &'static str> {
        let keys: Option<_> = text.split(',').map(|key| api_key(key.trim())).collect();
        *self = keys.ok_or("allowed are API keys of ASCII text, comma separated, none of them blank")?;
        Ok(())
    }

    fn text(&self) -> String {
        String::new()
    }

    fn placeholder(&self) -> &'static str {
        "KEYS"
    }

    fn is_secret(&self) -> bool {
        true
    }
}

/// A file of API keys, one per line, read when it is set.
#[derive(Clone, Debug, Default)]
pub struct KeyFile {
    path: String,
    keys: Vec<Secret>,
}

impl KeyFile {
    /// The keys in the file; none while no file is set.
    pub fn keys(&self) -> &[Secret] {
        &self.keys
    }
}

impl Value for KeyFile {
    fn set(&mut self, text: &str) -> Result<(), &'static str> {
        let lines =
            fs::read_to_string(text).map_err(|_| "allowed is a file that can be read, with one API key per line")?;
        let keys: Option<Vec<_>> = lines.lines().map(|key| api_key(key.trim())).collect();
        let keys = keys.ok_or("allowed is a file with an API key of ASCII text in each line, none of them blank")?;
        if keys.is_empty() {
            return Err("the file is empty: allowed is one API key per line");
        }
        *self = Self { path: text.to_owned(), keys };
        Ok(())
    }

    fn text(&self) -> String {
        self.path.clone()
    }

    fn placeholder(&self) -> &'static str {
        "FILE"
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::config::{Variable, read_variables};

    #[test]
    fn a_key_comes_in_any_of_its_headers_and_must_be_whole() {
        let keys = ["secret".into(), "other".into()];
        for (name, value, expected) in [
            ("x-api-key", "secret", true),
            ("x-api-key", "other", true),
            ("x-api-key", "secre", false),
            ("x-api-key", "secrets", false),
            ("x-api-key", "Bearer secret", false),
            ("x-api-key", "", false),
            ("authorization", "Bearer secret", true),
            ("authorization", "bearer  other", true),
            ("authorization", "secret", false),
            ("authorization", "Basic secret", false),
            ("Api-Key", "secret", true),
            ("api-key", "Bearer secret", false),
            ("x-goog-api-key", "other", true),
            ("x-goog-api-key", "othe", false),
            ("cookie", "secret", false),
            ("proxy-authorization", "Bearer secret", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
            let known = sent_api_keys(&headers).any(|given| known_among(&keys, given));
            assert_eq!(known, expected, "{name}: {value}");
        }
        for name in &API_KEY_HEADERS {
            let mut empty = HeaderMap::new();
            empty.insert(name, HeaderValue::from_static(""));
            assert_eq!(sent_api_keys(&empty).count(), 0, "an empty key is none");
        }
    }

    #[test]
    fn a_wrong_secret_is_not_shown() {
        for text in ["", " ", "sk-se\ncret", "sk-s\u{e9}cret", "sk-se\0cret"] {
            let mut key: Option<Secret> = None;
            let error = read_variables([Variable::new("KEY", "", &mut key)], |_| Some(text.to_owned())).unwrap_err();
            assert_eq!(
                format!("{error}"),
                "KEY is not understood: allowed is one line of ASCII text that is not blank",
                "{text:?}"
            );
            assert!(!format!("{error:?}").contains("sk-") && key.is_none());
        }
        let mut key: Option<Secret> = None;
        read_variables([Variable::new("KEY", "", &mut key)], |_| Some(" sk-1 ".to_owned())).unwrap();
        assert_eq!((key.as_ref().map(Secret::expose), key.text().as_str()), (Some("sk-1"), ""));
    }

    #[test]
    fn a_list_with_a_key_that_cannot_be_sent_is_refused_and_not_shown() {
        for text in ["", ",", "a,", "sk-a,,sk-b", "sk-se\ncret", "sk-s\u{e9}cret"] {
            let mut keys: Vec<Secret> = Vec::new();
            let error = read_variables([Variable::new("KEYS", "", &mut keys)], |_| Some(text.to_owned())).unwrap_err();
            let expected =
                "KEYS is not understood: allowed are API keys of ASCII text, comma separated, none of them blank";
            assert_eq!(error.to_string(), expected, "{text:?}");
            assert!(!format!("{error:?}").contains("sk-") && keys.is_empty());
        }
    }

    #[test]
    fn a_file_of_keys_that_is_missing_empty_or_has_a_blank_line_is_refused() {
        let path = std::env::temp_dir().join(format!("file-of-keys-{}", std::process::id()));
        let path = path.to_str().unwrap();
        let mut file = KeyFile::default();
        assert!(file.set(path).unwrap_err().contains("can be read"));
        for (text, told) in [
            ("", "is empty"),
            ("\n", "in each line"),
            ("sk-a\n\nsk-b\n", "in each line"),
            ("sk-\u{e9}\n", "in each line"),
        ] {
            fs::write(path, text).unwrap();
            let error = file.set(path).unwrap_err();
            assert!(error.contains(told) && file.keys().is_empty(), "{text:?}: {error}");
        }
        fs::write(path, "sk-a\nsk-b").unwrap();
        file.set(path).unwrap();
        fs::remove_file(path).unwrap();
        assert_eq!(file.keys().iter().map(Secret::expose).collect::<Vec<_>>(), ["sk-a", "sk-b"]);
        assert!(!format!("{file:?}").contains("sk-"), "{file:?}");
    }
}
