//! The scope of an answer.

/// The replicas that an answer is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// This one.
    Local,
    /// All of the fleet.
    Fleet,
    /// The one of this epoch.
    Replica(u32),
}
