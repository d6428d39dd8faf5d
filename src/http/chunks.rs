//! Looking at a frame's bytes without consuming them.

use bytes::Buf;
use std::io::IoSlice;

/// Shows all pieces of `data` in order. False if it has more pieces than can be looked at; then none has been shown.
pub(crate) fn look_at<D: Buf>(data: &D, mut see: impl FnMut(&[u8])) -> bool {
    let first = data.chunk();
    if first.len() == data.remaining() {
        see(first);
        return true;
    }
    let mut pieces = [IoSlice::new(&[]); 16];
    let count = data.chunks_vectored(&mut pieces);
    let pieces = &pieces[..count];
    let all = pieces.iter().map(|piece| piece.len()).sum::<usize>() == data.remaining();
    if all {
        pieces.iter().for_each(|piece| see(piece));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::look_at;
    use bytes::{Buf, Bytes};

    fn seen(data: &impl Buf) -> Option<String> {
        let mut seen = String::new();
        look_at(data, |piece| seen.push_str(&String::from_utf8_lossy(piece))).then_some(seen)
    }

    #[test]
    fn every_piece_is_shown_in_order_and_none_is_consumed() {
        let data = Bytes::from("one ").chain(Bytes::new()).chain(Bytes::from("two ")).chain(Bytes::from("three"));
        assert_eq!(seen(&data).as_deref(), Some("one two three"));
        assert_eq!(data.remaining(), 13);
        assert_eq!(seen(&Bytes::new()).as_deref(), Some(""));
    }

    #[test]
    fn what_hides_its_pieces_is_not_shown_in_part() {
        /// A buffer in two pieces that lets only the first be seen.
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
