//! The scope of an answer.

/// The replicas that an answer is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// This one.
    Local,
    /// All of the fleet.
    Fleet,
}
