//! The publisher, a task that samples the tracker's rows, encodes what has changed once, and leaves it at the hub.
//!
//! It is spawned with the first subscriber, and ends with the last or when the tracker is shut down. Starts, ends and new names are sent at
//! once, then at most every [`PACE`]; until then, changes do not wake the task.

use std::{sync::Arc, task::Waker, time::Duration};

use tokio::time::{Instant, timeout_at};

use super::{
    delta::DeltaEncoder,
    event_id::{delta_id, update_id},
    format::Format,
    hub::{Demand, Hub, Publication, Update},
    payload::Payload,
    table::Table,
    ticker::{Ticker, later},
};
use crate::{
    config::MonitorConfig,
    sse::Event,
    tracker::{EndedReader, Listener, RequestTracker, Version},
};

/// The least time between two publications of starts, ends and new names, and the greatest age of a snapshot for a newcomer.
const PACE: Duration = Duration::from_millis(100);

/// Publishes to `hub` as long as its session has subscribers.
pub(super) async fn publish(tracker: RequestTracker, hub: Arc<Hub>, config: Arc<MonitorConfig>, session: u64) {
    let _end = EndOnDrop { hub: Arc::clone(&hub), session };
    let listener = tracker.listen(Arc::clone(&hub.wake));
    let mut publisher = Publisher::new(tracker.clone(), hub, &config);
    while let Some(deadline) = publisher.turn(&listener) {
        // The next turn finds out whether something has changed or the time has come.
        let _ = timeout_at(deadline, listener.wait()).await;
    }
}

/// EndedReader the session however the task ends, so that no subscriber waits for it.
struct EndOnDrop {
    hub: Arc<Hub>,
    session: u64,
}

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.hub.end(self.session);
    }
}

struct Publisher {
    tracker: RequestTracker,
    hub: Arc<Hub>,
    table: Table,
    /// The tracker's version at the newest sample, and when that was taken.
    sampled: Option<(Version, Instant)>,
    /// The table's version that all subscribers of `format=update` have been sent.
    pushed: u64,
    /// Until when starts, ends and new names have to wait.
    rests_until: Option<Instant>,
    samples: Ticker,
    delta_samples: Ticker,
    heartbeats: Ticker,
    update: Cache,
    /// The snapshot that a delta feed begins with.
    base: Cache,
    deltas: Option<DeltaFeed>,
    wakers: Vec<Waker>,
}

struct DeltaFeed {
    encoder: DeltaEncoder,
    ends: EndedReader,
}

impl Publisher {
    fn new(tracker: RequestTracker, hub: Arc<Hub>, config: &MonitorConfig) -> Self {
        let version = hub.version();
        Self {
            tracker,
            table: Table::new(version),
            hub,
            sampled: None,
            pushed: version,
            rests_until: None,
            samples: Ticker::new(config.interval),
            delta_samples: Ticker::new(config.delta_interval),
            heartbeats: Ticker::new(config.heartbeat),
            update: Cache::default(),
            base: Cache::default(),
            deltas: None,
            wakers: Vec::new(),
        }
    }

    /// Publishes what there is to publish. Returns until when to wait; `None` if nobody is left to publish for.
    fn turn(&mut self, listener: &Listener<'_>) -> Option<Instant> {
        if self.tracker.is_shut_down() {
            return None;
        }
        let demand = self.hub.demand()?;
        let now = Instant::now();
        self.rests_until = self.rests_until.filter(|until| *until > now);
        let mut publication = Publication { heartbeat: self.heartbeats.is_due(true, now), ..Publication::default() };
        if !demand.has(Format::Update) {
            self.update.clear();
        }
        if !demand.has(Format::Delta) {
            self.deltas = None;
            self.base.clear();
        }
        if self.rests_until.is_none() {
            listener.arm();
            self.sample(&demand, &mut publication, now);
        } else if demand.waits(Format::Delta) {
            self.encode_deltas(&mut publication, true, now);
        }
        self.serve_newcomers(&demand, &mut publication, now);
        self.hub.publish(&demand, publication, &mut self.wakers);
        self.wakers.drain(..).for_each(Waker::wake);

        let samples = [self.samples.next(), self.delta_samples.next()].into_iter().flatten().min();
        let wake_up = self.rests_until.or(samples);
        [self.heartbeats.next(), wake_up].into_iter().flatten().min()
    }

    /// Samples the rows, if there is a reason to, and encodes what all subscribers are sent.
    fn sample(&mut self, demand: &Demand, publication: &mut Publication, now: Instant) {
        let version = self.tracker.version();
        let sample = self.samples.is_due(demand.has(Format::Update), now);
        let delta_sample = self.delta_samples.is_due(demand.has(Format::Delta), now);
        let is_unchanged = self.sampled.is_some_and(|(sampled, _)| sampled == version);
        if is_unchanged && !sample && !delta_sample {
            let newcomers = demand.waits(Format::Update) || demand.waits(Format::Delta);
            if !newcomers {
                return;
            }
            // Newcomers that come one by one share a snapshot, and cause no look at all rows each.
            let is_new_format = demand.waits(Format::Delta) && self.deltas.is_none();
            if !is_new_format && self.sampled.is_some_and(|(_, at)| now.duration_since(at) < PACE) {
                return self.encode_deltas(publication, demand.waits(Format::Delta), now);
            }
        }
        let first = self.sampled.replace((version, now)).is_none();
        let starting = demand.has(Format::Delta) && self.deltas.is_none();
        if starting {
            // EndedReader are kept from before the sample on, so that none between the two is missed.
            let ends = EndedReader::new(&self.tracker);
            self.deltas = Some(DeltaFeed { encoder: DeltaEncoder::new(self.hub.start_deltas()), ends });
        }
        let urgent = self.table.sample(&self.tracker, self.deltas.as_ref().map(|deltas| &deltas.ends), now);
        // At the first sample no subscriber has anything yet, and all begin with a snapshot.
        if urgent && !first {
            self.rests_until = Some(later(now, PACE));
        }
        if demand.has(Format::Update) && (urgent || sample) && self.table.version() > self.pushed {
            self.pushed = self.table.version();
            publication.update = Some(self.encode_update(true, now));
        }
        if starting {
            self.table.clear_pending();
        } else {
            let waits = demand.waits(Format::Delta);
            self.encode_deltas(publication, delta_sample || waits, now);
            if waits && !publication.deltas.is_empty() {
                // Subscribers that come one by one must not cause a delta each.
                self.rests_until = Some(later(now, PACE));
            }
        }
    }

    /// Encodes the changes that no delta has carried yet. Before a newcomer's snapshot they must include progress: what the snapshot shows,
    /// all others must have by the delta after which it stands.
    fn encode_deltas(&mut self, publication: &mut Publication, progress: bool, now: Instant) {
        if let Some(DeltaFeed { encoder, .. }) = &mut self.deltas {
            publication.deltas = encoder.encode(&mut self.table, progress, &self.tracker, now);
        }
    }

    /// Encodes the snapshots that newcomers begin with.
    fn serve_newcomers(&mut self, demand: &Demand, publication: &mut Publication, now: Instant) {
        if demand.waits(Format::Update) && publication.update.is_none() {
            publication.update = Some(self.encode_update(false, now));
        }
        if demand.waits(Format::Delta) {
            publication.base = self.encode_base(now);
        }
    }

    fn encode_update(&mut self, for_all: bool, now: Instant) -> Update {
        let version = self.table.version();
        let id = update_id(self.tracker.epoch(), version);
        let payload = self.update.get(version, &id, now, |out| {
            self.table.append_snapshot(out, None, &self.tracker, now);
        });
        Update { version, payload, for_all }
    }

    /// The snapshot after the newest delta; `None` while no deltas are published.
    fn encode_base(&mut self, now: Instant) -> Option<Payload> {
        let seq = self.deltas.as_ref()?.encoder.seq();
        let id = delta_id(self.tracker.epoch(), seq);
        Some(self.base.get(seq, &id, now, |out| {
            self.table.append_snapshot(out, Some(seq), &self.tracker, now);
        }))
    }
}

/// The snapshot that was encoded last.
#[derive(Debug, Default)]
struct Cache(Option<CachedUpdate>);

#[derive(Debug)]
struct CachedUpdate {
    version: u64,
    at: Instant,
    payload: Payload,
}

impl Cache {
    fn clear(&mut self) {
        self.0 = None;
    }

    /// The snapshot of this version. The cached one is used if its times are recent enough, else `append` encodes one.
    fn get(&mut self, version: u64, id: &str, now: Instant, append: impl FnOnce(&mut Vec<u8>)) -> Payload {
        let last = self.0.as_ref();
        if let Some(last) = last.filter(|last| last.version == version && now.duration_since(last.at) < PACE) {
            return last.payload.clone();
        }
        let room = last.map_or(0, |last| last.payload.len());
        let event = Event::with_capacity(room + room / 8 + 256).event("update").id(id).write_line(append);
        let payload = Payload::new(event);
        self.0 = Some(CachedUpdate { version, at: now, payload: payload.clone() });
        payload
    }
}
