//! gzip for many clients, compressed once.
//!
//! Each segment is compressed by itself and ended by a full flush: it ends at a byte's border and refers to nothing before it.
//! So a gzip header may be followed by any sequence of segments and is still one valid stream. The checksum at its end is combined
//! from those of the segments sent.

use bytes::{Bytes, BytesMut};
use crc32fast::Hasher;
use flate2::{Compress, Compression, FlushCompress, Status};

/// The header of a gzip stream: magic, deflate, no flags, no time, fastest, unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255];
/// An empty last block.
const LAST_BLOCK: [u8; 2] = [3, 0];

/// Plain text, compressed so that it can follow any other segment.
#[derive(Debug)]
pub(super) struct GzipSegment {
    deflated: Bytes,
    crc: Hasher,
    /// The length of the plain text in bytes.
    length: u64,
}

impl GzipSegment {
    pub(super) fn new(plain: &[u8]) -> Self {
        let mut deflater = Compress::new(Compression::fast(), false);
        let mut deflated = Vec::with_capacity(plain.len() / 4 + 64);
        loop {
            let consumed = usize::try_from(deflater.total_in()).unwrap_or(usize::MAX);
            let rest = plain.get(consumed..).unwrap_or_default();
            let status = deflater.compress_vec(rest, &mut deflated, FlushCompress::Full);
            // All is written once room is left over. A compressor that only ever sees `Full` cannot fail.
            if deflated.len() < deflated.capacity() || !matches!(status, Ok(Status::Ok)) {
                break;
            }
            deflated.reserve(deflated.capacity());
        }
        let mut crc = Hasher::new();
        crc.update(plain);
        Self { deflated: deflated.into(), crc, length: plain.len() as u64 }
    }
}

/// The gzip stream of one client: the checksum and the length of the plain text sent so far.
#[derive(Debug, Default)]
pub(super) struct GzipStream {
    crc: Hasher,
    length: u64,
}

impl GzipStream {
    /// The bytes before the first segment.
    pub(super) fn header() -> Bytes {
        Bytes::from_static(&HEADER)
    }

    /// Counts `segment` and returns its bytes.
    pub(super) fn append(&mut self, segment: &GzipSegment) -> Bytes {
        self.crc.combine(&segment.crc);
        self.length += segment.length;
        segment.deflated.clone()
    }

    /// The bytes after the last segment.
    pub(super) fn trailer(&self) -> Bytes {
        let mut trailer = BytesMut::with_capacity(10);
        trailer.extend_from_slice(&LAST_BLOCK);
        trailer.extend_from_slice(&self.crc.clone().finalize().to_le_bytes());
        #[expect(clippy::cast_possible_truncation, reason = "gzip has the length modulo 2^32")]
        trailer.extend_from_slice(&(self.length as u32).to_le_bytes());
        trailer.freeze()
    }
}

/// A gzip file of one segment.
pub(super) fn file(segment: &GzipSegment) -> Bytes {
    let mut stream = GzipStream::default();
    let deflated = stream.append(segment);
    [GzipStream::header(), deflated, stream.trailer()].concat().into()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn any_segments_in_any_order_are_one_gzip_file() {
        let big: Vec<u8> = (0..300_000_u32).flat_map(u32::to_be_bytes).collect();
        let texts: [&[u8]; 5] = [b"retry: 2000\n\n", b"", b"x", &big, &[b'a'; 70_000]];
        let segments = texts.map(GzipSegment::new);
        for order in [&[0_usize, 1, 2, 3, 4][..], &[3, 3, 0], &[4], &[], &[2, 1, 2, 1]] {
            let mut stream = GzipStream::default();
            let mut sent = GzipStream::header().to_vec();
            order.iter().for_each(|&index| sent.extend_from_slice(&stream.append(&segments[index])));
            sent.extend_from_slice(&stream.trailer());
            let mut plain = Vec::new();
            flate2::read::GzDecoder::new(&sent[..]).read_to_end(&mut plain).unwrap();
            assert_eq!(plain, order.iter().flat_map(|&index| texts[index]).copied().collect::<Vec<_>>(), "{order:?}");
        }
    }

    #[test]
    fn a_segment_can_be_read_before_the_stream_ends() {
        let mut decoder = flate2::Decompress::new(false);
        let mut plain = Vec::with_capacity(100);
        let segment = GzipSegment::new(b"event: update\n\n");
        decoder.decompress_vec(&segment.deflated, &mut plain, flate2::FlushDecompress::Sync).unwrap();
        assert_eq!(plain, b"event: update\n\n");
    }
}
