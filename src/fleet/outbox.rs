//! The messages on their way to the bus.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::{bus::Lost, queue::BoundedQueue, topic::Topic};

/// A message on its way to the bus.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) topic: Topic,
    pub(super) message: Bytes,
    /// Told whether the bus took it, if anybody wants to know.
    pub(super) told: Option<oneshot::Sender<Result<(), Lost>>>,
}

/// The messages on their way to the bus. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Outbox(Arc<BoundedQueue<Outgoing>>);

impl Outbox {
    pub(super) fn new() -> Self {
        Self(Arc::new(BoundedQueue::new()))
    }

    pub(super) fn put(&self, topic: Topic, message: Bytes) {
        self.push(Outgoing { topic, message, told: None });
    }

    /// Puts a message, and returns whether the bus took it.
    pub(super) async fn deliver(&self, topic: Topic, message: Bytes) -> Result<(), Lost> {
        let (told, answer) = oneshot::channel();
        self.push(Outgoing { topic, message, told: Some(told) });
        // Dropped unsent: there was no room.
        answer.await.unwrap_or(Err(Lost))
    }

    fn push(&self, outgoing: Outgoing) {
        let bytes = outgoing.message.len();
        self.0.put(outgoing, bytes);
    }

    pub(super) async fn take(&self) -> Outgoing {
        self.0.take().await
    }

    pub(super) fn dropped(&self) -> u64 {
        self.0.dropped()
    }
}
