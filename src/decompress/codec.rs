//! Decoders for the content codings of HTTP behind one interface: some bytes in, some bytes out.

use std::fmt;

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use flate2::Decompress;
use zstd::stream::raw::{DParameter, Decoder as Zstd, Operation};

use super::{Step, gzip::Gzip, inflate::step_inflate};

/// Base-2 logarithm of the largest window that a zstd body may use: 8 MiB (RFC 9659).
const ZSTD_WINDOW_LOG: u32 = 23;

type Brotli = BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>;

/// The decoder of one body.
pub(super) enum Codec {
    Gzip(Gzip),
    /// `deflate` means zlib's format; some servers send bare deflate. The first two bytes tell them apart.
    Deflate {
        first: Option<u8>,
        inflate: Option<Decompress>,
    },
    Brotli(Box<Brotli>),
    Zstd {
        decoder: Zstd<'static>,
        /// The bytes that it can do with next: to the end of the block, and of the header behind it.
        hint: usize,
    },
}

impl Codec {
    /// Returns the decoder for a content coding (lower case); `None` for an unknown one.
    pub(super) fn named(name: &[u8]) -> Option<Self> {
        match name {
            b"gzip" | b"x-gzip" => Some(Self::Gzip(Gzip::new())),
            b"deflate" => Some(Self::Deflate { first: None, inflate: None }),
            // Strict: a large window, which HTTP does not allow, could take a gigabyte.
            b"br" => Some(Self::Brotli(Box::new(Brotli::new_strict(
                StandardAlloc::default(),
                StandardAlloc::default(),
                StandardAlloc::default(),
            )))),
            b"zstd" => {
                let mut zstd = Zstd::new().ok()?;
                zstd.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG)).ok()?;
                Some(Self::Zstd { decoder: zstd, hint: 0 })
            }
            _ => None,
        }
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        match self {
            Self::Gzip(gzip) => gzip.step(input, output),
            Self::Deflate { first, inflate } => deflate(first, inflate, input, output),
            Self::Brotli(state) => brotli(state, input, output),
            Self::Zstd { decoder, hint } => zstd_step(decoder, hint, input, output),
        }
    }
}

fn deflate(first: &mut Option<u8>, inflate: &mut Option<Decompress>, input: &[u8], output: &mut [u8]) -> Step {
    if let Some(inflate) = inflate {
        return step_inflate(inflate, input, output);
    }
    match (*first, input) {
        (_, []) => Step::default(),
        (None, [byte, ..]) => {
            *first = Some(*byte);
            Step { read: 1, ..Step::default() }
        }
        (Some(first), [second, ..]) => {
            let header = u16::from_be_bytes([first, *second]);
            let inflate = inflate.insert(Decompress::new(first & 0x0F == 8 && header % 31 == 0));
            let step = step_inflate(inflate, &[first], output);
            if step.damaged { step } else { step_inflate(inflate, input, output) }
        }
    }
}

/// Where it finds damage, the decoder keeps what it has made in the same call. So each byte is a call of its own, with the same room for
/// its output: whatever came before the damaged one has been handed out.
fn brotli(state: &mut Brotli, input: &[u8], output: &mut [u8]) -> Step {
    let room = output.len() / 2;
    let mut step = Step::default();
    loop {
        let end = input.len().min(step.read + 1);
        let (mut input_left, mut output_left) = (end - step.read, room);
        let Step { mut read, mut written, .. } = step;
        let result = BrotliDecompressStream(
            &mut input_left,
            &mut read,
            &input[..end],
            &mut output_left,
            &mut written,
            output,
            &mut 0,
            state,
        );
        let has_more = matches!(result, BrotliResult::NeedsMoreOutput);
        step = match result {
            BrotliResult::ResultFailure => return Step { damaged: true, ..step },
            BrotliResult::ResultSuccess => return Step { read, written, ended: true, ..step },
            BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => Step { read, written, has_more, ..step },
        };
        if step.written > output.len() - room || (step.read == input.len() && !has_more) {
            return step;
        }
    }
}

/// Where it finds damage, the decoder does not tell what it has made in the same call. So no call goes beyond the end of a block:
/// each block is either handed out as a whole or not at all.
fn zstd_step(decoder: &mut Zstd<'static>, hint: &mut usize, input: &[u8], output: &mut [u8]) -> Step {
    const BLOCK_HEADER: usize = 3;
    let most = hint.saturating_sub(BLOCK_HEADER).max(1);
    let Ok(status) = decoder.run_on_buffers(&input[..input.len().min(most)], output) else {
        return Step { damaged: true, ..Step::default() };
    };
    *hint = status.remaining;
    // Another frame may follow the last one.
    let (read, written) = (status.bytes_read, status.bytes_written);
    Step { read, written, has_more: written == output.len(), ..Step::default() }
}

impl fmt::Debug for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gzip(_) => "Gzip",
            Self::Deflate { .. } => "Deflate",
            Self::Brotli(_) => "Brotli",
            Self::Zstd { .. } => "Zstd",
        })
    }
}
