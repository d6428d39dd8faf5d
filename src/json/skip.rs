//! Passing over values without understanding them: only quotes, backslashes and brackets matter, 64 bytes at a time.
//!
//! Nothing is checked. Inside an array, its own kind of brackets is all that counts, as the others come in pairs. Inside an object an
//! opening bracket is closed by a closing one of either kind. Whatever else stands between brackets and strings is ignored; a
//! backslash means something inside strings only.

use fearless_simd::{Simd, dispatch};
use memchr::memchr;

use super::block::{BLOCK, Block, Brackets, behind_backslash, between, in_word, level};

/// Blocks of a string after which `memchr` looks for the next quote: it takes longer to get going, and is faster where there is none.
const BLOCKS: usize = 16;

/// The same at the start of a string: one that has no quote by then is likely to be a long one without any.
const FIRST_BLOCKS: usize = 4;

/// Open brackets of an array up to which a block may well be without any.
const FEW: u64 = 2;

/// A position in skipped text, by what is open there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Skipper {
    pub(super) brackets: Brackets,
    /// Open brackets.
    pub(super) depth: u64,
    pub(super) in_string: bool,
    /// Whether the next byte, inside a string, stands behind a backslash.
    pub(super) escaped: bool,
    /// Bytes of the open string that have passed.
    pub(super) string_len: usize,
}

/// The reason why [`Skipper::step`] has stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The bracket just before this index brought the depth down to the floor.
    Closed(usize),
    /// The string that is open at this index is likely to be long.
    InString(usize),
    /// All bytes have passed.
    End,
}

impl Skipper {
    /// A skipper at this depth of a value that begins with the bracket `first`.
    pub(super) fn inside(first: u8, depth: u64) -> Self {
        Self { brackets: Brackets::inside(first), depth, ..Self::default() }
    }

    /// Passes over `bytes[at..]` until only `floor` brackets are open; returns the index behind the last one closed.
    pub(super) fn skip(&mut self, bytes: &[u8], mut at: usize, floor: u64) -> Option<usize> {
        loop {
            if self.in_string {
                at = self.end_string(bytes, at)?;
            }
            match self.step(bytes, at, floor) {
                Stop::Closed(end) => return Some(end),
                Stop::InString(inside) => at = inside,
                Stop::End => return None,
            }
        }
    }

    /// Passes over the rest of the open string; returns the index behind its quote.
    pub(super) fn end_string(&mut self, bytes: &[u8], at: usize) -> Option<usize> {
        let end = string_end(bytes, at, &mut self.escaped);
        self.in_string = end.is_none();
        end
    }

    /// Passes over `bytes[at..]` until there is a reason to stop.
    pub(super) fn step(&mut self, bytes: &[u8], mut at: usize, floor: u64) -> Stop {
        loop {
            let (skipper, passed) = dispatch!(level(), simd => skip_blocks(simd, *self, bytes, at, floor));
            *self = skipper;
            match passed {
                BlockStop::Closed(end) => return Stop::Closed(end),
                BlockStop::InString(inside) => return Stop::InString(inside),
                BlockStop::StrayBackslash(block) => {
                    at = block + BLOCK;
                    if let Some(end) = self.skip_bytes(&bytes[..at], block, floor) {
                        return Stop::Closed(end);
                    }
                }
                BlockStop::AllBlocks(end) => return self.skip_bytes(bytes, end, floor).map_or(Stop::End, Stop::Closed),
            }
        }
    }

    /// Passes over `bytes[at..]` byte by byte, which says what skipping means.
    pub(super) fn skip_bytes(&mut self, bytes: &[u8], at: usize, floor: u64) -> Option<usize> {
        for (at, byte) in bytes.iter().enumerate().skip(at) {
            if self.in_string {
                self.string_len += 1;
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => (self.in_string, self.string_len) = (true, 0),
                _ => match self.brackets.square(*byte) {
                    b'[' => self.depth += 1,
                    b']' => {
                        self.depth -= 1;
                        if self.depth == floor {
                            return Some(at + 1);
                        }
                    }
                    _ => {}
                },
            }
        }
        None
    }
}

/// The reason why [`skip_blocks`] has stopped, and where.
#[derive(Clone, Copy, Debug)]
enum BlockStop {
    /// As [`Stop::Closed`].
    Closed(usize),
    /// As [`Stop::InString`].
    InString(usize),
    /// A backslash in the block that begins here escapes nothing, as it is in no string: this is no JSON, and rare.
    StrayBackslash(usize),
    /// Less than a block is left.
    AllBlocks(usize),
}

/// Passes over whole blocks of `bytes[at..]`.
#[inline(always)]
fn skip_blocks<S: Simd>(simd: S, from: Skipper, bytes: &[u8], mut at: usize, floor: u64) -> (Skipper, BlockStop) {
    let Skipper { brackets, in_string, mut escaped, mut string_len, .. } = from;
    // The state is kept in registers, and all but the floor in the form in which blocks need it.
    let mut above = from.depth - floor;
    // All bits of it are set if a string is open.
    let mut open = if in_string { u64::MAX } else { 0 };
    // Objects are rarely without brackets for as long as a block, and what is nested deeply is not either.
    let mut may_lack_brackets = brackets == Brackets::Square;
    let passed = loop {
        let Some(block) = Block::first(simd, &bytes[at..]) else { break BlockStop::AllBlocks(at) };
        let mut quotes = block.equal(b'"');
        if may_lack_brackets && !escaped && quotes != 0 && !block.has_square_bracket_or_backslash() {
            at += BLOCK;
            open ^= (u64::from(quotes.count_ones()) & 1).wrapping_neg();
            string_len = quotes.leading_zeros() as usize;
            continue;
        }
        let backslashes = block.equal(b'\\');
        let mut carry = escaped;
        if backslashes != 0 || carry {
            quotes &= !behind_backslash(backslashes, &mut carry);
        }
        if quotes == 0 && open != 0 {
            break BlockStop::InString(at);
        }
        let strings = between(quotes) ^ open;
        if backslashes & !strings != 0 {
            break BlockStop::StrayBackslash(at);
        }
        let (opening, closing) = (block.opening(brackets) & !strings, block.closing(brackets) & !strings);
        let (opened, closed) = (u64::from(opening.count_ones()), u64::from(closing.count_ones()));
        if closed >= above
            && let Some(bit) = closes(above, opening, closing)
        {
            (above, open, escaped) = (0, 0, false);
            break BlockStop::Closed(at + bit + 1);
        }
        above = above + opened - closed;
        open = if strings >> (BLOCK - 1) == 1 { u64::MAX } else { 0 };
        escaped = carry;
        string_len = quotes.leading_zeros() as usize;
        may_lack_brackets = brackets == Brackets::Square && above <= FEW;
        at += BLOCK;
        if quotes | opening | closing == 0 {
            while Block::first(simd, &bytes[at..]).is_some_and(Block::is_bare) {
                at += BLOCK;
            }
        }
    };
    (Skipper { brackets, depth: floor + above, in_string: open != 0, escaped, string_len }, passed)
}

/// The bit of the bracket that closes the last of `above` open ones, if one of a block's brackets does.
#[inline(always)]
fn closes(above: u64, opening: u64, mut closing: u64) -> Option<usize> {
    let mut closed = 0;
    while closing != 0 {
        closed += 1;
        let opened_before = u64::from((opening & (closing ^ (closing - 1))).count_ones());
        if above + opened_before == closed {
            return Some(closing.trailing_zeros() as usize);
        }
        closing &= closing - 1;
    }
    None
}

/// The index behind the quote that ends a string which is open at `at`. `escaped`: whether the byte there stands behind a
/// backslash, and on return of `None`, whether the byte behind `bytes` does.
pub(super) fn string_end(bytes: &[u8], mut at: usize, escaped: &mut bool) -> Option<usize> {
    if *escaped && at < bytes.len() {
        *escaped = false;
        at += 1;
    }
    let start = at;
    // Keys and words are short, and seen to be so in less time than a block takes.
    for _ in 0..2 {
        let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk) else { break };
        match in_word(word) {
            Some(run) if word[run] == b'"' => return Some(at + run + 1),
            Some(_) => break,
            None => at += word.len(),
        }
    }
    dispatch!(level(), simd => string_end_by_blocks(simd, bytes, start, at, escaped))
}

#[inline(always)]
fn string_end_by_blocks<S: Simd>(
    simd: S,
    bytes: &[u8],
    start: usize,
    mut at: usize,
    escaped: &mut bool,
) -> Option<usize> {
    loop {
        if at >= start + 2 {
            at = doubtful_quote(simd, bytes, at);
        }
        let Some(block) = Block::first(simd, &bytes[at..]) else { break };
        let backslashes = block.equal(b'\\');
        let mut carry = is_behind_backslash(bytes, start, at);
        let quotes = block.equal(b'"') & !behind_backslash(backslashes, &mut carry);
        if quotes != 0 {
            return Some(at + quotes.trailing_zeros() as usize + 1);
        }
        at += BLOCK;
    }
    while let Some(run) = memchr(b'"', &bytes[at..]) {
        at += run + 1;
        if !is_behind_backslash(bytes, start, at - 1) {
            return Some(at);
        }
    }
    *escaped |= is_behind_backslash(bytes, start, bytes.len());
    None
}

/// The index from which on a quote may end the string: nearly all quotes of a long text stand behind one backslash.
#[inline(always)]
fn doubtful_quote<S: Simd>(simd: S, bytes: &[u8], at: usize) -> usize {
    let mut rest = &bytes[at - 2..];
    let mut blocks = FIRST_BLOCKS;
    loop {
        for _ in 0..blocks {
            match rest.first_chunk() {
                Some(window) if !Block::may_end_string(simd, window) => rest = &rest[BLOCK..],
                _ => return bytes.len() - (rest.len() - 2),
            }
        }
        // Where no quote has come for a while, none may come for long.
        let next = bytes.len() - (rest.len() - 2);
        if Block::first(simd, &bytes[next - BLOCK..]).is_some_and(|last| last.equal(b'"') == 0) {
            match memchr(b'"', &rest[2..]) {
                Some(run) => rest = &rest[run..],
                None => return bytes.len(),
            }
        }
        blocks = BLOCKS;
    }
}

/// Whether a backslash that is not itself behind one stands before `at`. What stands before `start` is none.
#[inline(always)]
fn is_behind_backslash(bytes: &[u8], start: usize, at: usize) -> bool {
    at > start && bytes[at - 1] == b'\\' && ends_in_odd_backslashes(&bytes[start..at])
}

#[inline(never)]
fn ends_in_odd_backslashes(bytes: &[u8]) -> bool {
    bytes.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}
