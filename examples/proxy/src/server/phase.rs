//! The phases of a server's life.

/// See the [module](self).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Everybody is served.
    Serving,
    /// Requests that have begun go on, and the monitor shows them.
    Draining,
    /// Last bytes leave.
    Ending,
    /// Nothing is waited for.
    Over,
}
