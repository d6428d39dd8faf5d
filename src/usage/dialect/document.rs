//! Answers that are one JSON document instead of a stream: how a dialect recognises and reads its own.

use super::{Dialect, KeyTable, Read};
use crate::json::Cursor;

/// The form of a dialect's documents.
#[derive(Debug)]
pub(in crate::usage) struct Document {
    /// Members at the top of the document by which it is recognised.
    pub(super) marks: &'static [Mark],
    /// Reads a document.
    pub(in crate::usage) read: Read,
}

/// A member by which a document is recognised.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mark {
    /// The document calls itself by this text.
    Says(&'static [u8], &'static str),
    /// No other dialect's document has this member as a list, whatever it calls itself.
    HasList(&'static [u8]),
    /// Most documents with this member are the dialect's; those of another say so.
    Has(&'static [u8]),
    /// Most documents with this member as a text are the dialect's.
    HasText(&'static [u8]),
    /// Most documents with this object and that member in it are the dialect's.
    HasWithin(&'static [u8], &'static [u8]),
    /// `usage` has this member: the one thing to go by where something else than a text has been asked of a model
    /// (embeddings, images, a transcript).
    Counts(&'static [u8]),
}

/// How sure it is that a document is a dialect's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Certainty {
    CountsAlike,
    HasMember,
    Certain,
}

/// Returns the dialect of a document: of those that have a mark of theirs in it, the one with the surest; of equally sure ones, the
/// one whose mark stands first.
pub(super) fn recognise(document: &Cursor<'_>, marks: &KeyTable<(Mark, &'static Dialect)>) -> Option<&'static Dialect> {
    let mut found: Option<(Certainty, &'static Dialect)> = None;
    // Most documents say near their front what they are, so that they are known without a look at the rest.
    let _ = document.find_map(|key, value| {
        marks.of(key).find_map(|(mark, dialect)| {
            let certainty = mark.certainty(value)?;
            if found.is_none_or(|(before, _)| certainty > before) {
                found = Some((certainty, dialect));
            }
            (certainty == Certainty::Certain).then_some(())
        })
    });
    found.map(|(_, dialect)| dialect)
}

impl Mark {
    /// The member that it looks at.
    pub(super) fn key(&self) -> &'static [u8] {
        match self {
            Self::Says(key, _) | Self::HasList(key) | Self::Has(key) | Self::HasText(key) | Self::HasWithin(key, _) => {
                key
            }
            Self::Counts(_) => b"usage",
        }
    }

    /// Returns how sure it is, by the value of this member, that a document is the dialect's.
    fn certainty(&self, value: &Cursor<'_>) -> Option<Certainty> {
        // Another value may be long, and to ask for its text is to walk over it.
        let text = || value.clone().text_here().filter(|text| !text.is_empty());
        match self {
            Self::Says(_, name) => (*text()? == *name.as_bytes()).then_some(Certainty::Certain),
            Self::HasList(_) => (value.clone().peek() == b'[').then_some(Certainty::Certain),
            Self::Has(_) => Some(Certainty::HasMember),
            Self::HasText(_) => text().map(|_| Certainty::HasMember),
            Self::HasWithin(_, member) => value.find(member).map(|_| Certainty::HasMember),
            Self::Counts(member) => value.find(member).map(|_| Certainty::CountsAlike),
        }
    }
}
