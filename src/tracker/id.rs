//! Identifiers of requests.

use std::fmt;

/// Names one request of this process, for as long as the process lives: no two requests ever share one.
///
/// Written `req_7f3a9c01-1a`: eight hex digits drawn when the tracker was made (its epoch) and a number. The number encodes
/// where the request stands in the registry, so that looking one up needs no map; to clients it is opaque.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId {
    epoch: u32,
    number: u64,
}

/// Bits of the number that say which shard and which slot; the rest counts how often the slot has been used.
const SHARD_BITS: u32 = 8;
const SLOT_BITS: u32 = 24;

/// The number of shards that an id can tell apart.
pub(crate) const MAX_SHARDS: usize = 1 << SHARD_BITS;
/// The number of slots of a shard that an id can tell apart.
pub(crate) const MAX_SLOTS: usize = 1 << SLOT_BITS;

/// A use of a slot: the shard, the slot there, and how often the slot has been used before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SlotRef {
    pub(crate) shard: u32,
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

impl RequestId {
    pub(crate) fn new(epoch: u32, slot_ref: SlotRef) -> Self {
        let number = (u64::from(slot_ref.generation) << (SHARD_BITS + SLOT_BITS))
            | (u64::from(slot_ref.slot) << SHARD_BITS)
            | u64::from(slot_ref.shard);
        Self { epoch, number }
    }

    pub(crate) fn epoch(self) -> u32 {
        self.epoch
    }

    /// The number; unique in the process.
    #[cfg(feature = "fleet")]
    pub(crate) fn number(self) -> u64 {
        self.number
    }

    pub(crate) fn slot_ref(self) -> SlotRef {
        #[expect(clippy::cast_possible_truncation, reason = "each part is masked or shifted to its own width")]
        let part = |shift: u32, bits: u32| ((self.number >> shift) & ((1 << bits) - 1)) as u32;
        SlotRef {
            shard: part(0, SHARD_BITS),
            slot: part(SHARD_BITS, SLOT_BITS),
            generation: part(SHARD_BITS + SLOT_BITS, u32::BITS),
        }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // By hand and at one go: each request's is written several times, and the formatter takes 600 instructions for a number.
        let mut text = *b"req_00000000-0000000000000000";
        let (epoch, number) = (4..12, 13);
        write_hex(&mut text[epoch], self.epoch.into());
        let digits = (u64::BITS - self.number.leading_zeros()).div_ceil(4).max(1) as usize;
        let text = &mut text[..number + digits];
        write_hex(&mut text[number..], self.number);
        f.write_str(std::str::from_utf8(text).unwrap_or_default())
    }
}

/// Fills `digits` with the last ones of `value`.
fn write_hex(digits: &mut [u8], mut value: u64) {
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(value & 0xf) as usize];
        value >>= 4;
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for RequestId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Text that is not a request's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidRequestId;

impl fmt::Display for InvalidRequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a request id: one looks like req_7f3a9c01-1a")
    }
}

impl std::error::Error for InvalidRequestId {}

impl std::str::FromStr for RequestId {
    type Err = InvalidRequestId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (epoch, number) =
            text.strip_prefix("req_").and_then(|rest| rest.split_once('-')).ok_or(InvalidRequestId)?;
        let hex = |digits: &str| digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if epoch.len() != 8 || number.len() > 16 || !hex(epoch) || !hex(number) {
            return Err(InvalidRequestId);
        }
        Ok(Self {
            epoch: u32::from_str_radix(epoch, 16).map_err(|_| InvalidRequestId)?,
            number: u64::from_str_radix(number, 16).map_err(|_| InvalidRequestId)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_where_its_request_stands() {
        let place = SlotRef { shard: 255, slot: 0xff_ffff, generation: u32::MAX };
        assert_eq!(RequestId::new(7, place).slot_ref(), place);
        let place = SlotRef { shard: 3, slot: 0, generation: 0 };
        assert_eq!(RequestId::new(7, place).slot_ref(), place);
    }

    #[test]
    fn an_id_reads_back_from_its_text() {
        let id = RequestId::new(0x7f3a_9c01, SlotRef { shard: 0x1a, slot: 0, generation: 0 });
        assert_eq!(id.to_string(), "req_7f3a9c01-1a");
        assert_eq!("req_7f3a9c01-1a".parse(), Ok(id));
        let last = SlotRef { shard: 0xff, slot: 0xff_ffff, generation: u32::MAX };
        for (epoch, place, text) in [
            (0, SlotRef { shard: 0, slot: 0, generation: 0 }, "req_00000000-0"),
            (0xff, SlotRef { shard: 0, slot: 1, generation: 0 }, "req_000000ff-100"),
            (u32::MAX, last, "req_ffffffff-ffffffffffffffff"),
        ] {
            let id = RequestId::new(epoch, place);
            assert_eq!((id.to_string().as_str(), text.parse()), (text, Ok(id)));
        }
        for wrong in [
            "",
            "req_",
            "7f3a9c01-1a",
            "req_7f3a9c01",
            "req_7f3a9c01-",
            "req_7F3A9C01-1a",
            "req_1-1",
            "req_7f3a9c01-+1",
        ] {
            assert_eq!(wrong.parse::<RequestId>(), Err(InvalidRequestId), "{wrong}");
        }
    }
}
