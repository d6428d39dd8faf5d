//! gzip: members one after the other, each a header, deflated data and a trailer
//! ([RFC 1952](https://www.rfc-editor.org/rfc/rfc1952)).
//!
//! Checksums are not verified: the client does that, and nothing else relies on what is read here.
//!
//! Own code, because `flate2::write::MultiGzDecoder` takes padding behind the last member for damage, keeps up to 64 KiB of
//! each text of a header, and holds 32 KiB of output where 8 do. `compression-codecs` has neither members nor padding, and
//! its brotli decoder grants large windows, so that the limits of this module would have to be kept beside it.

use flate2::Decompress;

use super::{Step, inflate::step_inflate};

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
    part: MemberPart,
    /// Flags of the optional parts of the header that are still to come.
    flags: u8,
    inflate: Decompress,
    is_first: bool,
}

/// The part of a member that comes next.
#[derive(Clone, Copy, Debug)]
enum MemberPart {
    /// The header's fixed part; the number of its bytes that have come.
    Header(usize),
    /// The length of the extra field; its first byte, once that has come.
    ExtraLength(Option<u8>),
    /// Bytes of the header to pass over; their number.
    Skip(usize),
    /// A text that ends with a zero.
    ZeroTerminated,
    Data,
    /// The trailer; the number of its bytes still to come.
    Trailer(usize),
}

impl Gzip {
    pub(super) fn new() -> Self {
        Self { part: MemberPart::Header(0), flags: 0, inflate: Decompress::new(false), is_first: true }
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        for (read, byte) in input.iter().enumerate() {
            match self.part {
                MemberPart::Data => {
                    let step = self.inflate(&input[read..], output);
                    return Step { read: read + step.read, ..step };
                }
                // What follows the last member is padding.
                MemberPart::Header(0) if !self.is_first && *byte != MAGIC[0] => {
                    return Step { read: input.len(), ended: true, ..Step::default() };
                }
                part => match self.behind(part, *byte) {
                    Some(next) => self.part = next,
                    None => return Step { read, damaged: true, ..Step::default() },
                },
            }
        }
        match self.part {
            // There may be more output than there was room for.
            MemberPart::Data => Step { read: input.len(), ..self.inflate(&[], output) },
            _ => Step { read: input.len(), ..Step::default() },
        }
    }

    fn inflate(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let step = step_inflate(&mut self.inflate, input, output);
        if step.ended {
            self.inflate.reset(false);
            self.is_first = false;
            self.part = MemberPart::Trailer(TRAILER);
        }
        Step { ended: false, ..step }
    }

    /// Returns the part that follows `byte` of the header or trailer; `None` if that is no gzip.
    fn behind(&mut self, part: MemberPart, byte: u8) -> Option<MemberPart> {
        Some(match part {
            MemberPart::Header(at) => {
                if MAGIC.get(at).is_some_and(|magic| *magic != byte) {
                    return None;
                }
                if at == MAGIC.len() {
                    self.flags = byte;
                }
                if at + 1 < HEADER { MemberPart::Header(at + 1) } else { self.next_option() }
            }
            MemberPart::ExtraLength(None) => MemberPart::ExtraLength(Some(byte)),
            MemberPart::ExtraLength(Some(low)) => match u16::from_le_bytes([low, byte]) {
                0 => self.next_option(),
                length => MemberPart::Skip(length.into()),
            },
            MemberPart::Skip(left) if left > 1 => MemberPart::Skip(left - 1),
            MemberPart::ZeroTerminated if byte != 0 => MemberPart::ZeroTerminated,
            MemberPart::Skip(_) | MemberPart::ZeroTerminated => self.next_option(),
            MemberPart::Trailer(left) if left > 1 => MemberPart::Trailer(left - 1),
            MemberPart::Trailer(_) => MemberPart::Header(0),
            MemberPart::Data => MemberPart::Data,
        })
    }

    /// Returns the next of the optional parts of the header, which stand in this order.
    fn next_option(&mut self) -> MemberPart {
        for (flag, part) in [
            (HAS_EXTRA, MemberPart::ExtraLength(None)),
            (HAS_NAME, MemberPart::ZeroTerminated),
            (HAS_COMMENT, MemberPart::ZeroTerminated),
            (HAS_CHECKSUM, MemberPart::Skip(2)),
        ] {
            if self.flags & flag != 0 {
                self.flags &= !flag;
                return part;
            }
        }
        MemberPart::Data
    }
}
