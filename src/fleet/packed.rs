//! The body of a message: text, compressed where that pays, and cut where it is too long for one message.

use std::borrow::Cow;

use bytes::Bytes;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// Bytes of text below which compressing does not pay.
const MIN_DEFLATED: usize = 1 << 10;
/// Bytes of text that a body may stand for, so that a small message cannot take all memory.
const MAX_TEXT: usize = 64 << 20;
/// Bytes of a body in one message. NATS takes 1 MB.
pub(super) const MAX_SLICE: usize = 512 << 10;
/// The number of messages that one body may come in.
const MAX_SLICES: usize = MAX_TEXT / MAX_SLICE;

/// A text as it travels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Packed {
    pub(super) bytes: Bytes,
    /// Whether `bytes` are raw deflate.
    pub(super) is_deflated: bool,
}

/// A body that cannot be unpacked: it is not raw deflate, or stands for too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unpackable;

impl Packed {
    pub(super) fn new(text: &[u8]) -> Self {
        if text.len() < MIN_DEFLATED {
            return Self { bytes: Bytes::copy_from_slice(text), is_deflated: false };
        }
        let mut deflater = Compress::new(Compression::fast(), false);
        let mut out = Vec::with_capacity(text.len() / 4 + 64);
        loop {
            let consumed = usize::try_from(deflater.total_in()).unwrap_or(usize::MAX);
            let rest = text.get(consumed..).unwrap_or_default();
            match deflater.compress_vec(rest, &mut out, FlushCompress::Finish) {
                Ok(Status::StreamEnd) => return Self { bytes: out.into(), is_deflated: true },
                Ok(_) => out.reserve(out.capacity().max(64)),
                // A compressor that is given room cannot fail; text that it did fail on travels as it is.
                Err(_) => return Self { bytes: Bytes::copy_from_slice(text), is_deflated: false },
            }
        }
    }

    /// The text.
    pub(super) fn unpack(&self) -> Result<Cow<'_, [u8]>, Unpackable> {
        if !self.is_deflated {
            return Ok(Cow::Borrowed(&self.bytes));
        }
        let mut inflater = Decompress::new(false);
        let mut out = Vec::with_capacity((self.bytes.len() * 8).min(MAX_TEXT));
        loop {
            let consumed = usize::try_from(inflater.total_in()).unwrap_or(usize::MAX);
            let rest = self.bytes.get(consumed..).unwrap_or_default();
            let before = (inflater.total_in(), inflater.total_out());
            match inflater.decompress_vec(rest, &mut out, FlushDecompress::None) {
                Ok(Status::StreamEnd) => return Ok(Cow::Owned(out)),
                Ok(_) | Err(_) if out.len() >= MAX_TEXT => return Err(Unpackable),
                Err(_) => return Err(Unpackable),
                // No room, or no more input.
                Ok(_) if out.len() < out.capacity() && before == (inflater.total_in(), inflater.total_out()) => {
                    return Err(Unpackable);
                }
                Ok(_) => out.reserve(out.capacity().max(64).min(MAX_TEXT - out.len()).max(1)),
            }
        }
    }

    /// Cuts the body into slices that fit into a message.
    pub(super) fn slices(&self) -> impl Iterator<Item = Slice> {
        let count = self.bytes.len().div_ceil(MAX_SLICE).max(1);
        (0..count).map(move |index| {
            let start = index * MAX_SLICE;
            let bytes = self.bytes.slice(start..(start + MAX_SLICE).min(self.bytes.len()));
            Slice { index, count, body: Self { bytes, is_deflated: self.is_deflated } }
        })
    }
}

/// A part of a body: number `index`, from 0, of `count`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slice {
    pub(super) index: usize,
    pub(super) count: usize,
    pub(super) body: Packed,
}

/// Puts slices together, in whatever order they come. Slices of another body begin anew.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    /// Names the body that the slices are of.
    of: (u64, u64),
    slices: Vec<Option<Bytes>>,
}

impl Assembly {
    /// Takes a slice of the body `of`. Returns the body once it is whole.
    pub(super) fn take(&mut self, of: (u64, u64), slice: Slice) -> Option<Packed> {
        let Slice { index, count, body } = slice;
        if count > MAX_SLICES || index >= count || body.bytes.len() > MAX_SLICE {
            return None;
        }
        if self.of != of || self.slices.len() != count {
            *self = Self { of, slices: vec![None; count] };
        }
        self.slices[index] = Some(body.bytes);
        if self.slices.iter().any(Option::is_none) {
            return None;
        }
        let mut slices: Vec<Bytes> = std::mem::take(self).slices.into_iter().flatten().collect();
        let bytes = if slices.len() == 1 { slices.swap_remove(0) } else { slices.concat().into() };
        Some(Packed { bytes, is_deflated: body.is_deflated })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(length: usize) -> Vec<u8> {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..length).map(|_| next()).collect()
    }

    #[test]
    fn a_text_of_any_length_is_unpacked_as_it_was() {
        for text in [vec![], b"short".to_vec(), vec![b'a'; 1 << 20], noise(3 << 20)] {
            let packed = Packed::new(&text);
            assert_eq!(packed.is_deflated, text.len() >= MIN_DEFLATED);
            assert_eq!(packed.unpack().unwrap(), text);
            let mut assembly = Assembly::default();
            let slices: Vec<_> = packed.slices().collect();
            let whole = slices.into_iter().rev().find_map(|slice| assembly.take((1, 2), slice));
            assert_eq!(whole, Some(packed));
        }
    }

    #[test]
    fn a_body_that_stands_for_too_much_or_is_cut_is_refused() {
        let bomb = Packed::new(&vec![0; MAX_TEXT + 1]);
        assert!(bomb.bytes.len() < 1 << 20);
        assert_eq!(bomb.unpack(), Err(Unpackable));
        let whole = Packed::new(&noise(10_000));
        for end in [0, 1, 5_000, whole.bytes.len() - 1] {
            let cut = Packed { bytes: whole.bytes.slice(..end), is_deflated: true };
            assert_eq!(cut.unpack(), Err(Unpackable), "{end}");
        }
        assert_eq!(Packed { bytes: vec![0xff; 100].into(), is_deflated: true }.unpack(), Err(Unpackable));
    }

    #[test]
    fn slices_of_another_body_begin_anew() {
        let slice =
            |index, count| Slice { index, count, body: Packed { bytes: vec![b'x'].into(), is_deflated: false } };
        let mut assembly = Assembly::default();
        assert_eq!(assembly.take((1, 1), slice(0, 2)), None);
        assert_eq!(assembly.take((1, 2), slice(1, 2)), None);
        assert_eq!(assembly.take((1, 2), slice(0, 2)).unwrap().bytes, "xx");
        for (index, count) in [(0, 0), (2, 2), (0, MAX_SLICES + 1)] {
            assert_eq!(assembly.take((1, 3), slice(index, count)), None, "{index}/{count}");
        }
    }
}
