//! Strings: how long they are, and what they say once their escapes are resolved.

use std::borrow::Cow;

use fearless_simd::{Simd, dispatch};
use memchr::{memchr, memchr2};

use super::block::{BLOCK, Block, behind_backslash, in_word, level};
use super::skip::string_end;

/// Bytes of U+FFFD.
const REPLACEMENT_LEN: usize = char::REPLACEMENT_CHARACTER.len_utf8();

/// The string that `rest` continues behind its opening quote, up to the closing one.
#[inline]
pub(super) fn up_to_quote(rest: &[u8]) -> Option<JsonStr<'_>> {
    let run = quote_or_backslash(rest)?;
    let escaped = rest[run] == b'\\';
    let end = if escaped { string_end(rest, run, &mut false)? - 1 } else { run };
    Some(JsonStr { raw: &rest[..end], escaped, whole: true })
}

/// The length of that string as it is written, in bytes.
#[inline]
pub(super) fn written_len(rest: &[u8]) -> Option<usize> {
    let run = quote_or_backslash(rest)?;
    if rest[run] == b'"' {
        return Some(run);
    }
    string_end(rest, run, &mut false).map(|end| end - 1)
}

/// The lengths of that string in bytes: as it is written, and once its escapes are resolved to UTF-8.
#[inline]
pub(super) fn text_len(rest: &[u8]) -> Option<(usize, usize)> {
    let run = quote_or_backslash(rest)?;
    if rest[run] == b'"' {
        return Some((run, run));
    }
    let text = text_part(rest, run);
    text.is_whole.then_some((text.written, text.decoded))
}

/// The lengths of the part of a string that is there, in bytes.
#[derive(Clone, Copy, Debug)]
struct TextPart {
    written: usize,
    decoded: usize,
    /// Whether it ends with the string's closing quote, which is not counted. Else it ends in front of the escape that is cut off, if one
    /// is.
    is_whole: bool,
}

/// The string that `rest` continues, whose first escape, if it has one, does not stand before `at`.
#[inline(never)]
fn text_part(rest: &[u8], at: usize) -> TextPart {
    dispatch!(level(), simd => text_part_by_blocks(simd, rest, at))
}

#[inline(always)]
fn text_part_by_blocks<S: Simd>(simd: S, rest: &[u8], mut at: usize) -> TextPart {
    // The length of `rest` with the escapes so far resolved, and where the last one ends.
    let (mut len, mut next) = (rest.len(), at);
    // Whether the byte at `at` stands behind a backslash that is not itself behind one.
    let mut carry = false;
    loop {
        if at > 0 && carry == (rest[at - 1] == b'\\') {
            let mut windows = &rest[at - 1..];
            while let Some(escapes) = windows.first_chunk().and_then(|window| Block::common_escapes(simd, window)) {
                len -= escapes;
                windows = &windows[BLOCK..];
            }
            at = rest.len() - (windows.len() - 1);
            carry = rest[at - 1] == b'\\';
        }
        let Some(block) = Block::first(simd, &rest[at..]) else { break };
        let backslashes = block.equal(b'\\');
        let quotes = block.equal(b'"');
        let escaped = behind_backslash(backslashes, &mut carry);
        let quotes = quotes & !escaped;
        // What is behind the quote is no text of this string.
        let mut letters = escaped & quotes.wrapping_sub(1) & !quotes;
        while letters != 0 {
            let backslash = at + letters.trailing_zeros() as usize - 1;
            letters &= letters - 1;
            if backslash >= next {
                let raw = &rest[backslash..];
                if Escape::is_cut(raw) {
                    return TextPart { written: backslash, decoded: len - raw.len(), is_whole: false };
                }
                let escape = Escape::of(raw);
                next = backslash + escape.written;
                len = len + escape.decoded - escape.written;
            }
        }
        if quotes != 0 {
            let written = at + quotes.trailing_zeros() as usize;
            return TextPart { written, decoded: len - (rest.len() - written), is_whole: true };
        }
        at += BLOCK;
    }
    // The last block may have ended in the midst of an escape.
    at = (at - usize::from(carry)).max(next);
    loop {
        let raw = &rest[at..];
        let run = memchr2(b'"', b'\\', raw);
        at += run.unwrap_or(raw.len());
        let raw = &rest[at..];
        let is_whole = raw.first() == Some(&b'"');
        if is_whole || Escape::is_cut(raw) {
            return TextPart { written: at, decoded: len - raw.len(), is_whole };
        }
        let escape = Escape::of(raw);
        at += escape.written;
        len = len + escape.decoded - escape.written;
    }
}

/// Measures a string that comes in pieces.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TextMeter {
    /// Bytes of the text so far, once its escapes are resolved to UTF-8.
    pub(super) decoded: u64,
    /// Bytes of it so far, as written.
    pub(super) written: u64,
    /// The start of the escape that the last piece has cut off.
    cut_escape: [u8; Escape::LONGEST],
    cut_escape_len: usize,
}

impl TextMeter {
    /// Reads on, up to the closing quote; returns where that stands.
    pub(super) fn push(&mut self, piece: &[u8]) -> Option<usize> {
        let quote = self.push_escaped(piece);
        self.written += quote.unwrap_or(piece.len()) as u64;
        quote
    }

    fn push_escaped(&mut self, piece: &[u8]) -> Option<usize> {
        let from = if self.cut_escape_len > 0 { self.finish_cut_escape(piece)? } else { 0 };
        let text = text_part(&piece[from..], 0);
        self.decoded += text.decoded as u64;
        let end = from + text.written;
        if text.is_whole {
            return Some(end);
        }
        self.keep(&piece[end..]);
        None
    }

    /// Reads what is kept, with what follows it; returns how much of the piece has been read. `None`: the escape is still cut off.
    ///
    /// Twelve bytes more decide what the kept ones are. They may be several things: `\u12` in front of a `g` is no escape, and its digits
    /// are letters; `\ud83d\` in front of an `n` is two escapes.
    fn finish_cut_escape(&mut self, piece: &[u8]) -> Option<usize> {
        let more = piece.len().min(Escape::LONGEST);
        let mut joined = [0; 2 * Escape::LONGEST];
        let kept = self.cut_escape_len;
        joined[..kept].copy_from_slice(&self.cut_escape[..kept]);
        joined[kept..kept + more].copy_from_slice(&piece[..more]);
        let mut rest = &joined[..kept + more];
        let mut read = 0;
        while read < kept {
            if rest[0] == b'\\' && Escape::is_cut(rest) {
                self.keep(rest);
                return None;
            }
            let Escape { written, decoded } =
                if rest[0] == b'\\' { Escape::of(rest) } else { Escape { written: 1, decoded: 1 } };
            self.decoded += decoded as u64;
            read += written;
            rest = &rest[written..];
        }
        self.cut_escape_len = 0;
        Some(read - kept)
    }

    fn keep(&mut self, cut: &[u8]) {
        self.cut_escape[..cut.len()].copy_from_slice(cut);
        self.cut_escape_len = cut.len();
    }
}

/// The lengths of an escape, in bytes: of a surrogate pair, both halves are one.
struct Escape {
    written: usize,
    decoded: usize,
}

impl Escape {
    /// Bytes of the longest one, a surrogate pair.
    const LONGEST: usize = 12;

    /// Whether more has to come until the length of the escape that `raw` begins with is known. True of nothing at
    /// all, too: one may begin there.
    #[inline]
    fn is_cut(raw: &[u8]) -> bool {
        raw.len() < Self::LONGEST && Self::may_go_on(raw)
    }

    #[cold]
    fn may_go_on(raw: &[u8]) -> bool {
        let is_start_of_unit = |raw: &[u8]| match raw {
            [] | [b'\\'] => true,
            [b'\\', b'u', digits @ ..] => digits.len() < 4 && digits.iter().all(|&digit| hex(digit).is_some()),
            _ => false,
        };
        let is_high_surrogate = || matches!(raw.get(2..).and_then(code_unit), Some(0xD800..0xDC00));
        is_start_of_unit(raw)
            || raw.starts_with(b"\\u") && is_high_surrogate() && raw.get(6..).is_some_and(is_start_of_unit)
    }

    /// The escape that `raw` begins with. Whatever is no escape is decoded to U+FFFD.
    #[inline]
    fn of(raw: &[u8]) -> Self {
        match raw.get(1) {
            Some(b'u') => Self::of_code_unit(raw),
            Some(&letter) if SIMPLE_ESCAPES[usize::from(letter)] => Self { written: 2, decoded: 1 },
            Some(0x80..) | None => Self { written: 1, decoded: REPLACEMENT_LEN },
            Some(_) => Self { written: 2, decoded: REPLACEMENT_LEN },
        }
    }

    fn of_code_unit(raw: &[u8]) -> Self {
        let unit = |at: usize| raw.get(at..).and_then(code_unit);
        let decoded = match unit(2) {
            None => return Self { written: 2, decoded: REPLACEMENT_LEN },
            Some(0xD800..0xDC00) if raw.get(6..8) == Some(b"\\u") && matches!(unit(8), Some(0xDC00..0xE000)) => {
                return Self { written: 12, decoded: 4 };
            }
            Some(0..0x80) => 1,
            Some(0x80..0x800) => 2,
            Some(_) => 3,
        };
        Self { written: 6, decoded }
    }
}

/// The index of the first quote or backslash. Most strings are short, and so are the runs between escapes: the first words
/// are searched in place, which costs less than `memchr2` takes to get going.
#[inline]
fn quote_or_backslash(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk).filter(|_| at < 32) {
        if let Some(run) = in_word(word) {
            return Some(at + run);
        }
        at += 8;
    }
    memchr2(b'"', b'\\', &bytes[at..]).map(|run| at + run)
}

/// A string of a document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JsonStr<'a> {
    raw: &'a [u8],
    escaped: bool,
    whole: bool,
}

impl<'a> JsonStr<'a> {
    /// The string that is written as `raw` between its quotes; not `whole`: only the start of it.
    pub(super) fn new(raw: &'a [u8], whole: bool) -> Self {
        // Keys are short, and `memchr` takes a while to get going.
        let escaped = if raw.len() < 32 { raw.contains(&b'\\') } else { memchr(b'\\', raw).is_some() };
        Self { raw, escaped, whole }
    }

    /// The string that is written as `raw`, in which there is no backslash.
    #[inline]
    pub(super) fn plain(raw: &'a [u8]) -> Self {
        Self { raw, escaped: false, whole: true }
    }

    /// How it is written.
    pub(super) fn raw(&self) -> &'a [u8] {
        self.raw
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    /// Whether the string was short enough to be kept as a whole. In a copy only a [`Cursor`](super::Cursor) knows which are not.
    pub(crate) fn is_whole(&self) -> bool {
        self.whole
    }

    /// The text with its escapes resolved, cut at a character if it was too long to be kept. Bytes that are no UTF-8 and escapes
    /// that are none become U+FFFD.
    pub(crate) fn decode(&self) -> Cow<'a, str> {
        let written = if self.whole { self.raw } else { without_cut_character(self.raw) };
        match std::str::from_utf8(written) {
            Ok(text) if !self.escaped => Cow::Borrowed(text),
            _ => Cow::Owned(unescape(written)),
        }
    }

    /// The text with its escapes resolved; `None` if it is not whole, or [`decode`](Self::decode) has to replace something.
    pub(crate) fn decode_exactly(&self) -> Option<Cow<'a, str>> {
        let text = self.decode();
        // Rare, so that another reader may judge: the text itself may hold the character.
        let replaced = || serde_json::from_slice::<String>(&[b"\"", self.raw, b"\""].concat()).is_err();
        // Most texts that are asked for are short and ASCII, which is sooner seen than a search gets going.
        let may_be_replaced = !text.is_ascii() && text.contains(char::REPLACEMENT_CHARACTER);
        let is_exact = self.whole && !(may_be_replaced && replaced());
        is_exact.then_some(text)
    }

    /// The text with its escapes resolved, as bytes; nothing is checked where there are no escapes.
    #[inline]
    pub(crate) fn bytes(&self) -> Cow<'a, [u8]> {
        if self.escaped { Cow::Owned(unescape(self.raw).into_bytes()) } else { Cow::Borrowed(self.raw) }
    }
}

fn unescape(raw: &[u8]) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(run) = memchr(b'\\', rest) {
        out.push_str(&String::from_utf8_lossy(&rest[..run]));
        rest = &rest[run + 1..];
        let Some((&letter, behind)) = rest.split_first() else {
            return out;
        };
        let at_letter = std::mem::replace(&mut rest, behind);
        match letter {
            0x80.. => {
                out.push(char::REPLACEMENT_CHARACTER);
                rest = at_letter;
            }
            b'u' => {
                let Some(first) = code_unit(rest) else {
                    out.push(char::REPLACEMENT_CHARACTER);
                    continue;
                };
                rest = &rest[4..];
                let low = rest.strip_prefix(b"\\u").and_then(code_unit);
                let pair = low.and_then(|low| char::decode_utf16([first, low]).next()?.ok());
                if pair.is_some_and(|c| u32::from(c) > 0xFFFF) {
                    rest = &rest[6..];
                    out.extend(pair);
                } else {
                    out.push(char::from_u32(first.into()).unwrap_or(char::REPLACEMENT_CHARACTER));
                }
            }
            letter => out.push(simple_escape(letter).unwrap_or(char::REPLACEMENT_CHARACTER)),
        }
    }
    out.push_str(&String::from_utf8_lossy(rest));
    out
}

/// Whether a backslash and this letter stand for a character.
static SIMPLE_ESCAPES: [bool; 256] = {
    let mut simple = [false; 256];
    let mut letter = 0;
    while letter < simple.len() {
        simple[letter] = simple_escape(letter as u8).is_some();
        letter += 1;
    }
    simple
};

/// The character that a backslash and this letter stand for.
const fn simple_escape(letter: u8) -> Option<char> {
    Some(match letter {
        b'n' => '\n',
        b't' => '\t',
        b'r' => '\r',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'"' | b'\\' | b'/' => letter as char,
        _ => return None,
    })
}

/// The four hexadecimal digits that `bytes` begins with.
fn code_unit(bytes: &[u8]) -> Option<u16> {
    bytes.get(..4)?.iter().try_fold(0, |code, &byte| Some(code << 4 | hex(byte)?))
}

fn hex(byte: u8) -> Option<u16> {
    char::from(byte).to_digit(16).and_then(|digit| digit.try_into().ok())
}

/// `raw` without a last character, or a last escape, that has been cut through.
pub(super) fn without_cut_character(raw: &[u8]) -> &[u8] {
    // In this order: a backslash in front of such a character must not stay, as it would escape what follows.
    without_cut_escape(without_cut_bytes(raw))
}

fn without_cut_escape(raw: &[u8]) -> &[u8] {
    let escape = raw.iter().rev().take(6).position(|&byte| byte == b'\\').map(|back| raw.len() - 1 - back);
    if let Some(at) = escape {
        let backslashes = raw[..=at].iter().rev().take_while(|&&byte| byte == b'\\').count();
        let needs = if raw.get(at + 1) == Some(&b'u') { 6 } else { 2 };
        if backslashes % 2 == 1 && raw.len() - at < needs {
            return &raw[..at];
        }
    }
    raw
}

fn without_cut_bytes(raw: &[u8]) -> &[u8] {
    let is_start = |byte: &u8| !matches!(byte, 0x80..0xC0);
    let last = raw.iter().rev().take(4).position(is_start).map_or(raw.len(), |back| raw.len() - 1 - back);
    match std::str::from_utf8(&raw[last..]) {
        Err(error) if error.error_len().is_none() => &raw[..last],
        _ => raw,
    }
}
