//! The value that a scanner keeps while it passes: a slice of the chunk where it can be, a bounded copy where it is cut.

/// The part that is kept of a value that is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    Head(usize),
    Tail(usize),
}

/// Collects a value that may be spread over several chunks.
#[derive(Debug, Default)]
pub(super) struct Capture {
    /// Where the value, or its continuation, begins in the current chunk. `None`: nothing is being kept.
    mark: Option<usize>,
    /// The bytes of it in earlier chunks.
    held: Vec<u8>,
    /// Whether any of it has been dropped.
    cut: bool,
}

impl Capture {
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.held.capacity()
    }

    pub(super) fn begin(&mut self, at: usize) {
        self.mark = Some(at);
        self.held.clear();
        self.cut = false;
    }

    /// Copies what is kept of the value, inside of which the chunk ends.
    pub(super) fn carry(&mut self, chunk: &[u8], keep: Keep) {
        if let Some(mark) = self.mark.replace(0) {
            self.hold(chunk.get(mark..).unwrap_or_default(), keep);
        } else {
            self.mark = None;
        }
    }

    /// Ends the value at `end` of this chunk: returns its kept bytes, and whether they are all of it.
    pub(super) fn end<'a>(&'a mut self, chunk: &'a [u8], end: usize, keep: Keep) -> (&'a [u8], bool) {
        let rest = self.mark.take().and_then(|mark| chunk.get(mark..end)).unwrap_or_default();
        if !self.held.is_empty() {
            self.hold(rest, keep);
            let kept = match keep {
                Keep::Head(_) => &self.held[..],
                Keep::Tail(limit) => &self.held[self.held.len().saturating_sub(limit)..],
            };
            return (kept, !self.cut && kept.len() == self.held.len());
        }
        let kept = match keep {
            Keep::Head(limit) => &rest[..rest.len().min(limit)],
            Keep::Tail(limit) => &rest[rest.len().saturating_sub(limit)..],
        };
        (kept, kept.len() == rest.len())
    }

    fn hold(&mut self, bytes: &[u8], keep: Keep) {
        match keep {
            Keep::Head(limit) => {
                let room = limit.saturating_sub(self.held.len()).min(bytes.len());
                self.cut |= room < bytes.len();
                self.held.extend_from_slice(&bytes[..room]);
            }
            // The front is dropped only once it is as long as what is kept, so that each byte is moved once on average.
            Keep::Tail(limit) => {
                let tail = &bytes[bytes.len().saturating_sub(limit)..];
                self.cut |= tail.len() < bytes.len();
                if self.held.len() + tail.len() > 2 * limit {
                    let excess = (self.held.len() + tail.len() - limit).min(self.held.len());
                    self.held.drain(..excess);
                    self.cut = true;
                }
                self.held.extend_from_slice(tail);
            }
        }
    }
}
