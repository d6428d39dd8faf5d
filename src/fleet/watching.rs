//! The fleet as a watcher knows it: its replicas and their rows.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;

use super::{
    source::{Faults, ReplicaSource, Standing},
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

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Watching {
    me: Sender,
    stale_after: Duration,
    gone_after: Duration,
    pub(super) sources: BTreeMap<u32, ReplicaSource>,
    /// Replicas that have been removed and that viewers have not been told of.
    pub(super) removed: Vec<u32>,
    /// Replicas that speak a newer format, and when they were last heard.
    incompatible: BTreeMap<u32, Instant>,
    since: Instant,
    renewed: Option<Instant>,
    /// When the first lease came back, since when replicas can be expected to answer.
    connected: Option<Instant>,
    /// When anything was last heard.
    heard: Instant,
    echoed: Option<Instant>,
    /// When silence was last answered by a new connection.
    reset: Option<Instant>,
    lost: bool,
    faults: Faults,
    questions: u64,
}

/// How far this replica hears the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hearing {
    Unchanged,
    Lost,
    Found,
}

/// The things to be done at one moment.
#[derive(Debug)]
pub(super) struct Turn {
    /// To one replica, or to all.
    pub(super) messages: Vec<(Option<u32>, Content)>,
    /// The connection is deaf.
    pub(super) reset: bool,
    pub(super) hearing: Hearing,
}

impl Watching {
    pub(super) fn new(me: Sender, about: About, config: &FleetConfig, now: Instant) -> Self {
        let mut own = ReplicaSource::new(me.epoch, me.nonce, now);
        own.about = about;
        Self {
            me,
            stale_after: config.stale_after,
            gone_after: config.gone_after,
            sources: BTreeMap::from([(me.epoch, own)]),
            removed: Vec::new(),
            incompatible: BTreeMap::new(),
            since: now,
            renewed: None,
            connected: None,
            heard: now,
            echoed: None,
            reset: None,
            lost: false,
            faults: Faults::default(),
            questions: 0,
        }
    }

    /// This replica itself.
    pub(super) fn own(&mut self) -> &mut ReplicaSource {
        let Sender { epoch, nonce } = self.me;
        let now = self.since;
        self.sources.entry(epoch).or_insert_with(|| ReplicaSource::new(epoch, nonce, now))
    }

    /// Takes a message of any replica, this one included.
    pub(super) fn take(&mut self, message: Message, now: Instant, wall: Duration) {
        let Message { from, content } = message;
        self.heard = now;
        if from == self.me {
            if matches!(content, Content::Watch { .. }) {
                self.connected.get_or_insert(now);
                self.echoed = Some(now);
            }
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
        match content {
            Content::Hello(about) => source.about = about,
            Content::Beat(about, mark) => {
                source.about = about;
                source.beat(mark, now);
            }
            Content::Deltas(run) | Content::Missed(run) => source.run(run, now, wall),
            Content::Whole { about, seq, number, slice } => {
                source.about = about;
                source.whole(seq, number, slice, now, wall);
            }
            _ => {}
        }
    }

    /// Notes a replica that speaks a newer format.
    pub(super) fn note_incompatible(&mut self, epoch: u32, now: Instant) {
        self.heard = now;
        if self.incompatible.len() < MAX_SOURCES {
            self.incompatible.insert(epoch, now);
        }
    }

    fn remove(&mut self, epoch: u32) {
        if let Some(source) = self.sources.remove(&epoch) {
            self.faults += source.faults;
            self.removed.push(epoch);
        }
    }

    /// Does what is due. `spread`, from 0 to 1, keeps many watchers from asking at one moment.
    pub(super) fn turn(&mut self, now: Instant, spread: f64) -> Turn {
        self.own().heard = now;
        let gone_after = self.gone_after;
        let silent = self.sources.iter().filter(|(_, source)| now.duration_since(source.heard) >= gone_after);
        for epoch in silent.map(|(epoch, _)| *epoch).collect::<Vec<_>>() {
            self.remove(epoch);
        }
        self.incompatible.retain(|_, heard| now.duration_since(*heard) < gone_after);

        let silent = now.duration_since(self.heard) >= self.stale_after;
        let hearing = match std::mem::replace(&mut self.lost, silent) {
            before if before == silent => Hearing::Unchanged,
            _ if silent => Hearing::Lost,
            _ => Hearing::Found,
        };
        let tried = self.reset.is_some_and(|at| now.duration_since(at) < self.stale_after);
        let reset = silent && !tried;
        if reset {
            self.reset = Some(now);
        }
        let mut messages = Vec::new();
        if self.must_renew(now) {
            self.renewed = Some(now);
            messages.push((None, Content::Watch { ttl: TTL }));
        }
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
        Turn { messages, reset, hearing }
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

    /// Whether all that can be shown is there, or has been waited for long enough.
    pub(super) fn is_ready(&self, now: Instant) -> bool {
        let own = self.sources.get(&self.me.epoch);
        if own.is_some_and(|own| own.standing() == Standing::Learning) {
            // The own rows need nobody else.
            return now.duration_since(self.since) >= 2 * PATIENCE;
        }
        if self.lost || now.duration_since(self.since) >= PATIENCE {
            return true;
        }
        let discovered = self.connected.is_some_and(|connected| now.duration_since(connected) >= DISCOVERY);
        discovered && self.sources.values().all(|source| source.standing() != Standing::Learning)
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
            let state = match source.standing() {
                _ if in_conflict => "conflict",
                _ if silent >= self.stale_after => "stale",
                Standing::Learning => "learning",
                Standing::Gap | Standing::Live => "live",
            };
            ReplicaState { epoch: *epoch, state, silent, source: Some(source), is_self: *epoch == self.me.epoch }
        });
        let unread =
            self.incompatible.iter().filter(|(epoch, _)| !self.sources.contains_key(epoch)).map(|(epoch, heard)| {
                let silent = now.duration_since(*heard);
                ReplicaState { epoch: *epoch, state: "incompatible", silent, source: None, is_self: false }
            });
        known.chain(unread).collect()
    }

    /// The faults since the last call, and how many questions were asked.
    pub(super) fn take_faults(&mut self) -> (Faults, u64) {
        let mut all = std::mem::take(&mut self.faults);
        self.sources.values_mut().for_each(|source| all += std::mem::take(&mut source.faults));
        (all, std::mem::take(&mut self.questions))
    }
}

/// A replica as it is listed.
#[derive(Debug)]
pub(super) struct ReplicaState<'a> {
    pub(super) epoch: u32,
    pub(super) state: &'static str,
    pub(super) silent: Duration,
    pub(super) source: Option<&'a ReplicaSource>,
    pub(super) is_self: bool,
}

/// The name of a replica; its epoch while it has not told one.
pub(super) fn name_of(epoch: u32, about: &About) -> String {
    if about.name.is_empty() { format!("{epoch:08x}") } else { about.name.clone() }
}
