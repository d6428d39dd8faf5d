//! Decoders for the content codings of HTTP behind one interface: some bytes in, some bytes out.

use std::fmt;

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use flate2::Decompress;
use zstd::stream::raw::{DParameter, Decoder as Zstd, Operation};

use super::{Step, Undecodable, gzip::Gzip, inflate::step_inflate};

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
    Zstd(Zstd<'static>),
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
                Some(Self::Zstd(zstd))
            }
            _ => None,
        }
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, Undecodable> {
        match self {
            Self::Gzip(gzip) => gzip.step(input, output),
            Self::Deflate { first, inflate } => deflate(first, inflate, input, output),
            Self::Brotli(state) => brotli(state, input, output),
            Self::Zstd(zstd) => {
                let status = zstd.run_on_buffers(input, output).map_err(|_| Undecodable)?;
                // Another frame may follow the last one.
                Ok(Step { read: status.bytes_read, written: status.bytes_written, ended: false })
            }
        }
    }
}

fn deflate(
    first: &mut Option<u8>,
    inflate: &mut Option<Decompress>,
    input: &[u8],
    output: &mut [u8],
) -> Result<Step, Undecodable> {
    if let Some(inflate) = inflate {
        return step_inflate(inflate, input, output);
    }
    match (*first, input) {
        (_, []) => Ok(Step::default()),
        (None, [byte, ..]) => {
            *first = Some(*byte);
            Ok(Step { read: 1, ..Step::default() })
        }
        (Some(first), [second, ..]) => {
            let header = u16::from_be_bytes([first, *second]);
            let inflate = inflate.insert(Decompress::new(first & 0x0F == 8 && header % 31 == 0));
            step_inflate(inflate, &[first], output)?;
            step_inflate(inflate, input, output)
        }
    }
}

fn brotli(state: &mut Brotli, input: &[u8], output: &mut [u8]) -> Result<Step, Undecodable> {
    let (mut input_left, mut read) = (input.len(), 0);
    let (mut output_left, mut written) = (output.len(), 0);
    let mut total = 0;
    let result = BrotliDecompressStream(
        &mut input_left,
        &mut read,
        input,
        &mut output_left,
        &mut written,
        output,
        &mut total,
        state,
    );
    match result {
        BrotliResult::ResultFailure => Err(Undecodable),
        result => Ok(Step { read, written, ended: matches!(result, BrotliResult::ResultSuccess) }),
    }
}

impl fmt::Debug for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gzip(_) => "Gzip",
            Self::Deflate { .. } => "Deflate",
            Self::Brotli(_) => "Brotli",
            Self::Zstd(_) => "Zstd",
        })
    }
}
