//! Blocks of 64 bytes, each byte of which is compared at once: one bit a byte.

use wide::u8x16;

/// Bytes of a block.
pub(super) const BLOCK: usize = 64;

/// 64 bytes of a text.
#[derive(Clone, Copy)]
pub(super) struct Block([u8x16; 4]);

impl Block {
    /// The block that `bytes` begin with; `None` if they are fewer.
    #[inline(always)]
    pub(super) fn first(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.first_chunk::<BLOCK>()?;
        let quarter = |at: usize| bytes[at..].first_chunk::<16>().map_or(u8x16::default(), |bytes| u8x16::new(*bytes));
        Some(Self([quarter(0), quarter(16), quarter(32), quarter(48)]))
    }

    /// The bytes that are `byte`.
    #[inline(always)]
    pub(super) fn equal(self, byte: u8) -> u64 {
        let byte = u8x16::splat(byte);
        self.mask(|part| part.cmp_eq(byte))
    }

    /// The bytes that are `[` or `{`.
    #[inline(always)]
    pub(super) fn opening(self) -> u64 {
        self.mask(|part| (part | LOWER).cmp_eq(OPENING))
    }

    /// The bytes that are `]` or `}`.
    #[inline(always)]
    pub(super) fn closing(self) -> u64 {
        self.mask(|part| (part | LOWER).cmp_eq(CLOSING))
    }

    /// Whether a byte is a quote or a bracket.
    #[inline(always)]
    pub(super) fn has_quote_or_bracket(self) -> bool {
        self.any(|part| {
            let lower = part | LOWER;
            part.cmp_eq(QUOTE) | lower.cmp_eq(OPENING) | lower.cmp_eq(CLOSING)
        })
    }

    #[inline(always)]
    fn any(self, is: impl Fn(u8x16) -> u8x16) -> bool {
        let [first, second, third, fourth] = self.0.map(is);
        (first | second | third | fourth).move_mask() != 0
    }

    #[inline(always)]
    fn mask(self, is: impl Fn(u8x16) -> u8x16) -> u64 {
        // A mask has 16 bits.
        let [first, second, third, fourth] = self.0.map(|part| u64::from(is(part).move_mask() as u16));
        first | second << 16 | third << 32 | fourth << 48
    }
}

const QUOTE: u8x16 = u8x16::new([b'"'; 16]);
/// The bit by which `[` and `]` differ from `{` and `}`.
const LOWER: u8x16 = u8x16::new([b'{' ^ b'['; 16]);
const OPENING: u8x16 = u8x16::new([b'{'; 16]);
const CLOSING: u8x16 = u8x16::new([b'}'; 16]);

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
pub(super) fn escaped(backslashes: u64, carry: &mut bool) -> u64 {
    const EVEN: u64 = 0x5555_5555_5555_5555;
    let first = u64::from(*carry);
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
