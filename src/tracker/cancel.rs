//! Cancelling a request through its handle.

use std::sync::Arc;

use super::{
    canceller::{Cancellation, Canceller},
    handle::RequestHandle,
    outcome::Outcome,
};

impl RequestHandle {
    /// Cancels the request, as [`RequestTracker::cancel`](super::RequestTracker::cancel) does; on the lists of all trackers that have it. May be called from
    /// within the request itself.
    pub fn cancel(&self) -> Cancellation {
        // Read before the end, for the answer to the client.
        let Some(row) = self.row() else { return Cancellation::Gone };
        let cancellers = self.cancellers();
        if cancellers.is_empty() {
            // An end takes the row and its cancellers away together.
            return if self.is_tracked() { Cancellation::NotCancellable } else { Cancellation::Gone };
        }
        let cancelled = cancellers.iter().fold(false, |cancelled, canceller| canceller.cancel(&row) | cancelled);
        if cancelled { Cancellation::Cancelled } else { Cancellation::Gone }
    }

    /// Registers `canceller` in the rows of the request, for as long as they live.
    pub(crate) fn register_canceller(&self, canceller: &Arc<dyn Canceller>) {
        self.write(|shard, slot_ref| shard.register_canceller(slot_ref, canceller));
    }

    fn cancellers(&self) -> Vec<Arc<dyn Canceller>> {
        let mut found: Vec<Arc<dyn Canceller>> = Vec::new();
        for row in self.rows() {
            for canceller in row.shard.cancellers(row.slot_ref) {
                if !found.iter().any(|known| Arc::ptr_eq(known, &canceller)) {
                    found.push(canceller);
                }
            }
        }
        found
    }

    /// Ends the rows as `Killed`, as far as they have not ended.
    pub(crate) fn finish_killed(&self) {
        self.write(|shard, slot_ref| shard.finish(slot_ref, Outcome::Killed, None));
    }
}
