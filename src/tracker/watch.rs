//! The monitor's view of the list: the rows where they stand, and a call when something changes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use super::{
    RequestTracker,
    change::Listener,
    clock::nanos,
    history::Ended,
    live::LiveRow,
    names::Names,
    shard_state::{ReaderId, ShardState},
    texts::Texts,
};

impl RequestTracker {
    /// Nanoseconds since the tracker was made.
    pub(crate) fn age(&self, at: Instant) -> u64 {
        nanos(at.duration_since(self.shared.clock.anchor))
    }

    /// Wall time since the Unix epoch.
    pub(crate) fn wall(&self, at: Instant) -> Duration {
        self.shared.clock.wall(at)
    }

    /// Listens for changes until the listener is dropped; `wake` may be woken by others too.
    pub(crate) fn listen(&self, wake: Arc<Notify>) -> Listener<'_> {
        self.shared.listeners.listen_with(wake)
    }

    /// The provider and the model that these texts name.
    pub(crate) fn names<'a>(&'a self, texts: &'a Texts) -> Names<'a> {
        self.shared.keys.names(texts)
    }

    pub(crate) fn shard_count(&self) -> usize {
        self.shards.len()
    }

    /// Visits all rows of a shard, and all requests that have ended there since the last visit, at one moment.
    pub(crate) fn visit_shard(&self, shard: usize, ends: Option<&EndedReader>, mut visit: impl FnMut(ShardItem<'_>)) {
        self.shards[shard].with_state(|state| {
            if let Some(ends) = ends {
                state.take_ends(ends.reader).into_iter().for_each(|ended| visit(ShardItem::Ended(ended)));
            }
            state.for_each(&self.shared, |row, _| visit(ShardItem::Row(row)));
        });
    }
}

/// A request found in a shard.
#[derive(Debug)]
pub(crate) enum ShardItem<'a> {
    Ended(Ended),
    Row(LiveRow<'a>),
}

/// A reader of ended requests: while it lives, the shards keep them for it.
#[derive(Debug)]
pub(crate) struct EndedReader {
    tracker: RequestTracker,
    reader: ReaderId,
}

impl EndedReader {
    pub(crate) fn new(tracker: &RequestTracker) -> Self {
        static READERS: AtomicU64 = AtomicU64::new(0);
        let ends = Self { tracker: tracker.clone(), reader: ReaderId(READERS.fetch_add(1, Ordering::Relaxed)) };
        ends.for_each_shard(|state, reader| state.keep_ends(reader));
        ends
    }

    fn for_each_shard(&self, f: impl Fn(&mut ShardState, ReaderId)) {
        self.tracker.shards.iter().for_each(|shard| shard.with_state(|state| f(state, self.reader)));
    }
}

impl Drop for EndedReader {
    fn drop(&mut self) {
        self.for_each_shard(ShardState::drop_ends);
    }
}
