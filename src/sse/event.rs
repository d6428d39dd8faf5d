//! One event as bytes.

use bytes::Bytes;
use memchr::memchr2;
use serde::Serialize;
use std::{fmt, time::Duration};

/// An event, or a comment, on its way out.
///
/// The fields stand in the order in which they were set. No text breaks out of its field: data and comments of
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
    /// An event without any field. As long as it has no data, clients do not tell it to anybody.
    pub const fn new() -> Self {
        Self { lines: Vec::new() }
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
    /// If `value` cannot be serialised, for instance a map whose keys are no text.
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> serde_json::Result<Self> {
        self.write_data(|lines| serde_json::to_writer(lines, value))
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

    /// Adds data that `write` appends. It must be UTF-8.
    pub(crate) fn write_data<E>(mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<Self, E> {
        let field = b"data: ";
        let start = self.lines.len();
        self.lines.reserve(128);
        self.lines.extend_from_slice(field);
        write(&mut self.lines)?;
        if memchr2(b'\n', b'\r', &self.lines[start..]).is_none() {
            self.lines.push(b'\n');
        } else {
            let written = self.lines.split_off(start);
            self.push_lines(field, &written[field.len()..]);
        }
        Ok(self)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_writer_of_data_cannot_break_out_of_it() {
        let write = |lines: &mut Vec<u8>| {
            lines.extend_from_slice(b"{\n \"a\":\r\n1}\r");
            Ok::<_, ()>(())
        };
        let event = Event::new().event("x").write_data(write).unwrap();
        assert_eq!(event.into_bytes(), "event: x\ndata: {\ndata:  \"a\":\ndata: 1}\ndata: \n\n");
    }
}
