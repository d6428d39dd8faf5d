//! All rows as of the newest sample, newest first.

use tokio::time::Instant;

use super::{
    row_copies::RowCopies,
    row_json::{RowJson, json},
    sample::RowChange,
    table_row::TableRow,
};
use crate::tracker::{Ended, EndedReader, LiveRow, RequestId, RequestTracker, ShardItem};

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Table {
    /// Incremented by each sample that finds anything but the time to differ.
    version: u64,
    /// The number of samples taken.
    samples: u64,
    /// Rows by shard and slot.
    shards: Vec<Vec<Option<TableRow>>>,
    /// Start and id of each row, oldest first, so that a new row goes to the end.
    order: Vec<(Instant, RequestId)>,
    /// Requests that have ended since [`take_ended`](Self::take_ended), with the row if the table had one.
    ended: Vec<(Ended, Option<TableRow>)>,
    /// Whether a shutdown has begun, as of the newest sample, and whether a delta has yet to say so.
    draining: bool,
    tell_draining: bool,
    copies: RowCopies,
    /// Buffers of rows that are no longer there.
    spare: Vec<RowJson>,
}

/// The member that says that a shutdown has begun.
pub(super) const DRAINING: &[u8] = br#","draining":true"#;

/// How a sample of all rows differs from the one before.
#[derive(Clone, Copy, Debug, Default)]
struct Differences {
    /// A row has started, ended or got a new revision, which subscribers are sent at once.
    urgent: bool,
    started: bool,
    removed: bool,
    /// Any value but the time differs.
    any: bool,
}

impl Table {
    /// An empty table whose versions follow `version`.
    pub(super) fn new(version: u64) -> Self {
        Self {
            version,
            samples: 0,
            shards: Vec::new(),
            order: Vec::new(),
            ended: Vec::new(),
            draining: false,
            tell_draining: false,
            copies: RowCopies::default(),
            spare: Vec::new(),
        }
    }

    /// A number that is the same as long as nothing but the time differs.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// Samples every row. With `ends`, requests that have ended are kept for [`take_ended`](Self::take_ended). Returns whether a request
    /// has started, ended, or got a head, a first token or new names.
    pub(super) fn sample(&mut self, tracker: &RequestTracker, ends: Option<&EndedReader>, now: Instant) -> bool {
        self.samples += 1;
        let mut found = Differences::default();
        if tracker.is_draining() && !self.draining {
            (self.draining, self.tell_draining, found.urgent) = (true, true, true);
        }
        self.shards.resize_with(tracker.shard_count(), Vec::new);
        for shard in 0..self.shards.len() {
            tracker.visit_shard(shard, ends, |item| match item {
                ShardItem::Ended(ended) => {
                    let row = place(&mut self.shards[shard], ended.id).take_if(|row| row.id == ended.id);
                    self.ended.push((ended, row));
                    (found.urgent, found.removed) = (true, true);
                }
                ShardItem::Row(row) => self.sample_row(&row, tracker, now, &mut found),
            });
            self.encode_copies(shard, tracker);
            self.remove_missing(shard, &mut found);
        }
        if found.removed {
            self.order.retain(|&(_, id)| find(&mut self.shards, id).is_some());
            self.release_memory();
        }
        if found.started {
            // The order is nearly right already, which makes this sort cheap.
            self.order.sort_by_key(|&(started, _)| started);
        }
        if found.urgent || found.any {
            self.version += 1;
        }
        found.urgent
    }

    /// Samples a row; called under its shard's lock. The texts of a new row or revision are only copied here, and encoded outside the lock.
    fn sample_row(&mut self, row: &LiveRow<'_>, tracker: &RequestTracker, now: Instant, found: &mut Differences) {
        let place = place(&mut self.shards[row.id.slot_ref().shard as usize], row.id);
        let revised = match place.as_mut().filter(|known| known.id == row.id) {
            Some(known) => {
                known.sampled = self.samples;
                let (change, revised) = known.sample(row, tracker, now);
                found.urgent |= revised;
                found.any |= change != RowChange::None;
                revised
            }
            None => {
                (found.urgent, found.started) = (true, true);
                found.removed |= place.is_some();
                let json = self.spare.pop().unwrap_or_default();
                *place = Some(TableRow::new(row, json, self.samples, tracker, now));
                self.order.push((row.data.facts.started, row.id));
                true
            }
        };
        if revised {
            self.copies.push(row);
        }
    }

    /// Encodes the texts that were copied under the shard's lock.
    fn encode_copies(&mut self, shard: usize, tracker: &RequestTracker) {
        let rows = &mut self.shards[shard];
        self.copies.drain(|slot, data| {
            if let Some(row) = &mut rows[slot] {
                row.write_fixed(data, tracker);
            }
        });
    }

    /// Removes the rows that the sample has not found.
    fn remove_missing(&mut self, shard: usize, found: &mut Differences) {
        let rows = &mut self.shards[shard];
        for place in rows.iter_mut() {
            if let Some(row) = place.take_if(|row| row.sampled != self.samples) {
                self.spare.push(row.into_json());
                (found.urgent, found.removed) = (true, true);
            }
        }
        while rows.last().is_some_and(Option::is_none) {
            rows.pop();
        }
    }

    /// Releases memory that a burst has left behind.
    fn release_memory(&mut self) {
        const KEPT: usize = 64;
        let kept = KEPT.max(self.order.len());
        self.spare.truncate(kept);
        self.copies.truncate(kept);
        for rows in &mut self.shards {
            if rows.capacity() > 4 * rows.len().max(KEPT) {
                rows.shrink_to_fit();
            }
        }
        if self.order.capacity() > 4 * kept {
            self.order.shrink_to_fit();
        }
    }

    /// Calls `f` with each row, newest first.
    pub(super) fn for_each(&mut self, mut f: impl FnMut(&mut TableRow)) {
        for &(_, id) in self.order.iter().rev() {
            if let Some(row) = find(&mut self.shards, id) {
                f(row);
            }
        }
    }

    /// Appends the snapshot; with `seq`, the one with which a delta feed begins.
    pub(super) fn append_snapshot(
        &mut self,
        out: &mut Vec<u8>,
        seq: Option<u64>,
        tracker: &RequestTracker,
        now: Instant,
    ) {
        out.push(b'{');
        if let Some(seq) = seq {
            out.extend_from_slice(br#""seq":"#);
            json(out, &seq);
            out.push(b',');
        }
        out.extend_from_slice(br#""disabled":false,"active_requests":["#);
        let (start, age) = (out.len(), tracker.age(now));
        self.for_each(|row| {
            if out.len() > start {
                out.push(b',');
            }
            row.append_row(out, age);
        });
        out.extend_from_slice(br#"],"timestamp":"#);
        json(out, &tracker.wall(now).as_secs_f64());
        if self.draining {
            out.extend_from_slice(DRAINING);
        }
        // For viewers with the right to, `Payload::for_viewer` says otherwise.
        out.extend_from_slice(br#","can_cancel":false}"#);
    }

    /// Forgets what no delta has carried yet: subscribers get it with a snapshot.
    pub(super) fn clear_pending(&mut self) {
        self.for_each(|row| _ = row.take_pending(RowChange::Progress));
        self.ended.clear();
        self.tell_draining = false;
    }

    /// Whether a shutdown has begun since the last call.
    pub(super) fn take_draining(&mut self) -> bool {
        std::mem::take(&mut self.tell_draining)
    }

    /// The requests that have ended since the last call, with the row if the table had one.
    pub(super) fn take_ended(&mut self) -> Vec<(Ended, Option<TableRow>)> {
        std::mem::take(&mut self.ended)
    }
}

/// The place of a request among the rows of its shard.
fn place(rows: &mut Vec<Option<TableRow>>, id: RequestId) -> &mut Option<TableRow> {
    let slot = id.slot_ref().slot as usize;
    if rows.len() <= slot {
        rows.resize_with(slot + 1, || None);
    }
    &mut rows[slot]
}

fn find(shards: &mut [Vec<Option<TableRow>>], id: RequestId) -> Option<&mut TableRow> {
    let place = id.slot_ref();
    shards.get_mut(place.shard as usize)?.get_mut(place.slot as usize)?.as_mut().filter(|row| row.id == id)
}
