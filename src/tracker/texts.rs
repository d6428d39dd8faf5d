//! The texts of one row, in one buffer that is used again for the next.

use super::names::Names;

/// The longest a text may be, in bytes; what is longer is cut at a character.
const MAX_LEN: usize = 256;
/// The longest a stage may be, in bytes.
const MAX_STAGE_LEN: usize = 64;

/// A text of a request. In the order in which they become known, so that setting one mostly appends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum TextField {
    Path,
    /// The route's pattern.
    Route,
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
    /// Where each text ends. At most `COUNT * MAX_LEN`, which fits.
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
        let text = cut(text, if field == TextField::Stage { MAX_STAGE_LEN } else { MAX_LEN });
        let (start, end) = self.range(field);
        if self.buffer.as_bytes()[start..end] == *text.as_bytes() {
            return false;
        }
        #[expect(clippy::cast_possible_truncation, reason = "COUNT * MAX_LEN is 2,304")]
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

    /// The names, which stand side by side, and how long each is.
    fn recorded_names(&self) -> (&[u8], u16, u16) {
        let [_, route, provider, requested, resolved, ..] = self.ends;
        (&self.buffer.as_bytes()[route.into()..resolved.into()], provider - route, requested - provider)
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
    fn a_long_text_is_cut_at_a_character() {
        let mut texts = Texts::default();
        texts.set(TextField::Requested, &"é".repeat(200));
        assert_eq!(texts.get(TextField::Requested), "é".repeat(128));
        texts.set(TextField::Requested, &format!("x{}", "é".repeat(200)));
        assert_eq!(texts.get(TextField::Requested).len(), 255);
        texts.set(TextField::Stage, &"s".repeat(100));
        assert_eq!(texts.get(TextField::Stage).len(), 64);
    }
}
