//! Snapshots for clients that ask for one, encoded once for all that ask at about the same time.

use std::time::Duration;

use http::HeaderValue;
use tokio::time::Instant;

use super::{payload::Payload, table::Table};
use crate::{sync::Mutex, tracker::RequestTracker};

/// The greatest age of a snapshot's times: duration, idle time and timestamp.
const MAX_AGE: Duration = Duration::from_millis(100);

/// Encodes snapshots and keeps the newest.
#[derive(Debug)]
pub(super) struct Snapshots {
    state: Mutex<SnapshotState>,
}

#[derive(Debug)]
struct SnapshotState {
    table: Table,
    last: Option<Snapshot>,
}

/// An encoded snapshot.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    /// The version of the table that it shows.
    version: u64,
    at: Instant,
    pub(super) payload: Payload,
}

impl Snapshots {
    pub(super) fn new() -> Self {
        Self { state: Mutex::new(SnapshotState { table: Table::new(0), last: None }) }
    }

    /// The snapshot as it is now.
    pub(super) fn get(&self, tracker: &RequestTracker) -> Snapshot {
        let mut state = self.state.lock();
        let SnapshotState { table, last } = &mut *state;
        let now = Instant::now();
        table.sample(tracker, None, now);
        let version = table.version();
        if let Some(last) =
            last.as_ref().filter(|last| last.version == version && now.duration_since(last.at) < MAX_AGE)
        {
            return last.clone();
        }
        let room = last.take().map_or(0, |last| last.payload.len());
        let mut out = Vec::with_capacity(room + room / 8 + 256);
        table.append_snapshot(&mut out, None, tracker, now);
        last.insert(Snapshot { version, at: now, payload: Payload::whole(out) }).clone()
    }
}

impl Snapshot {
    /// The tag `W/"<epoch>-<version>"`. It is weak, since the times in a snapshot differ between two of the same version. For viewers that may
    /// cancel requests, whose snapshot says so, it ends in `-operate`.
    pub(super) fn etag(&self, epoch: u32, can_cancel: bool) -> Option<HeaderValue> {
        let viewer = if can_cancel { "-operate" } else { "" };
        HeaderValue::try_from(format!("W/\"{epoch:08x}-{}{viewer}\"", self.version)).ok()
    }
}
