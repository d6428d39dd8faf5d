//! The data of an event that is collected from several chunks or lines: bounded, and the end is what stays. The meters use it
//! for events of other framings, too.

/// Bytes that are kept of an event that is over the limit.
pub(super) const TAIL: usize = 16 * 1024;

/// Capacity that a buffer may keep from one event to the next.
pub(super) const KEPT: usize = 4 * 1024;

#[derive(Debug)]
pub(crate) struct EventData {
    /// May grow to the limit; once that is passed, to twice [`TAIL`].
    bytes: Vec<u8>,
    limit: usize,
    skipped: u64,
    /// There is a line, be it an empty one.
    any: bool,
}

impl EventData {
    pub(crate) fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), limit, skipped: 0, any: false }
    }

    /// Whether there is nothing, not even an empty line.
    pub(crate) fn is_empty(&self) -> bool {
        !self.any && self.bytes.is_empty() && self.skipped == 0
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// Whether there is a line, be it an empty one.
    #[inline]
    pub(super) fn any(&self) -> bool {
        self.any
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Starts a further line.
    pub(super) fn begin_line(&mut self) {
        if std::mem::replace(&mut self.any, true) {
            self.extend(b"\n");
        }
    }

    /// Adds to the last line.
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        let len = self.bytes.len() + bytes.len();
        if self.skipped == 0 && len <= self.limit {
            if len > self.bytes.capacity() {
                // Doubling, as `Vec` does, but not past the limit.
                let capacity = (2 * len).max(256).min(self.limit);
                self.bytes.reserve_exact(capacity - self.bytes.len());
            }
            return self.bytes.extend_from_slice(bytes);
        }
        if self.skipped == 0 {
            self.drop_front();
        }
        // Two tails fit, so that each move to the front is paid for by a tail of new bytes.
        for part in bytes.chunks(TAIL) {
            if self.bytes.len() + part.len() > 2 * TAIL {
                self.drop_front();
            }
            self.bytes.extend_from_slice(part);
        }
    }

    /// The data, or its tail if it is over the limit, and how many bytes are missing in front of that.
    pub(crate) fn get(&mut self) -> (&[u8], u64) {
        if self.skipped > 0 {
            self.drop_front();
            return (&self.bytes, self.skipped);
        }
        let (data, skipped) = within(&self.bytes, self.limit);
        (data, skipped as u64)
    }

    /// Makes room for the next event, and gives the memory of a big one back.
    pub(crate) fn clear(&mut self) {
        clear(&mut self.bytes);
        self.skipped = 0;
        self.any = false;
    }

    fn drop_front(&mut self) {
        let (tail, excess) = tail(&self.bytes, self.limit);
        self.skipped += excess as u64;
        if self.bytes.capacity() == 2 * TAIL {
            self.bytes.drain(..excess);
        } else {
            let mut bytes = Vec::with_capacity(2 * TAIL);
            bytes.extend_from_slice(tail);
            self.bytes = bytes;
        }
    }
}

/// `data` as it is handed out under a limit, and how many bytes are left out in front.
#[inline]
pub(super) fn within(data: &[u8], limit: usize) -> (&[u8], usize) {
    if data.len() <= limit { (data, 0) } else { tail(data, limit) }
}

#[cold]
fn tail(data: &[u8], limit: usize) -> (&[u8], usize) {
    let excess = data.len().saturating_sub(limit.min(TAIL));
    (&data[excess..], excess)
}

/// Empties a buffer and gives it back if it has become a big one.
pub(super) fn clear(buffer: &mut Vec<u8>) {
    if buffer.capacity() > KEPT {
        *buffer = Vec::new();
    }
    buffer.clear();
}
