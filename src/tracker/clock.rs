//! The anchor that turns monotonic time into wall time, so that a clock that is set does not bend a duration.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serializer;
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

    /// The wall time of a moment.
    pub(crate) fn system_time(&self, at: Instant) -> SystemTime {
        UNIX_EPOCH + self.wall(at)
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

/// Writes a time as seconds since the Unix epoch.
pub(crate) fn epoch_seconds<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64())
}

/// Writes a time as RFC 3339 in UTC, to the second.
pub(crate) fn rfc3339<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&humantime::format_rfc3339_seconds(*time))
}
