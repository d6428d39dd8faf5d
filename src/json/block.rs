//! Blocks of 64 bytes, each byte of which is compared at once: one bit a byte.
//!
//! A loop over blocks is generic over the vectors it works with, [`Simd`], and is entered by `dispatch!` with those of [`level`]. All that such a loop calls is inlined into it: only there may the compiler use those vectors.

use fearless_simd::prelude::*;
use fearless_simd::{Level, u8x64};

/// Bytes of a block.
pub(super) const BLOCK: usize = 64;

/// The vectors to work with: the widest ones of the processor.
#[inline]
pub(super) fn level() -> Level {
    #[cfg(test)]
    if let Some(level) = super::tests::LEVEL.get() {
        return level;
    }
    Level::new()
}

/// 64 bytes of a text.
#[derive(Clone, Copy)]
pub(super) struct Block<S: Simd>(u8x64<S>);

impl<S: Simd> Block<S> {
    /// The block that `bytes` begin with; `None` if they are fewer.
    #[inline(always)]
    pub(super) fn first(simd: S, bytes: &[u8]) -> Option<Self> {
        bytes.first_chunk::<BLOCK>().map(|bytes| Self(u8x64::simd_from(simd, *bytes)))
    }

    /// The bytes that are `byte`.
    #[inline(always)]
    pub(super) fn equal(self, byte: u8) -> u64 {
        self.0.simd_eq(byte).to_bitmask()
    }

    /// The brackets that open something.
    #[inline(always)]
    pub(super) fn opening(self, brackets: Brackets) -> u64 {
        (self.0 & brackets.mask()).simd_eq(b'[').to_bitmask()
    }

    /// The brackets that close something.
    #[inline(always)]
    pub(super) fn closing(self, brackets: Brackets) -> u64 {
        (self.0 & brackets.mask()).simd_eq(b']').to_bitmask()
    }

    /// Whether there is a square bracket or a backslash.
    #[inline(always)]
    pub(super) fn has_square_bracket_or_backslash(self) -> bool {
        // They are neighbours.
        (self.0 - b'[').simd_le(b']' - b'[').any_true()
    }

    /// Whether the block two bytes behind the start of `window` holds a quote that does not stand behind exactly one backslash.
    #[inline(always)]
    pub(super) fn may_end_string(simd: S, window: &[u8; BLOCK + 2]) -> bool {
        let [two_before, before, block] = [0, 1, 2].map(|at| u8x64::from_slice(simd, &window[at..at + BLOCK]));
        let behind_one = before.simd_eq(b'\\') & !two_before.simd_eq(b'\\');
        (block.simd_eq(b'"') & !behind_one).any_true()
    }

    /// The number of escapes that end in the block one byte behind the start of `window`; `None` unless all are `\"`, `\n` or `\t` and
    /// no other quote is there.
    #[inline(always)]
    pub(super) fn common_escapes(simd: S, window: &[u8; BLOCK + 1]) -> Option<usize> {
        let [before, block] = [0, 1].map(|at| u8x64::from_slice(simd, &window[at..at + BLOCK]));
        let behind = before.simd_eq(b'\\');
        let is_other = (behind ^ block.simd_eq(b'"')) & !(block.simd_eq(b'n') | block.simd_eq(b't'));
        (!is_other.any_true()).then(|| behind.to_bitmask().count_ones() as usize)
    }

    /// Whether there is neither a quote nor a bracket, as between numbers. `false` also where a small letter is.
    #[inline(always)]
    pub(super) fn is_bare(self) -> bool {
        // All brackets come behind the capital letters.
        !(self.0.simd_ge(b'[') | self.0.simd_eq(b'"')).any_true()
    }
}

/// The brackets that count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Brackets {
    /// The brackets of arrays and objects, as if they were one kind.
    #[default]
    Both,
    /// The brackets of arrays only.
    Square,
}

impl Brackets {
    /// Returns the ones that count inside a value that begins with `first`.
    pub(super) fn inside(first: u8) -> Self {
        if first == b'[' { Self::Square } else { Self::Both }
    }

    /// `byte`, or `[` or `]` if it is a bracket that counts.
    #[inline]
    pub(super) fn square(self, byte: u8) -> u8 {
        byte & self.mask()
    }

    /// The bits that are looked at. Brackets of the two kinds differ in one bit.
    #[inline]
    fn mask(self) -> u8 {
        match self {
            Self::Both => !(b'[' ^ b'{'),
            Self::Square => u8::MAX,
        }
    }
}

/// The index of the first quote or backslash in a word.
#[inline(always)]
pub(super) fn in_word(word: &[u8; 8]) -> Option<usize> {
    const EACH: u64 = u64::from_ne_bytes([1; 8]);
    // The highest bit of each byte that is 0, and perhaps of bytes behind the first one that is.
    let zeros = |word: u64| word.wrapping_sub(EACH) & !word & (EACH << 7);
    let word = u64::from_le_bytes(*word);
    let hits = zeros(word ^ (EACH * u64::from(b'"'))) | zeros(word ^ (EACH * u64::from(b'\\')));
    (hits != 0).then(|| hits.trailing_zeros() as usize / 8)
}

/// The bytes that stand behind a backslash which is not itself behind one. `carry`: whether the first byte does so, and on
/// return, whether the byte behind the block does.
#[inline(always)]
pub(super) fn behind_backslash(backslashes: u64, carry: &mut bool) -> u64 {
    const EVEN: u64 = 0x5555_5555_5555_5555;
    let first = u64::from(*carry);
    let behind = backslashes << 1 | first;
    if backslashes & behind == 0 {
        // Hardly any stands behind another.
        *carry = backslashes >> (BLOCK - 1) == 1;
        return behind;
    }
    let backslashes = backslashes & !first;
    let behind = backslashes << 1 | first;
    // In a run of backslashes every second one is escaped; adding the first one carries a bit to the end of the run.
    let odd_starts = backslashes & !EVEN & !behind;
    let (ends, overflow) = odd_starts.overflowing_add(backslashes);
    *carry = overflow;
    (EVEN ^ (ends << 1)) & behind
}

/// The bytes between an odd and an even quote, counted from the start of the block: those of strings, opening quotes included.
#[inline(always)]
pub(super) fn between(quotes: u64) -> u64 {
    [1, 2, 4, 8, 16, 32].iter().fold(quotes, |bits, shift| bits ^ bits << shift)
}
