//! The families of a replica's part in a fleet.

use std::{collections::BTreeMap, fmt};

use prometheus_client::encoding::DescriptorEncoder;

use super::samples::Family;

/// How a replica's part in a fleet does.
#[derive(Clone, Debug, Default)]
pub(crate) struct FleetHealth {
    /// Open connections to the streams of several replicas.
    pub(crate) subscribers: usize,
    pub(crate) is_connected: bool,
    /// Replicas by state; `None` while nobody watches, and so nothing is known of them.
    pub(crate) replicas: Option<BTreeMap<&'static str, u64>>,
    /// Messages, their bytes, and those that were dropped, each in and out.
    pub(crate) messages: [u64; 2],
    pub(crate) bytes: [u64; 2],
    pub(crate) dropped: [u64; 2],
    pub(crate) unreadable: u64,
    pub(crate) gaps: u64,
    pub(crate) questions: u64,
    pub(crate) resyncs: u64,
    pub(crate) mismatches: u64,
}

const CONNECTED: Family = Family::of(
    "active_requests_fleet_connected",
    "1 while there is a connection to the server between replicas, else 0.",
);
const REPLICAS: Family = Family::of(
    "active_requests_fleet_replicas",
    "Replicas by state, this one included; only while somebody watches here.",
);
const MESSAGES: Family = Family::of("active_requests_fleet_messages", "Messages between replicas.");
const BYTES: Family = Family::of("active_requests_fleet_bytes", "Bytes of the messages between replicas.");
const DROPPED: Family = Family::of(
    "active_requests_fleet_dropped",
    "Messages between replicas that were dropped, for want of a connection or of room.",
);
const UNREADABLE: Family =
    Family::of("active_requests_fleet_unreadable", "Messages of other replicas that could not be read.");
const GAPS: Family =
    Family::of("active_requests_fleet_gaps", "Messages of other replicas of which those before them had not come.");
const QUESTIONS: Family =
    Family::of("active_requests_fleet_questions", "Questions to other replicas for what had not come.");
const RESYNCS: Family =
    Family::of("active_requests_fleet_resyncs", "Times that all rows of another replica were fetched anew.");
const MISMATCHES: Family = Family::of(
    "active_requests_fleet_mismatches",
    "Tables that were not what their replica said of them. Always 0, or something is wrong.",
);

impl FleetHealth {
    pub(super) fn encode(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        CONNECTED.gauges(encoder, [(Vec::new(), u64::from(self.is_connected))])?;
        let replicas = self.replicas.iter().flatten();
        REPLICAS.gauges(encoder, replicas.map(|(state, count)| (vec![("state", *state)], *count)))?;
        for (family, counts) in [(MESSAGES, self.messages), (BYTES, self.bytes), (DROPPED, self.dropped)] {
            let counts = ["in", "out"].into_iter().zip(counts);
            family.counters(encoder, counts.map(|(direction, count)| (vec![("direction", direction)], count)))?;
        }
        for (family, count) in [
            (UNREADABLE, self.unreadable),
            (GAPS, self.gaps),
            (QUESTIONS, self.questions),
            (RESYNCS, self.resyncs),
            (MISMATCHES, self.mismatches),
        ] {
            family.counters(encoder, [(Vec::new(), count)])?;
        }
        Ok(())
    }
}
