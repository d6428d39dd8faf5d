//! A bus within one process, for tests, with the faults that a network has.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;

use super::{
    bus::{FleetBus, Listening, Lost},
    queue::Inbox,
    topic::Topic,
};
use crate::sync::Mutex;

/// A network within the process: the buses that are made of it reach each other. Clones are the same network.
#[derive(Clone, Debug, Default)]
pub struct MemoryNetwork(Arc<NetworkState>);

#[derive(Debug, Default)]
struct NetworkState {
    listeners: Mutex<Vec<Weak<NetworkListener>>>,
    faults: Mutex<MemoryFaults>,
    random: AtomicU64,
    sent: AtomicU64,
}

#[derive(Debug)]
struct NetworkListener {
    topic: Topic,
    inbox: Inbox,
    /// The listener's bus is cut off.
    is_cut: Arc<AtomicBool>,
}

/// The faults of a [`MemoryNetwork`], for each copy of a message by itself. The default is none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct MemoryFaults {
    /// The share that is lost, from 0 to 1.
    pub loss: f64,
    /// The share that arrives twice.
    pub doubling: f64,
    /// The longest time on the way; each takes a random part of it, so that they overtake each other.
    pub delay: Duration,
}

impl MemoryNetwork {
    /// A network without faults, whose random numbers begin at `seed`.
    pub fn new(seed: u64) -> Self {
        let network = Self::default();
        network.0.random.store(seed, Ordering::Relaxed);
        network
    }

    /// A bus of this network.
    pub fn bus(&self) -> MemoryBus {
        MemoryBus { network: self.clone(), is_cut: Arc::default() }
    }

    /// Sets what is done to messages from now on.
    pub fn set_faults(&self, loss: f64, doubling: f64, delay: Duration) {
        *self.0.faults.lock() = MemoryFaults { loss, doubling, delay };
    }

    /// The number of messages sent so far.
    pub fn sent(&self) -> u64 {
        self.0.sent.load(Ordering::Relaxed)
    }

    fn deliver(&self, topic: &Topic, message: &Bytes) {
        self.0.sent.fetch_add(1, Ordering::Relaxed);
        let faults = *self.0.faults.lock();
        let mut listeners = self.0.listeners.lock();
        listeners.retain(|listener| listener.strong_count() > 0);
        let hearing: Vec<Arc<NetworkListener>> = listeners.iter().filter_map(Weak::upgrade).collect();
        drop(listeners);
        for listener in hearing.iter().filter(|listener| listener.topic.takes(topic)) {
            if listener.is_cut.load(Ordering::Relaxed) || self.chance() < faults.loss {
                continue;
            }
            let copies = if self.chance() < faults.doubling { 2 } else { 1 };
            for _ in 0..copies {
                self.carry(listener, message, faults.delay);
            }
        }
    }

    fn carry(&self, listener: &NetworkListener, message: &Bytes, delay: Duration) {
        if delay.is_zero() {
            listener.inbox.put(message.clone());
            return;
        }
        let (inbox, message, delay) = (listener.inbox.clone(), message.clone(), delay.mul_f64(self.chance()));
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            inbox.put(message);
        });
    }

    /// A random number from 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "any number will do")]
    fn chance(&self) -> f64 {
        // SplitMix64.
        let mut bits = self.0.random.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// A bus of a [`MemoryNetwork`]. Clones are the same bus.
#[derive(Clone, Debug)]
pub struct MemoryBus {
    network: MemoryNetwork,
    is_cut: Arc<AtomicBool>,
}

impl MemoryBus {
    /// Cuts the bus off, or joins it again. Cut off, it hears nothing, and what it sends is lost without its knowing.
    pub fn cut(&self, is_cut: bool) {
        self.is_cut.store(is_cut, Ordering::Relaxed);
    }
}

impl FleetBus for MemoryBus {
    async fn send(&self, topic: Topic, message: Bytes) -> Result<(), Lost> {
        if !self.is_cut.load(Ordering::Relaxed) {
            self.network.deliver(&topic, &message);
        }
        Ok(())
    }

    fn listen(&self, topic: Topic, inbox: Inbox) -> Listening {
        let listener = Arc::new(NetworkListener { topic, inbox, is_cut: Arc::clone(&self.is_cut) });
        self.network.0.listeners.lock().push(Arc::downgrade(&listener));
        Listening::new(listener)
    }

    fn reset(&self) {}

    fn engine(&self) -> &'static str {
        "memory"
    }

    fn is_connected(&self) -> bool {
        !self.is_cut.load(Ordering::Relaxed)
    }
}
