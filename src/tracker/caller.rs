//! Names the caller of a request from its headers, as the settings say.

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
};

use blake2::{
    Blake2s256, Blake2sMac, Digest,
    digest::{Mac, consts::U4},
};
use http::{HeaderMap, HeaderValue};

use crate::config::{API_KEY_HEADERS, CallerSource, TrackerConfig, bearer, header_text};

/// Names callers.
pub(crate) struct Callers {
    source: CallerSource,
    /// The key of the hash.
    key: [u8; 32],
}

/// The name of a caller.
#[derive(Debug)]
pub(crate) enum CallerName<'a> {
    /// The text of a header.
    Header(&'a str),
    /// Hex digits of a hash.
    Digits([u8; 8]),
}

impl CallerName<'_> {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Header(text) => text,
            Self::Digits(digits) => std::str::from_utf8(digits).unwrap_or_default(),
        }
    }
}

impl Callers {
    pub(crate) fn new(config: &TrackerConfig) -> Self {
        let key = match (&config.caller, &config.caller_salt) {
            (CallerSource::Key, Some(salt)) => Blake2s256::digest(salt.expose()).into(),
            (CallerSource::Key, None) => random_key(),
            _ => [0; 32],
        };
        Self { source: config.caller.clone(), key }
    }

    /// Returns the caller's name; `None` without a source, or where the request has nothing to name it by.
    #[inline]
    pub(crate) fn name<'a>(&self, headers: &'a HeaderMap) -> Option<CallerName<'a>> {
        match &self.source {
            CallerSource::None => None,
            CallerSource::Header(name) => headers.get(name).and_then(header_text).map(CallerName::Header),
            CallerSource::Key => self.digits(credential(headers)?).map(CallerName::Digits),
        }
    }

    /// The first eight hex digits of the keyed hash.
    fn digits(&self, credential: &[u8]) -> Option<[u8; 8]> {
        let mut hash: Blake2sMac<U4> = Mac::new_from_slice(&self.key).ok()?;
        hash.update(credential);
        let mut digits = [0; 8];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(hash.finalize().into_bytes()) {
            pair[0] = HEX[usize::from(byte >> 4)];
            pair[1] = HEX[usize::from(byte & 15)];
        }
        Some(digits)
    }
}

const HEX: [u8; 16] = *b"0123456789abcdef";

// Does not print the key.
impl fmt::Debug for Callers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callers").field("source", &self.source).finish_non_exhaustive()
    }
}

/// The credential itself, without the word `Bearer`, of the first header that has one.
fn credential(headers: &HeaderMap) -> Option<&[u8]> {
    let value = API_KEY_HEADERS.iter().find_map(|name| headers.get(name)).map(HeaderValue::as_bytes)?;
    Some(bearer(value).unwrap_or(value)).filter(|credential| !credential.is_empty())
}

/// A key that nobody else knows. A fresh `RandomState` is the standard library's own source of random numbers.
fn random_key() -> [u8; 32] {
    let mut key = [0; 32];
    for (index, part) in key.chunks_exact_mut(8).enumerate() {
        part.copy_from_slice(&RandomState::new().hash_one(index).to_le_bytes());
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(callers: &Callers, header: &'static str, value: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(header, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        callers.name(&headers).map(|name| name.as_str().to_owned())
    }

    #[test]
    fn a_key_is_shown_as_eight_digits_that_the_salt_decides() {
        let callers = |salt: Option<&str>| {
            let config = TrackerConfig::default().caller(CallerSource::Key);
            Callers::new(&match salt {
                Some(salt) => config.caller_salt(salt),
                None => config,
            })
        };
        let one = callers(Some("salt"));
        let digits = name(&one, "authorization", "Bearer sk-secret").unwrap();
        assert_eq!(digits.len(), 8);
        assert!(digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        assert_eq!(name(&one, "x-api-key", "sk-secret").as_ref(), Some(&digits), "one key, one caller");
        assert_eq!(name(&callers(Some("salt")), "api-key", "sk-secret").as_ref(), Some(&digits), "replicas agree");
        assert_ne!(name(&callers(Some("other")), "x-api-key", "sk-secret").as_ref(), Some(&digits));
        assert_ne!(name(&one, "x-api-key", "sk-secret2").as_ref(), Some(&digits));
        assert_ne!(
            name(&callers(None), "x-api-key", "k"),
            name(&callers(None), "x-api-key", "k"),
            "drawn at the start"
        );
        assert_eq!(name(&one, "x-api-key", ""), None);
        assert_eq!(name(&one, "x-team", "blue"), None);
        assert!(!format!("{one:?}").contains("key:"), "{one:?}");
    }

    #[test]
    fn a_header_names_the_caller_where_it_is_text() {
        let callers = Callers::new(&TrackerConfig::default().caller("header:x-team".parse().unwrap()));
        assert_eq!(name(&callers, "x-team", "bl\u{fc}").as_deref(), Some("bl\u{fc}"));
        assert_eq!(name(&callers, "x-other", "blue"), None);
        let mut headers = HeaderMap::new();
        headers.insert("x-team", HeaderValue::from_bytes(b"\xff").unwrap());
        assert!(callers.name(&headers).is_none());
    }
}
