//! The rows of one replica, as its updates and deltas have told them.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use tokio::time::Instant;

use super::{
    digest::mixed,
    row::FleetRow,
    text::{DeltaText, EntryText, RowText, UpdateText},
};
use crate::{monitor::RowChange, tracker::RequestId};

/// Ends of rows that no viewer knew that are kept for the next delta, at most.
const MAX_UNSEEN: usize = 1000;
/// Bytes of rows that a replica may have.
const MAX_BYTES: usize = 256 << 20;

/// The rows of one replica, with what viewers have not been told yet.
#[derive(Debug, Default)]
pub(super) struct SourceRows {
    rows: HashMap<RequestId, FleetRow, RandomState>,
    bytes: usize,
    digest: u64,
    /// Rows with a pending change, perhaps more than once, and perhaps gone since.
    changed: Vec<RequestId>,
    /// Elements of `ended`, and whether viewers had the row.
    ended: Vec<(Box<str>, bool)>,
    ended_omitted: u64,
    /// Viewers have rows that are not there any more, and were not told an end.
    forgotten: bool,
}

/// The elements of a delta's lists, joined by commas.
#[derive(Debug, Default)]
pub(super) struct FleetLists {
    pub(super) started: Vec<u8>,
    pub(super) changed: Vec<u8>,
    pub(super) progressed: Vec<u8>,
    /// Elements of `ended`, and whether viewers had the row.
    pub(super) ended: Vec<(Box<str>, bool)>,
    pub(super) ended_omitted: u64,
}

/// A delta or an update that cannot be true: a row is another replica's, or there are more than memory should hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Untrue;

impl SourceRows {
    pub(super) fn len(&self) -> u64 {
        self.rows.len() as u64
    }

    pub(super) fn digest(&self) -> u64 {
        self.digest
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (RequestId, &FleetRow)> {
        self.rows.iter().map(|(id, row)| (*id, row))
    }

    /// Applies deltas one after the other; all of them, or none.
    pub(super) fn apply(&mut self, epoch: u32, deltas: &[DeltaText<'_>], now: Instant) -> Result<(), Untrue> {
        let rows = deltas.iter().flat_map(|delta| delta.started.iter().chain(&delta.changed));
        let added: usize = rows.clone().map(|row| row.json.len()).sum();
        if rows.clone().any(|row| row.id.epoch() != epoch) || self.bytes + added > MAX_BYTES {
            return Err(Untrue);
        }
        for delta in deltas {
            delta.started.iter().for_each(|row| self.put(row, RowChange::Started, now));
            for row in delta.changed.iter().filter(|row| self.rows.contains_key(&row.id)).collect::<Vec<_>>() {
                self.put(row, RowChange::Changed, now);
            }
            delta.progressed.iter().for_each(|entry| self.progress(entry, now));
            delta.ended.iter().for_each(|entry| self.end(entry));
            self.ended_omitted = self.ended_omitted.saturating_add(delta.ended_omitted);
        }
        Ok(())
    }

    /// Takes all rows anew.
    pub(super) fn replace(&mut self, epoch: u32, update: &UpdateText<'_>, now: Instant) -> Result<(), Untrue> {
        let rows = &update.active_requests;
        let bytes: usize = rows.iter().map(|row| row.json.len()).sum();
        if rows.iter().any(|row| row.id.epoch() != epoch) || bytes > MAX_BYTES {
            return Err(Untrue);
        }
        let mut old = std::mem::take(&mut self.rows);
        (self.digest, self.bytes) = (0, 0);
        for row in rows {
            let known = old.remove(&row.id).is_some_and(|row| row.pending != RowChange::Started);
            self.put(row, if known { RowChange::Changed } else { RowChange::Started }, now);
        }
        // Viewers cannot be told how these ended, so they forget all rows of the replica and are told those that there are.
        self.forgotten |= old.values().any(|row| row.pending != RowChange::Started);
        if self.forgotten {
            self.announce_all();
        }
        Ok(())
    }

    fn put(&mut self, row: &RowText<'_>, change: RowChange, now: Instant) {
        let id = row.id;
        let old = self.rows.remove(&id);
        let pending = old.as_ref().map_or(RowChange::None, |old| old.pending);
        match &old {
            Some(old) => self.bytes -= old.size(),
            None => self.digest ^= mixed(id),
        }
        // A row that viewers have is not started again, and one that they do not have yet is not changed.
        let change = if old.is_some() { change.min(RowChange::Changed) } else { change };
        if pending == RowChange::None {
            self.changed.push(id);
        }
        let row = FleetRow::new(row.json, now, pending.max(change));
        self.bytes += row.size();
        self.rows.insert(id, row);
    }

    fn progress(&mut self, entry: &EntryText<'_>, now: Instant) {
        let Some(row) = self.rows.get_mut(&entry.id) else { return };
        self.bytes -= row.size();
        row.progress(entry.json, now);
        self.bytes += row.size();
        if row.pending == RowChange::None {
            self.changed.push(entry.id);
        }
        row.pending = row.pending.max(RowChange::Progress);
    }

    fn end(&mut self, entry: &EntryText<'_>) {
        let row = self.rows.remove(&entry.id);
        if let Some(row) = &row {
            self.bytes -= row.size();
            self.digest ^= mixed(entry.id);
        }
        let known = row.is_some_and(|row| row.pending != RowChange::Started);
        if known || self.ended.len() < MAX_UNSEEN {
            self.ended.push((entry.json.into(), known));
        } else {
            self.ended_omitted = self.ended_omitted.saturating_add(1);
        }
    }

    /// Whether viewers have anything to be told.
    pub(super) fn has_news(&self) -> bool {
        self.forgotten || !self.changed.is_empty() || !self.ended.is_empty() || self.ended_omitted > 0
    }

    /// Whether viewers must forget the rows that they have; asked once.
    pub(super) fn take_forgotten(&mut self) -> bool {
        std::mem::take(&mut self.forgotten)
    }

    /// Appends what viewers have not been told yet to `lists`.
    pub(super) fn take_news(&mut self, lists: &mut FleetLists, replica: &str, now: Instant) {
        for id in std::mem::take(&mut self.changed) {
            let Some(row) = self.rows.get_mut(&id) else { continue };
            let change = std::mem::replace(&mut row.pending, RowChange::None);
            match change {
                RowChange::None => {}
                RowChange::Started => row.append(element(&mut lists.started), replica, now),
                RowChange::Changed => row.append(element(&mut lists.changed), replica, now),
                RowChange::Progress => {
                    let entry = row.newest_progress().unwrap_or_default();
                    element(&mut lists.progressed).extend_from_slice(entry.as_bytes());
                }
            }
        }
        lists.ended.append(&mut self.ended);
        lists.ended_omitted += std::mem::take(&mut self.ended_omitted);
    }

    /// Forgets what viewers have not been told yet: they get it with a snapshot, or there are none.
    pub(super) fn forget_news(&mut self) {
        for id in std::mem::take(&mut self.changed) {
            if let Some(row) = self.rows.get_mut(&id) {
                row.pending = RowChange::None;
            }
        }
        self.ended.clear();
        self.ended_omitted = 0;
        self.forgotten = false;
    }

    /// Has viewers told of all rows as if they were new.
    fn announce_all(&mut self) {
        self.changed = self.rows.keys().copied().collect();
        self.rows.values_mut().for_each(|row| row.pending = RowChange::Started);
    }
}

/// Separates the next element of `list` from those before it.
fn element(list: &mut Vec<u8>) -> &mut Vec<u8> {
    if !list.is_empty() {
        list.push(b',');
    }
    list
}
