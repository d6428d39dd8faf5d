//! What the monitor sees of the registry: the rows where they stand, and a call when something changes.

use super::{
    RequestTracker,
    change::Listener,
    clock::nanos,
    shard::{Ended, EndsReader, LiveRow, ShardState},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{sync::Notify, time::Instant};

impl RequestTracker {
    /// Nanoseconds since the tracker was made.
    pub(crate) fn age(&self, at: Instant) -> u64 {
        nanos(at.duration_since(self.shared.clock.anchor))
    }

    /// Wall time since the Unix epoch.
    pub(crate) fn wall(&self, at: Instant) -> Duration {
        self.shared.clock.wall(at)
    }

    /// Hears of changes until what is returned is dropped; `wake` may be woken by others too.
    pub(crate) fn listen(&self, wake: Arc<Notify>) -> Listener<'_> {
        self.shared.listeners.listen_with(wake)
    }

    pub(crate) fn shard_count(&self) -> usize {
        self.shards.len()
    }

    /// Looks at all rows of a shard, and at what has ended there since the last look, at one moment.
    pub(crate) fn look(&self, shard: usize, ends: Option<&Ends>, mut see: impl FnMut(Seen<'_>)) {
        self.shards[shard].look(|state| {
            if let Some(ends) = ends {
                state.take_ends(ends.reader).into_iter().for_each(|ended| see(Seen::End(ended)));
            }
            state.for_each(&self.shared, |row, _| see(Seen::Row(row)));
        });
    }
}

/// What a look comes upon.
#[derive(Debug)]
pub(crate) enum Seen<'a> {
    End(Ended),
    Row(LiveRow<'a>),
}

/// While this lives, the shards keep their ends for whoever holds it.
#[derive(Debug)]
pub(crate) struct Ends {
    tracker: RequestTracker,
    reader: EndsReader,
}

impl Ends {
    pub(crate) fn keep(tracker: &RequestTracker) -> Self {
        static READERS: AtomicU64 = AtomicU64::new(0);
        let ends = Self { tracker: tracker.clone(), reader: EndsReader(READERS.fetch_add(1, Ordering::Relaxed)) };
        ends.for_each_shard(|state, reader| state.keep_ends(reader));
        ends
    }

    fn for_each_shard(&self, f: impl Fn(&mut ShardState, EndsReader)) {
        self.tracker.shards.iter().for_each(|shard| shard.look(|state| f(state, self.reader)));
    }
}

impl Drop for Ends {
    fn drop(&mut self) {
        self.for_each_shard(ShardState::drop_ends);
    }
}
