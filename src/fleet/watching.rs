//! The fleet as a watcher knows it: its replicas, and their rows or their sums.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;

use super::{
    source::{Faults, ReplicaSource, Standing},
    want::Want,
    wire::{About, Content, Message, Sender},
};
use crate::config::FleetConfig;

/// How long a watcher's lease lives without renewal.
const TTL: Duration = Duration::from_secs(6);
/// The time from one renewal to the next: while its echo comes back, and while it does not.
const RENEW: (Duration, Duration) = (Duration::from_secs(1), Duration::from_millis(250));
/// Replicas that are asked at a time, at most: two hundred snapshots at one moment serve nobody.
const MAX_ASKED: usize = 16;
/// Replicas that are kept, at most.
const MAX_SOURCES: usize = 1000;
/// The time after which a view of the fleet is shown even though somebody has not answered.
const PATIENCE: Duration = Duration::from_secs(1);
/// The time within which replicas that nobody knew make themselves heard.
const DISCOVERY: Duration = Duration::from_millis(200);
/// The time in which a new watcher finds out how many rows there are, before it asks for any.
const SURVEY: Duration = Duration::from_millis(100);
/// The time that sums are shown for, at least.
const SUMS_STAY: Duration = Duration::from_secs(5);

/// The replicas that a viewer watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Watched {
    /// All of the fleet: their rows, or their sums where there are too many rows.
    Fleet,
    /// The one of this epoch: its rows.
    Replica(u32),
}

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Watching {
    me: Sender,
    watched: Watched,
    stale_after: Duration,
    gone_after: Duration,
    max_rows: u64,
    /// The things that the others are to send. A watcher of the fleet begins with sums, which tell how many rows there are.
    want: Want,
    /// When that was last chosen; `None` until the first choice.
    chosen: Option<Instant>,
    pub(super) sources: BTreeMap<u32, ReplicaSource>,
    /// Replicas that have been removed and that viewers have not been told of.
    pub(super) removed: Vec<u32>,
    /// Replicas that speak a newer format, and when they were last heard.
    incompatible: BTreeMap<u32, Instant>,
    /// When the watcher began to gather what it shows.
    since: Instant,
    renewed: Option<Instant>,
    /// When the first lease came back, since when replicas can be expected to answer.
    connected: Option<Instant>,
    echoed: Option<Instant>,
    faults: Faults,
    questions: u64,
}

/// The things to be done at one moment.
#[derive(Debug)]
pub(super) struct Turn {
    /// To one replica, or to all.
    pub(super) messages: Vec<(Option<u32>, Content)>,
    /// The watcher wants something else from now on, and shows nothing of what it had.
    pub(super) begins_anew: bool,
}

impl Watching {
    pub(super) fn new(me: Sender, about: &About, watched: Watched, config: &FleetConfig, now: Instant) -> Self {
        let (want, chosen) = match watched {
            Watched::Fleet => (Want::Sums, None),
            Watched::Replica(epoch) => (Want::One(epoch), Some(now)),
        };
        let mut sources = BTreeMap::new();
        if watched.includes(me.epoch) {
            let mut own = ReplicaSource::new(me.epoch, me.nonce, now);
            own.about = about.clone();
            sources.insert(me.epoch, own);
        }
        Self {
            me,
            watched,
            stale_after: config.stale_after,
            gone_after: config.gone_after,
            max_rows: config.max_rows as u64,
            want,
            chosen,
            sources,
            removed: Vec::new(),
            incompatible: BTreeMap::new(),
            since: now,
            renewed: None,
            connected: None,
            echoed: None,
            faults: Faults::default(),
            questions: 0,
        }
    }

    /// Returns what the others are to send.
    pub(super) fn want(&self) -> Want {
        self.want
    }

    /// Whether sums are shown, or will be: rows are not.
    pub(super) fn is_of_sums(&self) -> bool {
        self.want == Want::Sums
    }

    /// This replica itself, where it is watched too.
    pub(super) fn own(&mut self) -> Option<&mut ReplicaSource> {
        self.sources.get_mut(&self.me.epoch)
    }

    /// Whether this replica's own rows are shown and not there.
    pub(super) fn needs_own_rows(&self) -> bool {
        let own = self.sources.get(&self.me.epoch);
        !self.is_of_sums() && own.is_some_and(|own| own.standing() == Standing::Learning)
    }

    /// Takes a message of any replica, this one included.
    pub(super) fn take(&mut self, message: Message, now: Instant, wall: Duration) {
        let Message { from, content } = message;
        if from == self.me {
            if matches!(content, Content::Watch { want, .. } if want == self.want) {
                self.connected.get_or_insert(now);
                self.echoed = Some(now);
            }
            return;
        }
        if !self.watched.includes(from.epoch) {
            return;
        }
        if let Content::Bye = content {
            if self.sources.get(&from.epoch).is_some_and(|source| source.nonce == from.nonce) {
                self.remove(from.epoch);
            }
            return;
        }
        if self.sources.len() >= MAX_SOURCES && !self.sources.contains_key(&from.epoch) {
            return;
        }
        let source = self.sources.entry(from.epoch).or_insert_with(|| ReplicaSource::new(from.epoch, from.nonce, now));
        if source.nonce != from.nonce {
            source.conflict = Some(now);
            return;
        }
        source.heard = now;
        let sums_only = self.want == Want::Sums;
        match content {
            Content::Hello(about) => source.about = about,
            Content::Beat(about, mark) => {
                source.about = about;
                source.told = mark.rows;
                if !sums_only {
                    source.beat(mark, now);
                }
            }
            Content::Deltas(run) | Content::Missed(run) => {
                source.told = run.mark.rows;
                if !sums_only {
                    source.run(run, now, wall);
                }
            }
            Content::Whole { about, seq, number, slice } => {
                source.about = about;
                if !sums_only {
                    source.whole(seq, number, slice, now, wall);
                }
            }
            Content::Sums { about, seq, rows, body } => {
                source.about = about;
                source.told = rows;
                if sums_only {
                    source.take_sums(seq, &body);
                }
            }
            _ => {}
        }
    }

    /// Notes a replica that speaks a newer format.
    pub(super) fn note_incompatible(&mut self, epoch: u32, now: Instant) {
        if self.watched.includes(epoch) && self.incompatible.len() < MAX_SOURCES {
            self.incompatible.insert(epoch, now);
        }
    }

    fn remove(&mut self, epoch: u32) {
        if let Some(source) = self.sources.remove(&epoch) {
            self.faults += source.faults;
            self.removed.push(epoch);
        }
    }

    /// Does what is due. This replica has `own_rows` requests in flight; `spread`, from 0 to 1, keeps many watchers from asking at one moment.
    pub(super) fn turn(&mut self, now: Instant, own_rows: u64, spread: f64) -> Turn {
        if let Some(own) = self.own() {
            (own.heard, own.told) = (now, own_rows);
        }
        let gone_after = self.gone_after;
        let silent = self.sources.iter().filter(|(_, source)| now.duration_since(source.heard) >= gone_after);
        for epoch in silent.map(|(epoch, _)| *epoch).collect::<Vec<_>>() {
            self.remove(epoch);
        }
        self.incompatible.retain(|_, heard| now.duration_since(*heard) < gone_after);

        let mut messages = Vec::new();
        let before = self.want;
        let begins_anew = self.choose(now);
        if begins_anew {
            messages.push((None, Content::Unwatch { want: before }));
        }
        if self.must_renew(now) {
            self.renewed = Some(now);
            messages.push((None, Content::Watch { want: self.want, ttl: TTL }));
        }
        if !self.is_of_sums() {
            self.ask(&mut messages, now, spread);
        }
        Turn { messages, begins_anew }
    }

    /// Chooses between rows and sums. Returns whether the choice has changed.
    fn choose(&mut self, now: Instant) -> bool {
        if self.watched != Watched::Fleet {
            return false;
        }
        let rows: u64 = self.sources.values().map(|source| source.told).fold(0, u64::saturating_add);
        let want = match self.chosen {
            None if !self.is_surveyed(now) => return false,
            None if rows <= self.max_rows => Want::Rows,
            // Not at once, or a number of rows about the limit would have it change all the time.
            Some(at) if self.is_of_sums() && now.duration_since(at) >= SUMS_STAY && rows <= self.max_rows / 4 * 3 => {
                Want::Rows
            }
            Some(_) if !self.is_of_sums() && rows > self.max_rows => Want::Sums,
            None | Some(_) => self.want,
        };
        if self.chosen.is_none() || want != self.want {
            self.chosen = Some(now);
        }
        if want == self.want {
            return false;
        }
        self.want = want;
        (self.since, self.renewed, self.echoed) = (now, None, None);
        self.sources.values_mut().for_each(|source| source.begin_anew(now));
        true
    }

    /// Whether all have had the time to say how many rows they have, or nobody can.
    fn is_surveyed(&self, now: Instant) -> bool {
        let heard = self.connected.is_some_and(|connected| now.duration_since(connected) >= SURVEY);
        heard || now.duration_since(self.since) >= PATIENCE
    }

    /// Asks replicas for rows that are missing.
    fn ask(&mut self, messages: &mut Vec<(Option<u32>, Content)>, now: Instant, spread: f64) {
        let mut asked = self.sources.values().filter(|source| source.is_asked(now)).count();
        for (epoch, source) in &mut self.sources {
            if *epoch == self.me.epoch || asked >= MAX_ASKED {
                continue;
            }
            if let Some(seq) = source.question(now) {
                source.note_asked(now, spread);
                messages.push((Some(*epoch), Content::Ask { seq, nonce: source.nonce }));
                (asked, self.questions) = (asked + 1, self.questions + 1);
            }
        }
    }

    fn must_renew(&self, now: Instant) -> bool {
        let Some(renewed) = self.renewed else { return true };
        let came_back = self.echoed.is_some_and(|echoed| echoed >= renewed);
        let (usual, unheard) = RENEW;
        now.duration_since(renewed) >= if came_back { usual } else { unheard }
    }

    /// Answers a replica that has just started: it is to send its rows at once.
    pub(super) fn renew_now(&mut self) {
        self.renewed = None;
    }

    /// Whether all that can be shown is there, or has been waited for long enough; at once where nobody else is heard.
    pub(super) fn is_ready(&self, is_lost: bool, now: Instant) -> bool {
        if self.chosen.is_none() {
            return false;
        }
        if self.needs_own_rows() {
            // The own rows need nobody else.
            return now.duration_since(self.since) >= 2 * PATIENCE;
        }
        if is_lost || now.duration_since(self.since) >= PATIENCE {
            return true;
        }
        let discovered = self.connected.is_some_and(|connected| now.duration_since(connected) >= DISCOVERY);
        discovered && !self.sources.is_empty() && self.sources.values().all(|source| self.is_known(source))
    }

    /// Whether there is anything of a replica to show.
    fn is_known(&self, source: &ReplicaSource) -> bool {
        match self.want {
            Want::Sums => source.sums.is_some(),
            Want::Rows | Want::One(_) => source.standing() != Standing::Learning,
        }
    }

    /// The replicas that answer questions, this one aside.
    pub(super) fn others(&self, now: Instant) -> Vec<(u32, String)> {
        let live = self.sources.iter().filter(|(_, source)| now.duration_since(source.heard) < self.stale_after);
        let others = live.filter(|(epoch, _)| **epoch != self.me.epoch);
        others.map(|(epoch, source)| (*epoch, name_of(*epoch, &source.about))).collect()
    }

    /// The replicas that are listed: those with rows, and those that are not understood.
    pub(super) fn states(&self, now: Instant) -> Vec<ReplicaState<'_>> {
        let known = self.sources.iter().map(|(epoch, source)| {
            let silent = now.duration_since(source.heard);
            let in_conflict = source.conflict.is_some_and(|at| now.duration_since(at) < self.gone_after);
            let state = match self.is_known(source) {
                _ if in_conflict => "conflict",
                _ if silent >= self.stale_after => "stale",
                false => "learning",
                true => "live",
            };
            let rows = if self.is_of_sums() { source.told } else { source.rows.len() };
            let is_self = *epoch == self.me.epoch;
            ReplicaState { epoch: *epoch, state, silent, rows, source: Some(source), is_self }
        });
        let unread =
            self.incompatible.iter().filter(|(epoch, _)| !self.sources.contains_key(epoch)).map(|(epoch, heard)| {
                let silent = now.duration_since(*heard);
                ReplicaState { epoch: *epoch, state: "incompatible", silent, rows: 0, source: None, is_self: false }
            });
        known.chain(unread).collect()
    }

    /// The faults since the last call, and how many questions were asked.
    pub(super) fn take_faults(&mut self) -> (Faults, u64) {
        let mut all = std::mem::take(&mut self.faults);
        self.sources.values_mut().for_each(|source| all += std::mem::take(&mut source.faults));
        (all, std::mem::take(&mut self.questions))
    }

    /// Forgets what viewers have not been told yet: they get it with a snapshot, or there are none.
    pub(super) fn forget_news(&mut self) {
        self.removed.clear();
        self.sources.values_mut().for_each(ReplicaSource::forget_news);
    }
}

impl Watched {
    fn includes(self, epoch: u32) -> bool {
        match self {
            Self::Fleet => true,
            Self::Replica(one) => one == epoch,
        }
    }
}

/// A replica as it is listed.
#[derive(Debug)]
pub(super) struct ReplicaState<'a> {
    pub(super) epoch: u32,
    pub(super) state: &'static str,
    pub(super) silent: Duration,
    /// Its requests in flight, as far as is known.
    pub(super) rows: u64,
    pub(super) source: Option<&'a ReplicaSource>,
    pub(super) is_self: bool,
}

/// The name of a replica; its epoch while it has not told one.
pub(super) fn name_of(epoch: u32, about: &About) -> String {
    if about.name.is_empty() { format!("{epoch:08x}") } else { about.name.clone() }
}
