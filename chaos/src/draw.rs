//! Random numbers that depend on a seed and a number, and on nothing else.

use std::ops::Range;

/// Draws for one visit.
#[derive(Debug)]
pub struct Draw(oorandom::Rand64);

impl Draw {
    pub fn new(seed: u64, number: u64) -> Self {
        // Neighbours would begin alike.
        let spread = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self(oorandom::Rand64::new((u128::from(seed) << 64) | u128::from(spread)))
    }

    pub fn between(&mut self, range: Range<usize>) -> usize {
        let range = range.start as u64..range.end as u64;
        usize::try_from(self.0.rand_range(range)).unwrap_or_default()
    }

    pub fn one_in(&mut self, n: usize) -> bool {
        self.between(0..n) == 0
    }

    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.between(0..of.len())]
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count.div_ceil(8)).flat_map(|_| self.0.rand_u64().to_le_bytes()).take(count).collect()
    }

    /// A size: mostly small, sometimes large.
    pub fn size(&mut self) -> usize {
        match self.between(0..20) {
            0 => self.between(100_000..1_000_000),
            1..4 => self.between(4_000..100_000),
            4 => 0,
            _ => self.between(1..4_000),
        }
    }

    /// The bytes in up to `most` pieces, none of them empty.
    pub fn cut(&mut self, bytes: &[u8], most: usize) -> Vec<Vec<u8>> {
        let mut rest = bytes;
        let mut pieces = Vec::new();
        while !rest.is_empty() {
            let last = pieces.len() + 1 >= most;
            let at = if last { rest.len() } else { 1 + self.between(0..rest.len()) };
            let (piece, behind) = rest.split_at(at);
            pieces.push(piece.to_vec());
            rest = behind;
        }
        pieces
    }
}
