//! Lines: one event each (NDJSON).

use memchr::memchr;

use crate::sse::EventData;

/// Bytes of the longest line that is handed out whole.
const LIMIT: usize = 1024 * 1024;

/// Cuts a body into lines. A line that lies whole in one chunk is a slice of it; of one that is too long, the end is kept.
#[derive(Debug)]
pub(in crate::usage) struct Lines {
    /// The line that the last chunk left open.
    open: EventData,
}

impl Lines {
    pub(super) fn new() -> Self {
        Self { open: EventData::new(LIMIT) }
    }

    /// Hands out the lines that end in `chunk`, and whether each is only the end of a line. Blank lines are none.
    pub(super) fn feed(&mut self, mut chunk: &[u8], mut on_line: impl FnMut(&[u8], bool)) {
        while let Some(end) = memchr(b'\n', chunk) {
            let (line, rest) = (&chunk[..end], &chunk[end + 1..]);
            if self.open.is_empty() && line.len() <= LIMIT {
                hand_out(line, false, &mut on_line);
            } else {
                self.open.extend(line);
                self.finish(&mut on_line);
            }
            chunk = rest;
        }
        self.open.extend(chunk);
    }

    /// Hands out what is left when the body has ended.
    pub(super) fn finish(&mut self, mut on_line: impl FnMut(&[u8], bool)) {
        let (line, skipped) = self.open.get();
        hand_out(line, skipped > 0, &mut on_line);
        self.open.clear();
    }
}

fn hand_out(line: &[u8], is_tail: bool, on_line: &mut impl FnMut(&[u8], bool)) {
    let line = line.trim_ascii();
    if !line.is_empty() {
        on_line(line, is_tail);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(chunks: &[&[u8]]) -> Vec<(usize, bool)> {
        let mut lines = Lines::new();
        let mut seen = Vec::new();
        for chunk in chunks {
            lines.feed(chunk, |line, is_tail| seen.push((line.len(), is_tail)));
        }
        lines.finish(|line, is_tail| seen.push((line.len(), is_tail)));
        seen
    }

    #[test]
    fn lines_are_the_same_however_they_are_cut() {
        assert_eq!(lines(&[b"ab\r\n\nc\nd"]), [(2, false), (1, false), (1, false)]);
        assert_eq!(lines(&[b"a", b"b\r", b"\n\nc", b"\nd"]), [(2, false), (1, false), (1, false)]);
    }

    #[test]
    fn of_an_overlong_line_the_end_is_left() {
        let long = vec![b'x'; LIMIT + 10];
        for chunks in [vec![&long[..], b"yy\nz\n"], long.chunks(1000).chain([&b"yy\nz\n"[..]]).collect()] {
            let seen = lines(&chunks);
            assert!(seen[0].1 && seen[0].0 < 64 * 1024, "{seen:?}");
            assert_eq!(seen[1], (1, false));
        }
    }
}
