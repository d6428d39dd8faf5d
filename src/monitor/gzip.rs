//! gzip for many clients, compressed once.
//!
//! Each segment is compressed by itself and ended by a full flush: it ends at a byte's border and refers to nothing before it.
//! So a gzip header may be followed by any sequence of segments and is still one valid stream. The checksum at its end is combined
//! from those of the segments sent.

use bytes::{Bytes, BytesMut};
use crc32fast::Hasher;
use flate2::{Compress, Compression, FlushCompress, Status};

use super::slices::slices;

/// The header of a gzip stream: magic, deflate, no flags, no time, fastest, unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255];
/// An empty last block.
const LAST_BLOCK: [u8; 2] = [3, 0];

/// Plain text, compressed so that it can follow any other segment.
#[derive(Debug)]
pub(super) struct GzipSegment {
    deflated: Vec<Bytes>,
    crc: Hasher,
    /// The length of the plain text in bytes.
    length: u64,
}

impl GzipSegment {
    /// Compresses a text that is given in parts.
    pub(super) fn new(plain: &[impl AsRef<[u8]>]) -> Self {
        let mut deflater = Compress::new(Compression::fast(), false);
        let length = plain.iter().map(|part| part.as_ref().len()).sum::<usize>();
        let mut deflated = Vec::with_capacity(length / 4 + 64);
        let mut crc = Hasher::new();
        let Some((last, others)) = plain.split_last() else { return Self { deflated: Vec::new(), crc, length: 0 } };
        let parts = others.iter().map(|part| (part, FlushCompress::None)).chain([(last, FlushCompress::Full)]);
        for (part, flush) in parts {
            crc.update(part.as_ref());
            deflate(&mut deflater, part.as_ref(), flush, &mut deflated);
        }
        Self { deflated: slices(deflated.into()), crc, length: length as u64 }
    }

    /// The compressed bytes, in slices.
    pub(super) fn slices(&self) -> &[Bytes] {
        &self.deflated
    }
}

/// Compresses all of `part`.
fn deflate(deflater: &mut Compress, mut part: &[u8], flush: FlushCompress, deflated: &mut Vec<u8>) {
    loop {
        let before = deflater.total_in();
        let status = deflater.compress_vec(part, deflated, flush);
        let consumed = usize::try_from(deflater.total_in() - before).unwrap_or(usize::MAX);
        part = part.get(consumed..).unwrap_or_default();
        // All is written once room is left over. A compressor that is never told of an end cannot fail.
        if deflated.len() < deflated.capacity() || !matches!(status, Ok(Status::Ok)) {
            return;
        }
        deflated.reserve(deflated.capacity());
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

    /// Counts `segment`, whose slices follow.
    pub(super) fn append(&mut self, segment: &GzipSegment) {
        self.crc.combine(&segment.crc);
        self.length += segment.length;
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
    stream.append(segment);
    [&GzipStream::header()[..], &segment.slices().concat(), &stream.trailer()].concat().into()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn any_segments_in_any_order_are_one_gzip_file() {
        let big: Vec<u8> = (0..300_000_u32).flat_map(u32::to_be_bytes).collect();
        let texts: [&[u8]; 5] = [b"retry: 2000\n\n", b"", b"x", &big, &[b'a'; 70_000]];
        // In one part and in several.
        let segments = texts.map(|text| GzipSegment::new(&text.chunks(100_000).collect::<Vec<_>>()));
        for order in [&[0_usize, 1, 2, 3, 4][..], &[3, 3, 0], &[4], &[], &[2, 1, 2, 1]] {
            let mut stream = GzipStream::default();
            let mut sent = GzipStream::header().to_vec();
            for &index in order {
                stream.append(&segments[index]);
                sent.extend(segments[index].slices().concat());
            }
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
        let segment = GzipSegment::new(&[&b"event: upd"[..], b"ate\n\n"]);
        decoder.decompress_vec(&segment.slices()[0], &mut plain, flate2::FlushDecompress::Sync).unwrap();
        assert_eq!(plain, b"event: update\n\n");
    }
}
