//! The two formats of the stream.

use std::ops::{Index, IndexMut};

/// The format of a subscriber's stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Snapshots.
    Update,
    /// A snapshot, then the changes.
    Delta,
}

/// One value for each format.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PerFormat<T> {
    pub(super) update: T,
    pub(super) delta: T,
}

impl<T> Index<Format> for PerFormat<T> {
    type Output = T;

    fn index(&self, format: Format) -> &T {
        match format {
            Format::Update => &self.update,
            Format::Delta => &self.delta,
        }
    }
}

impl<T> IndexMut<Format> for PerFormat<T> {
    fn index_mut(&mut self, format: Format) -> &mut T {
        match format {
            Format::Update => &mut self.update,
            Format::Delta => &mut self.delta,
        }
    }
}
