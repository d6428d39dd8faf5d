//! Server-Sent Events, and the errors that servers write between them: `error: {..}` as if it were a field, or a JSON
//! object as it stands, over several lines.

use crate::{
    json::Cursor,
    sse::{Decoder, RawEvent, Sink},
    usage::{event::ResponseEvent, reader::ResponseReader},
};

/// Bytes of the longest error object that is read between events.
const LIMIT: usize = 16 * 1024;

/// Cuts a body into events.
#[derive(Debug)]
pub(in crate::usage) struct SseEvents {
    decoder: Decoder,
    /// The lines of an object that is no event.
    object: Vec<u8>,
}

impl SseEvents {
    pub(super) fn new() -> Self {
        Self { decoder: Decoder::new(), object: Vec::new() }
    }

    #[inline]
    pub(super) fn feed(&mut self, chunk: &[u8], reader: &mut ResponseReader) {
        self.decoder.feed_to(&mut SseSink { object: &mut self.object, reader }, chunk);
    }

    pub(super) fn finish(&mut self, reader: &mut ResponseReader) {
        self.decoder.finish_to(&mut SseSink { object: &mut self.object, reader });
    }
}

struct SseSink<'a> {
    object: &'a mut Vec<u8>,
    reader: &'a mut ResponseReader,
}

impl Sink for SseSink<'_> {
    #[inline]
    fn event(&mut self, event: RawEvent<'_>) {
        let is_tail = event.skipped > 0;
        let is_last = event.unterminated;
        let event = ResponseEvent::new(event.name, event.data);
        if is_last {
            self.reader.last_event(event, is_tail);
        } else {
            self.reader.event(event, is_tail);
        }
    }

    #[cold]
    fn stray(&mut self, line: &[u8]) {
        if let Some(error) = line.strip_prefix(b"error:") {
            return self.reader.stray_error(Cursor::new(error));
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
                self.reader.stray_error(error);
            }
        }
    }
}
