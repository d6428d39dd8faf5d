//! One view of the fleet, or of one of its replicas: the part of a replica that is there only while somebody watches.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::{sync::oneshot, time::Instant};

use super::{
    broadcast::{OwnNews, OwnSums},
    bus::{FleetBus, Listening},
    common::Common,
    list::{ListHead, append_list},
    topic::Topic,
    view_json::ViewMoment,
    viewers::Viewers,
    want::Want,
    watching::{Watched, Watching},
    wire::{Content, Message},
};
use crate::monitor::Payload;

/// How long a replica goes on watching after its last viewer, so that who asks again and again finds it warm.
const LINGER: Duration = Duration::from_secs(10);

/// A wish to see the fleet, or a replica of it.
#[derive(Debug)]
pub(super) struct Wish {
    pub(super) watched: Watched,
    pub(super) with_rows: bool,
    pub(super) told: oneshot::Sender<View>,
}

/// The fleet as it is at one moment.
#[derive(Debug)]
pub(super) struct View {
    /// All rows, if they were wished for.
    pub(super) snapshot: Option<Payload>,
    /// The list of replicas as JSON.
    pub(super) list: Vec<u8>,
    /// The others that answer, with their names.
    pub(super) others: Vec<(u32, String)>,
}

/// See the [module](self).
pub(super) struct Watch {
    watching: Watching,
    viewers: Viewers,
    /// When to stop unless somebody still watches.
    until: Instant,
    /// Wishes that wait until all is there.
    waiting: Vec<Wish>,
    _listening: Listening,
}

impl Watch {
    pub(super) fn new(watched: Watched, common: &Common, bus: &impl FleetBus, now: Instant) -> Self {
        let watching = Watching::new(common.me, &common.about, watched, &common.config, now);
        Self {
            viewers: Viewers::new(common, watched, common.hubs.get(watched)),
            until: now + LINGER,
            waiting: Vec::new(),
            _listening: bus.listen(topic(watching.want(), common), common.inbox.clone()),
            watching,
        }
    }

    /// Somebody watches.
    pub(super) fn note_viewer(&mut self, now: Instant) {
        self.until = now + LINGER;
    }

    pub(super) fn wish(&mut self, wish: Wish) {
        self.waiting.push(wish);
    }

    /// Whether this replica's rows are shown here.
    pub(super) fn shows_own_rows(&mut self) -> bool {
        !self.watching.is_of_sums() && self.watching.own().is_some()
    }

    /// Whether this replica's rows are shown here and not there.
    pub(super) fn needs_own_rows(&self) -> bool {
        self.watching.needs_own_rows()
    }

    /// Whether this replica's sums are shown here, and whether they are not there.
    pub(super) fn own_sums(&mut self) -> (bool, bool) {
        let shown = self.watching.is_of_sums();
        let missing = self.watching.own().is_some_and(|own| own.sums.is_none());
        (shown, shown && missing)
    }

    /// Takes news of this replica's own rows.
    pub(super) fn take_own(&mut self, news: &OwnNews, now: Instant, wall: Duration) {
        let shown = self.shows_own_rows();
        let Some(own) = self.watching.own().filter(|_| shown) else { return };
        match news {
            OwnNews::All { seq, rows } => own.replace_all(*seq, rows, now, wall),
            OwnNews::Run(run) => own.run(run.clone(), now, wall),
        }
    }

    /// Takes this replica's own sums.
    pub(super) fn take_own_sums(&mut self, sums: &OwnSums) {
        let shown = self.watching.is_of_sums();
        if let Some(own) = self.watching.own().filter(|_| shown) {
            own.take_sums(sums.seq, &sums.body);
        }
    }

    /// Takes a message of any replica, this one included.
    pub(super) fn take(&mut self, message: Message, now: Instant, wall: Duration) {
        self.watching.take(message, now, wall);
    }

    pub(super) fn note_incompatible(&mut self, epoch: u32, now: Instant) {
        self.watching.note_incompatible(epoch, now);
    }

    /// Answers a replica that has just started.
    pub(super) fn renew_now(&mut self) {
        self.watching.renew_now();
    }

    /// The number of replicas by state.
    pub(super) fn states(&self, now: Instant) -> BTreeMap<&'static str, u64> {
        let mut states = BTreeMap::new();
        for replica in self.watching.states(now) {
            *states.entry(replica.state).or_default() += 1;
        }
        states
    }

    /// Does what is due, while this replica has `own_rows`. Returns whether to go on.
    pub(super) fn turn(
        &mut self,
        common: &Arc<Common>,
        bus: &impl FleetBus,
        lost_since: Option<Duration>,
        own_rows: u64,
        now: Instant,
    ) -> bool {
        let turn = self.watching.turn(now, own_rows, common.spread());
        if turn.begins_anew {
            self._listening = bus.listen(topic(self.watching.want(), common), common.inbox.clone());
            self.viewers.begin_anew();
        }
        let head = ListHead { engine: bus.engine(), trouble: bus.trouble(), lost_since };
        let moment = ViewMoment { head: &head, now };
        let is_watched = self.viewers.turn(&mut self.watching, moment);
        let (faults, questions) = self.watching.take_faults();
        common.counters.note_faults(faults, questions);
        if self.watching.is_ready(lost_since.is_some(), now) {
            for Wish { with_rows, told, .. } in self.waiting.drain(..) {
                let snapshot = with_rows.then(|| self.viewers.plain(&self.watching, moment));
                let mut list = Vec::new();
                append_list(&mut list, &self.watching, &head, now);
                // Whoever wished it may have left.
                let _ = told.send(View { snapshot, list, others: self.watching.others(now) });
            }
        }
        turn.messages.into_iter().for_each(|(to, content)| common.send(to, content));
        let goes_on = is_watched || !self.waiting.is_empty() || self.until > now;
        if !goes_on {
            common.send(None, Content::Unwatch { want: self.watching.want() });
        }
        goes_on
    }
}

/// The topic on which what is wanted is sent.
fn topic(want: Want, common: &Common) -> Topic {
    match want {
        Want::Rows => common.topics.all_rows(),
        Want::Sums => common.topics.all_sums(),
        Want::One(epoch) => common.topics.rows(epoch),
    }
}
