//! Strings of a JSON text, by where they stand and how long they are.

use super::near::plain_len;
use super::text::text_len;

/// A string of a JSON text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    /// Its length once decoded to UTF-8, in bytes.
    pub(crate) bytes: u64,
    /// Where its first byte stands in the JSON text.
    pub(crate) start: usize,
    /// Where its closing quote stands.
    pub(crate) end: usize,
}

impl Span {
    /// The string that `rest` continues behind its opening quote.
    #[inline]
    pub(crate) fn up_to_quote(rest: &[u8]) -> Option<Self> {
        let (written, decoded) = plain_len(rest).map(|len| (len, len)).or_else(|| text_len(rest))?;
        Some(Self { bytes: decoded as u64, start: 0, end: written })
    }

    /// This text, or `other` if this one is empty: for dialects that say the same thing under two names.
    pub(crate) fn or(self, other: Self) -> Self {
        if self.bytes > 0 { self } else { other }
    }
}
