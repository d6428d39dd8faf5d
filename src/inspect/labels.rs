//! The labels in the body of a request.

use std::sync::Arc;

use crate::{config::BodyPath, json::Scalar};

/// The most bytes of a label that are kept.
const MAX_LEN: usize = 64;

/// The paths that the keys so far may be the beginning of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LabelPlace {
    /// A bit for each path.
    paths: u8,
    /// The number of keys.
    depth: u8,
}

/// The labels that have been found so far.
#[derive(Debug)]
pub(super) struct BodyLabels {
    paths: Arc<[BodyPath]>,
    /// By path. Empty as long as none has been found.
    values: Vec<Option<String>>,
}

impl BodyLabels {
    pub(super) fn new(paths: Arc<[BodyPath]>) -> Self {
        Self { paths, values: Vec::new() }
    }

    /// Returns the place of a key of the root.
    pub(super) fn root(&self, key: &[u8]) -> Option<LabelPlace> {
        self.member(LabelPlace { paths: u8::MAX, depth: 0 }, key)
    }

    /// Returns the place of a key below `place`; `None` if no path leads there.
    pub(super) fn member(&self, place: LabelPlace, key: &[u8]) -> Option<LabelPlace> {
        let leads_there =
            |path: &BodyPath| path.keys().get(usize::from(place.depth)).is_some_and(|next| next.as_bytes() == key);
        let paths =
            self.among(place).filter(|(_, path)| leads_there(path)).fold(0, |bits, (index, _)| bits | 1 << index);
        (paths != 0).then_some(LabelPlace { paths, depth: place.depth + 1 })
    }

    fn among(&self, place: LabelPlace) -> impl Iterator<Item = (usize, &BodyPath)> {
        self.paths.iter().enumerate().filter(move |(index, _)| place.paths & 1 << index != 0)
    }

    /// Takes over the value at a place. Returns whether it is that of a label.
    pub(super) fn value(&mut self, place: LabelPlace, value: Scalar<'_>) -> bool {
        let text = match value {
            Scalar::String(text) => text.decode().into_owned(),
            Scalar::Number(digits) => String::from_utf8_lossy(digits).into_owned(),
            Scalar::Bool(yes) => yes.to_string(),
            Scalar::Null => return false,
        };
        let found = self.among(place).find(|(_, path)| path.keys().len() == usize::from(place.depth));
        let Some(index) = found.map(|(index, _)| index) else { return false };
        self.values.resize(self.paths.len(), None);
        self.values[index] = Some(printable(&text));
        true
    }

    /// Whether there is nothing left to find.
    pub(super) fn are_complete(&self) -> bool {
        self.values.iter().filter(|value| value.is_some()).count() == self.paths.len()
    }

    /// The labels found so far, by name and value.
    pub(super) fn found(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        self.paths.iter().zip(&self.values).filter_map(|(path, value)| Some((path.as_str(), value.as_deref()?)))
    }
}

/// The start of a text, fit to be shown in a line.
fn printable(text: &str) -> String {
    let mut shown = String::new();
    for char in text.chars() {
        let char = if char.is_control() { char::REPLACEMENT_CHARACTER } else { char };
        if shown.len() + char.len_utf8() > MAX_LEN {
            break;
        }
        shown.push(char);
    }
    shown
}
