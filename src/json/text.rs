//! Strings: where they end, and what they say once their escapes are resolved.

use std::borrow::Cow;

use memchr::memchr2;

/// Finds the end of a string that may be cut anywhere, and counts what it decodes to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Quoted {
    escape: Escape,
    /// Bytes the string decodes to, in UTF-8.
    len: u64,
    escaped: bool,
    /// Whether the last thing was the first half of a surrogate pair.
    halved: bool,
}

/// Bytes of U+FFFD.
const REPLACEMENT_LEN: u64 = char::REPLACEMENT_CHARACTER.len_utf8() as u64;

#[derive(Clone, Copy, Debug, Default)]
enum Escape {
    #[default]
    None,
    /// Behind a backslash.
    Begun,
    /// Inside `\uXXXX`: the digits seen and their value.
    Hex { digits: u8, code: u16 },
}

impl Quoted {
    /// The place just behind the closing quote, if it stands in `bytes[at..]`.
    pub(super) fn end(&mut self, bytes: &[u8], mut at: usize) -> Option<usize> {
        loop {
            match self.escape {
                Escape::None => {
                    let rest = bytes.get(at..)?;
                    let Some(run) = quote_or_backslash(rest) else {
                        self.len += rest.len() as u64;
                        return None;
                    };
                    self.len += run as u64;
                    self.halved &= run == 0;
                    at += run + 1;
                    if rest[run] == b'"' {
                        return Some(at);
                    }
                    self.escaped = true;
                    self.escape = match bytes.get(at) {
                        Some(letter) => self.letter(*letter),
                        None => Escape::Begun,
                    };
                    at += usize::from(!matches!(self.escape, Escape::Begun));
                }
                Escape::Begun => {
                    self.escape = self.letter(*bytes.get(at)?);
                    at += 1;
                }
                Escape::Hex { digits, code } => {
                    let Some(digit) = hex(*bytes.get(at)?) else {
                        // No escape at all; what stands here is read for what it is.
                        self.len += REPLACEMENT_LEN + u64::from(digits);
                        self.halved = false;
                        self.escape = Escape::None;
                        continue;
                    };
                    at += 1;
                    let code = code << 4 | digit;
                    self.escape = if digits < 3 {
                        Escape::Hex { digits: digits + 1, code }
                    } else {
                        self.code_unit(code);
                        Escape::None
                    };
                }
            }
        }
    }

    /// Behind a backslash comes this letter.
    #[inline]
    fn letter(&mut self, letter: u8) -> Escape {
        if letter == b'u' {
            return Escape::Hex { digits: 0, code: 0 };
        }
        // What is no escape stands for U+FFFD; what is no ASCII is the start of a character, which stays.
        self.len += simple_escape(letter).map_or(REPLACEMENT_LEN + u64::from(!letter.is_ascii()), |_| 1);
        self.halved = false;
        Escape::None
    }

    /// Counts what `\uXXXX` stands for. A half of a surrogate pair becomes U+FFFD, both together a character of four bytes.
    fn code_unit(&mut self, code: u16) {
        let completes = self.halved && matches!(code, 0xDC00..0xE000);
        self.halved = matches!(code, 0xD800..0xDC00);
        self.len += match code {
            _ if completes => 4 - REPLACEMENT_LEN,
            0..0x80 => 1,
            0x80..0x800 => 2,
            _ => 3,
        };
    }

    pub(super) fn text<'a>(&self, raw: &'a [u8], whole: bool) -> JsonStr<'a> {
        JsonStr { raw, len: self.len, escaped: self.escaped, whole }
    }
}

/// The string that `rest` continues behind its opening quote, up to the closing one.
#[inline]
pub(super) fn up_to_quote(rest: &[u8]) -> Option<JsonStr<'_>> {
    let run = quote_or_backslash(rest)?;
    if rest[run] == b'"' {
        return Some(JsonStr { raw: &rest[..run], len: run as u64, escaped: false, whole: true });
    }
    let mut quoted = Quoted::default();
    let end = quoted.end(rest, 0)?;
    Some(quoted.text(&rest[..end - 1], true))
}

/// How long that string is as it is written, for whoever does not ask what it says.
pub(super) fn written_len(rest: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += quote_or_backslash(rest.get(at..)?)?;
        if rest[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

/// Where the first quote or backslash stands. Most strings are short, and so are the runs between escapes: the first words
/// are searched in place, which costs less than `memchr2` takes to get going.
#[inline]
fn quote_or_backslash(bytes: &[u8]) -> Option<usize> {
    const EACH: u64 = u64::from_ne_bytes([1; 8]);
    // The highest bit of each byte that is 0, and perhaps of bytes behind the first one that is.
    let zeros = |word: u64| word.wrapping_sub(EACH) & !word & (EACH << 7);
    let mut at = 0;
    while let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>).filter(|_| at < 32) {
        let word = u64::from_le_bytes(*word);
        let hits = zeros(word ^ (EACH * u64::from(b'"'))) | zeros(word ^ (EACH * u64::from(b'\\')));
        if hits != 0 {
            return Some(at + hits.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    memchr2(b'"', b'\\', &bytes[at..]).map(|run| at + run)
}

/// A string of a document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JsonStr<'a> {
    raw: &'a [u8],
    len: u64,
    escaped: bool,
    whole: bool,
}

impl<'a> JsonStr<'a> {
    /// As it is written.
    pub(super) fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Bytes of the whole string in UTF-8, escapes resolved; however much of it was kept.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Whether the string was short enough to be kept as a whole.
    pub(crate) fn is_whole(&self) -> bool {
        self.whole
    }

    /// How it is written, between its quotes; cut at a character, and at an escape, if it was too long to be kept.
    pub(super) fn written(&self) -> &'a [u8] {
        if self.whole { self.raw } else { without_cut_character(self.raw) }
    }

    /// What it says, escapes resolved, and cut at a character if it was too long to be kept. What is no UTF-8 and what is
    /// no escape becomes U+FFFD.
    pub(crate) fn decode(&self) -> Cow<'a, str> {
        let written = self.written();
        match std::str::from_utf8(written) {
            Ok(text) if !self.escaped => Cow::Borrowed(text),
            _ => Cow::Owned(unescape(written)),
        }
    }

    /// The same as bytes; nothing is checked where there are no escapes.
    pub(crate) fn bytes(&self) -> Cow<'a, [u8]> {
        if self.escaped { Cow::Owned(unescape(self.raw).into_bytes()) } else { Cow::Borrowed(self.raw) }
    }
}

fn unescape(raw: &[u8]) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(run) = memchr::memchr(b'\\', rest) {
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

/// What a backslash and this letter stand for.
fn simple_escape(letter: u8) -> Option<char> {
    Some(match letter {
        b'n' => '\n',
        b't' => '\t',
        b'r' => '\r',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'"' | b'\\' | b'/' => char::from(letter),
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
fn without_cut_character(raw: &[u8]) -> &[u8] {
    let escape = raw.iter().rev().take(6).position(|&byte| byte == b'\\').map(|back| raw.len() - 1 - back);
    if let Some(at) = escape {
        let backslashes = raw[..=at].iter().rev().take_while(|&&byte| byte == b'\\').count();
        let needs = if raw.get(at + 1) == Some(&b'u') { 6 } else { 2 };
        if backslashes % 2 == 1 && raw.len() - at < needs {
            return &raw[..at];
        }
    }
    match std::str::from_utf8(raw) {
        Err(error) if error.error_len().is_none() => &raw[..error.valid_up_to()],
        _ => raw,
    }
}
