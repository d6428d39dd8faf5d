//! One step of deflate.

use flate2::{Decompress, FlushDecompress, Status};

use super::{Step, Undecodable};

/// Inflates as much as `input` and the room in `output` allow, bare or in zlib's format.
pub(super) fn step_inflate(inflate: &mut Decompress, input: &[u8], output: &mut [u8]) -> Result<Step, Undecodable> {
    let (read, written) = (inflate.total_in(), inflate.total_out());
    let status = inflate.decompress(input, output, FlushDecompress::None).map_err(|_| Undecodable)?;
    Ok(Step {
        read: usize::try_from(inflate.total_in() - read).map_err(|_| Undecodable)?,
        written: usize::try_from(inflate.total_out() - written).map_err(|_| Undecodable)?,
        ended: status == Status::StreamEnd,
    })
}
