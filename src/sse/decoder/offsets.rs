//! Offsets in the body, which goes on from chunk to chunk.

/// The places of the current chunk and of the event in progress in the body, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Offsets {
    chunk: u64,
    event: u64,
}

impl Offsets {
    /// The offset just behind the last blank line.
    pub(super) fn event(self) -> u64 {
        self.event
    }

    /// The offset of the current chunk; between two chunks, that of the next.
    pub(super) fn chunk(self) -> u64 {
        self.chunk
    }

    /// The offset of `rest`, which the current chunk ends with.
    #[inline]
    pub(super) fn of(self, rest: &[u8], chunk: &[u8]) -> u64 {
        self.chunk + (chunk.len() - rest.len()) as u64
    }

    /// Notes that the next event begins at `rest`, which the current chunk ends with.
    #[inline]
    pub(super) fn begin_event(&mut self, rest: &[u8], chunk: &[u8]) {
        self.event = self.of(rest, chunk);
    }

    /// Notes that the chunk begins with the LF of a CRLF: an event that begins with the chunk begins behind it.
    pub(super) fn skip_line_feed(&mut self) {
        self.event += u64::from(self.event == self.chunk);
    }

    /// Goes on behind a chunk.
    #[inline]
    pub(super) fn pass(&mut self, chunk: &[u8]) {
        self.chunk += chunk.len() as u64;
    }
}
