//! A copy of a document in bounded memory, for whoever has to have it whole.

use std::ops::Range;

use super::scanner::DEPTH;
use super::{Container, Next, Scalar, Scanner, Visit};

/// Bytes of a copy.
const LIMIT: usize = 1024 * 1024;
/// Bytes of one member of the top level, so that a long one leaves room for those behind it.
const MEMBER_LIMIT: usize = LIMIT / 4;

/// Copies a document as it passes, without what would make it too long: the ends of long strings (an image), the ends of
/// long arrays and objects (an embedding), and what lies too deep. The copy is JSON, and every member of the top level that
/// is not long itself stands in it as a whole, wherever it stands.
#[derive(Debug)]
pub(crate) struct Condenser {
    scanner: Scanner<()>,
    copy: Copied,
}

impl Condenser {
    pub(crate) fn new() -> Self {
        Self { scanner: Scanner::new(Next::Look(())), copy: Copied::default() }
    }

    /// Reads on. Chunks may be cut anywhere.
    pub(crate) fn push(&mut self, chunk: &[u8]) {
        self.scanner.push(chunk, &mut self.copy);
    }

    /// The copy, once the document is complete.
    pub(crate) fn complete(&self) -> Option<&[u8]> {
        (self.scanner.is_over() && !self.scanner.is_lost()).then_some(&self.copy.text)
    }

    /// Whether members or elements are missing in the copy.
    pub(crate) fn is_abridged(&self) -> bool {
        self.copy.abridged
    }

    /// Whether what has come is no JSON.
    pub(crate) fn is_lost(&self) -> bool {
        self.scanner.is_lost()
    }
}

#[derive(Debug, Default)]
struct Copied {
    text: Vec<u8>,
    depth: usize,
    /// How long the copy may be at the end of the current member.
    allowed: usize,
    abridged: bool,
}

impl Copied {
    /// Makes room for a member or an element; false if there is none.
    fn begin(&mut self) -> bool {
        if self.depth <= 1 {
            self.allowed = LIMIT.min(self.text.len() + MEMBER_LIMIT);
        }
        if self.text.len() >= self.allowed || self.depth == DEPTH {
            self.abridged = true;
            return false;
        }
        if !matches!(self.text.last(), Some(b'{' | b'[')) {
            self.text.push(b',');
        }
        true
    }
}

impl Visit for Copied {
    type Node = ();

    const TEXT_LIMIT: usize = 64 * 1024;

    fn member(&mut self, (): (), key: &[u8]) -> Next<()> {
        // A key that would have to be escaped is nobody's.
        let is_plain = !key.iter().any(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
        if !is_plain || !self.begin() {
            return Next::Skip;
        }
        self.text.push(b'"');
        self.text.extend_from_slice(key);
        self.text.extend_from_slice(b"\":");
        Next::Look(())
    }

    fn element(&mut self, (): ()) -> Next<()> {
        if self.begin() { Next::Look(()) } else { Next::Skip }
    }

    fn open(&mut self, (): (), container: Container) {
        self.depth += 1;
        self.text.push(match container {
            Container::Object => b'{',
            Container::Array => b'[',
        });
    }

    fn close(&mut self, (): (), container: Container) {
        self.depth -= 1;
        self.text.push(match container {
            Container::Object => b'}',
            Container::Array => b']',
        });
    }

    fn scalar(&mut self, (): (), value: Scalar<'_>, _: Range<u64>) {
        match value {
            Scalar::Null => self.text.extend_from_slice(b"null"),
            Scalar::Bool(true) => self.text.extend_from_slice(b"true"),
            Scalar::Bool(false) => self.text.extend_from_slice(b"false"),
            Scalar::Number(digits) => self.text.extend_from_slice(digits),
            Scalar::String(text) => {
                self.text.push(b'"');
                self.text.extend_from_slice(text.written());
                self.text.push(b'"');
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Condenser, Copied, LIMIT, MEMBER_LIMIT};
    use crate::json::Visit;

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
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
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
        assert!(kept.starts_with("iVBORw0KGgo\niVB") && kept.len() < Copied::TEXT_LIMIT);
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
    fn what_is_no_json_has_no_copy() {
        for text in ["<html>", "{\"a\" 1}", "[1,]"] {
            let mut condenser = Condenser::new();
            condenser.push(text.as_bytes());
            assert!(condenser.is_lost() && condenser.complete().is_none(), "{text}");
        }
    }
}
