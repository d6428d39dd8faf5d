//! The contiguous chunks of a frame's data.

use bytes::Buf;
use std::io::IoSlice;

/// Calls `visit` with each contiguous chunk of `data`, in order and without consuming it. Returns false, and visits none, if
/// `data` does not show all of its chunks or has more than 16.
pub(crate) fn visit_chunks<D: Buf>(data: &D, mut visit: impl FnMut(&[u8])) -> bool {
    let first = data.chunk();
    if first.len() == data.remaining() {
        visit(first);
        return true;
    }
    let mut chunks = [IoSlice::new(&[]); 16];
    let count = data.chunks_vectored(&mut chunks);
    let chunks = &chunks[..count];
    let all = chunks.iter().map(|chunk| chunk.len()).sum::<usize>() == data.remaining();
    if all {
        chunks.iter().for_each(|chunk| visit(chunk));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::visit_chunks;
    use bytes::{Buf, Bytes};

    fn seen(data: &impl Buf) -> Option<String> {
        let mut seen = String::new();
        visit_chunks(data, |chunk| seen.push_str(&String::from_utf8_lossy(chunk))).then_some(seen)
    }

    #[test]
    fn every_chunk_is_visited_in_order_and_none_is_consumed() {
        let data = Bytes::from("one ").chain(Bytes::new()).chain(Bytes::from("two ")).chain(Bytes::from("three"));
        assert_eq!(seen(&data).as_deref(), Some("one two three"));
        assert_eq!(data.remaining(), 13);
        assert_eq!(seen(&Bytes::new()).as_deref(), Some(""));
    }

    #[test]
    fn a_buffer_that_hides_chunks_is_not_visited_in_part() {
        /// A buffer of two chunks that shows only the first.
        struct Hidden;
        impl Buf for Hidden {
            fn remaining(&self) -> usize {
                8
            }
            fn chunk(&self) -> &[u8] {
                b"seen"
            }
            fn advance(&mut self, _: usize) {}
        }
        assert_eq!(seen(&Hidden), None);
    }
}
