//! The streams of the whole fleet: what changes in the watcher's tables, encoded once for all viewers.

use std::{sync::Arc, task::Waker, time::Duration};

use tokio::time::Instant;

use super::{
    common::Common,
    list::{ListHead, append_list, list_signature},
    source_rows::FleetLists,
    watching::{Watching, name_of},
};
use crate::{
    config::MonitorConfig,
    monitor::{Demand, Format, Hub, MonitorService, Payload, Publication, Ticker, Update, json, later, number},
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

/// The moment of an answer, and the head of its list.
#[derive(Clone, Copy, Debug)]
pub(super) struct ViewMoment {
    pub(super) head: ListHead,
    pub(super) now: Instant,
}

impl Viewers {
    pub(super) fn new(common: &Common) -> Self {
        let version = common.hub.version();
        let monitor = common.monitor.get().map(MonitorService::config);
        let (interval, heartbeat) = monitor.map_or_else(
            || (MonitorConfig::default().interval, MonitorConfig::default().heartbeat),
            |config| (config.interval, config.heartbeat),
        );
        Self {
            hub: Arc::clone(&common.hub),
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

    /// Publishes what there is to publish. Returns whether anybody watches.
    pub(super) fn turn(&mut self, watching: &mut Watching, moment: ViewMoment) -> bool {
        let now = moment.now;
        let Some(demand) = self.hub.demand() else {
            self.seq = None;
            self.collect(watching, moment);
            watching.removed.clear();
            watching.sources.values_mut().for_each(|source| source.rows.forget_news());
            return false;
        };
        let heartbeat = self.heartbeats.is_due(true, now);
        let mut publication = Publication { heartbeat, ..Publication::default() };
        self.publish_deltas(&demand, watching, moment, &mut publication);
        let update_is_due = self.updates.is_due(demand.has(Format::Update), now);
        if watching.is_ready(now) {
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
        moment: ViewMoment,
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
                watching.removed.clear();
                watching.sources.values_mut().for_each(|source| source.rows.forget_news());
                if starting {
                    self.seq = Some(self.hub.start_deltas());
                }
            }
        }
    }

    /// Looks whether anything has changed since the last look.
    fn collect(&mut self, watching: &Watching, ViewMoment { head, now }: ViewMoment) -> ViewNews {
        let signature = list_signature(watching, head, now);
        let list = signature != self.signature;
        let rows = !watching.removed.is_empty() || watching.sources.values().any(|source| source.rows.has_news());
        if list || rows {
            self.version += 1;
            self.signature = signature;
        }
        ViewNews { list }
    }

    fn deltas(&mut self, watching: &mut Watching, moment: ViewMoment, list: bool) -> Vec<Payload> {
        let mut gone = std::mem::take(&mut watching.removed);
        let mut lists = FleetLists::default();
        for (epoch, source) in &mut watching.sources {
            if source.rows.take_forgotten() {
                gone.push(*epoch);
            }
            if source.rows.has_news() {
                source.rows.take_news(&mut lists, &quoted(&name_of(*epoch, &source.about)), moment.now);
            }
        }
        // Requests that viewers never had may be left out; ends of rows that they have may not.
        let (mut ended, unseen): (Vec<_>, Vec<_>) =
            std::mem::take(&mut lists.ended).into_iter().partition(|(_, known)| *known);
        let room = MAX_ENDED.saturating_sub(ended.len());
        let omitted = lists.ended_omitted + unseen.len().saturating_sub(room) as u64;
        ended.extend(unseen.into_iter().take(room));
        let mut ended: Vec<Box<str>> = ended.into_iter().map(|(entry, _)| entry).collect();

        let mut deltas = Vec::new();
        let empty = [&lists.started, &lists.changed, &lists.progressed].into_iter().all(Vec::is_empty);
        if empty && gone.is_empty() && ended.is_empty() && omitted == 0 && !list {
            return deltas;
        }
        let rest = ended.split_off(ended.len().min(MAX_ENDED));
        let shown = list.then_some(&*watching);
        deltas.push(self.delta(&gone, &lists, &ended, omitted, shown, moment));
        for chunk in rest.chunks(MAX_ENDED) {
            deltas.push(self.delta(&[], &FleetLists::default(), chunk, 0, None, moment));
        }
        deltas
    }

    fn delta(
        &mut self,
        gone: &[u32],
        lists: &FleetLists,
        ended: &[Box<str>],
        omitted: u64,
        list: Option<&Watching>,
        ViewMoment { head, now }: ViewMoment,
    ) -> Payload {
        let seq = self.seq.map_or(0, |seq| seq + 1);
        self.seq = Some(seq);
        let event = Event::new().event("delta").id(fleet_event_id(self.tracker.epoch(), seq)).write_line(|out| {
            out.extend_from_slice(br#"{"seq":"#);
            number(out, seq);
            if !gone.is_empty() {
                out.extend_from_slice(br#","gone":"#);
                json(out, &gone.iter().map(|epoch| format!("{epoch:08x}")).collect::<Vec<_>>());
            }
            for (name, list) in
                [("started", &lists.started), ("changed", &lists.changed), ("progressed", &lists.progressed)]
            {
                if !list.is_empty() {
                    out.extend_from_slice(format!(",\"{name}\":[").as_bytes());
                    out.extend_from_slice(list);
                    out.push(b']');
                }
            }
            if !ended.is_empty() {
                out.extend_from_slice(br#","ended":["#);
                out.extend_from_slice(ended.join(",").as_bytes());
                out.push(b']');
            }
            out.extend_from_slice(br#","ended_omitted":"#);
            number(out, omitted);
            if let Some(watching) = list {
                out.extend_from_slice(br#","fleet":"#);
                append_list(out, watching, head, now);
            }
            out.extend_from_slice(br#","timestamp":"#);
            json(out, &self.tracker.wall(now).as_secs_f64());
            out.push(b'}');
        });
        Payload::new(event)
    }

    fn update(&mut self, watching: &Watching, moment: ViewMoment, for_all: bool) -> Update {
        let version = self.version;
        Update { version, payload: self.snapshot(SnapshotForm::Updates, version, watching, moment), for_all }
    }

    /// The snapshot as JSON by itself.
    pub(super) fn plain(&mut self, watching: &Watching, moment: ViewMoment) -> Payload {
        self.collect(watching, moment);
        self.snapshot(SnapshotForm::Plain, self.version, watching, moment)
    }

    fn snapshot(&mut self, form: SnapshotForm, of: u64, watching: &Watching, moment: ViewMoment) -> Payload {
        let now = moment.now;
        let cached = &self.cached[form as usize];
        let fresh = |cached: &&CachedSnapshot| cached.of == of && now.duration_since(cached.at) < MAX_AGE;
        if let Some(cached) = cached.as_ref().filter(fresh) {
            return cached.payload.clone();
        }
        let epoch = self.tracker.epoch();
        let seq = (form == SnapshotForm::Deltas).then_some(of);
        let append = |out: &mut Vec<u8>| append_snapshot(out, seq, watching, &self.tracker, moment);
        let event = |id: String| Event::new().event("update").id(id).write_line(append).into_bytes();
        let payload = match form {
            SnapshotForm::Updates => Payload::new(event(format!("{epoch:08x}-fleet-u{of}"))),
            SnapshotForm::Deltas => Payload::new(event(fleet_event_id(epoch, of))),
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

/// The id of a delta of the fleet, and of the update with which its stream begins: `<epoch>-fleet-<seq>`.
fn fleet_event_id(epoch: u32, seq: u64) -> String {
    format!("{epoch:08x}-fleet-{seq}")
}

/// The `seq` of such an id; `None` if it is not one of this epoch.
pub(super) fn read_fleet_event_id(id: &str, epoch: u32) -> Option<u64> {
    id.strip_prefix(&format!("{epoch:08x}-fleet-"))?.parse().ok()
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// Appends all rows, newest first, and the list of replicas.
fn append_snapshot(
    out: &mut Vec<u8>,
    seq: Option<u64>,
    watching: &Watching,
    tracker: &RequestTracker,
    ViewMoment { head, now }: ViewMoment,
) {
    out.push(b'{');
    if let Some(seq) = seq {
        out.extend_from_slice(br#""seq":"#);
        number(out, seq);
        out.push(b',');
    }
    out.extend_from_slice(br#""disabled":false,"active_requests":["#);
    let names: Vec<String> =
        watching.sources.iter().map(|(epoch, source)| quoted(&name_of(*epoch, &source.about))).collect();
    let mut rows: Vec<_> = watching
        .sources
        .values()
        .zip(&names)
        .flat_map(|(source, name)| source.rows.iter().map(move |(id, row)| (row.age_ms(now), id, row, name)))
        .collect();
    // By age, which no two clocks are compared for.
    rows.sort_unstable_by_key(|&(age, id, ..)| (age, id.epoch(), id.number()));
    let start = out.len();
    for (.., row, name) in rows {
        if out.len() > start {
            out.push(b',');
        }
        row.append(out, name, now);
    }
    out.extend_from_slice(br#"],"timestamp":"#);
    json(out, &tracker.wall(now).as_secs_f64());
    out.extend_from_slice(br#","fleet":"#);
    append_list(out, watching, head, now);
    // For viewers with the right to, `Payload::for_viewer` says otherwise.
    out.extend_from_slice(br#","can_cancel":false}"#);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_id_of_the_fleets_stream_of_this_process_is_read() {
        assert_eq!(read_fleet_event_id(&fleet_event_id(0x2a, 18), 0x2a), Some(18));
        for other in ["0000002b-fleet-18", "0000002a-18", "0000002a-fleet-u18", "0000002a-fleet-"] {
            assert_eq!(read_fleet_event_id(other, 0x2a), None, "{other}");
        }
    }
}
