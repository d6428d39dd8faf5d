//! Text that must not be shown.

use std::fmt;

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
    fn a_secret_is_compared_whole_and_never_printed() {
        let secret = Secret::from("sk-123");
        assert!(secret.is(b"sk-123") && secret == Secret::from("sk-123".to_owned()));
        for other in ["", "sk-12", "sk-1234", "sk-124"] {
            assert!(!secret.is(other.as_bytes()), "{other}");
        }
        assert_eq!((format!("{secret:?}").as_str(), secret.expose()), ("Secret(..)", "sk-123"));
    }
}
