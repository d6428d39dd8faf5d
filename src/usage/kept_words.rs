//! How much is kept of the words of an answer: names, reasons, errors, ids.

use crate::json::Condenser;

/// Longest model name, finish reason or error message that is kept, and longest start of any other word that is looked at, in bytes.
pub(super) const WORDS_KEPT: usize = 1024;

// A character takes up to six bytes as it is written.
const _: () = assert!(6 * WORDS_KEPT <= Condenser::TEXT_LIMIT);

/// The start of `text` that is kept.
pub(super) fn kept(text: &str) -> &str {
    let mut end = text.len().min(WORDS_KEPT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
