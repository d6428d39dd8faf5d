//! gzip: members one after the other, each a header, deflated data and a trailer
//! ([RFC 1952](https://www.rfc-editor.org/rfc/rfc1952)).
//!
//! Checksums are not verified: the client does that, and nobody else relies on what is read here.

use flate2::Decompress;

use super::codec::step_inflate;
use super::{Step, Undecodable};

const MAGIC: [u8; 3] = [0x1F, 0x8B, 8];
/// Magic, flags, time, level and system.
const HEADER: usize = 10;
/// Checksum and length.
const TRAILER: usize = 8;

const HAS_CHECKSUM: u8 = 1 << 1;
const HAS_EXTRA: u8 = 1 << 2;
const HAS_NAME: u8 = 1 << 3;
const HAS_COMMENT: u8 = 1 << 4;

/// Decodes a gzip body.
#[derive(Debug)]
pub(super) struct Gzip {
    part: Part,
    /// The optional parts of the header that are still to come.
    flags: u8,
    inflate: Decompress,
    is_first: bool,
}

/// What comes next.
#[derive(Clone, Copy, Debug)]
enum Part {
    /// The header's fixed part, of which so many bytes have come.
    Header(usize),
    /// The length of the extra field, of which perhaps one byte has come.
    ExtraLength(Option<u8>),
    /// So many bytes of the header that say nothing.
    Skip(usize),
    /// A text that ends with a zero.
    Text,
    Data,
    /// So many bytes of the trailer.
    Trailer(usize),
}

impl Gzip {
    pub(super) fn new() -> Self {
        Self { part: Part::Header(0), flags: 0, inflate: Decompress::new(false), is_first: true }
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, Undecodable> {
        for (read, byte) in input.iter().enumerate() {
            match self.part {
                Part::Data => {
                    let step = self.inflate(&input[read..], output)?;
                    return Ok(Step { read: read + step.read, ..step });
                }
                // What follows the last member is padding.
                Part::Header(0) if !self.is_first && *byte != MAGIC[0] => {
                    return Ok(Step { read: input.len(), written: 0, ended: true });
                }
                part => self.part = self.behind(part, *byte)?,
            }
        }
        match self.part {
            // There may be more output than there was room for.
            Part::Data => self.inflate(&[], output).map(|step| Step { read: input.len(), ..step }),
            _ => Ok(Step { read: input.len(), ..Step::default() }),
        }
    }

    fn inflate(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, Undecodable> {
        let step = step_inflate(&mut self.inflate, input, output)?;
        if step.ended {
            self.inflate.reset(false);
            self.is_first = false;
            self.part = Part::Trailer(TRAILER);
        }
        Ok(Step { ended: false, ..step })
    }

    /// What comes behind a byte of the header or trailer.
    fn behind(&mut self, part: Part, byte: u8) -> Result<Part, Undecodable> {
        Ok(match part {
            Part::Header(at) => {
                if MAGIC.get(at).is_some_and(|magic| *magic != byte) {
                    return Err(Undecodable);
                }
                if at == MAGIC.len() {
                    self.flags = byte;
                }
                if at + 1 < HEADER { Part::Header(at + 1) } else { self.next_option() }
            }
            Part::ExtraLength(None) => Part::ExtraLength(Some(byte)),
            Part::ExtraLength(Some(low)) => match u16::from_le_bytes([low, byte]) {
                0 => self.next_option(),
                length => Part::Skip(length.into()),
            },
            Part::Skip(left) if left > 1 => Part::Skip(left - 1),
            Part::Text if byte != 0 => Part::Text,
            Part::Skip(_) | Part::Text => self.next_option(),
            Part::Trailer(left) if left > 1 => Part::Trailer(left - 1),
            Part::Trailer(_) => Part::Header(0),
            Part::Data => Part::Data,
        })
    }

    /// The next of the header's optional parts, which stand in this order.
    fn next_option(&mut self) -> Part {
        for (flag, part) in [
            (HAS_EXTRA, Part::ExtraLength(None)),
            (HAS_NAME, Part::Text),
            (HAS_COMMENT, Part::Text),
            (HAS_CHECKSUM, Part::Skip(2)),
        ] {
            if self.flags & flag != 0 {
                self.flags &= !flag;
                return part;
            }
        }
        Part::Data
    }
}
