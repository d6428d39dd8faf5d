//! The things that the handles of a fleet and its task share.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher, RandomState},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    calls::Calls,
    counts::{FleetCounts, MessageCounters},
    hubs::Hubs,
    outbox::Outbox,
    queue::Inbox,
    topic::{Topic, Topics},
    wire::{About, Content, Message, Sender, cut},
};
use crate::{config::FleetConfig, monitor::MonitorService, sync::Mutex, tracker::RequestTracker};

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Common {
    pub(super) tracker: RequestTracker,
    pub(super) config: FleetConfig,
    pub(super) me: Sender,
    pub(super) about: About,
    pub(super) topics: Topics,
    pub(super) inbox: Inbox,
    pub(super) outbox: Outbox,
    pub(super) calls: Calls,
    pub(super) hubs: Hubs,
    /// Answers what other replicas ask; without one, nothing is answered.
    pub(super) monitor: OnceLock<MonitorService>,
    pub(super) counters: MessageCounters,
    /// How things stood at the newest look.
    pub(super) standing: Mutex<FleetStanding>,
    random: RandomState,
    drawn: AtomicU64,
}

/// The connection, and the others as far as they are watched.
#[derive(Clone, Debug, Default)]
#[cfg_attr(not(feature = "prometheus"), expect(dead_code, reason = "told to Prometheus alone"))]
pub(super) struct FleetStanding {
    pub(super) is_connected: bool,
    /// Replicas by state, while the fleet is watched.
    pub(super) replicas: Option<BTreeMap<&'static str, u64>>,
}

impl Common {
    pub(super) fn new(tracker: RequestTracker, config: FleetConfig) -> Self {
        let random = RandomState::new();
        let me = Sender { epoch: tracker.epoch(), nonce: random.hash_one("nonce") };
        let host = || std::env::var("HOSTNAME").ok();
        let name = config.replica.clone().or_else(host).filter(|name| !name.is_empty());
        let name = name.unwrap_or_else(|| format!("{:08x}", me.epoch));
        Self {
            about: About { name: cut(&name).to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
            topics: Topics::new(config.name.as_str()),
            inbox: Inbox::new(),
            outbox: Outbox::new(),
            calls: Calls::new(random.hash_one("calls") >> 16),
            hubs: Hubs::default(),
            monitor: OnceLock::new(),
            counters: MessageCounters::default(),
            standing: Mutex::default(),
            drawn: AtomicU64::new(0),
            random,
            me,
            tracker,
            config,
        }
    }

    /// Sends a message to one replica, or to all.
    pub(super) fn send(&self, to: Option<u32>, content: Content) {
        self.send_to(to.map_or_else(|| self.topics.fleet(), |epoch| self.topics.to(epoch)), content);
    }

    /// Sends a message to those who listen to `topic`.
    pub(super) fn send_to(&self, topic: Topic, content: Content) {
        self.outbox.put(topic, Message { from: self.me, content }.encode());
    }

    /// A random number from 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "any number will do")]
    pub(super) fn spread(&self) -> f64 {
        let drawn = self.random.hash_one(self.drawn.fetch_add(1, Ordering::Relaxed));
        (drawn >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(super) fn counts(&self) -> FleetCounts {
        let mut counts = self.counters.get();
        counts.unsent += self.outbox.dropped();
        counts.dropped = self.inbox.dropped();
        counts
    }
}
