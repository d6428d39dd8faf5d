//! Tools: who runs them, and which calls have been counted already.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::FixedState;

use super::kept_words::WORDS_KEPT;

/// The party that runs a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ToolKind {
    Client,
    Server,
}

impl ToolKind {
    /// Returns the kind of the tool that an item or a block of this `type` calls, in any dialect; `None` if it is no call.
    pub(crate) fn of_item(item_type: &str) -> Option<Self> {
        match item_type {
            // No type is that long, and of a copied document the end of it may be missing.
            _ if item_type.len() > WORDS_KEPT => None,
            "tool_use" | "function_call" | "custom_tool_call" | "computer_call" | "local_shell_call" | "shell_call"
            | "apply_patch_call" => Some(Self::Client),
            "server_tool_use" | "mcp_tool_use" => Some(Self::Server),
            _ if item_type.ends_with("_call") => Some(Self::Server),
            _ => None,
        }
    }
}

/// Calls that are told apart. A hostile stream may have more; then only repetitions of the newest are recognised.
const KEPT: usize = 32;

/// The tool calls of a response that have been counted, for dialects that send a call in pieces.
#[derive(Debug, Default)]
pub(super) struct ToolCalls {
    kept: Vec<ToolCall>,
}

/// A call: its place in the response and a digest of its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ToolCall {
    choice: u32,
    index: u32,
    id: Option<u64>,
}

/// Seeded the same everywhere, so that a recording is read the same each time. Ids that collide, or begin with the same
/// [`WORDS_KEPT`] bytes, are one call less.
fn digest(id: &str) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    hasher.write(&id.as_bytes()[..id.len().min(WORDS_KEPT)]);
    hasher.finish()
}

impl ToolCalls {
    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Whether a piece at this place begins a call that has not been counted. Some providers put all calls at index 0, so
    /// a new id, where it comes with the tool's `name`, is a new call too; a call's later pieces have no id, or repeat it.
    pub(super) fn begin(&mut self, choice: u64, index: u64, id: Option<&str>, is_named: bool) -> bool {
        let place = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        let piece = ToolCall { choice: place(choice), index: place(index), id: id.map(digest) };
        let mut known = self.kept.iter_mut().filter(|call| (call.choice, call.index) == (piece.choice, piece.index));
        let is_new = match (known.next_back(), piece.id) {
            (None, _) => true,
            (Some(last), Some(_)) if last.id.is_none() => {
                last.id = piece.id;
                false
            }
            (Some(last), Some(_)) => is_named && last.id != piece.id && known.all(|call| call.id != piece.id),
            (Some(_), None) => false,
        };
        if is_new {
            if self.kept.len() == KEPT {
                self.kept.remove(0);
            }
            self.kept.push(piece);
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many calls the pieces `(choice, index, id, is_named)` are.
    fn count(pieces: &[(u64, u64, Option<&str>, bool)]) -> usize {
        let mut calls = ToolCalls::default();
        pieces.iter().filter(|(choice, index, id, is_named)| calls.begin(*choice, *index, *id, *is_named)).count()
    }

    #[test]
    fn later_pieces_of_a_call_are_no_new_call() {
        assert_eq!(count(&[(0, 0, Some("a"), true), (0, 0, None, false), (0, 0, None, false)]), 1);
        assert_eq!(count(&[(0, 0, Some("a"), true), (0, 0, Some("a"), true)]), 1);
        assert_eq!(
            count(&[(0, 0, Some("a"), true), (0, 0, Some("b"), false)]),
            1,
            "a provider that invents ids per piece"
        );
        assert_eq!(count(&[(0, 0, None, true), (0, 0, Some("a"), false), (0, 0, Some("a"), true)]), 1);
    }

    #[test]
    fn another_place_or_another_named_id_is_another_call() {
        assert_eq!(count(&[(0, 0, Some("a"), true), (0, 1, Some("b"), true), (1, 0, Some("c"), true)]), 3);
        assert_eq!(count(&[(0, 0, Some("a"), true), (0, 0, Some("b"), true), (0, 0, Some("a"), false)]), 2);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut calls = ToolCalls::default();
        assert!((0..10_000).all(|index| calls.begin(0, index, None, true)));
        assert!(calls.kept.capacity() <= KEPT);
    }
}
