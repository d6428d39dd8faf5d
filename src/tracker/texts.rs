//! The texts of one row, in one buffer that is used again for the next.

use super::names::Names;

/// The longest a text may be, in bytes; what is longer is cut at a character.
const MAX_LEN: usize = 256;
/// The longest a stage may be, in bytes.
const MAX_STAGE_LEN: usize = 64;

/// Which text. In the order in which they become known, so that setting one mostly appends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Text {
    Path,
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

impl Text {
    /// Whether it names whom the request goes to, and is counted by.
    pub(crate) fn is_name(self) -> bool {
        matches!(self, Self::Provider | Self::Requested | Self::Resolved)
    }
}

const COUNT: usize = Text::Error as usize + 1;

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
        Names::new(self.get(Text::Provider), self.get(Text::Requested), known)
    }

    pub(crate) fn get(&self, which: Text) -> &str {
        let (start, end) = self.range(which);
        &self.buffer[start..end]
    }

    /// Returns whether the text differs from what it was.
    pub(crate) fn set(&mut self, which: Text, text: &str) -> bool {
        let text = cut(text, if which == Text::Stage { MAX_STAGE_LEN } else { MAX_LEN });
        let (start, end) = self.range(which);
        if self.buffer.as_bytes()[start..end] == *text.as_bytes() {
            return false;
        }
        #[expect(clippy::cast_possible_truncation, reason = "COUNT * MAX_LEN is 2,048")]
        let length = |bytes: usize| bytes as u16;
        if end == self.buffer.len() {
            self.buffer.truncate(start);
            self.buffer.push_str(text);
            self.ends[which as usize..].fill(length(self.buffer.len()));
        } else {
            self.buffer.replace_range(start..end, text);
            for later in &mut self.ends[which as usize..] {
                *later = *later - length(end) + length(start + text.len());
            }
        }
        true
    }

    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.buffer.clone_from(&other.buffer);
        self.ends = other.ends;
    }

    /// The names, which stand side by side, and how long each is.
    fn recorded_names(&self) -> (&[u8], u16, u16) {
        let [path, provider, requested, resolved, ..] = self.ends;
        (&self.buffer.as_bytes()[path.into()..resolved.into()], provider - path, requested - provider)
    }

    fn range(&self, which: Text) -> (usize, usize) {
        let which = which as usize;
        let start = if which == 0 { 0 } else { self.ends[which - 1] };
        (usize::from(start), usize::from(self.ends[which]))
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
        assert!(texts.set(Text::Requested, "gpt-4o"));
        assert!(texts.set(Text::Path, "/v1/chat/completions"));
        assert!(texts.set(Text::Error, "no"));
        assert!(texts.set(Text::Provider, "openai"));
        assert!(texts.set(Text::Requested, "gpt-4o-mini"));
        assert!(!texts.set(Text::Requested, "gpt-4o-mini"));
        assert!(texts.set(Text::Path, "/"));
        let all = [Text::Path, Text::Provider, Text::Requested, Text::Resolved, Text::Error].map(|t| texts.get(t));
        assert_eq!(all, ["/", "openai", "gpt-4o-mini", "", "no"]);
        texts.begin("/models");
        assert_eq!((texts.get(Text::Path), texts.get(Text::Requested), texts.get(Text::Error)), ("/models", "", ""));
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        let mut texts = Texts::default();
        texts.set(Text::Requested, &"é".repeat(200));
        assert_eq!(texts.get(Text::Requested), "é".repeat(128));
        texts.set(Text::Requested, &format!("x{}", "é".repeat(200)));
        assert_eq!(texts.get(Text::Requested).len(), 255);
        texts.set(Text::Stage, &"s".repeat(100));
        assert_eq!(texts.get(Text::Stage).len(), 64);
    }
}
