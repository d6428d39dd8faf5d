//! The texts of one row, in one buffer that is used again for the next.

use super::names::Names;
use crate::config::MAX_LABELS;

/// The longest a text may be, in bytes; what is longer is cut at a character.
const MAX_LEN: usize = 256;
/// The longest a stage may be, in bytes.
const MAX_STAGE_LEN: usize = 64;
/// The longest that a caller, and the name and the value of a label may each be, in bytes.
const MAX_LABEL_LEN: usize = 64;

/// A text of a request. In the order in which they become known, so that setting one mostly appends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum TextField {
    Path,
    /// The route's pattern.
    Route,
    /// The caller.
    Caller,
    /// Names and values in turn, each with a zero byte behind it.
    Labels,
    Provider,
    /// The model as the client wrote it.
    Requested,
    /// The model an alias resolved to.
    Resolved,
    Stage,
    /// The model that the response names.
    Answering,
    FinishReason,
    Error,
}

impl TextField {
    /// Whether the totals are kept by it.
    pub(crate) fn is_name(self) -> bool {
        matches!(self, Self::Provider | Self::Requested | Self::Resolved)
    }
}

const COUNT: usize = TextField::Error as usize + 1;

/// Every text, `""` where it is not known.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    buffer: String,
    /// Where each text ends. At most `COUNT * MAX_LEN` and the labels, which fits.
    ends: [u16; COUNT],
}

impl Texts {
    /// Forgets all texts but the first, which is `path`.
    pub(crate) fn begin(&mut self, path: &str) {
        let path = cut(path, MAX_LEN);
        self.buffer.clear();
        self.buffer.push_str(path);
        #[expect(clippy::cast_possible_truncation, reason = "a text has at most MAX_LEN bytes")]
        let end = path.len() as u16;
        self.ends = [end; COUNT];
    }

    /// Whether all the names are the same as the other's.
    pub(crate) fn has_names_of(&self, other: &Self) -> bool {
        self.recorded_names() == other.recorded_names()
    }

    /// How they name provider and model; `known`: the names that a prefix may mean.
    pub(crate) fn names<'a>(&'a self, known: &'a [String]) -> Names<'a> {
        Names::new(self.get(TextField::Provider), self.get(TextField::Requested), known)
    }

    pub(crate) fn get(&self, field: TextField) -> &str {
        let (start, end) = self.range(field);
        &self.buffer[start..end]
    }

    /// Returns whether the text differs from what it was.
    pub(crate) fn set(&mut self, field: TextField, text: &str) -> bool {
        let max = match field {
            TextField::Stage => MAX_STAGE_LEN,
            TextField::Caller => MAX_LABEL_LEN,
            _ => MAX_LEN,
        };
        let text = cut(text, max);
        let (start, end) = self.range(field);
        if self.buffer.as_bytes()[start..end] == *text.as_bytes() {
            return false;
        }
        #[expect(clippy::cast_possible_truncation, reason = "COUNT * MAX_LEN is 2,816, and labels take 1,040")]
        let length = |bytes: usize| bytes as u16;
        if end == self.buffer.len() {
            self.buffer.truncate(start);
            self.buffer.push_str(text);
            let new = length(self.buffer.len());
            // Over all of them, which is a handful of vector instructions, where a slice of them is filled one by one.
            for (index, end) in (0_u16..).zip(&mut self.ends) {
                *end = if index >= field as u16 { new } else { *end };
            }
        } else {
            self.buffer.replace_range(start..end, text);
            for later in &mut self.ends[field as usize..] {
                *later = *later - length(end) + length(start + text.len());
            }
        }
        true
    }

    /// The labels, by name and value, in the order in which they were set.
    pub(crate) fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut parts = self.get(TextField::Labels).split_terminator('\0');
        std::iter::from_fn(move || Some((parts.next()?, parts.next()?)))
    }

    /// Sets a label, unless there are as many as there may be; a zero byte ends its text. Returns whether anything differs from what it was.
    pub(crate) fn set_label(&mut self, name: &str, value: &str) -> bool {
        let until_zero = |text| cut(text, MAX_LABEL_LEN).split('\0').next().unwrap_or_default();
        let (name, value) = (until_zero(name), until_zero(value));
        let (start, end) = self.range(TextField::Labels);
        let (mut at, mut removed) = (start, 0);
        for (index, (other, old)) in self.labels().enumerate() {
            let length = other.len() + old.len() + 2;
            if other == name {
                if old == value {
                    return false;
                }
                removed = length;
                break;
            }
            if index + 1 == MAX_LABELS {
                return false;
            }
            at += length;
        }
        self.buffer.drain(at..at + removed);
        for part in [name, "\0", value, "\0"] {
            self.buffer.insert_str(at, part);
            at += part.len();
        }
        let added = name.len() + value.len() + 2;
        #[expect(clippy::cast_possible_truncation, reason = "a text has at most MAX_LEN bytes, and labels take 1,040")]
        for later in &mut self.ends[TextField::Labels as usize..] {
            *later = (usize::from(*later) + added - removed) as u16;
        }
        debug_assert!(self.range(TextField::Labels).1 == end + added - removed);
        true
    }

    /// The names, which stand side by side, and how long each is.
    fn recorded_names(&self) -> (&[u8], u16, u16) {
        let [_, _, _, labels, provider, requested, resolved, ..] = self.ends;
        (&self.buffer.as_bytes()[labels.into()..resolved.into()], provider - labels, requested - provider)
    }

    fn range(&self, field: TextField) -> (usize, usize) {
        let field = field as usize;
        let start = if field == 0 { 0 } else { self.ends[field - 1] };
        (usize::from(start), usize::from(self.ends[field]))
    }
}

impl Clone for Texts {
    fn clone(&self) -> Self {
        Self { buffer: self.buffer.clone(), ends: self.ends }
    }

    fn clone_from(&mut self, other: &Self) {
        self.buffer.clone_from(&other.buffer);
        self.ends = other.ends;
    }
}

/// The start of `text` that fits in `max` bytes.
fn cut(text: &str, max: usize) -> &str {
    if text.len() <= max {
        return text;
    }
    let mut end = max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_may_be_set_in_any_order_and_again() {
        let mut texts = Texts::default();
        assert!(texts.set(TextField::Requested, "gpt-4o"));
        assert!(texts.set(TextField::Path, "/v1/chat/completions"));
        assert!(texts.set(TextField::Error, "no"));
        assert!(texts.set(TextField::Provider, "openai"));
        assert!(texts.set(TextField::Requested, "gpt-4o-mini"));
        assert!(!texts.set(TextField::Requested, "gpt-4o-mini"));
        assert!(texts.set(TextField::Path, "/"));
        let all = [TextField::Path, TextField::Provider, TextField::Requested, TextField::Resolved, TextField::Error]
            .map(|t| texts.get(t));
        assert_eq!(all, ["/", "openai", "gpt-4o-mini", "", "no"]);
        texts.begin("/models");
        assert_eq!(
            (texts.get(TextField::Path), texts.get(TextField::Requested), texts.get(TextField::Error)),
            ("/models", "", "")
        );
    }

    #[test]
    fn labels_are_kept_in_order_beside_the_other_texts() {
        let mut texts = Texts::default();
        texts.begin("/");
        assert!(texts.set(TextField::Requested, "gpt-4o"));
        assert!(texts.set_label("team", "blue"));
        assert!(texts.set_label("empty", ""));
        assert!(texts.set_label("session", "s1\0hidden"));
        assert!(!texts.set_label("team", "blue"));
        assert!(texts.set_label("team", "green and longer"));
        assert!(texts.set(TextField::Provider, "openai"));
        let all: Vec<_> = texts.labels().collect();
        assert_eq!(all, [("team", "green and longer"), ("empty", ""), ("session", "s1")]);
        assert_eq!((texts.get(TextField::Requested), texts.get(TextField::Provider)), ("gpt-4o", "openai"));
        for n in 0..10 {
            texts.set_label(&format!("{n}{}", "n".repeat(100)), &"\u{e9}".repeat(100));
        }
        assert_eq!(texts.labels().count(), MAX_LABELS);
        assert_eq!(texts.labels().map(|(name, value)| (name.len(), value.len())).max(), Some((64, 64)));
        assert_eq!(texts.get(TextField::Provider), "openai");
        texts.begin("/next");
        assert_eq!(texts.labels().count(), 0);
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        let mut texts = Texts::default();
        texts.set(TextField::Requested, &"é".repeat(200));
        assert_eq!(texts.get(TextField::Requested), "é".repeat(128));
        texts.set(TextField::Requested, &format!("x{}", "é".repeat(200)));
        assert_eq!(texts.get(TextField::Requested).len(), 255);
        texts.set(TextField::Stage, &"s".repeat(100));
        assert_eq!(texts.get(TextField::Stage).len(), 64);
        texts.set(TextField::Caller, &"c".repeat(100));
        assert_eq!(texts.get(TextField::Caller).len(), 64);
    }
}
