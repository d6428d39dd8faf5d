//! Counts of messages.

use super::{bus::Lost, source::Faults};
use crate::sync::Mutex;

/// Counts of messages, and of what went wrong while watching.
#[derive(Debug, Default)]
pub(super) struct MessageCounters(Mutex<FleetCounts>);

impl MessageCounters {
    pub(super) fn get(&self) -> FleetCounts {
        *self.0.lock()
    }

    pub(super) fn note_sent(&self, bytes: usize, sent: Result<(), Lost>) {
        let mut counts = self.0.lock();
        match sent {
            Ok(()) => (counts.sent, counts.sent_bytes) = (counts.sent + 1, counts.sent_bytes + bytes as u64),
            Err(Lost) => counts.unsent += 1,
        }
    }

    pub(super) fn note_heard(&self, bytes: usize) {
        let mut counts = self.0.lock();
        (counts.heard, counts.heard_bytes) = (counts.heard + 1, counts.heard_bytes + bytes as u64);
    }

    pub(super) fn note_unreadable(&self) {
        self.0.lock().unreadable += 1;
    }

    pub(super) fn note_faults(&self, Faults { gaps, mismatches, malformed, resyncs }: Faults, questions: u64) {
        let mut counts = self.0.lock();
        counts.gaps += gaps;
        counts.mismatches += mismatches;
        counts.unreadable += malformed;
        counts.resyncs += resyncs;
        counts.questions += questions;
    }
}

/// Counts of what a replica has sent and heard since its start, and of what went wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct FleetCounts {
    /// Messages that the bus has taken.
    pub sent: u64,
    /// Bytes of those.
    pub sent_bytes: u64,
    /// Messages that could not be sent, for want of a connection or of room.
    pub unsent: u64,
    /// Messages that have come.
    pub heard: u64,
    /// Bytes of those.
    pub heard_bytes: u64,
    /// Messages that have come and were dropped for want of room.
    pub dropped: u64,
    /// Messages that could not be read.
    pub unreadable: u64,
    /// Messages of which those before them had not come.
    pub gaps: u64,
    /// Questions for what had not come.
    pub questions: u64,
    /// Times that all rows of a replica were fetched anew, after some had not come.
    pub resyncs: u64,
    /// Tables that were not what their replica said of them, and were fetched anew. Always 0, or something is wrong.
    pub mismatches: u64,
}
