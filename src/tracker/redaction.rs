//! The part of a text that is shown: no secret, and of an error no control character.

use std::borrow::Cow;

use crate::config::Secret;

/// The text that stands in a secret's place.
const HIDDEN: &str = "***";

/// The shortest secret that is hidden, in bytes: a shorter one would hide ordinary words.
const SHORTEST: usize = 8;

/// The secrets that no row shows.
#[derive(Debug, Default)]
pub(crate) struct Redaction {
    secrets: Vec<Secret>,
}

impl Redaction {
    pub(crate) fn new(secrets: &[Secret]) -> Self {
        let mut redaction = Self::default();
        secrets.iter().cloned().for_each(|secret| redaction.add(secret));
        redaction
    }

    pub(crate) fn add(&mut self, secret: Secret) {
        if secret.expose().len() >= SHORTEST && !self.secrets.contains(&secret) {
            self.secrets.push(secret);
            // One may be the start of another, of which nothing must be left.
            self.secrets.sort_by_key(|secret| std::cmp::Reverse(secret.expose().len()));
        }
    }

    /// Whether there is nothing to hide.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.secrets.is_empty()
    }

    /// Returns `text` without its secrets.
    #[inline]
    pub(crate) fn shown<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.is_empty() { Cow::Borrowed(text) } else { self.without_secrets(text) }
    }

    fn without_secrets<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut shown = Cow::Borrowed(text);
        for secret in &self.secrets {
            while let Some(range) = secret.find_in(shown.as_bytes()) {
                let (Some(before), Some(after)) = (shown.get(..range.start), shown.get(range.end..)) else { break };
                shown = Cow::Owned([before, HIDDEN, after].concat());
            }
        }
        shown
    }
}

/// Returns an error's text with a space for each control character: terminals and log files obey those.
pub(crate) fn without_controls(text: &str) -> Cow<'_, str> {
    if text.contains(char::is_control) { Cow::Owned(text.replace(char::is_control, " ")) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_shown() {
        let redaction = Redaction::new(&["sk-secret".into(), "sk-secret-2".into(), "short".into()]);
        for (text, shown) in [
            ("gpt-4o", "gpt-4o"),
            ("key sk-secret.", "key ***."),
            ("sk-secretsk-secret", "******"),
            ("sk-secret-2 and sk-secret", "*** and ***"),
            ("xsk-secretx", "x***x"),
            ("/a/sk%2Dsecret/%73%6b-secret?", "/a/***/***?"),
            ("a short one, sk-secre", "a short one, sk-secre"),
            ("\u{e9}sk-secret\u{e9}", "\u{e9}***\u{e9}"),
        ] {
            assert_eq!(redaction.shown(text), shown, "{text:?}");
        }
        assert!(matches!(redaction.shown("/v1/chat/completions"), Cow::Borrowed(_)));
    }

    #[test]
    fn control_characters_become_spaces() {
        assert_eq!(without_controls("one\n\u{1b}[31mtwo\u{7f}\u{85}\t"), "one  [31mtwo   ");
        assert!(matches!(without_controls("plain \u{e9}"), Cow::Borrowed(_)));
    }
}
