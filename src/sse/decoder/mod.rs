//! The decoder: bytes to events, whatever the cuts.
//!
//! An event that lies whole in one chunk of the body, as nearly all do, is handed out as slices of that chunk:
//! nothing is copied or allocated. Only what a cut leaves behind goes into the decoder's own buffers, which are
//! bounded whatever the peer sends.

mod data;
mod field;
mod offsets;
#[cfg(test)]
mod tests;

use std::{mem, time::Duration};

use memchr::{memchr, memchr2};

pub(crate) use self::data::EventData;
use self::{
    data::{clear, within},
    field::{Field, strip_space},
    offsets::Offsets,
};

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// The longest line that is not `data` and is still read.
const LABEL_LIMIT: usize = 16 * 1024;

/// The bytes of a line that tell whether it is `data` and where its value starts: `data:` and perhaps a space.
const DATA_PREFIX: usize = 6;

/// One event as bytes. Text is UTF-8 by the standard, but what a peer sends need not be: convert lossily.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RawEvent<'a> {
    /// The event's name; empty for the default, `message`.
    pub name: &'a [u8],
    /// The data lines, joined by LF.
    pub data: &'a [u8],
    /// Bytes that are missing in front of `data` because the event was over the limit. `data` is then the event's
    /// last 16 KiB (or the limit, if that is less).
    pub skipped: u64,
    /// The last event id in force.
    pub id: &'a [u8],
    /// The body ended before the blank line that ends this event. By the standard it is to be dropped, but LLM
    /// servers do leave out the last line end.
    pub unterminated: bool,
    /// The offset of the event's first line in the body, in bytes: just behind the blank line before it. Comments between are
    /// part of the event.
    pub start: u64,
    /// The offset just behind the event's blank line, in bytes. If that line ends with CRLF, just behind the CR: the LF may not
    /// have come yet.
    pub end: u64,
}

/// An incremental decoder of one `text/event-stream` after the other.
///
/// The result does not depend on how the bytes are cut. Nothing a peer sends is an error: bytes need not be UTF-8,
/// unknown fields are ignored, an over-long event loses its front ([`RawEvent::skipped`]), and another over-long line
/// is left out ([`overlong_lines`](Self::overlong_lines)). Time is linear in the bytes.
///
/// ```
/// use active_requests::sse::Decoder;
///
/// let mut decoder = Decoder::new();
/// let mut seen = Vec::new();
/// for chunk in ["event: gree", "ting\nda", "ta: hel", "lo\n\n"] {
///     decoder.feed(chunk.as_bytes(), |event| seen.push((event.name.to_vec(), event.data.to_vec())));
/// }
/// assert_eq!(seen, [(b"greeting".to_vec(), b"hello".to_vec())]);
/// ```
#[derive(Debug)]
pub struct Decoder {
    /// The next chunk cannot be read as whole lines from its start: it begins the body, or goes on where a cut was.
    cut: bool,
    /// Some of the event in progress is in the buffers below.
    holding: bool,
    has_next_id: bool,
    /// The last byte was the CR of a line end: an LF belongs to it.
    after_cr: bool,
    line: CutLine,
    /// Bytes of a BOM seen at the start of the body, or its length when that is behind us.
    bom: usize,
    /// The beginning of a cut line, as long as it is not known to be `data`.
    label: Vec<u8>,
    name: Vec<u8>,
    data: EventData,
    /// The id to be in force from the next blank line on.
    next_id: Vec<u8>,
    id: Vec<u8>,
    retry: Option<Duration>,
    overlong_lines: u64,
    offsets: Offsets,
}

/// The line that the last chunk left open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CutLine {
    /// None, or one whose few bytes in `label` do not tell yet.
    Start,
    /// Its value goes into `data` as it comes.
    Data,
    /// It is collected in `label`.
    Label,
    /// A comment, or over-long.
    Ignored,
}

/// The parts of the event in progress that the current chunk holds, as slices of it.
#[derive(Default)]
struct Borrowed<'a> {
    name: Option<&'a [u8]>,
    data: Option<&'a [u8]>,
}

/// Takes what a decoder finds.
pub(crate) trait Sink {
    fn event(&mut self, event: RawEvent<'_>);

    /// A line that is no field of the standard. Servers do write such: `error: {..}`, or JSON as it stands.
    fn stray(&mut self, line: &[u8]);
}

/// Takes events and nothing else.
struct EventsOnly<F>(F);

impl<F: FnMut(RawEvent<'_>)> Sink for EventsOnly<F> {
    #[inline]
    fn event(&mut self, event: RawEvent<'_>) {
        (self.0)(event);
    }

    fn stray(&mut self, _: &[u8]) {}
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// A decoder that takes events of up to 1 MiB of data. It allocates nothing until a chunk ends inside an event.
    pub fn new() -> Self {
        Self {
            cut: true,
            holding: false,
            has_next_id: false,
            after_cr: false,
            line: CutLine::Start,
            bom: 0,
            label: Vec::new(),
            name: Vec::new(),
            data: EventData::new(1024 * 1024),
            next_id: Vec::new(),
            id: Vec::new(),
            retry: None,
            overlong_lines: 0,
            offsets: Offsets::default(),
        }
    }

    /// Sets how many bytes of data an event may have. Of a longer one only the end is handed out.
    pub fn with_max_event_bytes(self, n: usize) -> Self {
        Self { data: EventData::new(n), ..self }
    }

    /// Takes the next chunk of the body and hands out the events that it completes.
    pub fn feed(&mut self, bytes: &[u8], on_event: impl FnMut(RawEvent<'_>)) {
        self.feed_to(&mut EventsOnly(on_event), bytes);
    }

    /// Takes the next chunk as [`feed`](Self::feed) does, and hands out the lines that are no field, too.
    #[inline]
    pub(crate) fn feed_to(&mut self, sink: &mut impl Sink, bytes: &[u8]) {
        let mut rest = if self.cut { self.resume(bytes, sink) } else { bytes };
        let mut borrowed = Borrowed::default();
        while let Some(&first) = rest.first() {
            let end = if matches!(first, b'\n' | b'\r') {
                let at = self.offsets.of(rest, bytes);
                self.dispatch(mem::take(&mut borrowed), at + 1, sink);
                rest = self.after_line_end(rest, 0);
                self.offsets.begin_event(rest, bytes);
                continue;
            } else if let Some(end) = memchr2(b'\n', b'\r', rest) {
                self.line(&rest[..end], &mut borrowed, sink);
                end
            } else {
                break;
            };
            rest = self.after_line_end(rest, end);
        }
        self.keep(borrowed.name, borrowed.data);
        if !rest.is_empty() {
            self.extend_line(rest);
        }
        self.offsets.pass(bytes);
    }

    /// Ends the body, which has ended cleanly: hands out an event that lacks its blank line, or even the end of its last data
    /// line, with [`RawEvent::unterminated`] set. Other unfinished lines do not count, for a cut number or name is
    /// another one.
    ///
    /// The decoder is then ready for another body. As in a browser, [`last_event_id`](Self::last_event_id) (which an
    /// unterminated event does not move) and [`retry`](Self::retry) stay.
    pub fn finish(&mut self, on_event: impl FnMut(RawEvent<'_>)) {
        self.finish_to(&mut EventsOnly(on_event));
    }

    /// Ends the body as [`finish`](Self::finish) does, and hands out a last line that is no field, too.
    pub(crate) fn finish_to(&mut self, sink: &mut impl Sink) {
        if !matches!(self.line, CutLine::Data | CutLine::Ignored) && !self.label.is_empty() {
            sink.stray(&self.label);
        }
        if self.line == CutLine::Start && matches!(&self.label[..], b"data" | b"data:") {
            self.data.begin_line();
        }
        if self.data.any() {
            let (data, skipped) = self.data.get();
            sink.event(RawEvent {
                name: &self.name,
                data,
                skipped,
                id: if self.has_next_id { &self.next_id } else { &self.id },
                unterminated: true,
                start: self.offsets.event(),
                end: self.offsets.chunk(),
            });
        }
        *self = Self {
            id: mem::take(&mut self.id),
            retry: self.retry,
            overlong_lines: self.overlong_lines,
            data: EventData::new(self.data.limit()),
            ..Self::new()
        };
    }

    /// The offset of the event that is not complete yet, in bytes: just behind the last blank line of the body so far.
    pub fn event_start(&self) -> u64 {
        self.offsets.event()
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

    /// Takes from the start of a chunk what belongs to the one before: the rest of a BOM, of a CRLF, of a line.
    #[cold]
    fn resume<'a>(&mut self, bytes: &'a [u8], sink: &mut impl Sink) -> &'a [u8] {
        let bytes = self.skip_bom(bytes);
        let Some(&first) = bytes.first() else {
            return bytes;
        };
        self.cut = false;
        if mem::take(&mut self.after_cr) && first == b'\n' {
            self.offsets.skip_line_feed();
            return &bytes[1..];
        }
        if self.line == CutLine::Start && self.label.is_empty() {
            return bytes;
        }
        let Some(end) = memchr2(b'\n', b'\r', bytes) else {
            self.extend_line(bytes);
            return &[];
        };
        self.extend_line(&bytes[..end]);
        self.end_line(sink);
        self.after_line_end(bytes, end)
    }

    fn skip_bom<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let mut rest = bytes;
        while let (Some(expected), Some((first, after))) = (BOM.get(self.bom), rest.split_first()) {
            if first != expected {
                let seen = mem::replace(&mut self.bom, BOM.len());
                self.extend_line(&BOM[..seen]);
                break;
            }
            self.bom += 1;
            rest = after;
            if self.bom == BOM.len() {
                self.offsets.begin_event(rest, bytes);
            }
        }
        rest
    }

    /// The bytes behind the line end at `end`.
    #[inline]
    fn after_line_end<'a>(&mut self, bytes: &'a [u8], end: usize) -> &'a [u8] {
        let after = &bytes[end + 1..];
        if bytes[end] == b'\n' {
            return after;
        }
        match after {
            [b'\n', rest @ ..] => return rest,
            [] => {
                self.after_cr = true;
                self.cut = true;
            }
            _ => {}
        }
        after
    }

    /// Takes a whole line that is not blank.
    #[inline]
    fn line<'a>(&mut self, line: &'a [u8], borrowed: &mut Borrowed<'a>, sink: &mut impl Sink) {
        match Field::of(line) {
            Field::Data(value) if borrowed.data.is_none() && !self.data.any() => borrowed.data = Some(value),
            Field::Data(value) => {
                self.copy(borrowed.name.take(), borrowed.data.take());
                self.copy(None, Some(value));
            }
            Field::Event(value) if line.len() <= LABEL_LIMIT => borrowed.name = Some(value),
            Field::Event(_) | Field::Other => self.other_line(line, sink),
        }
    }

    #[cold]
    fn other_line(&mut self, line: &[u8], sink: &mut impl Sink) {
        if line[0] == b':' {
            return;
        }
        if line.len() > LABEL_LIMIT {
            self.overlong_lines += 1;
            return;
        }
        let (field, value) = match memchr(b':', line) {
            Some(colon) => (&line[..colon], strip_space(&line[colon + 1..])),
            None => (line, &[][..]),
        };
        match field {
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
            b"id" | b"retry" => {}
            _ => sink.stray(line),
        }
    }

    /// Hands out the event in progress, if there is one: a blank line, which ends at `end` of the body, completes it.
    #[inline]
    fn dispatch(&mut self, borrowed: Borrowed<'_>, end: u64, sink: &mut impl Sink) {
        if self.holding {
            self.dispatch_kept(borrowed.name, borrowed.data, end, sink);
        } else if let Some(data) = borrowed.data {
            let (data, skipped) = within(data, self.data.limit());
            sink.event(RawEvent {
                name: borrowed.name.unwrap_or_default(),
                data,
                skipped: skipped as u64,
                id: &self.id,
                unterminated: false,
                start: self.offsets.event(),
                end,
            });
        }
    }

    #[cold]
    fn dispatch_kept(&mut self, name: Option<&[u8]>, data: Option<&[u8]>, end: u64, sink: &mut impl Sink) {
        self.keep(name, data);
        if mem::take(&mut self.has_next_id) {
            mem::swap(&mut self.id, &mut self.next_id);
            clear(&mut self.next_id);
        }
        if self.data.any() {
            let (data, skipped) = self.data.get();
            let (id, start) = (&self.id[..], self.offsets.event());
            sink.event(RawEvent { name: &self.name, data, skipped, id, unterminated: false, start, end });
        }
        clear(&mut self.name);
        self.data.clear();
        self.holding = false;
    }

    /// Copies what is borrowed from a chunk that is about to go.
    #[inline]
    fn keep(&mut self, name: Option<&[u8]>, data: Option<&[u8]>) {
        if name.is_some() || data.is_some() {
            self.copy(name, data);
        }
    }

    #[cold]
    fn copy(&mut self, name: Option<&[u8]>, data: Option<&[u8]>) {
        self.holding = true;
        if let Some(name) = name {
            replace(&mut self.name, name);
        }
        if let Some(data) = data {
            self.data.begin_line();
            self.data.extend(data);
        }
    }

    /// Takes more of a line whose end has not come.
    fn extend_line(&mut self, mut bytes: &[u8]) {
        self.cut = true;
        if self.line == CutLine::Start {
            let missing = DATA_PREFIX - self.label.len();
            let (head, rest) = bytes.split_at(bytes.len().min(missing));
            self.label.extend_from_slice(head);
            if head.len() < missing {
                return;
            }
            bytes = rest;
            self.begin_cut_line();
        }
        match self.line {
            CutLine::Data => self.data.extend(bytes),
            CutLine::Label if self.label.len() + bytes.len() <= LABEL_LIMIT => self.label.extend_from_slice(bytes),
            CutLine::Label => {
                self.overlong_lines += 1;
                clear(&mut self.label);
                self.line = CutLine::Ignored;
            }
            CutLine::Start | CutLine::Ignored => {}
        }
    }

    /// Tells what a cut line is, as soon as enough of it has come.
    fn begin_cut_line(&mut self) {
        self.line = match &self.label[..] {
            [b'd', b'a', b't', b'a', b':', first @ ..] => {
                self.holding = true;
                self.data.begin_line();
                self.data.extend(strip_space(first));
                CutLine::Data
            }
            [b':', ..] => CutLine::Ignored,
            _ => return self.line = CutLine::Label,
        };
        self.label.clear();
    }

    /// Ends a line that came in several chunks.
    fn end_line(&mut self, sink: &mut impl Sink) {
        let mut label = mem::take(&mut self.label);
        if !label.is_empty() {
            match Field::of(&label) {
                Field::Data(value) => self.copy(None, Some(value)),
                Field::Event(value) => self.copy(Some(value), None),
                Field::Other => self.other_line(&label, sink),
            }
            clear(&mut label);
        }
        self.label = label;
        self.line = CutLine::Start;
    }
}

fn replace(buffer: &mut Vec<u8>, bytes: &[u8]) {
    buffer.clear();
    buffer.extend_from_slice(bytes);
}
