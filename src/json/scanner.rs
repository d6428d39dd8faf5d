//! The scanner: a state machine over the bytes of one document.

use std::ops::Range;

use super::capture::{Capture, Keep};
use super::near::plain_len;
use super::skip::{Skipper, string_end};
use super::text::JsonStr;
use super::{Container, Next, Scalar, Visit};

/// The most bytes of a key that are kept, as written: 64 where each is an escape.
const KEY_LIMIT: usize = 6 * 64;
/// The most containers inside one another that are looked into. Deeper ones are passed over, at no cost in memory.
const DEPTH: usize = 16;

/// Walks one document, chunk by chunk, and reports to a [`Visit`]or.
#[derive(Debug)]
pub(crate) struct Scanner<P> {
    state: ScanState,
    /// The wish for the value that comes next or is being read.
    next: Next<P>,
    /// The containers being looked into, outermost first.
    path: Path<P>,
    depth: usize,
    /// The position in the value being passed over.
    skipper: Skipper,
    /// Whether the next byte of a key or string stands behind a backslash.
    escaped: bool,
    capture: Capture,
    /// Bytes of earlier chunks.
    offset: u64,
    /// The offset of the value being read.
    start: u64,
}

type Path<P> = [Option<(P, Container)>; DEPTH];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ScanState {
    /// A value must come.
    Value,
    /// A value or the end of the array.
    FirstElement,
    /// A key or the end of the object.
    FirstKey,
    /// A key must come.
    NextKey,
    InKey,
    Colon,
    /// Inside a string that stands as a value.
    InString,
    /// Inside a number or literal.
    InBare,
    /// Inside a container that is passed over.
    Passing,
    /// A comma or the end of the container.
    AfterValue,
    /// The document is complete, or its visitor knows enough.
    Over,
    /// This is no JSON.
    Lost,
}

impl<P: Copy> Scanner<P> {
    /// A scanner that does `root` with the document's one value.
    pub(crate) fn new(root: Next<P>) -> Self {
        Self {
            state: ScanState::Value,
            next: root,
            path: [None; DEPTH],
            depth: 0,
            skipper: Skipper::default(),
            escaped: false,
            capture: Capture::default(),
            offset: 0,
            start: 0,
        }
    }

    /// Whether nothing more will be reported: the document is complete, its visitor knows enough, or it is no JSON.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.state, ScanState::Over | ScanState::Lost)
    }

    /// Whether something has come that cannot stand where it stands in JSON.
    pub(crate) fn is_lost(&self) -> bool {
        self.state == ScanState::Lost
    }

    /// Bytes of memory held for a value that is cut.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.capture.capacity()
    }

    /// Reads on. Chunks may be cut anywhere.
    pub(crate) fn push<V: Visit<Node = P>>(&mut self, chunk: &[u8], visitor: &mut V) {
        let at = match self.state {
            ScanState::InKey => self.in_key(chunk, 0, visitor),
            ScanState::InString => self.in_string(chunk, 0, visitor),
            ScanState::InBare => self.in_bare(chunk, 0, visitor),
            ScanState::Passing => self.passing(chunk, 0, visitor),
            _ => 0,
        };
        self.tokens(chunk, at, visitor);
        if !self.is_over() {
            self.capture.carry(chunk, self.keep::<V>());
        }
        self.offset += chunk.len() as u64;
    }

    /// Reads token by token. The state is none of those inside a token, unless the chunk is over.
    #[inline]
    fn tokens<V: Visit<Node = P>>(&mut self, chunk: &[u8], mut at: usize, visitor: &mut V) {
        while let Some(&byte) = chunk.get(at) {
            at = match self.state {
                ScanState::FirstKey | ScanState::NextKey if byte == b'"' => self.key(chunk, at + 1, visitor),
                ScanState::Value if byte == b'"' => self.string(chunk, at, visitor),
                ScanState::AfterValue if byte == b',' => {
                    self.comma(visitor);
                    at + 1
                }
                // Bytes after the document are ignored.
                ScanState::Over | ScanState::Lost => return,
                _ if matches!(byte, b' ' | b'\n' | b'\r' | b'\t') => at + 1,
                ScanState::Colon if byte == b':' => {
                    self.state = ScanState::Value;
                    at + 1
                }
                ScanState::AfterValue | ScanState::FirstKey if byte == b'}' => {
                    self.close(Container::Object, visitor);
                    at + 1
                }
                ScanState::AfterValue | ScanState::FirstElement if byte == b']' => {
                    self.close(Container::Array, visitor);
                    at + 1
                }
                ScanState::FirstElement => {
                    self.comma(visitor);
                    at
                }
                ScanState::Value => self.value(byte, chunk, at, visitor),
                _ => {
                    self.state = ScanState::Lost;
                    return;
                }
            };
        }
    }

    /// Reads a key whose first byte is at `at`.
    #[inline]
    fn key<V: Visit<Node = P>>(&mut self, chunk: &[u8], at: usize, visitor: &mut V) -> usize {
        if let Some(len) = plain_len(&chunk[at..]) {
            let (key, end) = (&chunk[at..at + len], at + len + 1);
            self.next = innermost(&self.path, self.depth).map_or(Next::Skip, |(node, _)| visitor.member(node, key));
            // Most texts have no white space, and most values are strings.
            return match chunk[end..] {
                [b':', b'"', ..] => self.string(chunk, end + 1, visitor),
                [b':', ..] => {
                    self.state = ScanState::Value;
                    end + 1
                }
                _ => {
                    self.state = ScanState::Colon;
                    end
                }
            };
        }
        self.capture.begin(at);
        self.state = ScanState::InKey;
        self.in_key(chunk, at, visitor)
    }

    /// Begins a string whose quote is at `at`, and reads it to its end if that is near.
    #[inline]
    fn string<V: Visit<Node = P>>(&mut self, chunk: &[u8], at: usize, visitor: &mut V) -> usize {
        self.start = self.offset + at as u64;
        let rest = &chunk[at + 1..];
        match (self.next, plain_len(rest).filter(|len| *len <= V::TEXT_LIMIT)) {
            (Next::Raw(_), _) => self.capture.begin(at),
            (Next::Look(_), None) => self.capture.begin(at + 1),
            (Next::Enter(_) | Next::Skip, None) => {}
            (next, Some(len)) => {
                let end = at + len + 2;
                if let Next::Look(node) = next {
                    let text = JsonStr::plain(&rest[..len]);
                    visitor.scalar(node, Scalar::String(text), self.start..self.offset + end as u64);
                }
                self.after_value(chunk, end, visitor);
                return end;
            }
        }
        self.state = ScanState::InString;
        self.in_string(chunk, at + 1, visitor)
    }

    /// Reads a value that is no string and whose first byte, at `at`, is `first`. Of a container that is looked into, that is all.
    fn value<V: Visit<Node = P>>(&mut self, first: u8, chunk: &[u8], at: usize, visitor: &mut V) -> usize {
        self.start = self.offset + at as u64;
        if let Next::Raw(_) = self.next {
            self.capture.begin(at);
        }
        self.state = match first {
            b'{' => self.open(Container::Object, visitor),
            b'[' => self.open(Container::Array, visitor),
            b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => {
                if let Next::Look(_) = self.next {
                    self.capture.begin(at);
                }
                ScanState::InBare
            }
            _ => ScanState::Lost,
        };
        match self.state {
            ScanState::InBare => self.in_bare(chunk, at + 1, visitor),
            ScanState::Passing => self.passing(chunk, at + 1, visitor),
            _ => at + 1,
        }
    }

    fn open<V: Visit<Node = P>>(&mut self, container: Container, visitor: &mut V) -> ScanState {
        if let Next::Look(node) | Next::Enter(node) = self.next {
            if let Some(slot) = self.path.get_mut(self.depth) {
                *slot = Some((node, container));
                self.depth += 1;
                visitor.open(node, container);
                return match container {
                    Container::Object => ScanState::FirstKey,
                    Container::Array => ScanState::FirstElement,
                };
            }
            self.next = Next::Skip;
        }
        let first = match container {
            Container::Object => b'{',
            Container::Array => b'[',
        };
        self.skipper = Skipper::inside(first, 1);
        ScanState::Passing
    }

    fn in_key<V: Visit<Node = P>>(&mut self, chunk: &[u8], at: usize, visitor: &mut V) -> usize {
        let Some(end) = string_end(chunk, at, &mut self.escaped) else {
            return chunk.len();
        };
        let (raw, whole) = self.capture.end(chunk, end - 1, Keep::Head(KEY_LIMIT));
        self.next = match innermost(&self.path, self.depth) {
            Some((node, _)) if whole => visitor.member(node, &JsonStr::new(raw, whole).bytes()),
            _ => Next::Skip,
        };
        self.state = ScanState::Colon;
        end
    }

    fn in_string<V: Visit<Node = P>>(&mut self, chunk: &[u8], at: usize, visitor: &mut V) -> usize {
        let Some(end) = string_end(chunk, at, &mut self.escaped) else {
            return chunk.len();
        };
        if let Next::Look(node) = self.next {
            let (raw, whole) = self.capture.end(chunk, end - 1, Keep::Head(V::TEXT_LIMIT));
            let range = self.start..self.offset + end as u64;
            visitor.scalar(node, Scalar::String(JsonStr::new(raw, whole)), range);
        }
        self.after_value(chunk, end, visitor);
        end
    }

    fn in_bare<V: Visit<Node = P>>(&mut self, chunk: &[u8], at: usize, visitor: &mut V) -> usize {
        let Some(run) = chunk[at..].iter().position(|byte| !is_bare(*byte)) else {
            return chunk.len();
        };
        let end = at + run;
        if let Next::Look(node) = self.next {
            let (raw, _) = self.capture.end(chunk, end, Keep::Head(V::TEXT_LIMIT));
            let range: Range<u64> = self.start..self.offset + end as u64;
            let value = match raw {
                b"null" => Scalar::Null,
                b"true" => Scalar::Bool(true),
                b"false" => Scalar::Bool(false),
                [b'-' | b'0'..=b'9', ..] => Scalar::Number(raw),
                _ => {
                    self.state = ScanState::Lost;
                    return end;
                }
            };
            visitor.scalar(node, value, range);
        }
        self.after_value(chunk, end, visitor);
        end
    }

    fn passing<V: Visit<Node = P>>(&mut self, chunk: &[u8], at: usize, visitor: &mut V) -> usize {
        let Some(end) = self.skipper.skip(chunk, at, 0) else { return chunk.len() };
        self.after_value(chunk, end, visitor);
        end
    }

    /// Ends the value that was being read, at `end`.
    #[inline]
    fn after_value<V: Visit<Node = P>>(&mut self, chunk: &[u8], end: usize, visitor: &mut V) {
        if let Next::Raw(node) = self.next {
            self.raw(node, chunk, end, visitor);
        }
        self.state = if self.depth == 0 || visitor.enough() { ScanState::Over } else { ScanState::AfterValue };
    }

    /// Hands over the bytes of the value that ends at `end`.
    #[inline(never)]
    fn raw<V: Visit<Node = P>>(&mut self, node: P, chunk: &[u8], end: usize, visitor: &mut V) {
        let (bytes, whole) = self.capture.end(chunk, end, Keep::Tail(V::RAW_LIMIT));
        visitor.raw(node, bytes, whole);
    }

    fn comma<V: Visit<Node = P>>(&mut self, visitor: &mut V) {
        self.state = match innermost(&self.path, self.depth) {
            Some((node, Container::Array)) => {
                self.next = visitor.element(node);
                ScanState::Value
            }
            _ => ScanState::NextKey,
        };
    }

    fn close<V: Visit<Node = P>>(&mut self, container: Container, visitor: &mut V) {
        self.state = match innermost(&self.path, self.depth) {
            Some((node, opened)) if opened == container => {
                self.depth -= 1;
                visitor.close(node, container);
                if self.depth == 0 { ScanState::Over } else { ScanState::AfterValue }
            }
            _ => ScanState::Lost,
        };
    }

    /// The part that is kept of what is being read.
    fn keep<V: Visit<Node = P>>(&self) -> Keep {
        match (self.state, self.next) {
            (ScanState::InKey, _) => Keep::Head(KEY_LIMIT),
            (_, Next::Raw(_)) => Keep::Tail(V::RAW_LIMIT),
            _ => Keep::Head(V::TEXT_LIMIT),
        }
    }
}

fn innermost<P: Copy>(path: &Path<P>, depth: usize) -> Option<(P, Container)> {
    depth.checked_sub(1).and_then(|last| path[last])
}

/// Whether a byte can be part of a number or literal.
fn is_bare(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'+' | b'.')
}
