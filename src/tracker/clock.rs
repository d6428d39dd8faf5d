//! One anchor that turns monotonic time into wall time, so that a clock that is set does not bend a duration.

use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// Nanoseconds since the tracker was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tick(pub(crate) u64);

impl Tick {
    /// Time from `earlier` to here; none if `earlier` is later.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    anchor: Instant,
    wall: Duration,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self { anchor: Instant::now(), wall: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() }
    }

    pub(crate) fn now(&self) -> Tick {
        let elapsed = self.anchor.elapsed();
        // Not `as_nanos`, which multiplies in 128 bits.
        Tick(elapsed.as_secs() * 1_000_000_000 + u64::from(elapsed.subsec_nanos()))
    }

    /// Wall time since the Unix epoch.
    pub(crate) fn wall(&self, tick: Tick) -> Duration {
        self.wall + Duration::from_nanos(tick.0)
    }
}
