//! One event of a response, as dialects see it.

use std::borrow::Cow;

use crate::json::{Copied, Cursor, CutText};

/// One event of a response: an SSE event, a line, an element of an array, an AWS message; or a whole JSON document.
#[derive(Clone, Copy, Debug)]
pub struct ResponseEvent<'a> {
    pub(super) name: &'a [u8],
    pub(super) data: &'a [u8],
    /// The strings in the payload that have lost their ends, if that is a copy.
    cut_texts: &'a [CutText],
}

impl<'a> ResponseEvent<'a> {
    pub(super) fn new(name: &'a [u8], data: &'a [u8]) -> Self {
        Self { name, data, cut_texts: &[] }
    }

    pub(super) fn unnamed(data: &'a [u8]) -> Self {
        Self::new(b"", data)
    }

    /// A document, or a message, of which there is a copy.
    pub(super) fn of_copy(copy: Copied<'a>) -> Self {
        Self { name: b"", data: copy.json, cut_texts: copy.cut_texts }
    }

    /// A cursor at the start of the payload.
    pub(super) fn cursor(&self) -> Cursor<'a> {
        Cursor::of_copy(Copied { json: self.data, cut_texts: self.cut_texts })
    }

    /// The name of the event; empty where it has none.
    pub fn name(&self) -> &'a [u8] {
        self.name
    }

    /// The payload as it was sent. Of a long document, only the start of a string beyond 64 KiB is in it.
    pub fn data(&self) -> &'a [u8] {
        self.data
    }

    /// The text of a member of the payload, if that is a JSON object and the text is not empty.
    pub fn text(&self, key: &str) -> Option<Cow<'a, str>> {
        self.find(key)?.string()
    }

    /// The number of a member of the payload, if that is a JSON object and the number is a plausible count: an integer from 0
    /// to 2^53.
    pub fn count(&self, key: &str) -> Option<u64> {
        self.find(key)?.count()
    }

    /// A cursor at the value of a member of the payload.
    pub(super) fn find(&self, key: &str) -> Option<Cursor<'a>> {
        self.cursor().find(key.as_bytes())
    }

    /// Calls `value` for the member `key` of the payload, which should be an object. Returns whether it is JSON to its end.
    pub(super) fn member(&self, key: &[u8], value: impl FnMut(&mut Cursor<'a>)) -> bool {
        let mut cursor = self.cursor();
        cursor.member(key, value);
        !cursor.is_broken()
    }

    /// Calls `member` for each member of the payload, which should be an object. Returns whether it is JSON to its end.
    pub(super) fn members(&self, member: impl FnMut(&[u8], &mut Cursor<'a>)) -> bool {
        let mut cursor = self.cursor();
        cursor.object(member);
        !cursor.is_broken()
    }

    /// The type of the event. Servers repeat it as the name of the event; gateways drop or replace it in one place or the
    /// other.
    pub(super) fn kind(&self) -> Cow<'a, str> {
        let first = self.data.strip_prefix(br#"{"type":"#).and_then(|rest| Cursor::new(rest).string());
        match (first, self.name) {
            (Some(kind), _) => kind,
            (None, b"" | b"message") => self.text("type").unwrap_or_default(),
            (None, name) => String::from_utf8_lossy(name),
        }
    }
}
