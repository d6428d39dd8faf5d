//! One event as bytes.

use std::{error::Error, fmt, time::Duration};

use bytes::Bytes;
use memchr::memchr2;
use serde::Serialize;

/// An event, or a comment, to be sent.
///
/// The fields are sent in the order in which they were set. No text can leave its field: data and comments of
/// several lines (ended by LF, CR or CRLF) become as many fields, which the client joins by LF; a name or an id has
/// one line only, and CR, LF and NUL in it are sent as spaces.
///
/// ```
/// use active_requests::sse::Event;
///
/// let event = Event::new().event("token").id("7").data("two\nlines");
/// assert_eq!(event.into_bytes(), "event: token\nid: 7\ndata: two\ndata: lines\n\n");
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
#[must_use = "an event does nothing until it is sent"]
pub struct Event {
    lines: Vec<u8>,
}

impl Event {
    /// An event without any field. Clients ignore an event that has no data.
    pub const fn new() -> Self {
        Self { lines: Vec::new() }
    }

    /// An event without any field, with room for `bytes` bytes of them.
    #[cfg(feature = "monitor")]
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self { lines: Vec::with_capacity(bytes) }
    }

    /// Adds data. Called again, it adds further lines.
    pub fn data(mut self, text: impl AsRef<str>) -> Self {
        self.push_lines(b"data: ", text.as_ref().as_bytes());
        self
    }

    /// Adds data: `value` as JSON, written straight into the event.
    ///
    /// # Errors
    ///
    /// If `value` cannot be written as JSON, such as a map whose keys are not text.
    pub fn json<T: Serialize + ?Sized>(mut self, value: &T) -> Result<Self, JsonError> {
        let field = b"data: ";
        let start = self.lines.len();
        self.lines.reserve(128);
        self.lines.extend_from_slice(field);
        serde_json::to_writer(&mut self.lines, value).map_err(JsonError)?;
        // A value that holds JSON as it was written elsewhere may have line ends.
        if memchr2(b'\n', b'\r', &self.lines[start..]).is_none() {
            self.lines.push(b'\n');
        } else {
            let written = self.lines.split_off(start);
            self.push_lines(field, &written[field.len()..]);
        }
        Ok(self)
    }

    /// Names the event. Clients give an event without a name the name `message`.
    pub fn event(mut self, name: impl AsRef<str>) -> Self {
        self.push_line(b"event: ", name.as_ref());
        self
    }

    /// Sets the id that a client which reconnects sends as `Last-Event-ID`.
    pub fn id(mut self, id: impl AsRef<str>) -> Self {
        self.push_line(b"id: ", id.as_ref());
        self
    }

    /// Tells the client how long to wait before it reconnects, in whole milliseconds.
    pub fn retry(mut self, delay: Duration) -> Self {
        let millis = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        self.push_line(b"retry: ", itoa::Buffer::new().format(millis));
        self
    }

    /// Adds a comment, which clients ignore.
    pub fn comment(mut self, text: impl AsRef<str>) -> Self {
        self.push_lines(b": ", text.as_ref().as_bytes());
        self
    }

    /// The event on the wire, with the blank line that ends it.
    pub fn into_bytes(mut self) -> Bytes {
        self.lines.push(b'\n');
        self.lines.into()
    }

    /// Adds one line of data, which `write` appends: UTF-8 without line ends. They are not looked for, so that a snapshot of many
    /// rows is not read through once more.
    #[cfg(feature = "monitor")]
    pub(crate) fn write_line(mut self, write: impl FnOnce(&mut Vec<u8>)) -> Self {
        self.lines.extend_from_slice(b"data: ");
        let start = self.lines.len();
        write(&mut self.lines);
        debug_assert!(memchr2(b'\n', b'\r', &self.lines[start..]).is_none(), "data of one line");
        self.lines.push(b'\n');
        self
    }

    /// Adds a field for each line of `value`.
    fn push_lines(&mut self, field: &[u8], value: &[u8]) {
        let mut rest = value;
        loop {
            let end = memchr2(b'\n', b'\r', rest);
            // The two are the line's end and the event's: with one line of data and nothing else, the memory fits.
            self.lines.reserve(field.len() + rest.len() + 2);
            self.lines.extend_from_slice(field);
            self.lines.extend_from_slice(&rest[..end.unwrap_or(rest.len())]);
            self.lines.push(b'\n');
            let Some(end) = end else { return };
            rest = &rest[end + if rest[end..].starts_with(b"\r\n") { 2 } else { 1 }..];
        }
    }

    fn push_line(&mut self, field: &[u8], value: &str) {
        self.lines.reserve(field.len() + value.len() + 2);
        self.lines.extend_from_slice(field);
        let safe = |byte| if matches!(byte, b'\n' | b'\r' | b'\0') { b' ' } else { byte };
        self.lines.extend(value.bytes().map(safe));
        self.lines.push(b'\n');
    }
}

impl From<Event> for Bytes {
    fn from(event: Event) -> Self {
        event.into_bytes()
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Event").field(&String::from_utf8_lossy(&self.lines)).finish()
    }
}

/// An error of [`Event::json`]: the value cannot be written as JSON.
#[derive(Debug)]
pub struct JsonError(serde_json::Error);

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the event's data cannot be written as JSON: {}", self.0)
    }
}

impl Error for JsonError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}
