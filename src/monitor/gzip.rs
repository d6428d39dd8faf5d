//! gzip for many readers, compressed once for all.
//!
//! Each piece is compressed by itself and ended by a full flush: it stands on a byte's border and refers to nothing before it.
//! So whoever has been sent a gzip header can go on with any piece, and has one valid stream. The checksum at the end of it
//! covers what that reader was sent; it is put together from those of the pieces.

use bytes::{Bytes, BytesMut};
use flate2::{Compress, Compression, FlushCompress, Status};

/// Magic, deflate, no flags, no time, fastest, unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255];
/// A last block with nothing in it.
const LAST_BLOCK: [u8; 2] = [3, 0];
/// The polynomial of CRC-32, lowest power first.
const POLYNOMIAL: u32 = 0xedb8_8320;
/// 1 as a polynomial, lowest power first.
const ONE: u32 = 1 << 31;

/// A piece of plain text, compressed so that it can follow any other.
#[derive(Debug)]
pub(super) struct Segment {
    deflated: Bytes,
    crc: u32,
    length: u64,
    /// What moves the checksum of all that came before past this piece.
    shift: u32,
}

impl Segment {
    pub(super) fn of(plain: &[u8]) -> Self {
        let mut deflater = Compress::new(Compression::fast(), false);
        let mut deflated = Vec::with_capacity(plain.len() / 4 + 64);
        loop {
            let seen = usize::try_from(deflater.total_in()).unwrap_or(usize::MAX);
            let rest = plain.get(seen..).unwrap_or_default();
            let status = deflater.compress_vec(rest, &mut deflated, FlushCompress::Full);
            // Room left over: everything is out. A compressor that only ever sees `Full` cannot fail.
            if deflated.len() < deflated.capacity() || !matches!(status, Ok(Status::Ok)) {
                break;
            }
            deflated.reserve(deflated.capacity());
        }
        let length = plain.len() as u64;
        Self { deflated: deflated.into(), crc: crc32fast::hash(plain), length, shift: power(length) }
    }
}

/// What one reader has been sent.
#[derive(Debug, Default)]
pub(super) struct Stream {
    crc: u32,
    length: u64,
}

impl Stream {
    /// What comes before the first segment.
    pub(super) fn header() -> Bytes {
        Bytes::from_static(&HEADER)
    }

    /// The next segment, as it goes over the wire.
    pub(super) fn next(&mut self, segment: &Segment) -> Bytes {
        self.crc = multiply(self.crc, segment.shift) ^ segment.crc;
        self.length += segment.length;
        segment.deflated.clone()
    }

    /// What comes after the last segment.
    pub(super) fn trailer(&self) -> Bytes {
        let mut trailer = BytesMut::with_capacity(10);
        trailer.extend_from_slice(&LAST_BLOCK);
        trailer.extend_from_slice(&self.crc.to_le_bytes());
        #[expect(clippy::cast_possible_truncation, reason = "the length is told modulo 2^32")]
        trailer.extend_from_slice(&(self.length as u32).to_le_bytes());
        trailer.freeze()
    }
}

/// A segment as a whole gzip file.
pub(super) fn file(segment: &Segment) -> Bytes {
    let mut stream = Stream::default();
    let deflated = stream.next(segment);
    [Stream::header(), deflated, stream.trailer()].concat().into()
}

/// The product of two polynomials over the field of two elements, modulo that of CRC-32.
fn multiply(a: u32, mut b: u32) -> u32 {
    (0..u32::BITS).fold(0, |product, power| {
        let sum = if a & (ONE >> power) == 0 { product } else { product ^ b };
        b = if b & 1 == 0 { b >> 1 } else { (b >> 1) ^ POLYNOMIAL };
        sum
    })
}

/// `x` to as many powers as there are bits in `bytes` bytes.
fn power(mut bytes: u64) -> u32 {
    let mut square = ONE >> 8;
    let mut product = ONE;
    while bytes > 0 {
        if bytes & 1 == 1 {
            product = multiply(product, square);
        }
        square = multiply(square, square);
        bytes >>= 1;
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn any_segments_in_any_order_are_one_gzip_file() {
        let big: Vec<u8> = (0..300_000_u32).flat_map(u32::to_be_bytes).collect();
        let texts: [&[u8]; 5] = [b"retry: 2000\n\n", b"", b"x", &big, &[b'a'; 70_000]];
        let segments = texts.map(Segment::of);
        for order in [&[0_usize, 1, 2, 3, 4][..], &[3, 3, 0], &[4], &[], &[2, 1, 2, 1]] {
            let mut stream = Stream::default();
            let mut sent = Stream::header().to_vec();
            order.iter().for_each(|&index| sent.extend_from_slice(&stream.next(&segments[index])));
            sent.extend_from_slice(&stream.trailer());
            let mut plain = Vec::new();
            flate2::read::GzDecoder::new(&sent[..]).read_to_end(&mut plain).unwrap();
            assert_eq!(plain, order.iter().flat_map(|&index| texts[index]).copied().collect::<Vec<_>>(), "{order:?}");
        }
    }

    #[test]
    fn what_is_flushed_is_all_there_before_the_end() {
        let mut decoder = flate2::Decompress::new(false);
        let mut plain = Vec::with_capacity(100);
        let segment = Segment::of(b"event: update\n\n");
        decoder.decompress_vec(&segment.deflated, &mut plain, flate2::FlushDecompress::Sync).unwrap();
        assert_eq!(plain, b"event: update\n\n");
    }
}
