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

    /// The brackets that open something.
    #[inline(always)]
    pub(super) fn opening(self, brackets: Brackets) -> u64 {
        self.mask(|part| (part & brackets.case()).cmp_eq(OPENING))
    }

    /// The brackets that close something.
    #[inline(always)]
    pub(super) fn closing(self, brackets: Brackets) -> u64 {
        self.mask(|part| (part & brackets.case()).cmp_eq(CLOSING))
    }

    /// Whether there is a square bracket or a backslash.
    #[inline(always)]
    pub(super) fn has_square_bracket_or_backslash(self) -> bool {
        // They are neighbours.
        self.any(|part| {
            let behind = part - OPENING;
            behind.min(LAST).cmp_eq(behind)
        })
    }

    /// Whether a byte is `byte`.
    #[inline(always)]
    pub(super) fn has(self, byte: u8) -> bool {
        let byte = u8x16::splat(byte);
        self.any(|part| part.cmp_eq(byte))
    }

    /// Whether there is neither a quote nor a bracket, as between numbers. `false` also where a small letter is.
    #[inline(always)]
    pub(super) fn is_bare(self) -> bool {
        let [first, second, third, fourth] = self.0;
        // All brackets come behind the capital letters.
        let highest = first.max(second).max(third.max(fourth));
        highest.max(OPENING).cmp_eq(highest).move_mask() == 0 && !self.has(b'"')
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

const OPENING: u8x16 = u8x16::new([b'['; 16]);
const CLOSING: u8x16 = u8x16::new([b']'; 16]);
/// How far behind the opening bracket the closing one comes.
const LAST: u8x16 = u8x16::new([b']' - b'['; 16]);

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

    #[inline(always)]
    fn case(self) -> u8x16 {
        u8x16::splat(self.mask())
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
