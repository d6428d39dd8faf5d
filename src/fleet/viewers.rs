//! The streams of the fleet, or of one of its replicas: what changes in the watcher's tables, encoded once for all viewers.

use std::{sync::Arc, task::Waker, time::Duration};

use tokio::time::Instant;

use super::{
    common::Common,
    list::list_signature,
    source::ReplicaSource,
    source_rows::FleetLists,
    view_json::{DeltaParts, ViewMoment, append_delta, append_snapshot, append_sums, event_id, quoted},
    watching::{Watched, Watching, name_of},
};
use crate::{
    config::MonitorConfig,
    monitor::{Demand, Format, Hub, MonitorService, Payload, Publication, Ticker, Update, later},
    sse::Event,
    tracker::RequestTracker,
};

/// The least time between two deltas.
const PACE: Duration = Duration::from_millis(250);
/// The greatest age of a snapshot for a newcomer.
const MAX_AGE: Duration = Duration::from_millis(100);
/// Entries of `ended` in one delta, at most.
const MAX_ENDED: usize = 1000;

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Viewers {
    watched: Watched,
    hub: Arc<Hub>,
    tracker: RequestTracker,
    /// The number of the newest delta, while there are viewers of deltas.
    seq: Option<u64>,
    rests_until: Option<Instant>,
    updates: Ticker,
    heartbeats: Ticker,
    /// Incremented whenever anything but the time has changed.
    version: u64,
    /// The version that viewers of updates have been sent.
    pushed: u64,
    signature: Vec<u8>,
    /// The newest snapshots: for a stream of updates, for one of deltas, and by itself.
    cached: [Option<CachedSnapshot>; 3],
    wakers: Vec<Waker>,
}

#[derive(Debug)]
struct CachedSnapshot {
    /// The version or the number of the delta that it shows.
    of: u64,
    at: Instant,
    payload: Payload,
}

/// The form of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SnapshotForm {
    Updates,
    Deltas,
    Plain,
}

impl Viewers {
    /// The viewers that subscribe to `hub`.
    pub(super) fn new(common: &Common, watched: Watched, hub: Arc<Hub>) -> Self {
        let version = hub.version();
        let monitor = common.monitor.get().map(MonitorService::config);
        let (interval, heartbeat) = monitor.map_or_else(
            || (MonitorConfig::default().interval, MonitorConfig::default().heartbeat),
            |config| (config.interval, config.heartbeat),
        );
        Self {
            watched,
            hub,
            tracker: common.tracker.clone(),
            seq: None,
            rests_until: None,
            updates: Ticker::new(interval),
            heartbeats: Ticker::new(heartbeat),
            version,
            pushed: version,
            signature: Vec::new(),
            cached: [None, None, None],
            wakers: Vec::new(),
        }
    }

    /// Has all viewers begin with a snapshot again: what is watched has changed altogether.
    pub(super) fn begin_anew(&mut self) {
        self.version += 1;
        self.cached = [None, None, None];
        self.rests_until = None;
        if self.seq.is_some() {
            self.seq = Some(self.hub.restart_deltas(&mut self.wakers));
        }
        self.wakers.drain(..).for_each(Waker::wake);
    }

    /// Publishes what there is to publish. Returns whether anybody watches.
    pub(super) fn turn(&mut self, watching: &mut Watching, moment: ViewMoment<'_>) -> bool {
        let now = moment.now;
        let Some(demand) = self.hub.demand() else {
            self.seq = None;
            self.collect(watching, moment);
            watching.forget_news();
            return false;
        };
        let heartbeat = self.heartbeats.is_due(true, now);
        let mut publication = Publication { heartbeat, ..Publication::default() };
        self.publish_deltas(&demand, watching, moment, &mut publication);
        let update_is_due = self.updates.is_due(demand.has(Format::Update), now);
        if watching.is_ready(moment.head.lost_since.is_some(), now) {
            if update_is_due && self.version > self.pushed {
                self.pushed = self.version;
                publication.update = Some(self.update(watching, moment, true));
            }
            if demand.waits(Format::Update) && publication.update.is_none() {
                publication.update = Some(self.update(watching, moment, false));
            }
            if let Some(seq) = self.seq.filter(|_| demand.waits(Format::Delta)) {
                publication.base = Some(self.snapshot(SnapshotForm::Deltas, seq, watching, moment));
            }
        }
        self.hub.publish(&demand, publication, &mut self.wakers);
        self.wakers.drain(..).for_each(Waker::wake);
        true
    }

    /// Encodes the changes that no delta has carried yet. A newcomer's snapshot must not show more than all others have been sent.
    fn publish_deltas(
        &mut self,
        demand: &Demand,
        watching: &mut Watching,
        moment: ViewMoment<'_>,
        publication: &mut Publication,
    ) {
        let now = moment.now;
        let starting = demand.has(Format::Delta) && self.seq.is_none();
        if !demand.has(Format::Delta) {
            self.seq = None;
        }
        if self.rests_until.is_some_and(|until| until > now) && !demand.waits(Format::Delta) {
            return;
        }
        let news = self.collect(watching, moment);
        match self.seq {
            Some(_) => {
                publication.deltas = self.deltas(watching, moment, news.list);
                if !publication.deltas.is_empty() {
                    self.rests_until = Some(later(now, PACE));
                }
            }
            None => {
                watching.forget_news();
                if starting {
                    self.seq = Some(self.hub.start_deltas());
                }
            }
        }
    }

    /// Looks whether anything has changed since the last look.
    fn collect(&mut self, watching: &Watching, ViewMoment { head, now }: ViewMoment<'_>) -> ViewNews {
        let signature = list_signature(watching, head, now);
        let list = signature != self.signature;
        let rows = !watching.removed.is_empty() || watching.sources.values().any(ReplicaSource::has_news);
        if list || rows {
            self.version += 1;
            self.signature = signature;
        }
        ViewNews { list }
    }

    fn deltas(&mut self, watching: &mut Watching, moment: ViewMoment<'_>, list: bool) -> Vec<Payload> {
        let mut gone = std::mem::take(&mut watching.removed);
        let (mut lists, mut sums) = (FleetLists::default(), Vec::new());
        append_sums(&mut sums, watching, true);
        for (epoch, source) in &mut watching.sources {
            if source.rows.take_forgotten() {
                gone.push(*epoch);
            }
            if source.rows.has_news() {
                source.rows.take_news(&mut lists, &quoted(&name_of(*epoch, &source.about)), moment.now);
            }
            source.forget_news();
        }
        // Requests that viewers never had may be left out; ends of rows that they have may not.
        let (mut ended, unseen): (Vec<_>, Vec<_>) =
            std::mem::take(&mut lists.ended).into_iter().partition(|(_, known)| *known);
        let room = MAX_ENDED.saturating_sub(ended.len());
        let omitted = lists.ended_omitted + unseen.len().saturating_sub(room) as u64;
        ended.extend(unseen.into_iter().take(room));
        let mut ended: Vec<Box<str>> = ended.into_iter().map(|(entry, _)| entry).collect();

        let empty = [&lists.started, &lists.changed, &lists.progressed, &sums].into_iter().all(Vec::is_empty);
        if empty && gone.is_empty() && ended.is_empty() && omitted == 0 && !list {
            return Vec::new();
        }
        let rest = ended.split_off(ended.len().min(MAX_ENDED));
        let first = DeltaParts { gone: &gone, lists: Some(&lists), sums: &sums, ended: &ended, omitted, list };
        let more = rest.chunks(MAX_ENDED).map(|ended| DeltaParts { ended, ..DeltaParts::default() });
        std::iter::once(first).chain(more).map(|parts| self.delta(&parts, watching, moment)).collect()
    }

    fn delta(&mut self, parts: &DeltaParts<'_>, watching: &Watching, moment: ViewMoment<'_>) -> Payload {
        let seq = self.seq.map_or(0, |seq| seq + 1);
        self.seq = Some(seq);
        let id = self.event_id(&seq.to_string());
        let append = |out: &mut Vec<u8>| append_delta(out, seq, parts, watching, &self.tracker, moment);
        Payload::new(Event::new().event("delta").id(id).write_line(append))
    }

    fn event_id(&self, number: &str) -> String {
        event_id(self.tracker.epoch(), self.watched, number)
    }

    fn update(&mut self, watching: &Watching, moment: ViewMoment<'_>, for_all: bool) -> Update {
        let version = self.version;
        Update { version, payload: self.snapshot(SnapshotForm::Updates, version, watching, moment), for_all }
    }

    /// The snapshot as JSON by itself.
    pub(super) fn plain(&mut self, watching: &Watching, moment: ViewMoment<'_>) -> Payload {
        self.collect(watching, moment);
        self.snapshot(SnapshotForm::Plain, self.version, watching, moment)
    }

    fn snapshot(&mut self, form: SnapshotForm, of: u64, watching: &Watching, moment: ViewMoment<'_>) -> Payload {
        let now = moment.now;
        let cached = &self.cached[form as usize];
        let fresh = |cached: &&CachedSnapshot| cached.of == of && now.duration_since(cached.at) < MAX_AGE;
        if let Some(cached) = cached.as_ref().filter(fresh) {
            return cached.payload.clone();
        }
        let seq = (form == SnapshotForm::Deltas).then_some(of);
        let append = |out: &mut Vec<u8>| append_snapshot(out, seq, watching, &self.tracker, moment);
        let event = |id: String| Event::new().event("update").id(id).write_line(append).into_bytes();
        let payload = match form {
            SnapshotForm::Updates => Payload::new(event(self.event_id(&format!("u{of}")))),
            SnapshotForm::Deltas => Payload::new(event(self.event_id(&of.to_string()))),
            SnapshotForm::Plain => {
                let mut out = Vec::new();
                append(&mut out);
                Payload::whole(out)
            }
        };
        self.cached[form as usize] = Some(CachedSnapshot { of, at: now, payload: payload.clone() });
        payload
    }
}

/// Tells what has changed since the last look.
#[derive(Clone, Copy, Debug)]
struct ViewNews {
    /// The list of replicas.
    list: bool,
}
