//! The things that a watcher can want of other replicas.

use std::fmt;

/// See the [module](self).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Want {
    /// The rows of all.
    Rows,
    /// The sums of all.
    Sums,
    /// The rows of the replica of this epoch.
    One(u32),
}

impl Want {
    /// Reads what [`Display`](fmt::Display) writes.
    pub(super) fn read(text: &str) -> Option<Self> {
        match text {
            "rows" => Some(Self::Rows),
            "sums" => Some(Self::Sums),
            one => u32::from_str_radix(one.strip_prefix("one:")?, 16).ok().map(Self::One),
        }
    }

    /// Whether the replica of this epoch is to send its rows.
    pub(super) fn is_for_rows_of(self, epoch: u32) -> bool {
        self == Self::Rows || self == Self::One(epoch)
    }
}

impl fmt::Display for Want {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rows => f.write_str("rows"),
            Self::Sums => f.write_str("sums"),
            Self::One(epoch) => write!(f, "one:{epoch:08x}"),
        }
    }
}
