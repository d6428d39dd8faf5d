//! One row of the table.

use tokio::time::Instant;

use super::{
    row_json::RowJson,
    sample::{RawValues, RowChange, Sample},
};
use crate::tracker::{LiveRow, RequestData, RequestId, RequestTracker};

/// A row as of the newest sample, with its JSON and with what no delta has carried yet.
#[derive(Debug)]
pub(super) struct TableRow {
    pub(super) id: RequestId,
    /// The request's start, in nanoseconds since the tracker was made.
    started: u64,
    sample: Sample,
    json: RowJson,
    /// Whether the counters in `json` are older than `sample`.
    stale: bool,
    /// The difference that no delta has carried yet.
    pending: RowChange,
    /// The number of the newest sample of the table in which the row was there.
    pub(super) sampled: u64,
}

impl TableRow {
    /// A new row, with `json`'s buffer. [`write_fixed`](Self::write_fixed) must follow.
    pub(super) fn new(row: &LiveRow<'_>, json: RowJson, sampled: u64, tracker: &RequestTracker, now: Instant) -> Self {
        Self {
            id: row.id,
            started: tracker.age(row.data.facts.started),
            sample: Sample::new(row, RawValues::of(row), now, tracker.config().stall_after),
            json,
            stale: true,
            pending: RowChange::Started,
            sampled,
        }
    }

    /// Takes a sample. Returns how it differs from the one before, and whether the row has a new revision, in which case
    /// [`write_fixed`](Self::write_fixed) must follow.
    pub(super) fn sample(&mut self, row: &LiveRow<'_>, tracker: &RequestTracker, now: Instant) -> (RowChange, bool) {
        let raw = RawValues::of(row);
        if self.sample.still_holds(&raw, now) {
            return (RowChange::None, false);
        }
        let sample = Sample::new(row, raw, now, tracker.config().stall_after);
        let change = sample.change_since(&self.sample);
        let revised = raw.revision != self.sample.raw.revision;
        self.sample = sample;
        self.stale = true;
        self.pending = self.pending.max(change);
        (change, revised)
    }

    /// Writes the parts of the JSON that change with the row's revision.
    pub(super) fn write_fixed(&mut self, data: &RequestData, tracker: &RequestTracker) {
        self.json.write_fixed(self.id, data, tracker);
        self.stale = true;
    }

    /// Appends the row's JSON as of `now`, in nanoseconds since the tracker was made.
    pub(super) fn append_row(&mut self, out: &mut Vec<u8>, now: u64) {
        if std::mem::take(&mut self.stale) {
            self.json.write_counters(&self.sample);
        }
        let since_start = now.saturating_sub(self.started);
        self.json.append_row(out, since_start, since_start.saturating_sub(self.sample.last_heard()));
    }

    /// Appends the row's entry in `progressed`.
    pub(super) fn append_progress(&self, out: &mut Vec<u8>) {
        self.json.append_progress(out, &self.sample);
    }

    /// The quoted provider, model and path.
    pub(super) fn names(&self) -> [&[u8]; 3] {
        self.json.names()
    }

    /// Takes the pending change, if it is at least `least`.
    pub(super) fn take_pending(&mut self, least: RowChange) -> RowChange {
        if self.pending < least {
            return RowChange::None;
        }
        std::mem::replace(&mut self.pending, RowChange::None)
    }

    /// The buffer, for another row.
    pub(super) fn into_json(self) -> RowJson {
        self.json
    }
}
