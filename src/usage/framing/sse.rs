//! Server-Sent Events, and what servers write between them when they fail: `error: {..}` as if it were a field, or a JSON
//! object as it stands, over several lines.

use super::super::dialect::Event;
use super::super::reader::ResponseReader;
use crate::json::Cursor;
use crate::sse::{Decoder, RawEvent, Sink};

/// Bytes of the longest error object that is read between events.
const LIMIT: usize = 16 * 1024;

/// Cuts a body into events.
#[derive(Debug)]
pub(in crate::usage) struct Events {
    decoder: Decoder,
    /// The lines of an object that is no event.
    object: Vec<u8>,
}

impl Events {
    pub(super) fn new() -> Self {
        Self { decoder: Decoder::new(), object: Vec::new() }
    }

    #[inline]
    pub(super) fn feed(&mut self, piece: &[u8], stream: &mut ResponseReader) {
        self.decoder.feed_to(&mut Reader { object: &mut self.object, stream }, piece);
    }

    pub(super) fn finish(&mut self, stream: &mut ResponseReader) {
        self.decoder.finish_to(&mut Reader { object: &mut self.object, stream });
    }
}

struct Reader<'a> {
    object: &'a mut Vec<u8>,
    stream: &'a mut ResponseReader,
}

impl Sink for Reader<'_> {
    #[inline]
    fn event(&mut self, event: RawEvent<'_>) {
        let is_tail = event.skipped > 0;
        let is_last = event.unterminated;
        let event = Event { name: event.name, data: event.data };
        if is_last {
            self.stream.last_event(event, is_tail);
        } else {
            self.stream.event(event, is_tail);
        }
    }

    #[cold]
    fn stray(&mut self, line: &[u8]) {
        if let Some(error) = line.strip_prefix(b"error:") {
            return self.stream.stray_error(Cursor::new(error));
        }
        if line.starts_with(b"{") {
            self.object.clear();
        } else if self.object.is_empty() {
            return;
        }
        if self.object.len() + line.len() > LIMIT {
            return self.object.clear();
        }
        self.object.extend_from_slice(line);
        if let Some(error) = Cursor::new(self.object).find(b"error") {
            let mut whole = Cursor::new(self.object);
            whole.skip();
            if !whole.is_broken() {
                self.stream.stray_error(error);
            }
        }
    }
}
