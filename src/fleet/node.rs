//! The task of a replica: what it hears, what it sends, and what it shows.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until},
};

use super::{
    answering::Answering,
    bus::{FleetBus, Listening, Lost},
    common::Common,
    lease::Leases,
    list::{ListHead, append_list},
    log,
    outbox::Outgoing,
    packed::Packed,
    publishing::{News, Publishing, all_rows},
    queue::Inbox,
    viewers::{ViewMoment, Viewers},
    watching::{Hearing, Watching},
    wire::{Content, Message, Run, Sender, TableMark, Unreadable},
};
use crate::{
    config::MonitorConfig,
    monitor::{Feed, Payload},
};

/// The time from one look at what is due to the next, while watching.
const TICK: Duration = Duration::from_millis(50);
/// The same while nobody watches here.
const IDLE_TICK: Duration = Duration::from_secs(1);
/// Silence after which a replica says that there is nothing new.
const BEAT: Duration = Duration::from_secs(1);
/// How long a replica goes on watching after its last viewer, so that who asks again and again finds it warm.
const LINGER: Duration = Duration::from_secs(10);
/// Watchers that wait for all rows, at most; who is left out asks again.
const MAX_ASKERS: usize = 64;
/// The time that the last word may take.
const LAST_WORD: Duration = Duration::from_millis(500);

/// A wish to see the fleet.
#[derive(Debug)]
pub(super) struct Wish {
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
pub(super) struct Node<B> {
    bus: Arc<B>,
    common: Arc<Common>,
    inbox: Inbox,
    wishes: mpsc::Receiver<Wish>,
    /// Wishes that wait until all is there.
    waiting: Vec<Wish>,
    leases: Leases,
    /// The feed that is sent to others.
    feed: Arc<Feed>,
    publishing: Option<Publishing>,
    /// When something was last sent to watchers.
    told: Instant,
    askers: Vec<u32>,
    whole: Option<AllRows>,
    /// The number of the next text of all rows.
    wholes: u64,
    answering: Answering,
    watch: Option<Watch>,
}

/// The part of a node that is there only while it watches.
struct Watch {
    watching: Watching,
    viewers: Viewers,
    /// When to stop unless somebody still watches.
    until: Instant,
    lost_since: Option<Duration>,
    _rows: Listening,
}

/// The text of all rows, in work.
type AllRows = Pin<Box<dyn Future<Output = Option<(u64, Packed)>> + Send>>;

/// Something that a node waits for.
enum Happening {
    Message(Bytes),
    News(Option<News>),
    Whole(Option<(u64, Packed)>),
    Wish(Option<Wish>),
    Tick,
}

impl<B: FleetBus> Node<B> {
    pub(super) fn new(bus: Arc<B>, common: Arc<Common>, wishes: mpsc::Receiver<Wish>) -> Self {
        let feed_config = MonitorConfig::default()
            .delta_interval(common.config.interval)
            .heartbeat(Duration::MAX)
            .max_subscribers(usize::MAX);
        let feed = Arc::new(Feed::new(common.tracker.clone(), Arc::new(feed_config)));
        Self {
            bus,
            inbox: common.inbox.clone(),
            wishes,
            waiting: Vec::new(),
            leases: Leases::default(),
            feed,
            publishing: None,
            told: Instant::now(),
            askers: Vec::new(),
            whole: None,
            wholes: 0,
            answering: Answering::default(),
            watch: None,
            common,
        }
    }

    /// Runs until the last handle of the fleet is dropped or the tracker is shut down.
    pub(super) async fn run(mut self) {
        let common = Arc::clone(&self.common);
        let sender = tokio::spawn(send(Arc::clone(&self.bus), Arc::clone(&common)));
        let _own = self.bus.listen(common.topics.to(common.me.epoch), self.inbox.clone());
        let _fleet = self.bus.listen(common.topics.fleet(), self.inbox.clone());
        // A subscriber's coming and the shutdown wake alike.
        let _shutdown = common.tracker.listen(Arc::clone(&common.hub.wake));
        self.send(None, Content::Hello(common.about.clone()));
        while !common.tracker.is_shut_down() {
            self.turn();
            let tick = Instant::now() + if self.watch.is_some() { TICK } else { IDLE_TICK };
            let happening = tokio::select! {
                biased;
                wish = self.wishes.recv() => Happening::Wish(wish),
                news = next_news(&mut self.publishing) => Happening::News(news),
                whole = next_whole(&mut self.whole) => Happening::Whole(whole),
                message = self.inbox.take() => Happening::Message(message),
                () = common.hub.wake.notified() => Happening::Tick,
                () = sleep_until(tick) => Happening::Tick,
            };
            match happening {
                Happening::Wish(None) => break,
                Happening::Wish(Some(wish)) => {
                    self.watch_for(Instant::now() + LINGER);
                    self.waiting.push(wish);
                }
                Happening::News(None) => self.publishing = None,
                Happening::News(Some(news)) => self.tell(news),
                Happening::Whole(whole) => self.answer_askers(whole),
                Happening::Message(message) => {
                    self.hear(&message);
                    while let Some(message) = self.inbox.try_take() {
                        self.hear(&message);
                    }
                }
                Happening::Tick => {}
            }
        }
        common.hub.close();
        let bye = Message { from: common.me, content: Content::Bye }.encode();
        let _ = tokio::time::timeout(LAST_WORD, common.outbox.deliver(common.topics.fleet(), bye)).await;
        sender.abort();
    }

    /// Sends a message to one replica, or to all.
    fn send(&self, to: Option<u32>, content: Content) {
        let Common { topics, outbox, me, .. } = &*self.common;
        let topic = to.map_or_else(|| topics.fleet(), |epoch| topics.to(epoch));
        outbox.put(topic, Message { from: *me, content }.encode());
    }

    /// Tells watchers of this replica's rows.
    fn publish(&mut self, content: Content) {
        let Common { topics, outbox, me, .. } = &*self.common;
        outbox.put(topics.rows(me.epoch), Message { from: *me, content }.encode());
        self.told = Instant::now();
    }

    /// Does what is due.
    fn turn(&mut self) {
        let now = Instant::now();
        if self.common.hub.has_subscribers() {
            self.watch_for(now + LINGER);
        }
        let leased = self.leases.live(now);
        if leased || self.watch.is_some() {
            if self.publishing.is_none() {
                self.publishing = Publishing::start(&self.feed);
            }
        } else {
            self.publishing = None;
        }
        if leased && now.duration_since(self.told) >= BEAT {
            self.beat();
        }
        if self.whole.is_none() && !self.askers.is_empty() {
            self.whole = Some(Box::pin(all_rows(Arc::clone(&self.feed))));
        }
        self.turn_watch(now);
    }

    fn beat(&mut self) {
        if let Some(mark) = self.publishing.as_ref().map(Publishing::mark).filter(|mark| mark.seq > 0) {
            self.publish(Content::Beat(self.common.about.clone(), mark));
        }
    }

    fn turn_watch(&mut self, now: Instant) {
        let Some(watch) = &mut self.watch else { return };
        let turn = watch.watching.turn(now, self.common.spread());
        match turn.hearing {
            Hearing::Unchanged => {}
            Hearing::Lost => {
                watch.lost_since = Some(self.common.tracker.wall(now));
                log::lost();
            }
            Hearing::Found => {
                watch.lost_since = None;
                log::found();
            }
        }
        let head = ListHead { engine: self.bus.engine(), lost_since: watch.lost_since };
        let moment = ViewMoment { head, now };
        let watched = watch.viewers.turn(&mut watch.watching, moment);
        let (faults, questions) = watch.watching.take_faults();
        self.common.counters.note_faults(faults, questions);
        if watch.watching.is_ready(now) {
            for Wish { with_rows, told } in self.waiting.drain(..) {
                let snapshot = with_rows.then(|| watch.viewers.plain(&watch.watching, moment));
                let mut list = Vec::new();
                append_list(&mut list, &watch.watching, head, now);
                // Whoever wished it may have left.
                let _ = told.send(View { snapshot, list, others: watch.watching.others(now) });
            }
        }
        let over = !watched && self.waiting.is_empty() && watch.until <= now;
        if turn.reset {
            self.bus.reset();
        }
        for (to, content) in turn.messages {
            self.send(to, content);
        }
        if over {
            self.watch = None;
            self.send(None, Content::Unwatch);
        }
    }

    /// Watches until then, or longer.
    fn watch_for(&mut self, until: Instant) {
        let now = Instant::now();
        match &mut self.watch {
            Some(watch) => watch.until = watch.until.max(until),
            None => {
                let Common { topics, me, about, config, .. } = &*self.common;
                self.watch = Some(Watch {
                    watching: Watching::new(*me, about.clone(), config, now),
                    viewers: Viewers::new(&self.common),
                    until,
                    lost_since: None,
                    _rows: self.bus.listen(topics.all_rows(), self.inbox.clone()),
                });
                match self.publishing {
                    // The own table begins with a snapshot, as that of any other replica does.
                    Some(_) => self.askers.push(me.epoch),
                    None => self.publishing = Publishing::start(&self.feed),
                }
            }
        }
    }

    /// Takes news of this replica's rows: for watchers elsewhere, and for the one here.
    fn tell(&mut self, news: News) {
        let now = Instant::now();
        let leased = self.leases.live(now);
        let wall = self.common.tracker.wall(now);
        match news {
            News::Whole { seq, update } => {
                self.take_own(seq, &Packed { bytes: update, is_deflated: false });
                if leased {
                    self.beat();
                }
            }
            News::Run(run) => {
                if let Some(watch) = &mut self.watch {
                    watch.watching.own().run(run.clone(), now, wall);
                }
                if leased {
                    let Run { prev, mark, deltas } = run;
                    self.publish(Content::Deltas(Run { prev, mark, deltas: Packed::new(&deltas.bytes) }));
                }
            }
        }
    }

    /// Takes all rows of this replica into the watcher's table.
    fn take_own(&mut self, seq: u64, body: &Packed) {
        let now = Instant::now();
        let wall = self.common.tracker.wall(now);
        if let Some(watch) = &mut self.watch {
            watch.watching.own().replace_all(seq, body, now, wall);
        }
    }

    fn hear(&mut self, bytes: &Bytes) {
        let now = Instant::now();
        let message = match Message::decode(bytes) {
            Ok(message) => message,
            Err(unreadable) => {
                self.common.counters.note_unreadable();
                if let (Unreadable::Version(Some(epoch)), Some(watch)) = (unreadable, &mut self.watch) {
                    watch.watching.note_incompatible(epoch, now);
                }
                return;
            }
        };
        self.common.counters.note_heard(bytes.len());
        let from = message.from;
        if from != self.common.me {
            match &message.content {
                Content::Watch { ttl } if self.leases.renew(from.epoch, *ttl, now) => self.greet(),
                Content::Unwatch | Content::Bye => self.leases.end(from.epoch),
                Content::Hello(_) => {
                    if let Some(watch) = &mut self.watch {
                        watch.watching.renew_now();
                    }
                }
                Content::Ask { seq, nonce } => self.answer(from, *seq, *nonce),
                Content::Call { number, request } => self.answering.call(&self.common, from, *number, request, now),
                Content::Answer { number, status, slice } => {
                    self.common.calls.take(from.epoch, *number, *status, slice.clone());
                }
                _ => {}
            }
        }
        if let Some(watch) = &mut self.watch {
            let wall = self.common.tracker.wall(now);
            watch.watching.take(message, now, wall);
        }
    }

    /// Makes itself known to a new watcher, whether or not there is anything to tell yet.
    fn greet(&mut self) {
        match self.publishing.as_ref().map(Publishing::mark).filter(|mark| mark.seq > 0) {
            Some(_) => self.beat(),
            None => self.publish(Content::Beat(self.common.about.clone(), TableMark::default())),
        }
    }

    /// Answers a watcher that has missed something, or needs all.
    fn answer(&mut self, from: Sender, seq: u64, nonce: u64) {
        let missed = self
            .publishing
            .as_ref()
            .filter(|_| nonce == self.common.me.nonce && seq > 0)
            .and_then(|publishing| publishing.missed(&self.feed, seq));
        match missed {
            Some(run) => self.send(Some(from.epoch), Content::Missed(run)),
            None if self.askers.len() < MAX_ASKERS && !self.askers.contains(&from.epoch) => {
                self.askers.push(from.epoch)
            }
            None => {}
        }
    }

    fn answer_askers(&mut self, whole: Option<(u64, Packed)>) {
        self.whole = None;
        let askers = std::mem::take(&mut self.askers);
        let Some((seq, packed)) = whole else { return };
        self.wholes += 1;
        for asker in askers {
            if asker == self.common.me.epoch {
                self.take_own(seq, &packed);
                continue;
            }
            for slice in packed.slices() {
                let about = self.common.about.clone();
                self.send(Some(asker), Content::Whole { about, seq, number: self.wholes, slice });
            }
        }
    }
}

/// The next news; never any while nothing is published.
async fn next_news(publishing: &mut Option<Publishing>) -> Option<News> {
    match publishing {
        Some(publishing) => publishing.next().await,
        None => std::future::pending().await,
    }
}

async fn next_whole(whole: &mut Option<AllRows>) -> Option<(u64, Packed)> {
    match whole {
        Some(whole) => whole.await,
        None => std::future::pending().await,
    }
}

/// Hands messages to the bus, one after the other.
async fn send<B: FleetBus>(bus: Arc<B>, common: Arc<Common>) {
    loop {
        let Outgoing { topic, message, told } = common.outbox.take().await;
        let length = message.len();
        let sent: Result<(), Lost> = bus.send(topic, message).await;
        common.counters.note_sent(length, sent);
        if let Some(told) = told {
            let _ = told.send(sent);
        }
    }
}
