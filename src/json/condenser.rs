//! A copy of a document in bounded memory, for readers that need it whole.

use super::skip::{Skipper, Stop};
use super::text::{TextMeter, without_cut_character};

/// Bytes of a copy, beyond which no member is begun.
const LIMIT: usize = 1024 * 1024;
/// Bytes of one member of the top level, so that a long one leaves room for those behind it.
const MEMBER_LIMIT: usize = LIMIT / 4;
/// Bytes of a copy that JSON does not reach: behind its limit, a comma or a bracket ends it, and strings are cut.
const MOST: usize = 2 * LIMIT;

/// Copies a document as it passes, without what would make it too long: the ends of long strings (an image), which are measured
/// instead, and the ends of long members of the top level (embeddings). A member of the top level that is not long itself is copied as
/// a whole, wherever it stands.
///
/// Nothing is checked: the copy is JSON if the document is, and which bytes it holds does not depend on the cuts.
#[derive(Debug)]
pub(crate) struct Condenser {
    state: CopyState,
    /// The position in the document.
    position: Skipper,
    copy: Vec<u8>,
    cut_texts: Vec<CutText>,
    /// Bytes of one string that are copied, as written.
    text_limit: usize,
    /// How long the copy may be when the current member of the top level goes on.
    allowed: usize,
    /// Brackets that stay open when the one is closed whose rest is left out.
    floor: u64,
    abridged: bool,
}

#[derive(Clone, Copy, Debug)]
enum CopyState {
    Copying,
    /// Inside a string that may be long.
    InText(TextMeter),
    /// Behind the limit: only the brackets that close what has been copied are copied.
    Dropping,
    Complete,
    /// This is no JSON.
    Lost,
}

/// A document as it was copied.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Copied<'a> {
    pub(crate) json: &'a [u8],
    /// The strings in it that have lost their ends, in their order.
    pub(crate) cut_texts: &'a [CutText],
}

/// A string of a document whose end is missing in the copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CutText {
    /// Where its first byte stands in the copy.
    pub(super) start: usize,
    /// Where its closing quote stands in the copy.
    pub(super) end: usize,
    /// Bytes of it that are missing, as written.
    pub(super) left_out: u64,
    /// Its length in the document once decoded to UTF-8, in bytes.
    pub(super) decoded: u64,
}

impl Condenser {
    /// Bytes of a string that are copied where no more than its length and its first words need be known.
    pub(crate) const TEXT_LIMIT: usize = 8 * 1024;

    /// Bytes of a document that is read as it is, if it comes in one chunk, and of a string that is copied where a reader may want it as a
    /// whole.
    pub(crate) const WHOLE_UP_TO: usize = 64 * 1024;

    pub(crate) fn new(text_limit: usize) -> Self {
        Self {
            state: CopyState::Copying,
            position: Skipper::default(),
            copy: Vec::new(),
            cut_texts: Vec::new(),
            text_limit,
            allowed: MEMBER_LIMIT,
            floor: 0,
            abridged: false,
        }
    }

    /// Reads on. Chunks may be cut anywhere.
    pub(crate) fn push(&mut self, chunk: &[u8]) {
        let mut at = 0;
        while at < chunk.len() {
            at = match self.state {
                CopyState::Copying if self.position.in_string => {
                    self.begin_text();
                    at
                }
                CopyState::Copying if self.position.depth > 1 && self.copy.len() < self.allowed => {
                    self.nested(chunk, at)
                }
                CopyState::Copying => match self.up_to_mark(chunk, at) {
                    end if end == chunk.len() => end,
                    mark => self.byte(chunk, mark),
                },
                CopyState::InText(measured) => self.text(chunk, at, measured),
                CopyState::Dropping => self.rest(chunk, at),
                CopyState::Complete | CopyState::Lost => return,
            };
        }
    }

    /// The copy, once the document is complete.
    pub(crate) fn complete(&self) -> Option<Copied<'_>> {
        let copied = Copied { json: &self.copy, cut_texts: &self.cut_texts };
        matches!(self.state, CopyState::Complete).then_some(copied)
    }

    /// Whether members or elements are missing in the copy.
    pub(crate) fn is_abridged(&self) -> bool {
        self.abridged
    }

    /// Whether the chunks are no JSON.
    pub(crate) fn is_lost(&self) -> bool {
        matches!(self.state, CopyState::Lost)
    }

    /// Copies from inside a member of the top level, up to its end, to a long string, or to the limit.
    fn nested(&mut self, chunk: &[u8], at: usize) -> usize {
        let window = &chunk[..chunk.len().min(at + self.allowed - self.copy.len())];
        let end = match self.position.step(window, at, 1) {
            Stop::Closed(end) | Stop::InString(end) => end,
            Stop::End => window.len(),
        };
        self.copy.extend_from_slice(&chunk[at..end]);
        end
    }

    /// Copies what opens and closes nothing at the top level; returns where it ends. Behind the limit a comma matters too, and nothing is
    /// copied like that.
    fn up_to_mark(&mut self, chunk: &[u8], at: usize) -> usize {
        let room = if self.position.depth == 1 { LIMIT.saturating_sub(self.copy.len()) } else { 0 };
        let window = &chunk[at..chunk.len().min(at + room)];
        let is_mark = |byte: &u8| matches!(byte, b'{' | b'}' | b'[' | b']' | b'"');
        let run = window.iter().position(is_mark).unwrap_or(window.len());
        self.copy.extend_from_slice(&window[..run]);
        at + run
    }

    /// Copies one byte from between the strings: at the top level, and behind the limit of a member up to the next comma.
    fn byte(&mut self, chunk: &[u8], at: usize) -> usize {
        let byte = chunk[at];
        let position = &mut self.position;
        let is_full = self.copy.len() >= if position.depth > 1 { self.allowed } else { LIMIT };
        match byte {
            b'{' | b'[' => {
                position.depth += 1;
                if is_full {
                    self.drop_rest();
                } else if position.depth == 2 {
                    self.allowed = LIMIT.min(self.copy.len() + MEMBER_LIMIT);
                }
            }
            b'}' | b']' if position.depth > 0 => position.depth -= 1,
            b'"' if position.depth > 0 => (position.in_string, position.string_len) = (true, 0),
            b',' if is_full => {
                self.drop_rest();
                return at + 1;
            }
            _ => {}
        }
        self.copy.push(byte);
        if self.position.depth == 0 {
            let closed = matches!(byte, b'}' | b']');
            self.state = if closed && self.copy.len() > 1 { CopyState::Complete } else { CopyState::Lost };
        } else if self.copy.len() > MOST {
            self.state = CopyState::Lost;
        }
        at + 1
    }

    /// Measures what has been copied of the open string. It is little, and its quote is not in it yet.
    fn begin_text(&mut self) {
        let mut measured = TextMeter::default();
        let copied = self.position.string_len;
        debug_assert!(copied <= self.text_limit, "{copied} bytes have been copied");
        measured.push(&self.copy[self.copy.len() - copied..]);
        self.state = CopyState::InText(measured);
    }

    /// Measures a string on, and copies it up to its limit.
    fn text(&mut self, chunk: &[u8], at: usize, mut measured: TextMeter) -> usize {
        let rest = &chunk[at..];
        let room = (self.text_limit as u64).saturating_sub(measured.written);
        let quote = measured.push(rest);
        let text = &rest[..quote.unwrap_or(rest.len())];
        self.copy.extend_from_slice(&text[..text.len().min(room as usize)]);
        let Some(quote) = quote else {
            self.state = CopyState::InText(measured);
            return chunk.len();
        };
        if measured.written > self.text_limit as u64 {
            let start = self.copy.len() - self.text_limit;
            let kept = without_cut_character(&self.copy[start..]).len();
            self.copy.truncate(start + kept);
            let (end, left_out) = (start + kept, measured.written - kept as u64);
            self.cut_texts.push(CutText { start, end, left_out, decoded: measured.decoded });
        }
        self.copy.push(b'"');
        (self.position.in_string, self.position.escaped) = (false, false);
        self.state = CopyState::Copying;
        at + quote + 1
    }

    /// Begins to leave out the rest of the innermost array or object.
    fn drop_rest(&mut self) {
        self.abridged = true;
        self.floor = self.position.depth - 1;
        self.state = CopyState::Dropping;
    }

    /// Passes over the rest of an array or object, and copies the bracket that closes it.
    fn rest(&mut self, chunk: &[u8], at: usize) -> usize {
        let Some(end) = self.position.skip(chunk, at, self.floor) else { return chunk.len() };
        self.copy.push(chunk[end - 1]);
        match self.floor {
            0 => self.state = CopyState::Complete,
            1 if self.copy.len() < LIMIT => self.state = CopyState::Copying,
            _ => self.floor -= 1,
        }
        end
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Condenser, LIMIT, MEMBER_LIMIT};
    use crate::json::Cursor;

    const TEXT_LIMIT: usize = Condenser::TEXT_LIMIT;

    fn new() -> Condenser {
        Condenser::new(TEXT_LIMIT)
    }

    fn condensed(document: &[u8], size: usize) -> Condenser {
        let mut condenser = new();
        for chunk in document.chunks(size) {
            assert!(condenser.complete().is_none());
            condenser.push(chunk);
        }
        condenser
    }

    fn condense(document: &[u8], size: usize) -> Vec<u8> {
        condensed(document, size).complete().expect("the document is complete").json.to_vec()
    }

    #[test]
    fn a_short_document_is_copied_as_it_is() {
        let document = json!({"a": [1, -2.5e3, true, null, {}, [], {"b": "x\n\"é\u{1}"}], "": {"c": [[["d"]]]}});
        for text in [document.to_string(), serde_json::to_string_pretty(&document).unwrap()] {
            for size in [1, 2, 7, text.len()] {
                let copy: Value = serde_json::from_slice(&condense(text.as_bytes(), size)).unwrap();
                assert_eq!(copy, document, "in chunks of {size}");
            }
        }
    }

    #[test]
    fn what_is_short_stays_whole_beside_what_is_long() {
        let image = "iVBORw0KGgo\\n".repeat(200_000);
        let numbers = vec!["-0.0123456789"; 500_000].join(",");
        let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
        let document = format!(
            r#"{{"model":"m","choices":[{{"message":{{"image":"{image}","tool_calls":[{{"id":"a"}}]}},"finish_reason":"stop"}}],"data":[{numbers}],"deep":{deep},"usage":{{"prompt_tokens":7}}}}"#
        );
        let whole = condense(document.as_bytes(), document.len());
        assert!(whole.len() < 2 * MEMBER_LIMIT, "{} bytes", whole.len());
        for size in [1000, 65_537] {
            assert!(condense(document.as_bytes(), size) == whole, "in chunks of {size}");
        }
        let copy: Value = serde_json::from_slice(&whole).expect("the copy is JSON");
        let choice = &copy["choices"][0];
        assert_eq!((&copy["model"], &copy["usage"]), (&json!("m"), &json!({"prompt_tokens": 7})));
        assert_eq!(
            (&choice["finish_reason"], &choice["message"]["tool_calls"]),
            (&json!("stop"), &json!([{"id": "a"}]))
        );
        let kept = choice["message"]["image"].as_str().unwrap();
        assert!(kept.starts_with("iVBORw0KGgo\niVB") && kept.len() < TEXT_LIMIT);
        assert_eq!(copy["data"][0], json!(-0.0123456789));
    }

    #[test]
    fn a_copy_is_never_longer_than_its_limit_by_more_than_one_text() {
        let mut condenser = new();
        condenser.push(b"{");
        let text = format!("\"{}\"", "x".repeat(10_000));
        for member in 0..2000 {
            let member = format!("\"member{member}\":[{text},{text},{text}],");
            condenser.push(member.as_bytes());
        }
        condenser.push(b"\"last\":1}");
        let copy = condenser.complete().unwrap().json;
        assert!(copy.len() < LIMIT + 2 * text.len(), "{} bytes", copy.len());
        assert!(serde_json::from_slice::<Value>(copy).is_ok());
    }

    #[test]
    fn what_stands_behind_millions_of_brackets_is_copied() {
        for (open, close) in [("[", "]"), (r#"{"a":"#, "}"), (r#"[{"a":[1],"b":"#, "}]")] {
            let deep = format!("{}1{}", open.repeat(500_000), close.repeat(500_000));
            let document = format!(r#"{{"deep":{deep},"usage":{{"prompt_tokens":7}}}}"#);
            for size in [1000, document.len()] {
                let copy = condense(document.as_bytes(), size);
                let mut tokens = Cursor::new(&copy).find(b"usage").and_then(|usage| usage.find(b"prompt_tokens"));
                assert_eq!(tokens.as_mut().and_then(Cursor::count), Some(7), "{open}");
                assert!(copy.len() < 3 * MEMBER_LIMIT, "{} bytes", copy.len());
            }
        }
    }

    #[test]
    fn a_string_at_the_limit_is_whole_and_a_longer_one_is_cut_at_a_character() {
        for (text, kept) in [
            ("x".repeat(TEXT_LIMIT), TEXT_LIMIT),
            ("x".repeat(TEXT_LIMIT + 1), TEXT_LIMIT),
            (format!("{}\\n", "x".repeat(TEXT_LIMIT - 1)), TEXT_LIMIT - 1),
            (format!("{}\\\"y", "x".repeat(TEXT_LIMIT - 2)), TEXT_LIMIT),
            (format!("{}é", "x".repeat(TEXT_LIMIT - 1)), TEXT_LIMIT - 1),
        ] {
            let document = format!(r#"{{"a":["{text}",1],"b":2}}"#);
            for size in [1, 7, TEXT_LIMIT, document.len()] {
                let copy = String::from_utf8(condense(document.as_bytes(), size)).unwrap();
                assert!(copy == format!(r#"{{"a":["{}",1],"b":2}}"#, &text[..kept]), "{kept} kept in chunks of {size}");
            }
        }
    }

    #[test]
    fn what_is_left_out_of_a_string_is_measured() {
        let words = r#"words, \u00e9 and \ud83d\ude80, a \"quotation\"\n "#;
        let half = r"\ud83d";
        for text in [
            words.repeat(1000),
            format!("{}{half}\\\"", words.repeat(1000)),
            half.repeat(4000),
            "\\ud83d\\ude80".repeat(2000),
            format!("{}\\ud83d\\ude80", "x".repeat(TEXT_LIMIT - 8)),
            format!("{}\\\\", "x".repeat(TEXT_LIMIT - 1)),
            format!("{}\\é", "x".repeat(TEXT_LIMIT - 2)),
        ] {
            let document = format!(r#"{{"a":{{"b":["{text}",7]}},"c":"{text}","d":"short"}}"#);
            for size in [1, 7, 1000, 9000, document.len()] {
                let condenser = condensed(document.as_bytes(), size);
                let (whole, copy) =
                    (Cursor::new(document.as_bytes()), Cursor::of_copy(condenser.complete().expect("a document")));
                let length = |cursor: &Cursor<'_>, key: &[u8]| cursor.find(key).map(|mut value| value.text().bytes);
                for key in [b"c", b"d"] {
                    assert_eq!(length(&copy, key), length(&whole, key), "in chunks of {size}");
                }
                let nested = |cursor: &Cursor<'_>| {
                    let mut bytes = 0;
                    cursor
                        .find(b"a")
                        .expect("a member")
                        .member(b"b", |list| list.array(|text| bytes += text.text().bytes));
                    bytes
                };
                assert_eq!(nested(&copy), nested(&whole), "in chunks of {size}");
                let written = |cursor: &Cursor<'_>| cursor.find(b"a").map(|mut value| value.raw().1);
                assert_eq!(written(&copy), written(&whole), "in chunks of {size}");
                let mut skipped = copy.clone();
                skipped.skip();
                assert!(!skipped.is_broken(), "in chunks of {size}");
            }
        }
    }

    #[test]
    fn the_copy_of_what_is_no_json_depends_on_no_cut() {
        for text in [r#"{"a" 1}"#, "{]", r#"{\"a":"b"}"#, "[1}", r#"{"a":"\u12"}} "#] {
            for size in [1, 2, 3] {
                let mut condenser = new();
                text.as_bytes().chunks(size).for_each(|chunk| condenser.push(chunk));
                let end = text.find(['}', ']']).unwrap() + 1;
                assert_eq!(
                    condenser.complete().map(|copy| copy.json),
                    Some(&text.as_bytes()[..end]),
                    "{text} in chunks of {size}"
                );
            }
        }
        let mut condenser = new();
        condenser.push(b"<html>");
        assert!(condenser.is_lost() && condenser.complete().is_none());
        let mut condenser = new();
        condenser.push(b"{");
        for _ in 0..1000 {
            condenser.push(&[b':'; 10_000]);
        }
        assert!(condenser.is_lost() && condenser.copy.len() <= 2 * LIMIT + 1);
    }
}
