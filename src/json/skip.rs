//! Passing over values without understanding them: only quotes, backslashes and brackets matter, 64 bytes at a time.
//!
//! Nothing is checked. Inside an array, its own kind of brackets is all that counts, as the others come in pairs. Inside an object an
//! opening bracket is closed by a closing one of either kind. Whatever else stands between brackets and strings is ignored; a
//! backslash means something inside strings only.

use memchr::memchr;

use super::block::{BLOCK, Block, Brackets, behind_backslash, between, in_word};

/// Blocks of a string without a quote, after which `memchr` goes on: it takes longer to get going, and is faster then.
const PLAIN_BLOCKS: u32 = 4;

/// Open brackets up to which those of a block are counted one by one, as it is likely to close as many.
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
        self.string_len += bytes.len() - at;
        end
    }

    /// Passes over `bytes[at..]` until there is a reason to stop.
    pub(super) fn step(&mut self, bytes: &[u8], mut at: usize, floor: u64) -> Stop {
        let brackets = self.brackets;
        // Objects are rarely without brackets for as long as a block, and what is nested deeply is not either.
        let mut may_lack_brackets = brackets == Brackets::Square;
        // All bits of it are set if a string is open.
        let mut open = if self.in_string { u64::MAX } else { 0 };
        while let Some(block) = Block::first(&bytes[at..]) {
            let mut quotes = block.equal(b'"');
            if may_lack_brackets && !self.escaped && quotes != 0 && !block.has_square_bracket_or_backslash() {
                at += BLOCK;
                open ^= (u64::from(quotes.count_ones()) & 1).wrapping_neg();
                self.string_len = quotes.leading_zeros() as usize;
                continue;
            }
            let backslashes = block.equal(b'\\');
            let mut escaped = self.escaped;
            if backslashes != 0 || escaped {
                quotes &= !behind_backslash(backslashes, &mut escaped);
            }
            if quotes == 0 && open != 0 {
                self.in_string = true;
                return Stop::InString(at);
            }
            let strings = between(quotes) ^ open;
            if backslashes & !strings != 0 {
                // A backslash that escapes nothing: this is no JSON, and rare.
                self.in_string = open != 0;
                if let Some(end) = self.skip_bytes(&bytes[..at + BLOCK], at, floor) {
                    return Stop::Closed(end);
                }
                open = if self.in_string { u64::MAX } else { 0 };
                at += BLOCK;
                continue;
            }
            let (opening, closing) = (block.opening(brackets) & !strings, block.closing(brackets) & !strings);
            if opening | closing != 0 {
                if let Some(bit) = self.count_brackets(opening, closing, floor) {
                    (self.in_string, self.escaped) = (false, false);
                    return Stop::Closed(at + bit + 1);
                }
            }
            at += BLOCK;
            open = if strings >> (BLOCK - 1) == 1 { u64::MAX } else { 0 };
            self.escaped = escaped;
            self.string_len = quotes.leading_zeros() as usize;
            may_lack_brackets = brackets == Brackets::Square && self.depth - floor <= FEW;
            if quotes | opening | closing == 0 {
                at = behind_numbers(bytes, at);
            }
        }
        self.in_string = open != 0;
        self.skip_bytes(bytes, at, floor).map_or(Stop::End, Stop::Closed)
    }

    /// Counts the brackets of a block; returns the index of the one that reaches the floor.
    #[inline(always)]
    fn count_brackets(&mut self, opening: u64, closing: u64, floor: u64) -> Option<usize> {
        let mut depth = self.depth;
        if depth - floor > FEW {
            let closed = u64::from(closing.count_ones());
            if closed < depth - floor {
                self.depth = depth + u64::from(opening.count_ones()) - closed;
                return None;
            }
        }
        let mut brackets = opening | closing;
        while brackets != 0 {
            let bracket = brackets & brackets.wrapping_neg();
            brackets ^= bracket;
            if opening & bracket != 0 {
                depth += 1;
            } else {
                depth -= 1;
                if depth == floor {
                    self.depth = depth;
                    return Some(bracket.trailing_zeros() as usize);
                }
            }
        }
        self.depth = depth;
        None
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

/// The index of the first block, counted from `at`, that is not between quotes and brackets.
#[inline(never)]
fn behind_numbers(bytes: &[u8], mut at: usize) -> usize {
    while Block::first(&bytes[at..]).is_some_and(Block::is_bare) {
        at += BLOCK;
    }
    at
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
    let mut plain = 0;
    while let Some(block) = Block::first(&bytes[at..]) {
        let mut quotes = block.equal(b'"');
        if quotes == 0 {
            at += BLOCK;
            plain += 1;
            if plain == PLAIN_BLOCKS {
                at += memchr(b'"', &bytes[at..]).unwrap_or(bytes.len() - at);
                plain = 0;
            }
            continue;
        }
        plain = 0;
        // Backslashes are looked for only where there is a quote that may stand behind one.
        let backslashes = block.equal(b'\\');
        let mut carry = is_behind_backslash(bytes, start, at);
        if backslashes != 0 || carry {
            quotes &= !behind_backslash(backslashes, &mut carry);
        }
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

/// Whether a backslash that is not itself behind one stands before `at`. What stands before `start` is none.
#[inline(always)]
fn is_behind_backslash(bytes: &[u8], start: usize, at: usize) -> bool {
    at > start && bytes[at - 1] == b'\\' && ends_in_odd_backslashes(&bytes[start..at])
}

#[inline(never)]
fn ends_in_odd_backslashes(bytes: &[u8]) -> bool {
    bytes.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}
