//! Bytes to events, whatever the cuts.
//!
//! An event that lies whole in one piece of the body, as nearly all do, is handed out as slices of that piece: nothing is
//! copied or allocated. Only what a cut leaves behind goes into the decoder's own buffers, which are bounded whatever
//! the peer sends.

use memchr::memchr2;
use std::time::Duration;

#[cfg(test)]
mod bounds;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// Data bytes that are kept of an event that is over the limit.
const TAIL: usize = 16 * 1024;

/// Capacity that a buffer may keep from one event to the next.
const KEPT: usize = 4 * 1024;

/// Bytes from which a line that is not `data` is left out.
const LABEL_LIMIT: usize = 16 * 1024;

/// So much of a line tells whether it is `data`, and where its value starts: `data:` and perhaps a space.
const DATA_PREFIX: usize = 6;

/// One event as bytes. Text is UTF-8 by the standard, but what a peer sends need not be: convert lossily.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RawEvent<'a> {
    /// The event's name; empty for the default, `message`.
    pub name: &'a [u8],
    /// The data lines, joined by LF.
    pub data: &'a [u8],
    /// Bytes that are missing in front of `data` because the event was over the limit. `data` is then the event's last
    /// 16 KiB (or the limit, if that is less).
    pub skipped: u64,
    /// The last event id in force.
    pub id: &'a [u8],
    /// The body ended before the blank line that ends this event. By the standard it is to be dropped, but LLM servers do
    /// leave out the last line end.
    pub unterminated: bool,
}

/// An incremental decoder of one `text/event-stream` after the other.
///
/// The result does not depend on how the bytes are cut. Nothing a peer sends is an error: bytes need not be UTF-8, unknown
/// fields are ignored, an over-long event loses its front ([`RawEvent::skipped`]), and another over-long line is left out
/// ([`overlong_lines`](Self::overlong_lines)). Time is linear in the bytes.
///
/// ```
/// use active_requests::sse::Decoder;
///
/// let mut decoder = Decoder::new();
/// let mut seen = Vec::new();
/// for piece in ["event: gree", "ting\nda", "ta: hel", "lo\n\n"] {
///     decoder.feed(piece.as_bytes(), |event| seen.push((event.name.to_vec(), event.data.to_vec())));
/// }
/// assert_eq!(seen, [(b"greeting".to_vec(), b"hello".to_vec())]);
/// ```
#[derive(Debug)]
pub struct Decoder {
    /// What has come of a cut line, as far as it is not known to be `data`.
    label: Vec<u8>,
    /// What earlier pieces hold of the event in progress. `data` may grow to the limit, in tail mode to twice `TAIL`.
    name: Vec<u8>,
    data: Vec<u8>,
    next_id: Vec<u8>,
    id: Vec<u8>,
    retry: Option<Duration>,
    max_event_bytes: usize,
    skipped: u64,
    overlong_lines: u64,
    line: Line,
    /// Bytes of a BOM seen at the start of the body, `BOM.len()` when that is behind us.
    bom: u8,
    /// The last byte was the CR of a line end: an LF belongs to it.
    after_cr: bool,
    has_data: bool,
    has_next_id: bool,
    /// Some of the event in progress is in the buffers above.
    holding: bool,
}

/// The line that the last piece left open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    /// None, or one whose few bytes in `label` do not tell yet.
    Start,
    /// Its value goes into `data` as it comes.
    Data,
    /// It is collected in `label`.
    Label,
    /// A comment, or over-long.
    Ignored,
}

/// What the current piece holds of the event in progress, as slices of it.
#[derive(Default)]
struct Borrowed<'a> {
    name: Option<&'a [u8]>,
    data: Option<&'a [u8]>,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// A decoder that takes events of up to 1 MiB of data. It allocates nothing until a piece ends inside an event.
    pub fn new() -> Self {
        Self {
            label: Vec::new(),
            name: Vec::new(),
            data: Vec::new(),
            next_id: Vec::new(),
            id: Vec::new(),
            retry: None,
            max_event_bytes: 1024 * 1024,
            skipped: 0,
            overlong_lines: 0,
            line: Line::Start,
            bom: 0,
            after_cr: false,
            has_data: false,
            has_next_id: false,
            holding: false,
        }
    }

    /// Sets how many bytes of data an event may have. Of a longer one only the end is handed out.
    pub fn with_max_event_bytes(mut self, n: usize) -> Self {
        self.max_event_bytes = n;
        self
    }

    /// Takes the next piece of the body and hands out the events that it completes.
    pub fn feed(&mut self, bytes: &[u8], mut on_event: impl FnMut(RawEvent<'_>)) {
        let mut rest = self.continue_line(bytes);
        let mut borrowed = Borrowed::default();
        while let Some(&first) = rest.first() {
            if is_line_end(first) {
                self.dispatch(&mut borrowed, &mut on_event);
                rest = self.after_line_end(rest, 0);
                continue;
            }
            let Some(end) = memchr2(b'\n', b'\r', rest) else {
                self.keep(&mut borrowed);
                return self.extend_line(rest);
            };
            self.line(&rest[..end], &mut borrowed);
            rest = self.after_line_end(rest, end);
        }
        self.keep(&mut borrowed);
    }

    /// The body has ended cleanly: hands out an event that lacks its blank line, or even the end of its last data line, with
    /// [`RawEvent::unterminated`] set. Other unfinished lines do not count, for a cut number or name is another one.
    ///
    /// The decoder is then ready for another body. As in a browser, [`last_event_id`](Self::last_event_id) (which an
    /// unterminated event does not move) and [`retry`](Self::retry) stay.
    pub fn finish(&mut self, mut on_event: impl FnMut(RawEvent<'_>)) {
        if self.line == Line::Start && matches!(&self.label[..], b"data" | b"data:") {
            self.begin_data();
        }
        if self.has_data {
            self.trim();
            on_event(RawEvent {
                name: &self.name,
                data: &self.data,
                skipped: self.skipped,
                id: if self.has_next_id { &self.next_id } else { &self.id },
                unterminated: true,
            });
        }
        *self = Self {
            id: std::mem::take(&mut self.id),
            retry: self.retry,
            overlong_lines: self.overlong_lines,
            max_event_bytes: self.max_event_bytes,
            ..Self::new()
        };
    }

    /// The last event id in force: what a client sends as `Last-Event-ID` when it reconnects. Empty if there is none.
    pub fn last_event_id(&self) -> &[u8] {
        &self.id
    }

    /// The reconnection time that the server last asked for.
    pub fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// Lines, other than data and comments, that were left out for being longer than 16 KiB.
    pub fn overlong_lines(&self) -> u64 {
        self.overlong_lines
    }

    /// Handles what the start of a piece owes to the one before: the BOM, the LF of a CRLF, the rest of a line.
    #[inline]
    fn continue_line<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let mid_line = self.line != Line::Start || !self.label.is_empty();
        if usize::from(self.bom) == BOM.len() && !self.after_cr && !mid_line {
            return bytes;
        }
        self.continue_cut(bytes)
    }

    #[cold]
    fn continue_cut<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let bytes = self.skip_bom(bytes);
        let Some(&first) = bytes.first() else {
            return bytes;
        };
        if std::mem::take(&mut self.after_cr) && first == b'\n' {
            return &bytes[1..];
        }
        if self.line == Line::Start && self.label.is_empty() {
            return bytes;
        }
        let Some(end) = memchr2(b'\n', b'\r', bytes) else {
            self.extend_line(bytes);
            return &[];
        };
        self.extend_line(&bytes[..end]);
        self.end_line();
        self.after_line_end(bytes, end)
    }

    fn skip_bom<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let mut rest = bytes;
        while let (Some(expected), Some((first, after))) = (BOM.get(usize::from(self.bom)), rest.split_first()) {
            if first != expected {
                let seen = &BOM[..usize::from(self.bom)];
                self.bom = BOM.len() as u8;
                self.extend_line(seen);
                break;
            }
            self.bom += 1;
            rest = after;
        }
        rest
    }

    /// What follows the line end at `end`.
    #[inline]
    fn after_line_end<'a>(&mut self, bytes: &'a [u8], end: usize) -> &'a [u8] {
        let rest = &bytes[end + 1..];
        if bytes[end] == b'\n' {
            return rest;
        }
        match rest.split_first() {
            Some((b'\n', rest)) => rest,
            Some(_) => rest,
            None => {
                self.after_cr = true;
                rest
            }
        }
    }

    /// A whole line that is not blank.
    #[inline]
    fn line<'a>(&mut self, line: &'a [u8], borrowed: &mut Borrowed<'a>) {
        match line.strip_prefix(b"data:") {
            Some(value) if borrowed.data.is_none() && !self.has_data => borrowed.data = Some(strip_space(value)),
            Some(value) => {
                self.keep(borrowed);
                self.begin_data();
                self.extend_data(strip_space(value));
            }
            None => self.label(line, borrowed),
        }
    }

    /// A whole line that does not start with `data:`.
    fn label<'a>(&mut self, line: &'a [u8], borrowed: &mut Borrowed<'a>) {
        if line[0] == b':' {
            return;
        }
        if line.len() > LABEL_LIMIT {
            self.overlong_lines += 1;
            return;
        }
        let (field, value) = match memchr::memchr(b':', line) {
            Some(colon) => (&line[..colon], strip_space(&line[colon + 1..])),
            None => (line, &[][..]),
        };
        match field {
            b"event" => borrowed.name = Some(value),
            b"data" => {
                self.keep(borrowed);
                self.begin_data();
            }
            b"id" if !value.contains(&0) => {
                replace(&mut self.next_id, value);
                self.has_next_id = true;
                self.holding = true;
            }
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                let digits = value.iter().map(|digit| u64::from(digit - b'0'));
                let millis = digits.fold(0_u64, |sum, digit| sum.saturating_mul(10).saturating_add(digit));
                self.retry = Some(Duration::from_millis(millis));
            }
            _ => {}
        }
    }

    /// A blank line: the event in progress is complete.
    #[inline]
    fn dispatch(&mut self, borrowed: &mut Borrowed<'_>, on_event: &mut impl FnMut(RawEvent<'_>)) {
        if self.holding {
            return self.dispatch_kept(borrowed, on_event);
        }
        let Borrowed { name, data } = std::mem::take(borrowed);
        if let Some(data) = data {
            let skipped = if data.len() > self.max_event_bytes { data.len() - self.tail() } else { 0 };
            on_event(RawEvent {
                name: name.unwrap_or_default(),
                data: &data[skipped..],
                skipped: skipped as u64,
                id: &self.id,
                unterminated: false,
            });
        }
    }

    #[cold]
    fn dispatch_kept(&mut self, borrowed: &mut Borrowed<'_>, on_event: &mut impl FnMut(RawEvent<'_>)) {
        self.keep(borrowed);
        if std::mem::take(&mut self.has_next_id) {
            std::mem::swap(&mut self.id, &mut self.next_id);
            clear(&mut self.next_id);
        }
        if self.has_data {
            self.trim();
            on_event(RawEvent {
                name: &self.name,
                data: &self.data,
                skipped: self.skipped,
                id: &self.id,
                unterminated: false,
            });
        }
        clear(&mut self.name);
        clear(&mut self.data);
        self.skipped = 0;
        self.has_data = false;
        self.holding = false;
    }

    /// Copies what is borrowed from a piece that is about to go.
    #[inline]
    fn keep(&mut self, borrowed: &mut Borrowed<'_>) {
        if let Some(name) = borrowed.name.take() {
            replace(&mut self.name, name);
            self.holding = true;
        }
        if let Some(data) = borrowed.data.take() {
            self.begin_data();
            self.extend_data(data);
        }
    }

    /// More of a line whose end has not come.
    fn extend_line(&mut self, mut bytes: &[u8]) {
        if self.line == Line::Start {
            let (head, rest) = bytes.split_at(bytes.len().min(DATA_PREFIX - self.label.len()));
            self.label.extend_from_slice(head);
            if self.label.len() < DATA_PREFIX {
                return;
            }
            bytes = rest;
            self.line = if self.label.starts_with(b"data:") {
                let sixth = self.label[5];
                self.label.clear();
                self.begin_data();
                self.extend_data(strip_space(&[sixth]));
                Line::Data
            } else if self.label[0] == b':' {
                self.label.clear();
                Line::Ignored
            } else {
                Line::Label
            };
        }
        match self.line {
            Line::Data => self.extend_data(bytes),
            Line::Label if self.label.len() + bytes.len() <= LABEL_LIMIT => self.label.extend_from_slice(bytes),
            Line::Label => {
                self.overlong_lines += 1;
                clear(&mut self.label);
                self.line = Line::Ignored;
            }
            Line::Start | Line::Ignored => {}
        }
    }

    /// The end of a line that came in several pieces.
    fn end_line(&mut self) {
        if !self.label.is_empty() {
            let mut label = std::mem::take(&mut self.label);
            let mut borrowed = Borrowed::default();
            self.line(&label, &mut borrowed);
            self.keep(&mut borrowed);
            clear(&mut label);
            self.label = label;
        }
        self.line = Line::Start;
    }

    /// A further line of data.
    fn begin_data(&mut self) {
        self.holding = true;
        if std::mem::replace(&mut self.has_data, true) {
            self.extend_data(b"\n");
        }
    }

    fn extend_data(&mut self, bytes: &[u8]) {
        let len = self.data.len() + bytes.len();
        if self.skipped == 0 && len <= self.max_event_bytes {
            if len > self.data.capacity() {
                // Doubling, as `Vec` does, but not past the limit.
                let capacity = (2 * len).max(256).min(self.max_event_bytes);
                self.data.reserve_exact(capacity - self.data.len());
            }
            return self.data.extend_from_slice(bytes);
        }
        if self.skipped == 0 {
            self.drop_front();
        }
        // Two tails fit, so that each move to the front is paid for by a tail of new bytes.
        for part in bytes.chunks(TAIL) {
            if self.data.len() + part.len() > 2 * TAIL {
                self.drop_front();
            }
            self.data.extend_from_slice(part);
        }
    }

    /// Leaves only the tail of data that is over the limit.
    fn trim(&mut self) {
        if self.skipped > 0 || self.data.len() > self.max_event_bytes {
            self.drop_front();
        }
    }

    fn drop_front(&mut self) {
        let excess = self.data.len().saturating_sub(self.tail());
        self.skipped += excess as u64;
        if self.data.capacity() == 2 * TAIL {
            self.data.drain(..excess);
        } else {
            let mut tail = Vec::with_capacity(2 * TAIL);
            tail.extend_from_slice(&self.data[excess..]);
            self.data = tail;
        }
    }

    fn tail(&self) -> usize {
        self.max_event_bytes.min(TAIL)
    }
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

fn strip_space(value: &[u8]) -> &[u8] {
    value.strip_prefix(b" ").unwrap_or(value)
}

fn replace(buffer: &mut Vec<u8>, bytes: &[u8]) {
    buffer.clear();
    buffer.extend_from_slice(bytes);
}

/// Empties a buffer and gives it back if it has become a big one.
fn clear(buffer: &mut Vec<u8>) {
    if buffer.capacity() > KEPT {
        *buffer = Vec::new();
    }
    buffer.clear();
}
