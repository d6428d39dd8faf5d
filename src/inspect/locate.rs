//! Finds the model of a request before the request is sent on, and where exactly its name stands.

use std::ops::Range;

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
/// Nothing is copied but the name; the caller keeps the chunks. Names longer than 1 KiB are not found.
///
/// The first string under `"model"` counts, however the body is cut. Servers differ in which of several they take: a caller that
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

#[derive(Debug, Default)]
struct FoundModel {
    model: Option<LocatedModel>,
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
        if let (ModelNode::Model, None) = (node, &self.model) {
            self.model = value.as_str().filter(|name| name.is_whole()).and_then(|name| {
                let range = usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?;
                Some(LocatedModel { name: name.decode().into_owned(), range })
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LocatedModel, ModelLocator, find_model};

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
    fn a_name_too_long_for_a_model_is_none() {
        assert_eq!(find_model(format!(r#"{{"model":"{}"}}"#, "x".repeat(2000)).as_bytes()), None);
    }
}
