//! Reads JSON of any size as it passes, cut anywhere, in bounded memory.
//!
//! This is own code because no kept crate does it: parsers want the whole document, or hold a frame until its values are complete,
//! and an observer of a stream may do neither.
//!
//! A [`Scanner`] is pushed chunks of one document and walks it without recursion, without a tree and without ever holding
//! more than the one value it has been asked to keep. A [`Visit`]or says what to look at, one level at a time:
//! the visitor names the *nodes* it cares for (a small `Copy` enum), and for each member or element answers where it
//! leads: [`Next::Look`] or [`Next::Enter`] to a named node, [`Next::Raw`] to a value wanted as bytes, or [`Next::Skip`]. A skipped value is
//! passed over without being understood: only quotes, backslashes and brackets matter, 64 bytes at a time. So nothing in it is
//! checked. Between the values it looks at, the scanner checks that the tokens are in the order of JSON.
//!
//! A [`Cursor`] reads a document, or a part of one, that lies whole in memory: the pulling kind of the same thing.
//!
//! A [`Condenser`] makes a short copy of a document of any size for it, and measures the strings whose ends it leaves out. It checks nothing.
//!
//! The scanner never fails. On text that is no JSON it is *lost*: it says so and looks at nothing more.

mod block;
mod capture;
mod condenser;
mod cursor;
mod near;
mod number;
mod scanner;
mod skip;
mod span;
mod text;

use std::ops::Range;

pub(crate) use condenser::{Condenser, Copied, CutText};
pub(crate) use cursor::Cursor;
pub(crate) use number::MAX_COUNT;
pub(crate) use scanner::Scanner;
pub(crate) use span::Span;
pub(crate) use text::JsonStr;

/// The visitor's wish for the value of a member or element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next<P> {
    /// Pass over it.
    Skip,
    /// Walk through it if it is an object or array, hand it to [`Visit::scalar`] if it is anything else.
    Look(P),
    /// Walk through it if it is an object or array, pass over it if it is anything else.
    Enter(P),
    /// Hand its bytes as they stand to [`Visit::raw`], whatever it is.
    Raw(P),
}

/// The two kinds of values that hold others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Container {
    Object,
    Array,
}

/// A value that holds no others.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scalar<'a> {
    Null,
    Bool(bool),
    /// A number as it was written. Only its first byte has been checked.
    Number(#[allow(dead_code, reason = "only tests look at it so far")] &'a [u8]),
    String(JsonStr<'a>),
}

impl<'a> Scalar<'a> {
    pub(crate) fn as_str(self) -> Option<JsonStr<'a>> {
        if let Self::String(text) = self { Some(text) } else { None }
    }
}

/// Receives what a [`Scanner`] finds, and says where it should look.
///
/// Members are reported in the order they stand in, repeated ones each time: a visitor that overwrites what it had gets
/// "the last one wins", which is what JSON parsers make of repeated keys.
pub(crate) trait Visit {
    /// Names a node in the document.
    type Node: Copy;

    /// The most bytes of a string or number that are kept, as written. Of a longer string only the start is handed over.
    const TEXT_LIMIT: usize = 1024;

    /// The most bytes of a [`Next::Raw`] value that are kept. Of a longer value only the end is handed over.
    const RAW_LIMIT: usize = 16 * 1024;

    /// Chooses what to do with the member `key` of the object at `node`. Escapes in the key have been resolved; keys longer than any
    /// known one are skipped without being asked about.
    fn member(&mut self, node: Self::Node, key: &[u8]) -> Next<Self::Node>;

    /// Chooses what to do with the next element of the array at `node`.
    fn element(&mut self, node: Self::Node) -> Next<Self::Node> {
        let _ = node;
        Next::Skip
    }

    /// Told that an object or array begins at `node`.
    fn open(&mut self, node: Self::Node, container: Container) {
        let _ = (node, container);
    }

    /// Told that the object or array at `node` is complete.
    fn close(&mut self, node: Self::Node, container: Container) {
        let _ = (node, container);
    }

    /// Takes the scalar at `node`; `range` is where it stands in the document, in bytes, quotes included.
    fn scalar(&mut self, node: Self::Node, value: Scalar<'_>, range: Range<u64>) {
        let _ = (node, value, range);
    }

    /// Takes a value as it stands. Not `whole`: these are only its last [`RAW_LIMIT`](Self::RAW_LIMIT) bytes.
    fn raw(&mut self, node: Self::Node, bytes: &[u8], whole: bool) {
        let _ = (node, bytes, whole);
    }

    /// Whether everything of interest is known, so that the rest need not be looked at. Asked after each scalar.
    fn enough(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests;
