//! Damage to a body, and cuts through it.

use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
};

/// Pieces that mean something to a reader.
const TOKENS: &[&[u8]] = &[
    b"\"",
    b"\\",
    b"\\u",
    b"\\ud800",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\n",
    b"\r",
    b"\r\n",
    b"\n\n",
    b"data:",
    b"data: ",
    b"event: error\n",
    b"id: 1\n",
    b": ",
    b"[DONE]",
    b"null",
    b"true",
    b"-1",
    b"1e400",
    b"18446744073709551616",
    b"\"usage\":",
    b"\"error\":",
    b"\"model\":",
    b"\"type\":",
    b"\"choices\":[",
    b"\"delta\":{",
    b"\xef\xbb\xbf",
    b"\xff",
    b"\0",
    b"\xc3",
    b"\x80\0\0\0",
    b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    b"{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":",
];

/// One change of a body.
#[derive(Clone, Debug)]
enum Change {
    /// Other bytes in the place of some.
    Overwrite(Index, Vec<u8>),
    Insert(Index, Vec<u8>),
    Delete(Index, usize),
    /// Some of it once more, elsewhere.
    Repeat(Index, Index, usize),
    Truncate(Index),
}

impl Change {
    fn apply(&self, body: &mut Vec<u8>) {
        let at = |index: &Index| index.index(body.len() + 1);
        let up_to = |at: usize, length: usize| body.len().min(at + length);
        match self {
            Self::Overwrite(index, bytes) => {
                let at = at(index);
                body.splice(at..up_to(at, bytes.len()), bytes.iter().copied());
            }
            Self::Insert(index, bytes) => {
                let at = at(index);
                body.splice(at..at, bytes.iter().copied());
            }
            Self::Delete(index, length) => {
                let at = at(index);
                body.drain(at..up_to(at, *length));
            }
            Self::Repeat(from, to, length) => {
                let (from, to) = (at(from), at(to));
                let bytes = body[from..up_to(from, *length)].to_vec();
                body.splice(to..to, bytes);
            }
            Self::Truncate(index) => body.truncate(at(index)),
        }
    }
}

fn change() -> impl Strategy<Value = Change> {
    let index = any::<Index>;
    let bytes = || prop_oneof![vec(any::<u8>(), 1..8), select(TOKENS).prop_map(<[u8]>::to_vec)];
    prop_oneof![
        3 => (index(), bytes()).prop_map(|(at, bytes)| Change::Overwrite(at, bytes)),
        3 => (index(), bytes()).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        2 => (index(), 1..40_usize).prop_map(|(at, length)| Change::Delete(at, length)),
        2 => (index(), index(), 1..400_usize).prop_map(|(from, to, length)| Change::Repeat(from, to, length)),
        1 => index().prop_map(Change::Truncate),
    ]
}

/// Damage to a body: some changes, one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Damage(Vec<Change>);

impl Damage {
    pub(crate) fn to(&self, body: &[u8]) -> Vec<u8> {
        let mut body = body.to_vec();
        self.0.iter().for_each(|change| change.apply(&mut body));
        body
    }
}

pub(crate) fn damage() -> impl Strategy<Value = Damage> {
    vec(change(), 0..6).prop_map(Damage)
}

/// The sizes of pieces, which are repeated to the end of a body.
#[derive(Clone, Debug)]
pub(crate) struct Cuts(Vec<usize>);

impl Cuts {
    pub(crate) fn of<'a>(&'a self, body: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let mut rest = body;
        self.0.iter().cycle().map_while(move |size| {
            let (piece, behind) = rest.split_at_checked(*size).unwrap_or((rest, &[]));
            rest = behind;
            (!piece.is_empty()).then_some(piece)
        })
    }
}

pub(crate) fn cuts() -> impl Strategy<Value = Cuts> {
    let sizes = prop_oneof![Just(vec![1]), vec(1..12_usize, 1..8), vec(1..300_usize, 1..8)];
    sizes.prop_map(Cuts)
}
