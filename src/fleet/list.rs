//! The list of replicas, as viewers are shown it.

use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use super::watching::{ReplicaState, Watching, name_of};
use crate::monitor::json;

/// The fleet as its viewers are shown it. All of it is sent whenever it has changed but for the counts and the silence.
#[derive(Debug, Serialize)]
struct FleetList {
    /// `live`, or `lost` while nobody is heard.
    state: &'static str,
    /// Since when it is lost, in seconds since the Unix epoch.
    since: Option<f64>,
    engine: &'static str,
    /// The newest reason why messages do not pass.
    trouble: Option<String>,
    /// `rows`, or `sums` where there are too many rows.
    mode: &'static str,
    replicas: Vec<ListedReplica>,
}

#[derive(Debug, Serialize)]
struct ListedReplica {
    replica: String,
    epoch: String,
    /// `live`, `learning` while its rows are awaited, `stale` while it is silent, `incompatible` or `conflict`.
    state: &'static str,
    rows: u64,
    silent_ms: u64,
    clock_offset_ms: Option<i64>,
    version: String,
    #[serde(rename = "self")]
    is_self: bool,
}

/// The members of the list besides its entries.
#[derive(Clone, Debug)]
pub(super) struct ListHead {
    pub(super) engine: &'static str,
    /// The newest reason why messages do not pass.
    pub(super) trouble: Option<String>,
    /// Since when nobody is heard, since the Unix epoch.
    pub(super) lost_since: Option<Duration>,
}

/// Appends the list.
pub(super) fn append_list(out: &mut Vec<u8>, watching: &Watching, head: &ListHead, now: Instant) {
    let replicas = watching.states(now).into_iter().map(|replica| {
        let ReplicaState { epoch, state, silent, rows, source, is_self } = replica;
        ListedReplica {
            replica: source.map_or_else(|| format!("{epoch:08x}"), |source| name_of(epoch, &source.about)),
            epoch: format!("{epoch:08x}"),
            state,
            rows,
            silent_ms: u64::try_from(silent.as_millis()).unwrap_or(u64::MAX),
            clock_offset_ms: source.filter(|_| !is_self).and_then(|source| source.clock_offset.millis()),
            version: source.map(|source| source.about.version.clone()).unwrap_or_default(),
            is_self,
        }
    });
    let ListHead { engine, trouble, lost_since } = head;
    let list = FleetList {
        state: if lost_since.is_some() { "lost" } else { "live" },
        since: lost_since.map(|since| since.as_secs_f64()),
        engine,
        trouble: trouble.clone(),
        mode: mode(watching),
        replicas: replicas.collect(),
    };
    json(out, &list);
}

fn mode(watching: &Watching) -> &'static str {
    if watching.is_of_sums() { "sums" } else { "rows" }
}

/// Returns a text that is the same as long as viewers need not be told of the list.
pub(super) fn list_signature(watching: &Watching, head: &ListHead, now: Instant) -> Vec<u8> {
    let mut out = Vec::new();
    json(&mut out, &(head.lost_since.is_some(), &head.trouble, mode(watching)));
    for replica in watching.states(now) {
        let source = replica.source.map(|source| {
            // Clocks drift by the millisecond; whole seconds are news.
            (&source.about.name, &source.about.version, source.clock_offset.millis().map(|millis| millis / 1000))
        });
        json(&mut out, &(replica.epoch, replica.state, source));
    }
    out
}
