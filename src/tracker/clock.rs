//! One anchor that turns monotonic time into wall time, so that a clock that is set does not bend a duration.

use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// When the tracker was made, by both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WallClock {
    pub(crate) anchor: Instant,
    wall: SystemTime,
}

impl WallClock {
    pub(crate) fn new() -> Self {
        Self { anchor: Instant::now(), wall: SystemTime::now() }
    }

    /// Wall time since the Unix epoch.
    pub(crate) fn wall(&self, at: Instant) -> Duration {
        let since_epoch = self.wall.duration_since(UNIX_EPOCH).unwrap_or_default();
        match at.checked_duration_since(self.anchor) {
            Some(later) => since_epoch + later,
            None => since_epoch.saturating_sub(self.anchor - at),
        }
    }

    /// The moment of a wall time; `None` for one that monotonic time does not reach back to.
    pub(crate) fn instant(&self, wall: SystemTime) -> Option<Instant> {
        match wall.duration_since(self.wall) {
            Ok(later) => self.anchor.checked_add(later),
            Err(earlier) => self.anchor.checked_sub(earlier.duration()),
        }
    }
}

/// Whole nanoseconds; 584 years are enough.
pub(crate) fn nanos(duration: Duration) -> u64 {
    // Not `as_nanos`, which multiplies in 128 bits.
    duration.as_secs() * 1_000_000_000 + u64::from(duration.subsec_nanos())
}

/// Whole milliseconds.
pub(crate) fn millis(duration: Duration) -> u64 {
    duration.as_secs() * 1_000 + u64::from(duration.subsec_millis())
}
