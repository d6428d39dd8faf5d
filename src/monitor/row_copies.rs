//! Copies of rows' facts and texts, taken under a shard's lock to be encoded outside it.

use crate::tracker::{LiveRow, RequestData};

/// Copies by slot. Their buffers are kept, so that copying allocates nothing once they have grown.
#[derive(Debug, Default)]
pub(super) struct RowCopies {
    buffers: Vec<(usize, RequestData)>,
    /// How many of the buffers hold a copy.
    used: usize,
}

impl RowCopies {
    /// Copies the facts and texts of `row`.
    pub(super) fn push(&mut self, row: &LiveRow<'_>) {
        let slot = row.id.slot_ref().slot as usize;
        match self.buffers.get_mut(self.used) {
            Some((copied, data)) => {
                *copied = slot;
                data.clone_from(row.data);
            }
            None => self.buffers.push((slot, row.data.clone())),
        }
        self.used += 1;
    }

    /// Calls `f` with each slot and copy, and forgets them.
    pub(super) fn drain(&mut self, mut f: impl FnMut(usize, &RequestData)) {
        for (slot, data) in &self.buffers[..std::mem::take(&mut self.used)] {
            f(*slot, data);
        }
    }

    /// Keeps at most `kept` buffers.
    pub(super) fn truncate(&mut self, kept: usize) {
        self.buffers.truncate(kept.max(self.used));
    }
}
