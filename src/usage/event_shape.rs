//! The ordinary event of a stream, learnt from the stream: what makes reading the next one cheap.
//!
//! Nearly all events of an answer are alike but for the piece of text they bring. Once an event has been read and has
//! changed nothing but the count of text, its bytes are kept, with a hole where the text stood. An event with the same
//! bytes around its own text says the same about everything else, that is nothing: only its text is counted, and no JSON
//! is parsed. So this is exact for every dialect and knows none.
//!
//! Still parsed, at some 1.5 ns a byte: an event that reports numbers, each time other ones (Gemini, vLLM's
//! continuous usage, Perplexity); the choices of several, which take turns; and an event that is longer than what is kept of
//! one, so that a meter stays below 1 KB (Writer).
//!
//! Two kinds of values more may differ: those of keys that no dialect reads, such as a sequence number; and those of keys
//! that are read as text and nothing else, where this one was not, since it repeats the text under another name.

use super::event::ResponseEvent;
use crate::json::{Cursor, Span};

/// Bytes of the longest event that is learnt, not counting what stands in its holes.
const LITERAL: usize = 400;

const HOLES: usize = 6;

/// Events in a row that could not be learnt until no more are tried.
const FAILURES: u8 = 8;

/// `{}` and `[]` need no hole.
const EMPTY: usize = 2;

/// Keys whose values no dialect reads, and which differ from event to event or are long.
const UNREAD: [&[u8]; 10] = [
    b"obfuscation",
    b"sequence_number",
    b"item_id",
    b"created",
    b"created_at",
    b"token_id",
    b"p",
    b"logprobs",
    b"content_filter_results",
    b"contentBlockIndex",
];

/// Keys whose values are read as a text of the answer or not at all.
const TEXTS: [&[u8]; 5] = [b"text", b"content", b"reasoning", b"reasoning_content", b"summary"];

/// An event that has been seen, less what may differ.
#[derive(Debug, Default)]
pub(super) struct EventShape {
    /// The name and what stands around the holes, one after the other.
    literal: Vec<u8>,
    name: u16,
    holes: [Hole; HOLES],
    count: u8,
    failures: u8,
}

#[derive(Clone, Copy, Debug, Default)]
struct Hole {
    /// Where in the literal it is.
    at: u16,
    kind: HoleKind,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum HoleKind {
    /// The text that counts.
    #[default]
    Text,
    /// A string that does not.
    String,
    Number,
    /// An object or an array.
    Nested,
}

impl EventShape {
    /// If the event has this shape, the length of its text in bytes, once decoded.
    #[inline]
    pub(super) fn text_of(&self, event: &ResponseEvent<'_>) -> Option<u64> {
        if self.count == 0 {
            return None;
        }
        let (name, mut literal) = self.literal.split_at(self.name.into());
        // Most streams do not name their events. Comparing nothing with nothing is left out: a vectorised `memcmp` looks at
        // the dangling address of an empty slice, under a mask, which costs more than all the rest.
        if event.name.len() != name.len() || (!name.is_empty() && event.name != name) {
            return None;
        }
        let mut rest = event.data;
        let mut text = 0;
        let mut from = self.name;
        for hole in &self.holes[..self.count.into()] {
            let (before, behind) = literal.split_at(usize::from(hole.at - from));
            rest = rest.strip_prefix(before)?;
            rest = match hole.kind {
                HoleKind::Number => &rest[rest.iter().position(|byte| !is_of_number(*byte))?..],
                HoleKind::Nested => &rest[Cursor::value_len(rest)?..],
                HoleKind::String => &rest[Span::up_to_quote(rest)?.end..],
                HoleKind::Text => {
                    let string = Span::up_to_quote(rest)?;
                    text = string.bytes;
                    &rest[string.end..]
                }
            };
            literal = behind;
            from = hole.at;
        }
        let is_whole = rest == literal || ends_alike(rest, literal);
        // Without its text, an event could say something else: the same under another name.
        (text > 0 && is_whole).then_some(text)
    }

    /// Learns the shape of an event whose `text` was all it said.
    pub(super) fn learn(&mut self, event: &ResponseEvent<'_>, text: Span) {
        self.forget();
        if self.failures < FAILURES {
            self.failures = if self.try_learn(event, text).is_some() { 0 } else { self.failures + 1 };
        }
        if self.failures > 0 {
            self.forget();
        }
    }

    pub(super) fn forget(&mut self) {
        self.literal.clear();
        self.count = 0;
    }

    fn try_learn(&mut self, event: &ResponseEvent<'_>, text: Span) -> Option<()> {
        self.name = u16::try_from(event.name.len()).ok()?;
        self.push(event.name)?;
        let mut from = 0;
        for (key, value) in event.cursor().members() {
            if value.start < from {
                continue;
            }
            let is_string = event.data[value.start - 1] == b'"';
            let (kind, end) = if value.start == text.start {
                (HoleKind::Text, value.end)
            } else if is_string && value.bytes > 0 && TEXTS.contains(&key) {
                (HoleKind::String, value.end)
            } else if !UNREAD.contains(&key) {
                continue;
            } else if is_string {
                (HoleKind::String, value.end)
            } else if value.start < value.end {
                (HoleKind::Number, value.end)
            } else {
                match Cursor::value_len(&event.data[value.start..])? {
                    ..=EMPTY => continue,
                    len => (HoleKind::Nested, value.start + len),
                }
            };
            self.push(event.data.get(from..value.start)?)?;
            let at = u16::try_from(self.literal.len()).ok()?;
            *self.holes.get_mut(usize::from(self.count))? = Hole { at, kind };
            self.count += 1;
            from = end;
        }
        self.push(event.data.get(from..)?)?;
        self.holes.iter().take(self.count.into()).find(|hole| hole.kind == HoleKind::Text).map(|_| ())
    }

    fn push(&mut self, bytes: &[u8]) -> Option<()> {
        if self.literal.len() + bytes.len() > LITERAL {
            return None;
        }
        if self.literal.capacity() < LITERAL {
            self.literal.reserve_exact(LITERAL);
        }
        self.literal.extend_from_slice(bytes);
        Some(())
    }
}

/// Whether these last pieces of two objects differ only in the space before the closing brace: Anthropic pads its events.
fn ends_alike(left: &[u8], right: &[u8]) -> bool {
    let trim = |piece: &'_ [u8]| -> Option<usize> { Some(piece.strip_suffix(b"}")?.trim_ascii_end().len()) };
    matches!((trim(left), trim(right)), (Some(l), Some(r)) if left[..l] == right[..r])
}

fn is_of_number(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Learns the first payload, whose text is the value of `key`, and reads the second.
    fn text_of(first: &str, key: &str, second: &str) -> Option<u64> {
        let text = Cursor::new(first.as_bytes()).members().find(|(name, _)| *name == key.as_bytes());
        let mut shape = EventShape::default();
        shape.learn(&ResponseEvent::unnamed(first.as_bytes()), text.expect("the text is there").1);
        shape.text_of(&ResponseEvent::unnamed(second.as_bytes()))
    }

    fn chunk(text: &str, rest: &str) -> String {
        format!(r#"{{"id":"c","choices":[{{"delta":{{"content":"{text}"}}}}]{rest}}}"#)
    }

    #[test]
    fn an_event_that_differs_in_its_text_only_has_the_shape() {
        let first = chunk("a", r#","usage":null"#);
        assert_eq!(text_of(&first, "content", &chunk("Hello", r#","usage":null"#)), Some(5));
        assert_eq!(text_of(&first, "content", &chunk(r#"\u00e9\"}]"#, r#","usage":null"#)), Some(5));
    }

    #[test]
    fn an_event_that_differs_elsewhere_has_not() {
        let first = chunk("a", "");
        for other in [
            chunk("", ""),
            chunk("b", r#","usage":{"prompt_tokens":1}"#),
            chunk(r#"b","role":"assistant"#, ""),
            chunk("b", "").replace("\"c\"", "\"d\""),
            chunk("b", "")[1..].to_owned(),
            chunk("b", "").trim_end_matches('}').to_owned(),
            chunk("b", "") + "}",
        ] {
            assert_eq!(text_of(&first, "content", &other), None, "{other}");
        }
    }

    #[test]
    fn what_no_dialect_reads_may_differ() {
        let event = |n: u64, text: &str, noise: &str| {
            format!(r#"{{"sequence_number":{n},"delta":"{text}","logprobs":[{noise}],"obfuscation":"{noise}"}}"#)
        };
        let noise = r#"{}"#;
        assert_eq!(text_of(&event(1, "a", noise), "delta", &event(23, "bc", r#"{},[]"#)), Some(2));
        assert_eq!(text_of(&event(1, "a", noise), "delta", &event(23, "bc", "[")), None);
    }

    #[test]
    fn a_text_that_is_repeated_may_differ_where_it_is_not_counted() {
        let event = |text: &str| format!(r#"{{"reasoning":"{text}","reasoning_details":[{{"text":"{text}"}}]}}"#);
        assert_eq!(text_of(&event("a"), "reasoning", &event("bcd")), Some(3));
        assert_eq!(text_of(&event("a"), "reasoning", &event("")), None, "it could count now");
    }

    #[test]
    fn space_before_the_last_brace_may_differ() {
        let event = |text: &str, space: &str| format!(r#"{{"delta":{{"text":"{text}"}}{space}}}"#);
        assert_eq!(text_of(&event("a", "   "), "text", &event("bc", "")), Some(2));
        assert_eq!(text_of(&event("a", ""), "text", &event("bc", "     ")), Some(2));
    }

    #[test]
    fn a_long_event_is_not_learnt() {
        let long = "x".repeat(LITERAL);
        let event = |text: &str| format!(r#"{{"id":"{long}","delta":"{text}"}}"#);
        assert_eq!(text_of(&event("a"), "delta", &event("b")), None);
    }

    #[test]
    fn the_name_belongs_to_the_shape() {
        let data = br#"{"delta":"a"}"#;
        let mut shape = EventShape::default();
        shape.learn(&ResponseEvent::new(b"text", data), Span { bytes: 1, start: 10, end: 11 });
        assert_eq!(shape.text_of(&ResponseEvent::new(b"text", data)), Some(1));
        assert_eq!(shape.text_of(&ResponseEvent::new(b"", data)), None);
        assert_eq!(shape.text_of(&ResponseEvent::new(b"code", data)), None);
    }
}
