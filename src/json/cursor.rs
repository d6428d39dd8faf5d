//! A lenient reader of one JSON text that lies whole in memory.
//!
//! Dialects walk an event with it in one pass, without copying or allocating. It never fails on a value of an unexpected
//! type: an `object` that is `null` has no members, a number that is text or a fraction is read as a number, anything else
//! is skipped. What a closure does not read is skipped for it, so unknown keys need no code. Text that is not JSON leaves
//! the cursor [`broken`](Cursor::is_broken), and nothing that was read from it should count.

use std::borrow::Cow;

use memchr::{memchr, memmem};

use super::block::Brackets;
use super::condenser::{Copied, CutText};
use super::near::{plain_len, space_len};
use super::number::{count_of, digits, literal_len};
use super::skip::Skipper;
use super::span::Span;
use super::text::{JsonStr, up_to_quote, written_len};

/// Bytes of an object or array that are skipped one by one. Most are shorter than that; blocks are faster behind it.
const NEAR: usize = 64;

/// Bytes of a text beyond which it is no count.
const LONGEST_COUNT: usize = 64;

/// A place in a JSON text.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    text: &'a [u8],
    /// The strings in it that have lost their ends, if it is a copy.
    cut_texts: &'a [CutText],
    at: usize,
    broken: bool,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Self { text, cut_texts: &[], at: 0, broken: false }
    }

    /// A cursor at the start of a copy. The lengths that it gives are those in the document.
    pub(crate) fn of_copy(copy: Copied<'a>) -> Self {
        Self { text: copy.json, cut_texts: copy.cut_texts, at: 0, broken: false }
    }

    /// Whether what has been walked over is not JSON.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken
    }

    /// The next byte that is not white space; 0 at the end.
    #[inline]
    pub(crate) fn peek(&mut self) -> u8 {
        match self.text.get(self.at) {
            // All white space is below it, and most texts have none.
            Some(&byte) if byte > b' ' => byte,
            _ => self.peek_behind_space(),
        }
    }

    #[inline(never)]
    fn peek_behind_space(&mut self) -> u8 {
        let Some(rest) = self.text.get(self.at..) else { return 0 };
        self.at += space_len(rest);
        self.text.get(self.at).copied().unwrap_or(0)
    }

    /// Walks over a value. If it is an object, `member` is called for each key, with the cursor at its value.
    pub(crate) fn object(&mut self, mut member: impl FnMut(&[u8], &mut Self)) {
        self.each_member(&mut member);
    }

    /// Does what [`object`](Self::object) says, compiled once.
    fn each_member(&mut self, member: &mut dyn FnMut(&[u8], &mut Self)) {
        if self.peek() != b'{' {
            return self.skip();
        }
        self.at += 1;
        if self.peek() == b'}' {
            self.at += 1;
            return;
        }
        loop {
            let start;
            if let Some(key) = self.plain_key() {
                start = self.at;
                member(key, self);
            } else if let Some(key) = self.any_key() {
                start = self.at;
                member(&key, self);
            } else {
                return self.give_up();
            }
            if self.ends_behind(start, b'}') {
                return;
            }
        }
    }

    /// Walks over a key and its colon, to the value, if the key is as most are: short, without an escape, and with at most one space
    /// between it and the value.
    #[inline(always)]
    fn plain_key(&mut self) -> Option<&'a [u8]> {
        self.peek();
        let rest = self.text.get(self.at..)?.strip_prefix(b"\"")?;
        let (key, behind) = rest.split_at_checked(plain_len(rest)?)?;
        self.at += match behind {
            [_, b':', value, ..] if *value > b' ' => key.len() + 3,
            [_, b':', b' ', value, ..] if *value > b' ' => key.len() + 4,
            _ => return None,
        };
        Some(key)
    }

    /// Walks over a key and its colon, to the value, whatever they look like.
    #[inline(never)]
    fn any_key(&mut self) -> Option<Cow<'a, [u8]>> {
        let key = self.text_here()?;
        if self.peek() != b':' {
            return None;
        }
        self.at += 1;
        self.peek();
        Some(key)
    }

    /// Walks over the value that began at `start`, if it has not been walked over, and the comma or the bracket `close` behind it.
    /// Returns whether it was not the comma.
    #[inline(always)]
    fn ends_behind(&mut self, start: usize, close: u8) -> bool {
        if self.at == start {
            self.skip();
        }
        let next = self.peek();
        if next != b',' && next != close {
            self.give_up();
            return true;
        }
        self.at += 1;
        next != b','
    }

    /// Walks over a value. If it is an object, `value` is called for its member `key`, with the cursor at its value.
    pub(crate) fn member(&mut self, key: &[u8], mut value: impl FnMut(&mut Self)) {
        self.object(|name, cursor| {
            if name == key {
                value(cursor);
            }
        });
    }

    /// Walks over a value. If it is an array, `item` is called for each element.
    pub(crate) fn array(&mut self, mut item: impl FnMut(&mut Self)) {
        let mut has_next = self.has_first();
        while has_next {
            self.peek();
            let start = self.at;
            item(self);
            has_next = !self.ends_behind(start, b']');
        }
    }

    /// Walks to the first element of an array; returns whether there is one. Any other value is walked over.
    fn has_first(&mut self) -> bool {
        if self.peek() != b'[' {
            self.skip();
            return false;
        }
        self.at += 1;
        let is_empty = self.peek() == b']';
        self.at += usize::from(is_empty);
        !is_empty
    }

    /// A cursor at the value of `key` in the object here, which is not walked over.
    pub(crate) fn find(&self, key: &[u8]) -> Option<Self> {
        self.find_map(|name, value| (name == key).then(|| value.clone()))
    }

    /// Returns the first thing that `wanted` makes of a member of the object here. The object is not walked over.
    pub(crate) fn find_map<T>(&self, mut wanted: impl FnMut(&[u8], &mut Self) -> Option<T>) -> Option<T> {
        let mut found = None;
        self.clone().object(|name, value| {
            found = wanted(name, value);
            if found.is_some() {
                value.give_up();
            }
        });
        found
    }

    /// Cursors at the values of the members `key`, at whatever depth, the last one first, in a text that lacks its front. A
    /// string that is followed by a colon is always a key, and a quote inside a string stands behind a backslash: so no
    /// text can pretend to be a member.
    pub(crate) fn find_members(text: &'a [u8], key: &str) -> impl Iterator<Item = Self> {
        memmem::rfind_iter(text, key.as_bytes()).filter_map(move |at| {
            let (before, behind) = (&text[..at], &text[at + key.len()..]);
            let is_string = before.ends_with(b"\"") && !before.ends_with(b"\\\"") && behind.starts_with(b"\"");
            let mut cursor = Self { at: at + key.len() + 1, ..Self::new(text) };
            if !is_string || cursor.peek() != b':' {
                return None;
            }
            cursor.at += 1;
            Some(cursor)
        })
    }

    /// Iterates over all members, at whatever depth, but those that are `null`, `true` or `false`: their keys as they are written, and
    /// their values. Of an object or array only the start is given.
    pub(crate) fn members(mut self) -> impl Iterator<Item = (&'a [u8], Span)> {
        std::iter::from_fn(move || {
            loop {
                self.at += memchr(b'"', self.text.get(self.at..)?)?;
                let key = self.quoted()?.raw();
                if self.peek() != b':' {
                    continue;
                }
                self.at += 1;
                let first = self.peek();
                let start = self.at;
                match first {
                    b'"' => return Some((key, self.text())),
                    b'{' | b'[' => return Some((key, Span { bytes: 0, start, end: start })),
                    b'-' | b'0'..=b'9' => {
                        self.literal();
                        return Some((key, Span { bytes: 0, start, end: self.at }));
                    }
                    _ => {}
                }
            }
        })
    }

    /// The length of the value that `text` starts with, in bytes.
    pub(crate) fn value_len(text: &[u8]) -> Option<usize> {
        let mut cursor = Cursor::new(text);
        cursor.skip();
        (!cursor.broken).then_some(cursor.at)
    }

    /// Walks over a value. Returns a number, or a text that is one, as a count, and `None` for what is no count: less than
    /// 0, no integer, or more than [`MAX_COUNT`](super::MAX_COUNT), which nothing that is counted comes to.
    #[inline]
    pub(crate) fn count(&mut self) -> Option<u64> {
        let Some((count, len)) = self.text.get(self.at..).and_then(digits) else { return self.any_count() };
        self.at += len;
        Some(count)
    }

    #[inline(never)]
    fn any_count(&mut self) -> Option<u64> {
        match self.peek() {
            // A longer one is no count, whatever its end may be.
            b'"' => self.text_here().filter(|text| text.len() <= LONGEST_COUNT).and_then(|text| count_of(&text)),
            b'0'..=b'9' => count_of(self.literal()),
            _ => {
                self.skip();
                None
            }
        }
    }

    /// Walks over a value. If it is a string, how long it is and where it stands, else an empty text.
    #[inline]
    pub(crate) fn text(&mut self) -> Span {
        if self.peek() != b'"' {
            self.skip();
            return Span::default();
        }
        let start = self.at + 1;
        let (bytes, end) = if let Some(cut) = self.cut_texts_in(start, start + 1).first() {
            (cut.decoded, cut.end)
        } else if let Some(text) = Span::up_to_quote(&self.text[start..]) {
            (text.bytes, start + text.end)
        } else {
            self.give_up();
            return Span { bytes: 0, start, end: self.at - 1 };
        };
        self.at = end + 1;
        Span { bytes, start, end }
    }

    /// The strings that begin in this part of the text and have lost their ends.
    #[inline]
    fn cut_texts_in(&self, start: usize, end: usize) -> &'a [CutText] {
        if self.cut_texts.is_empty() {
            return &[];
        }
        let before = |index: usize| self.cut_texts.partition_point(|cut| cut.start < index);
        &self.cut_texts[before(start)..before(end)]
    }

    /// Walks over a value. If it is a string that is not empty, that string.
    pub(crate) fn string(&mut self) -> Option<Cow<'a, str>> {
        if self.peek() != b'"' {
            self.skip();
            return None;
        }
        self.quoted().map(|text| text.decode()).filter(|text| !text.is_empty())
    }

    /// Walks over the string that stands here and returns what it says, in which nothing has been checked. Any other value is not
    /// walked over.
    pub(crate) fn text_here(&mut self) -> Option<Cow<'a, [u8]>> {
        if self.peek() != b'"' {
            return None;
        }
        self.quoted().map(|text| text.bytes())
    }

    /// Walks over a value. If it is a string that is not empty or a number, its text.
    pub(crate) fn word(&mut self) -> Option<Cow<'a, str>> {
        match self.peek() {
            b'0'..=b'9' | b'-' => Some(String::from_utf8_lossy(self.literal())),
            _ => self.string(),
        }
    }

    /// Walks over a value: whether it is `true`.
    pub(crate) fn is_true(&mut self) -> bool {
        let start = self.at;
        self.skip();
        self.text[start..self.at].trim_ascii() == b"true"
    }

    /// Walks over a value. Returns it as it stands, and how long it is in the document, in bytes.
    pub(crate) fn raw(&mut self) -> (&'a [u8], u64) {
        self.peek();
        let start = self.at;
        self.skip();
        let raw = &self.text[start..self.at];
        let left_out: u64 = self.cut_texts_in(start, self.at).iter().map(|cut| cut.left_out).sum();
        (raw, raw.len() as u64 + left_out)
    }

    /// Walks over a value.
    pub(crate) fn skip(&mut self) {
        match self.peek() {
            b'"' if self.plain_string().is_some() => {}
            b'"' => self.skip_string(),
            b'{' | b'[' => self.skip_nested(),
            b'-' | b'0'..=b'9' | b'a'..=b'z' => {
                self.literal();
            }
            _ => self.give_up(),
        }
    }

    #[inline(never)]
    fn skip_nested(&mut self) {
        // Those of both kinds, as a `Condenser` counts them: what is no JSON should end in its copy where it ends in the document.
        let mut skipper = Skipper::default();
        let near = self.at + NEAR;
        while let Some(&byte) = self.text.get(self.at) {
            if self.at >= near {
                return match skipper.skip(self.text, self.at, 0) {
                    Some(end) => self.at = end,
                    None => self.give_up(),
                };
            }
            if byte == b'"' {
                self.skip();
                continue;
            }
            match Brackets::Both.square(byte) {
                b'[' => skipper.depth += 1,
                b']' => {
                    skipper.depth -= 1;
                    if skipper.depth == 0 {
                        self.at += 1;
                        return;
                    }
                }
                _ => {}
            }
            self.at += 1;
        }
        self.give_up();
    }

    #[inline(never)]
    fn skip_string(&mut self) {
        let start = self.at + 1;
        match written_len(&self.text[start..]) {
            Some(len) => self.at = start + len + 1,
            None => self.give_up(),
        }
    }

    /// The string that starts at the quote here, if it is short and has no escape; any other is not walked over.
    #[inline(always)]
    fn plain_string(&mut self) -> Option<&'a [u8]> {
        let rest = self.text.get(self.at + 1..)?;
        let len = plain_len(rest)?;
        self.at += len + 2;
        Some(&rest[..len])
    }

    /// A number or a word.
    #[inline]
    fn literal(&mut self) -> &'a [u8] {
        let rest = &self.text[self.at..];
        let literal = &rest[..literal_len(rest)];
        self.at += literal.len();
        literal
    }

    /// The string that starts at the quote here.
    #[inline]
    fn quoted(&mut self) -> Option<JsonStr<'a>> {
        self.plain_string().map(JsonStr::plain).or_else(|| self.any_string())
    }

    /// The same, however long it is and whatever is in it.
    #[inline(never)]
    fn any_string(&mut self) -> Option<JsonStr<'a>> {
        let start = self.at + 1;
        let Some(text) = up_to_quote(&self.text[start..]) else {
            self.give_up();
            return None;
        };
        self.at = start + text.raw().len() + 1;
        Some(text)
    }

    /// Marks the text as no JSON: the rest is not looked at.
    #[cold]
    fn give_up(&mut self) {
        self.broken = true;
        self.at = self.text.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_bytes(json: &str) -> u64 {
        Cursor::new(json.as_bytes()).text().bytes
    }

    #[test]
    fn a_string_is_as_long_as_its_decoded_text() {
        for json in [
            r#""""#,
            r#""plain""#,
            r#""a\nb\t\"\\\/\b\f\r""#,
            r#""h\u00e9llo""#,
            r#""\ud83d\ude80""#,
            r#""\u4e2d文""#,
            r#""x\u0000y""#,
            r#""\u007f\u0080\u07ff\u0800\uffff""#,
        ] {
            let reference: String = serde_json::from_str(json).expect(json);
            assert_eq!(text_bytes(json), reference.len() as u64, "{json}");
            let decoded = Cursor::new(json.as_bytes()).string().unwrap_or_default();
            assert_eq!(decoded, reference, "{json}");
        }
    }

    #[test]
    fn half_a_surrogate_pair_counts_as_a_replacement_character() {
        assert_eq!(text_bytes(r#""\ud83d""#), 3);
        assert_eq!(text_bytes(r#""\ud83d\u0041""#), 4);
        assert_eq!(text_bytes(r#""\uZZZZ""#), 7);
    }

    #[test]
    fn a_value_of_another_type_is_skipped_and_what_follows_is_read() {
        let mut seen = 0;
        Cursor::new(br#"{"a":null,"b":[1,{"x":"}"}],"c":"t","d":{"e":5}}"#).object(|key, value| match key {
            b"a" | b"b" | b"c" => value.object(|_, _| panic!("no object")),
            b"d" => value.object(|_, inner| seen = inner.count().unwrap_or_default()),
            _ => {}
        });
        assert_eq!(seen, 5);
    }

    #[test]
    fn an_escaped_key_is_the_same_key() {
        let found = Cursor::new(br#"{"\u0075sage":3}"#).find(b"usage").and_then(|mut value| value.count());
        assert_eq!(found, Some(3));
    }

    #[test]
    fn whatever_is_cut_off_is_broken() {
        let whole = br#"{"a":[1,2,{"b":"c\"d"}],"e":{"f":null}}"#;
        for end in 0..whole.len() {
            let mut cursor = Cursor::new(&whole[..end]);
            cursor.object(|_, value| value.object(|_, _| {}));
            assert!(cursor.is_broken(), "{}", String::from_utf8_lossy(&whole[..end]));
        }
        let mut cursor = Cursor::new(whole);
        cursor.object(|_, _| {});
        assert!(!cursor.is_broken());
    }
}
