//! The task of a replica: what it hears, what it sends, and what it shows.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use super::{
    answering::Answering,
    broadcast::{Broadcast, OwnNeeds, OwnNews},
    bus::{FleetBus, Lost},
    common::{Common, FleetStanding},
    link::{Link, LinkChange},
    log,
    outbox::Outgoing,
    watch::{Watch, Wish},
    watching::Watched,
    wire::{Content, Message, Unreadable},
};

/// The time from one look at what is due to the next, while watching.
const TICK: Duration = Duration::from_millis(50);
/// The same while nobody watches here.
const IDLE_TICK: Duration = Duration::from_secs(1);
/// Messages that are handed to the bus at a time, at most.
const MAX_SENDING: usize = 32;
/// The time that the last word may take.
const LAST_WORD: Duration = Duration::from_millis(500);

/// See the [module](self).
pub(super) struct Node<B> {
    bus: Arc<B>,
    common: Arc<Common>,
    wishes: mpsc::Receiver<Wish>,
    broadcast: Broadcast,
    answering: Answering,
    watches: BTreeMap<Watched, Watch>,
    /// The link to the others, while anything is watched.
    link: Option<Link>,
}

/// Something that a node waits for.
enum Happening {
    Message(Bytes),
    News(OwnNews),
    Wish(Option<Wish>),
    Tick,
}

impl<B: FleetBus> Node<B> {
    pub(super) fn new(bus: Arc<B>, common: Arc<Common>, wishes: mpsc::Receiver<Wish>) -> Self {
        Self {
            bus,
            wishes,
            broadcast: Broadcast::new(Arc::clone(&common)),
            answering: Answering::default(),
            watches: BTreeMap::new(),
            link: None,
            common,
        }
    }

    /// Runs until the last handle of the fleet is dropped or the tracker is shut down.
    pub(super) async fn run(mut self) {
        let common = Arc::clone(&self.common);
        let sender = tokio::spawn(send(Arc::clone(&self.bus), Arc::clone(&common)));
        let _own = self.bus.listen(common.topics.to(common.me.epoch), common.inbox.clone());
        let _fleet = self.bus.listen(common.topics.fleet(), common.inbox.clone());
        // A subscriber's coming and the shutdown wake alike.
        let wake = Arc::clone(&common.hubs.fleet.wake);
        let _shutdown = common.tracker.listen(Arc::clone(&wake));
        common.send(None, Content::Hello(common.about.clone()));
        while !common.tracker.is_shut_down() {
            self.turn();
            let tick = Instant::now() + if self.watches.is_empty() { IDLE_TICK } else { TICK };
            let happening = tokio::select! {
                biased;
                wish = self.wishes.recv() => Happening::Wish(wish),
                news = self.broadcast.next() => Happening::News(news),
                message = common.inbox.take() => Happening::Message(message),
                () = wake.notified() => Happening::Tick,
                () = sleep_until(tick) => Happening::Tick,
            };
            match happening {
                Happening::Wish(None) => break,
                Happening::Wish(Some(wish)) => self.watch(wish.watched, Instant::now()).wish(wish),
                Happening::News(news) => {
                    let now = Instant::now();
                    let wall = common.tracker.wall(now);
                    self.watches.values_mut().for_each(|watch| watch.take_own(&news, now, wall));
                }
                Happening::Message(message) => {
                    self.hear(&message);
                    while let Some(message) = common.inbox.try_take() {
                        self.hear(&message);
                    }
                }
                Happening::Tick => {}
            }
        }
        common.hubs.close();
        let bye = Message { from: common.me, content: Content::Bye }.encode();
        let _ = tokio::time::timeout(LAST_WORD, common.outbox.deliver(common.topics.fleet(), bye)).await;
        sender.abort();
    }

    /// Does what is due.
    fn turn(&mut self) {
        let now = Instant::now();
        for watched in self.common.hubs.watched() {
            self.watch(watched, now);
        }
        let needs = self.own_needs();
        let sums = self.broadcast.turn(needs, now);
        if let Some(sums) = &sums {
            self.watches.values_mut().for_each(|watch| watch.take_own_sums(sums));
        }
        let lost_since = self.turn_link(now);
        let Self { bus, common, watches, .. } = self;
        let own_rows = if watches.is_empty() { 0 } else { common.tracker.active() as u64 };
        watches.retain(|_, watch| watch.turn(common, &**bus, lost_since, own_rows, now));
        let replicas = watches.get(&Watched::Fleet).map(|watch| watch.states(now));
        *common.standing.lock() = FleetStanding { is_connected: bus.is_connected(), replicas };
        if watches.is_empty() {
            self.link = None;
        }
    }

    /// The needs of the watches here.
    fn own_needs(&mut self) -> OwnNeeds {
        let mut needs = OwnNeeds::default();
        for watch in self.watches.values_mut() {
            let (sums, first_sums) = watch.own_sums();
            needs.rows |= watch.shows_own_rows();
            needs.all_rows |= watch.needs_own_rows();
            needs.sums |= sums;
            needs.first_sums |= first_sums;
        }
        needs
    }

    /// Looks whether anybody is heard. Returns since when nobody is.
    fn turn_link(&mut self, now: Instant) -> Option<Duration> {
        let link = self.link.as_mut()?;
        let (change, must_reset) = link.turn(now, self.common.tracker.wall(now));
        match change {
            LinkChange::None => {}
            LinkChange::Lost => log::lost(),
            LinkChange::Found => log::found(),
        }
        if must_reset {
            self.bus.reset();
        }
        link.lost_since()
    }

    /// The watch over what somebody watches now.
    fn watch(&mut self, watched: Watched, now: Instant) -> &mut Watch {
        let Self { bus, common, watches, link, .. } = self;
        link.get_or_insert_with(|| Link::new(common.config.stale_after, now));
        let watch = watches.entry(watched).or_insert_with(|| Watch::new(watched, common, &**bus, now));
        watch.note_viewer(now);
        watch
    }

    fn hear(&mut self, bytes: &Bytes) {
        let now = Instant::now();
        if let Some(link) = &mut self.link {
            link.note_heard(now);
        }
        let message = match Message::decode(bytes) {
            Ok(message) => message,
            Err(unreadable) => {
                self.common.counters.note_unreadable();
                if let Unreadable::Version(Some(epoch)) = unreadable {
                    self.watches.values_mut().for_each(|watch| watch.note_incompatible(epoch, now));
                }
                return;
            }
        };
        self.common.counters.note_heard(bytes.len());
        let from = message.from;
        if from != self.common.me {
            match &message.content {
                Content::Watch { want, ttl } => self.broadcast.lease(from.epoch, *want, *ttl, now),
                Content::Unwatch { want } => self.broadcast.end_lease(from.epoch, Some(*want)),
                Content::Bye => self.broadcast.end_lease(from.epoch, None),
                Content::Hello(_) => self.watches.values_mut().for_each(Watch::renew_now),
                Content::Ask { seq, nonce } => self.broadcast.answer(from, *seq, *nonce),
                Content::Call { number, request } => self.answering.call(&self.common, from, *number, request, now),
                Content::Answer { number, status, slice } => {
                    self.common.calls.take(from.epoch, *number, *status, slice.clone());
                }
                _ => {}
            }
        }
        let wall = self.common.tracker.wall(now);
        self.watches.values_mut().for_each(|watch| watch.take(message.clone(), now, wall));
    }
}

/// Hands messages to the bus in their order. The next does not wait until the one before it has been taken: a server that is far away or busy needs a
/// while for each, in which more would come to be sent than it takes.
async fn send<B: FleetBus>(bus: Arc<B>, common: Arc<Common>) {
    let mut sending = FuturesUnordered::new();
    loop {
        tokio::select! {
            outgoing = common.outbox.take(), if sending.len() < MAX_SENDING => sending.push(hand_over(&*bus, &common, outgoing)),
            Some(()) = sending.next() => {}
        }
    }
}

async fn hand_over(bus: &impl FleetBus, common: &Common, Outgoing { topic, message, told }: Outgoing) {
    let length = message.len();
    let sent: Result<(), Lost> = bus.send(topic, message).await;
    common.counters.note_sent(length, sent);
    if let Some(told) = told {
        let _ = told.send(sent);
    }
}
