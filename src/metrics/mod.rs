//! The metrics of a tracker, as text for Prometheus.
//!
//! Nothing is counted here: the tracker is read when Prometheus asks. The [`cookbook`](crate::cookbook) lists the metrics.

mod families;
mod fleet;
mod gen_ai;
mod samples;
mod text_format;

use prometheus_client::registry::Registry;

use self::families::Families;
pub(crate) use self::{fleet::FleetHealth, text_format::TextFormat};
use crate::tracker::RequestTracker;

/// How the monitor itself does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FeedHealth {
    /// Open connections to the stream.
    pub(crate) subscribers: usize,
    /// Times that a subscriber was too slow for the deltas, and was sent an update instead.
    pub(crate) skipped: u64,
}

/// Writes the metrics of `tracker`, and of its part in a fleet where it has one.
pub(crate) fn exposition(
    tracker: &RequestTracker,
    feed: FeedHealth,
    fleet: Option<FleetHealth>,
    format: TextFormat,
) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Families::new(tracker, feed, fleet)));
    format.write(&registry)
}
