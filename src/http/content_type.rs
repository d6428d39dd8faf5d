//! The `content-type` header.

use http::{HeaderMap, header};
use memchr::memchr;

/// A declared content type without its parameters; its case does not matter (RFC 9110, section 8.3.1).
#[derive(Clone, Copy, Debug)]
pub(crate) struct ContentType<'a>(&'a [u8]);

impl<'a> ContentType<'a> {
    /// The type that `headers` declare; `None` if they declare none.
    pub(crate) fn of(headers: &'a HeaderMap) -> Option<Self> {
        let declared = headers.get(header::CONTENT_TYPE)?.as_bytes();
        let end = memchr(b';', declared).unwrap_or(declared.len());
        Some(Self(declared[..end].trim_ascii()))
    }

    pub(crate) fn is(self, name: &str) -> bool {
        self.0.eq_ignore_ascii_case(name.as_bytes())
    }

    /// The name in lower case; other bytes than UTF-8 become U+FFFD.
    pub(crate) fn to_lowercase(self) -> String {
        String::from_utf8_lossy(self.0).to_ascii_lowercase()
    }

    pub(crate) fn ends_with(self, suffix: &str) -> bool {
        let end = self.0.len().saturating_sub(suffix.len());
        self.0[end..].eq_ignore_ascii_case(suffix.as_bytes())
    }
}
