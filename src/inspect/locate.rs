//! Finds the model of a request before the request is sent on, and where exactly its name stands.

use std::{fmt, ops::Range};

use crate::json::{Next, Scalar, Scanner, Visit};

/// A request's top-level `"model"`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LocatedModel {
    /// The name, escapes resolved.
    pub name: String,
    /// The bytes of the body that hold it, **quotes included**: what takes their place must be a JSON string too.
    pub range: Range<usize>,
}

/// Finds the model in a body that arrives in chunks, before the body is sent on.
///
/// Nothing is copied but the name; the caller keeps the chunks.
///
/// The first string under `"model"` that is not empty counts, however the body is cut. If it cannot be a name,
/// [`fault`](Self::fault) says why, and no other is found. Servers differ in which of several they take: a caller that
/// must be sure reads the whole body, asks [`is_repeated`](Self::is_repeated), and refuses.
///
/// ```
/// use active_requests::inspect::ModelLocator;
///
/// let mut locator = ModelLocator::new();
/// assert_eq!(locator.push(br#"{"messages":[{"model":"no"}],"mod"#), None);
/// assert!(!locator.is_over());
///
/// let model = locator.push(br#"el":"openai:gpt-4o","stream":true"#).unwrap();
/// assert_eq!((model.name.as_str(), model.range.clone()), ("openai:gpt-4o", 37..52));
/// ```
#[derive(Debug)]
pub struct ModelLocator {
    scanner: Scanner<ModelNode>,
    found: FoundModel,
}

/// Finds the model in a whole body. Of several the first counts, as it does for a [`ModelLocator`].
///
/// ```
/// let body = br#"{"model":"fast","stream":true}"#;
/// let model = active_requests::inspect::find_model(body).unwrap();
///
/// let mut renamed = body.to_vec();
/// renamed.splice(model.range, *br#""gpt-4o-mini""#);
/// assert_eq!(renamed, br#"{"model":"gpt-4o-mini","stream":true}"#);
/// ```
pub fn find_model(body: &[u8]) -> Option<LocatedModel> {
    let mut locator = ModelLocator::new();
    locator.push(body);
    locator.found.model
}

impl ModelLocator {
    /// A locator at the beginning of a body.
    pub fn new() -> Self {
        Self { scanner: Scanner::new(Next::Look(ModelNode::Root)), found: FoundModel::default() }
    }

    /// Reads on, and returns the model once it has been found. Chunks may be cut anywhere. A caller may stop there: a later chunk
    /// does not change it.
    pub fn push(&mut self, chunk: &[u8]) -> Option<&LocatedModel> {
        self.scanner.push(chunk, &mut self.found);
        self.found.model.as_ref()
    }

    /// Why the string under `"model"` is no name, if one has come that is none.
    pub fn fault(&self) -> Option<ModelFault> {
        self.found.fault
    }

    /// Whether the key `"model"` has come more than once so far.
    pub fn is_repeated(&self) -> bool {
        self.found.keys > 1
    }

    /// Whether nothing more can be found: the JSON value is complete, or the body is no JSON.
    pub fn is_over(&self) -> bool {
        self.scanner.is_over()
    }
}

impl Default for ModelLocator {
    fn default() -> Self {
        Self::new()
    }
}

/// The reason why a string is no name of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ModelFault {
    /// It takes more than 1024 bytes, as it is written.
    TooLong,
    /// It holds half a surrogate pair, bytes that are no UTF-8 or an escape that is none.
    NoUnicode,
}

impl fmt::Display for ModelFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the model's name is longer than 1024 bytes",
            Self::NoUnicode => "the model's name is no Unicode text",
        })
    }
}

#[derive(Debug, Default)]
struct FoundModel {
    model: Option<LocatedModel>,
    fault: Option<ModelFault>,
    /// How often the key has come.
    keys: u32,
}

#[derive(Clone, Copy, Debug)]
enum ModelNode {
    Root,
    Model,
}

impl Visit for FoundModel {
    type Node = ModelNode;

    fn member(&mut self, node: ModelNode, key: &[u8]) -> Next<ModelNode> {
        match (node, key) {
            (ModelNode::Root, b"model") => {
                self.keys = self.keys.saturating_add(1);
                Next::Look(ModelNode::Model)
            }
            _ => Next::Skip,
        }
    }

    fn scalar(&mut self, node: ModelNode, value: Scalar<'_>, range: Range<u64>) {
        let (ModelNode::Model, None, None) = (node, &self.model, self.fault) else { return };
        let Some(name) = value.as_str().filter(|name| !name.is_empty()) else { return };
        let range = usize::try_from(range.start).and_then(|start| Ok(start..usize::try_from(range.end)?));
        match (name.decode_exactly(), range) {
            (Some(text), Ok(range)) => self.model = Some(LocatedModel { name: text.into_owned(), range }),
            _ if name.is_whole() => self.fault = Some(ModelFault::NoUnicode),
            _ => self.fault = Some(ModelFault::TooLong),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LocatedModel, ModelFault, ModelLocator, find_model};

    fn located(name: &str, range: std::ops::Range<usize>) -> Option<LocatedModel> {
        Some(LocatedModel { name: name.into(), range })
    }

    #[test]
    fn the_model_is_the_first_string_of_that_name_at_the_top_level() {
        for (body, expected) in [
            (r#"{"model":"a"}"#, located("a", 9..12)),
            (r#" { "model" : "a\u0062\/c" , "x":1}"#, located("ab/c", 13..25)),
            (r#"{"mod\u0065l":"a"}"#, located("a", 14..17)),
            (r#"{"model":"a","model":"b"}"#, located("a", 9..12)),
            (r#"{"model":"a","model":null}"#, located("a", 9..12)),
            (r#"{"model":null,"model":"a"}"#, located("a", 22..25)),
            (r#"{"model":"","model":"a"}"#, located("a", 20..23)),
            (r#"{"model":"\ufffd\ud83d\ude00"}"#, located("\u{fffd}\u{1f600}", 9..29)),
            (r#"{"x":{"model":"a"},"y":[{"model":"b"}],"z":"\"model\":\"c\""}"#, None),
            (r#"{"model":{"id":"a"}}"#, None),
            (r#"{"model":7}"#, None),
            (r#"["model","a"]"#, None),
            (r#""model""#, None),
            ("", None),
        ] {
            assert_eq!(find_model(body.as_bytes()), expected, "{body}");
            let mut locator = ModelLocator::new();
            for byte in body.as_bytes() {
                locator.push(&[*byte]);
            }
            assert_eq!(locator.push(b""), expected.as_ref(), "{body}, byte by byte");
        }
    }

    #[test]
    fn the_model_is_known_before_the_body_is_complete() {
        let mut locator = ModelLocator::new();
        assert!(locator.push(br#"{"model":"gpt-4o""#).is_some());
        assert!(!locator.is_over());
        locator.push(b"}");
        assert!(locator.is_over());
    }

    #[test]
    fn a_body_that_is_no_json_is_over_at_once() {
        let mut locator = ModelLocator::new();
        assert_eq!(locator.push(b"model=gpt-4o"), None);
        assert!(locator.is_over());
    }

    #[test]
    fn a_second_model_does_not_change_the_first_and_shows_once_it_has_come() {
        let mut locator = ModelLocator::new();
        locator.push(br#"{"model":"a","x":{"model":1}"#);
        assert!(!locator.is_repeated());
        assert_eq!(locator.push(br#","mod\u0065l":"b"}"#), located("a", 9..12).as_ref());
        assert!(locator.is_repeated());
    }

    #[test]
    fn a_string_that_is_no_name_is_told_however_it_is_cut_and_none_behind_it_is_taken() {
        let behind = br#"","model":"a"}"#;
        for (name, fault) in [
            ("x".repeat(1025).as_bytes(), ModelFault::TooLong),
            (br"a\ud800", ModelFault::NoUnicode),
            (br"\udc00\ud800", ModelFault::NoUnicode),
            (br"\q", ModelFault::NoUnicode),
            (b"a\xff", ModelFault::NoUnicode),
            ("\u{fffd}\u{fffd}\\ud800".as_bytes(), ModelFault::NoUnicode),
        ] {
            let body = [br#"{"model":""#, name, behind].concat();
            for size in [1, 7, body.len()] {
                let mut locator = ModelLocator::new();
                body.chunks(size).for_each(|chunk| _ = locator.push(chunk));
                assert_eq!(locator.push(b""), None, "{name:?} in chunks of {size}");
                assert_eq!(locator.fault(), Some(fault), "{name:?} in chunks of {size}");
            }
        }
        assert_eq!(find_model(format!(r#"{{"model":"{}"}}"#, "x".repeat(1024)).as_bytes()).unwrap().name.len(), 1024);
    }
}
