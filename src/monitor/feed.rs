//! The publisher: looks at the list when it changes and now and then, encodes once what is to be told, and leaves it at the hub.
//!
//! It is spawned with the first subscriber and ends with the last, or when the tracker is shut down. What must be seen at once
//! is told at once, and after that at most every 100 ms; while it rests, those who change the list do not wake it.

use super::{
    delta::Deltas,
    frame::Frame,
    hub::{Audience, Format, Hub, Publication},
    table::Table,
};
use crate::{
    config::MonitorConfig,
    tracker::{EndedReader, Listener, RequestTracker, Version},
};
use std::{fmt, io::Write, sync::Arc, task::Waker, time::Duration};
use tokio::time::{Instant, timeout_at};

/// Between two tellings of starts, ends and the like.
const PACE: Duration = Duration::from_millis(100);

/// Publishes to `hub` as long as there is somebody in its session.
pub(super) async fn publish(tracker: RequestTracker, hub: Arc<Hub>, config: Arc<MonitorConfig>, session: u64) {
    // However this ends, nobody is left waiting for it.
    let _end = EndOnDrop { hub: Arc::clone(&hub), session };
    let listener = tracker.listen(Arc::clone(&hub.wake));
    let mut feed = Feed::new(tracker.clone(), hub, &config);
    while let Some(deadline) = feed.turn(&listener) {
        // Whether something has happened or it is time, the next turn finds out.
        let _ = timeout_at(deadline, listener.wait()).await;
    }
}

struct EndOnDrop {
    hub: Arc<Hub>,
    session: u64,
}

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.hub.end(self.session);
    }
}

/// A clock of its own.
#[derive(Debug)]
struct Ticker {
    every: Duration,
    next: Option<Instant>,
}

impl Ticker {
    fn new(every: Duration) -> Self {
        Self { every, next: None }
    }

    /// Whether it is time again. It begins to run with the first call for which it `runs`.
    fn is_due(&mut self, runs: bool, now: Instant) -> bool {
        let due = runs && self.next.is_some_and(|next| next <= now);
        self.next = match self.next {
            _ if !runs => None,
            Some(next) if next > now => Some(next),
            Some(next) => Some(later(next, self.every)).filter(|next| *next > now).or(Some(later(now, self.every))),
            None => Some(later(now, self.every)),
        };
        due
    }
}

/// As late as can be where there is no such time.
fn later(at: Instant, by: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(60 * 60 * 24 * 365);
    at.checked_add(by).unwrap_or(at + FAR)
}

/// A snapshot as it was encoded last.
#[derive(Debug)]
struct Encoded {
    version: u64,
    at: Instant,
    frame: Frame,
}

struct Feed {
    tracker: RequestTracker,
    hub: Arc<Hub>,
    table: Table,
    /// Of the list, at the last look.
    seen: Option<Version>,
    /// Of the table, what everybody has been told.
    pushed: u64,
    /// Until when starts and ends have to wait.
    rests_until: Option<Instant>,
    samples: Ticker,
    delta_samples: Ticker,
    heartbeats: Ticker,
    update: Option<Encoded>,
    base: Option<Encoded>,
    deltas: Option<(Deltas, EndedReader)>,
    wakers: Vec<Waker>,
}

impl Feed {
    fn new(tracker: RequestTracker, hub: Arc<Hub>, config: &MonitorConfig) -> Self {
        let version = hub.version();
        Self {
            tracker,
            table: Table::new(version),
            hub,
            seen: None,
            pushed: version,
            rests_until: None,
            samples: Ticker::new(config.interval),
            delta_samples: Ticker::new(config.delta_interval),
            heartbeats: Ticker::new(config.heartbeat),
            update: None,
            base: None,
            deltas: None,
            wakers: Vec::new(),
        }
    }

    /// Does what there is to do and returns until when to wait; `None`: this was the last.
    fn turn(&mut self, listener: &Listener<'_>) -> Option<Instant> {
        if self.tracker.is_shut_down() {
            return None;
        }
        let audience = self.hub.audience()?;
        let now = Instant::now();
        self.rests_until = self.rests_until.filter(|until| *until > now);
        let mut publication = Publication { heartbeat: self.heartbeats.is_due(true, now), ..Publication::default() };
        if !audience.has(Format::Update) {
            self.update = None;
        }
        if !audience.has(Format::Delta) {
            (self.deltas, self.base) = (None, None);
        }
        if self.rests_until.is_none() {
            listener.arm();
            self.look(&audience, &mut publication, now);
        } else if audience.waits(Format::Delta) {
            self.tell(&mut publication, true, now);
        }
        self.welcome(&audience, &mut publication, now);
        self.hub.publish(&audience, publication, &mut self.wakers);
        self.wakers.drain(..).for_each(Waker::wake);

        let samples = [self.samples.next, self.delta_samples.next].into_iter().flatten().min();
        let resting = self.rests_until.or(samples);
        [self.heartbeats.next, resting].into_iter().flatten().min()
    }

    /// Looks at the list, if there is a reason to, and tells what is to be told to everybody.
    fn look(&mut self, audience: &Audience, publication: &mut Publication, now: Instant) {
        let version = self.tracker.version();
        let sample = self.samples.is_due(audience.has(Format::Update), now);
        let delta_sample = self.delta_samples.is_due(audience.has(Format::Delta), now);
        let waited_for = audience.waits(Format::Update) || audience.waits(Format::Delta);
        if self.seen == Some(version) && !sample && !delta_sample && !waited_for {
            return;
        }
        // What the first look finds is told to nobody who has anything yet.
        let first = self.seen.replace(version).is_none();
        let starting = audience.has(Format::Delta) && self.deltas.is_none();
        if starting {
            // Before the look, so that no end is missed between the two.
            let ends = EndedReader::new(&self.tracker);
            self.deltas = Some((Deltas::after(self.hub.start_deltas()), ends));
        }
        let structure = self.table.look(&self.tracker, self.deltas.as_ref().map(|(_, ends)| ends), now);
        if structure && !first {
            self.rests_until = Some(later(now, PACE));
        }
        if audience.has(Format::Update) && (structure || sample) && self.table.version() > self.pushed {
            self.pushed = self.table.version();
            publication.push = true;
            publication.update = Some((self.pushed, self.encode_update(now)));
        }
        if starting {
            self.table.forget_news();
        } else {
            let waits = audience.waits(Format::Delta);
            self.tell(publication, delta_sample || waits, now);
            if waits && !publication.deltas.is_empty() {
                // A crowd that comes one by one is not to set the pace.
                self.rests_until = Some(later(now, PACE));
            }
        }
    }

    /// Tells those who follow the deltas what the looks have found. Ahead of a new viewer's snapshot it has to be all, progress too:
    /// what that shows, everybody else must know by the same delta.
    fn tell(&mut self, publication: &mut Publication, progress: bool, now: Instant) {
        if let Some((deltas, _)) = &mut self.deltas {
            publication.deltas = deltas.tell(&mut self.table, progress, &self.tracker, now);
        }
    }

    /// Gives those who have just come something to begin with.
    fn welcome(&mut self, audience: &Audience, publication: &mut Publication, now: Instant) {
        if audience.waits(Format::Update) && publication.update.is_none() {
            publication.update = Some((self.table.version(), self.encode_update(now)));
        }
        if audience.waits(Format::Delta) {
            publication.base = self.encode_base(now);
        }
    }

    fn encode_update(&mut self, now: Instant) -> Frame {
        let version = self.table.version();
        let Self { update, table, tracker, .. } = self;
        encode(update, version, now, |out| {
            event(out, "update", format_args!("{:08x}-u{version}", tracker.epoch()));
            table.write_snapshot(out, None, tracker, now);
        })
    }

    /// `None` while there are no deltas for it to begin.
    fn encode_base(&mut self, now: Instant) -> Option<Frame> {
        let Self { base, table, tracker, deltas, .. } = self;
        let seq = deltas.as_ref()?.0.seq();
        Some(encode(base, seq, now, |out| {
            event(out, "update", format_args!("{:08x}-{seq}", tracker.epoch()));
            table.write_snapshot(out, Some(seq), tracker, now);
        }))
    }
}

/// The frame of this version, as it was encoded last if that is not too long ago for its times.
fn encode(last: &mut Option<Encoded>, version: u64, now: Instant, write: impl FnOnce(&mut Vec<u8>)) -> Frame {
    if let Some(last) = last.as_ref().filter(|last| last.version == version && now.duration_since(last.at) < PACE) {
        return last.frame.clone();
    }
    let room = last.as_ref().map_or(0, |last| last.frame.len());
    let mut out = Vec::with_capacity(room + room / 8 + 256);
    write(&mut out);
    out.extend_from_slice(b"\n\n");
    last.insert(Encoded { version, at: now, frame: Frame::new(out) }).frame.clone()
}

/// Begins an event, up to its data.
pub(super) fn event(out: &mut Vec<u8>, name: &str, id: fmt::Arguments<'_>) {
    // A `Vec` takes everything.
    let _ = write!(out, "event: {name}\nid: {id}\ndata: ");
}
