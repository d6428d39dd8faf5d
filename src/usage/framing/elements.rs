//! Elements of a JSON array that is streamed, one event each (Gemini without `alt=sse`).

use crate::json::{Next, Scanner, Visit};

/// Cuts an array into its elements. One that lies whole in a chunk is a slice of it; of one that is too long, the end is
/// kept.
#[derive(Debug)]
pub(in crate::usage) struct Elements {
    scanner: Scanner<ArrayNode>,
}

#[derive(Clone, Copy, Debug)]
enum ArrayNode {
    Root,
    Element,
}

impl Elements {
    pub(super) fn new() -> Self {
        Self { scanner: Scanner::new(Next::Look(ArrayNode::Root)) }
    }

    /// Hands out the elements that end in `chunk`, and whether each is only the end of one.
    pub(super) fn feed(&mut self, chunk: &[u8], on_element: impl FnMut(&[u8], bool)) {
        self.scanner.push(chunk, &mut ElementVisitor(on_element));
    }

    /// Whether the body is no JSON.
    pub(super) fn is_lost(&self) -> bool {
        self.scanner.is_lost()
    }
}

struct ElementVisitor<F>(F);

impl<F: FnMut(&[u8], bool)> Visit for ElementVisitor<F> {
    type Node = ArrayNode;

    const RAW_LIMIT: usize = 1024 * 1024;

    fn member(&mut self, _: ArrayNode, _: &[u8]) -> Next<ArrayNode> {
        Next::Skip
    }

    fn element(&mut self, _: ArrayNode) -> Next<ArrayNode> {
        Next::Raw(ArrayNode::Element)
    }

    fn raw(&mut self, _: ArrayNode, bytes: &[u8], whole: bool) {
        (self.0)(bytes, !whole);
    }
}
