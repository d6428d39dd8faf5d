//! Passing over values without understanding them: only quotes, backslashes and brackets matter, 64 bytes at a time.
//!
//! Nothing is checked. An opening bracket is closed by a closing one of either kind, and whatever else stands between brackets
//! and strings is ignored; a backslash means something inside strings only.

use memchr::memchr2;

use super::block::{BLOCK, Block, between, escaped, in_word};

/// Blocks of a string without quote or backslash, after which `memchr2` goes on: it takes longer to get going, and is faster then.
const PLAIN_BLOCKS: u32 = 4;

/// A position in skipped text, by what is open there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Skipper {
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
    /// A skipper behind the first bracket of a value.
    pub(super) fn inside() -> Self {
        Self { depth: 1, ..Self::default() }
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
        while let Some(block) = Block::first(&bytes[at..]) {
            let backslashes = block.equal(b'\\');
            let mut quotes = block.equal(b'"');
            let mut escape = self.escaped;
            if backslashes != 0 || escape {
                quotes &= !escaped(backslashes, &mut escape);
            }
            if self.in_string && quotes == 0 {
                return Stop::InString(at);
            }
            let strings = between(quotes) ^ if self.in_string { u64::MAX } else { 0 };
            if backslashes & !strings != 0 {
                // A backslash that escapes nothing: this is no JSON, and rare.
                if let Some(end) = self.skip_bytes(&bytes[..at + BLOCK], at, floor) {
                    return Stop::Closed(end);
                }
                at += BLOCK;
                continue;
            }
            let opening = block.opening() & !strings;
            let closing = block.closing() & !strings;
            if opening | closing != 0 {
                if u64::from(closing.count_ones()) < self.depth - floor {
                    self.depth = self.depth + u64::from(opening.count_ones()) - u64::from(closing.count_ones());
                } else if let Some(bit) = self.count_brackets(opening, closing, floor) {
                    (self.in_string, self.escaped) = (false, false);
                    return Stop::Closed(at + bit + 1);
                }
            }
            at += BLOCK;
            self.in_string = strings >> (BLOCK - 1) == 1;
            self.escaped = escape;
            self.string_len = quotes.leading_zeros() as usize;
            if quotes | opening | closing == 0 {
                // Numbers, probably many of them.
                while Block::first(&bytes[at..]).is_some_and(|block| !block.has_quote_or_bracket()) {
                    at += BLOCK;
                }
            }
        }
        self.skip_bytes(bytes, at, floor).map_or(Stop::End, Stop::Closed)
    }

    /// Counts the brackets of a block one by one; returns the index of the one that reaches the floor.
    fn count_brackets(&mut self, opening: u64, closing: u64, floor: u64) -> Option<usize> {
        let mut brackets = opening | closing;
        while brackets != 0 {
            let bracket = brackets & brackets.wrapping_neg();
            brackets ^= bracket;
            if opening & bracket != 0 {
                self.depth += 1;
            } else {
                self.depth -= 1;
                if self.depth == floor {
                    return Some(bracket.trailing_zeros() as usize);
                }
            }
        }
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
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth -= 1;
                    if self.depth == floor {
                        return Some(at + 1);
                    }
                }
                _ => {}
            }
        }
        None
    }
}

/// The index behind the quote that ends a string which is open at `at`. `escaped`: whether the byte there stands behind a
/// backslash, and on return of `None`, whether the byte behind `bytes` does.
pub(super) fn string_end(bytes: &[u8], mut at: usize, escape: &mut bool) -> Option<usize> {
    if *escape && at < bytes.len() {
        *escape = false;
        at += 1;
    }
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
    while let Some(block) = bytes.get(at..).and_then(Block::first) {
        let mut quotes = block.equal(b'"');
        let backslashes = block.equal(b'\\');
        if quotes | backslashes == 0 {
            at += BLOCK;
            plain += 1;
            if plain == PLAIN_BLOCKS {
                at += memchr2(b'"', b'\\', &bytes[at..])?;
                plain = 0;
            }
            continue;
        }
        plain = 0;
        let mut carry = false;
        if backslashes != 0 {
            quotes &= !escaped(backslashes, &mut carry);
        }
        if quotes != 0 {
            return Some(at + quotes.trailing_zeros() as usize + 1);
        }
        at += BLOCK + usize::from(carry);
    }
    // Fewer than a block, or one too few where the last byte is a backslash.
    while let Some(rest) = bytes.get(at..) {
        at += memchr2(b'"', b'\\', rest)?;
        if bytes[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
    *escape = true;
    None
}
