//! Text that must not be shown.

use std::{fmt, ops::Range};

use subtle::ConstantTimeEq;

/// An API key, or other text that must reach no log and no error: `Debug` prints `Secret(..)`.
///
/// Two secrets are compared in a time that tells nothing about where they differ; it may tell whether their lengths do.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// The text itself. Mind where it goes.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether `given` is this text, compared in constant time.
    pub fn is(&self, given: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(given).into()
    }

    /// Finds where it stands in `text`, as it is or percent-encoded.
    ///
    /// One that is shorter than eight bytes is likely to be a part of other words, and is found only where no letter and no digit
    /// adjoins it.
    ///
    /// ```
    /// let key = active_requests::config::Secret::from("sk-123456");
    /// assert_eq!(key.find_in(b"/files/sk%2D123456?x"), Some(7..18));
    /// ```
    pub fn find_in(&self, text: &[u8]) -> Option<Range<usize>> {
        const TOO_SHORT_TO_BE_SURE: usize = 8;
        let first = *self.0.as_bytes().first()?;
        if text.len() < self.0.len() {
            return None;
        }
        memchr::memchr2_iter(first, b'%', text).find_map(|start| {
            let end = start + self.length_at(&text[start..])?;
            let adjoins = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
            let is_part = adjoins(text[..start].last()) || adjoins(text.get(end));
            (self.0.len() >= TOO_SHORT_TO_BE_SURE || !is_part).then_some(start..end)
        })
    }

    /// The bytes that it takes at the start of `text`; `None` if it does not stand there.
    fn length_at(&self, text: &[u8]) -> Option<usize> {
        self.0.bytes().try_fold(0, |at, byte| match &text[at..] {
            [b'%', high, low, ..] if hex_byte(*high, *low) == Some(byte) => Some(at + 3),
            [plain, ..] if *plain == byte => Some(at + 1),
            _ => None,
        })
    }
}

fn hex_byte(high: u8, low: u8) -> Option<u8> {
    let digit = |byte| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.is(other.0.as_bytes())
    }
}

impl Eq for Secret {}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_plain_and_percent_encoded() {
        let long = Secret::from("sk-123456%");
        for (text, found) in [
            ("sk-123456%", Some(0..10)),
            ("xsk-123456%x", Some(1..11)),
            ("%73k%2d123456%25", Some(0..16)),
            ("s sk-sk-123456%", Some(5..15)),
            ("%%73%6B-123456%%", Some(1..15)),
            ("sk-123456", None),
            ("%7", None),
            ("", None),
        ] {
            assert_eq!(long.find_in(text.as_bytes()), found, "{text}");
        }
        let short = Secret::from("pk");
        for (text, found) in [("pk", Some(0..2)), ("a=pk;", Some(2..4)), ("xpk", None), ("pkg pk", Some(4..6))] {
            assert_eq!(short.find_in(text.as_bytes()), found, "{text}");
        }
        assert_eq!(Secret::from("").find_in(b"x"), None);
    }

    #[test]
    fn a_secret_is_compared_whole_and_never_printed() {
        let secret = Secret::from("sk-123");
        assert!(secret.is(b"sk-123") && secret == Secret::from("sk-123".to_owned()));
        for other in ["", "sk-12", "sk-1234", "sk-124"] {
            assert!(!secret.is(other.as_bytes()), "{other}");
        }
        assert_eq!((format!("{secret:?}").as_str(), secret.expose()), ("Secret(..)", "sk-123"));
    }
}
