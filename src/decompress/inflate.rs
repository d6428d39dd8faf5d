//! One step of deflate.

use flate2::{Decompress, FlushDecompress, Status};

use super::{CHUNK, Step};

/// Bytes of deflate that come to no more than [`CHUNK`]: each comes to 1032 at most, and a part of one may be left from before.
const MOST: usize = CHUNK / 1032 - 1;

/// Inflates as much as `input` and the room in `output` allow, bare or in zlib's format.
pub(super) fn step_inflate(inflate: &mut Decompress, input: &[u8], output: &mut [u8]) -> Step {
    // Where it finds damage, the decoder keeps what has had no room in the output.
    let input = &input[..input.len().min(MOST)];
    let before = (inflate.total_in(), inflate.total_out());
    let status = inflate.decompress(input, output, FlushDecompress::None);
    // What comes before damage is counted all the same. No step is longer than its buffers.
    let step = |total: u64, before: u64, most: usize| usize::try_from(total - before).unwrap_or(most).min(most);
    let written = step(inflate.total_out(), before.1, output.len());
    Step {
        read: step(inflate.total_in(), before.0, input.len()),
        written,
        has_more: written == output.len(),
        ended: matches!(status, Ok(Status::StreamEnd)),
        damaged: status.is_err(),
    }
}
