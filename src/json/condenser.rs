//! A copy of a document in bounded memory, for readers that need it whole.

use super::skip::{Skipper, Stop, string_end};
use super::text::without_cut_character;

/// Bytes of a copy, beyond which no member is begun.
const LIMIT: usize = 1024 * 1024;
/// Bytes of one member of the top level, so that a long one leaves room for those behind it.
const MEMBER_LIMIT: usize = LIMIT / 4;
/// Bytes of one string, as written.
const TEXT_LIMIT: usize = 64 * 1024;
/// Bytes of a copy that JSON does not reach: behind its limit, a comma or a bracket ends it, and strings are cut.
const MOST: usize = 2 * LIMIT;

/// Copies a document as it passes, without what would make it too long: the ends of long strings (an image) and the ends of
/// long members of the top level (embeddings). A member of the top level that is not long itself is copied as a whole, wherever
/// it stands.
///
/// Nothing is checked: the copy is JSON if the document is, and which bytes it holds does not depend on the cuts.
#[derive(Debug)]
pub(crate) struct Condenser {
    state: CopyState,
    /// The position in the document.
    position: Skipper,
    copy: Vec<u8>,
    /// How long the copy may be when the current member of the top level goes on.
    allowed: usize,
    /// Brackets that stay open when the one is closed whose rest is left out.
    floor: u64,
    abridged: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CopyState {
    Copying,
    /// Inside a string whose end is left out.
    DroppingString,
    /// Behind the limit: only the brackets that close what has been copied are copied.
    Dropping,
    Complete,
    /// This is no JSON.
    Lost,
}

impl Condenser {
    /// Documents of up to this many bytes are copied as they are.
    pub(crate) const ABRIDGES_NONE_UP_TO: usize = TEXT_LIMIT;

    pub(crate) fn new() -> Self {
        Self {
            state: CopyState::Copying,
            position: Skipper::default(),
            copy: Vec::new(),
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
                CopyState::Copying if self.position.in_string => self.string(chunk, at),
                CopyState::Copying if self.position.depth > 1 && self.copy.len() < self.allowed => {
                    self.nested(chunk, at)
                }
                CopyState::Copying => self.byte(chunk, at),
                CopyState::DroppingString => self.string_end(chunk, at),
                CopyState::Dropping => self.rest(chunk, at),
                CopyState::Complete | CopyState::Lost => return,
            };
        }
    }

    /// The copy, once the document is complete.
    pub(crate) fn complete(&self) -> Option<&[u8]> {
        (self.state == CopyState::Complete).then_some(&self.copy)
    }

    /// Whether members or elements are missing in the copy.
    pub(crate) fn is_abridged(&self) -> bool {
        self.abridged
    }

    /// Whether the chunks are no JSON.
    pub(crate) fn is_lost(&self) -> bool {
        self.state == CopyState::Lost
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

    /// Copies one byte from between the strings: at the top level, and behind the limit of a member up to the next comma.
    fn byte(&mut self, chunk: &[u8], at: usize) -> usize {
        let position = &mut self.position;
        let is_full = self.copy.len() >= if position.depth > 1 { self.allowed } else { LIMIT };
        match chunk[at] {
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
        self.copy.push(chunk[at]);
        if self.position.depth == 0 {
            let closed = matches!(chunk[at], b'}' | b']');
            self.state = if closed && self.copy.len() > 1 { CopyState::Complete } else { CopyState::Lost };
        } else if self.copy.len() > MOST {
            self.state = CopyState::Lost;
        }
        at + 1
    }

    /// Copies from inside a string, up to its end or its limit.
    fn string(&mut self, chunk: &[u8], at: usize) -> usize {
        let room = TEXT_LIMIT - self.position.string_len;
        let window = &chunk[..chunk.len().min(at + room + 1)];
        let position = &mut self.position;
        if let Some(end) = string_end(window, at, &mut position.escaped) {
            position.in_string = false;
            self.copy.extend_from_slice(&chunk[at..end]);
            return end;
        }
        let end = window.len().min(at + room);
        self.copy.extend_from_slice(&chunk[at..end]);
        position.string_len += end - at;
        if window.len() > end {
            // The byte behind the limit has been looked at and does not end the string.
            let start = self.copy.len() - position.string_len;
            let kept = without_cut_character(&self.copy[start..]).len();
            self.copy.truncate(start + kept);
            self.state = CopyState::DroppingString;
        }
        window.len()
    }

    /// Passes over the end of a string, and copies its quote.
    fn string_end(&mut self, chunk: &[u8], at: usize) -> usize {
        let Some(end) = string_end(chunk, at, &mut self.position.escaped) else { return chunk.len() };
        self.position.in_string = false;
        self.copy.push(b'"');
        self.state = CopyState::Copying;
        end
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

    use super::{Condenser, LIMIT, MEMBER_LIMIT, TEXT_LIMIT};
    use crate::json::Cursor;

    fn condense(document: &[u8], size: usize) -> Vec<u8> {
        let mut condenser = Condenser::new();
        for chunk in document.chunks(size) {
            assert!(condenser.complete().is_none());
            condenser.push(chunk);
        }
        condenser.complete().expect("the document is complete").to_vec()
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
        let mut condenser = Condenser::new();
        condenser.push(b"{");
        let text = format!("\"{}\"", "x".repeat(10_000));
        for member in 0..2000 {
            let member = format!("\"member{member}\":[{text},{text},{text}],");
            condenser.push(member.as_bytes());
        }
        condenser.push(b"\"last\":1}");
        let copy = condenser.complete().unwrap();
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
    fn the_copy_of_what_is_no_json_depends_on_no_cut() {
        for text in [r#"{"a" 1}"#, "{]", r#"{\"a":"b"}"#, "[1}", r#"{"a":"\u12"}} "#] {
            for size in [1, 2, 3] {
                let mut condenser = Condenser::new();
                text.as_bytes().chunks(size).for_each(|chunk| condenser.push(chunk));
                let end = text.find(['}', ']']).unwrap() + 1;
                assert_eq!(condenser.complete(), Some(&text.as_bytes()[..end]), "{text} in chunks of {size}");
            }
        }
        let mut condenser = Condenser::new();
        condenser.push(b"<html>");
        assert!(condenser.is_lost() && condenser.complete().is_none());
        let mut condenser = Condenser::new();
        condenser.push(b"{");
        for _ in 0..1000 {
            condenser.push(&[b':'; 10_000]);
        }
        assert!(condenser.is_lost() && condenser.copy.len() <= 2 * LIMIT + 1);
    }
}
