//! Queues of messages, bounded by the bytes in them: what does not fit is dropped, and whoever misses it asks again.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use tokio::sync::Notify;

use crate::sync::Mutex;

/// Bytes that a queue holds, at most.
const MAX_BYTES: usize = 16 << 20;
/// Bytes that a message takes besides its own.
const OVERHEAD: usize = 128;

/// Messages with the memory that each takes.
#[derive(Debug)]
pub(super) struct BoundedQueue<T> {
    state: Mutex<QueueState<T>>,
    filled: Notify,
}

#[derive(Debug)]
struct QueueState<T> {
    messages: VecDeque<(T, usize)>,
    bytes: usize,
    dropped: u64,
}

impl<T> BoundedQueue<T> {
    pub(super) fn new() -> Self {
        let state = QueueState { messages: VecDeque::new(), bytes: 0, dropped: 0 };
        Self { state: Mutex::new(state), filled: Notify::new() }
    }

    /// Appends a message of so many bytes, or drops it for want of room.
    pub(super) fn put(&self, message: T, bytes: usize) {
        let bytes = bytes + OVERHEAD;
        let mut state = self.state.lock();
        if state.bytes + bytes > MAX_BYTES {
            state.dropped += 1;
            return;
        }
        state.bytes += bytes;
        state.messages.push_back((message, bytes));
        drop(state);
        self.filled.notify_one();
    }

    fn try_take(&self) -> Option<T> {
        let mut state = self.state.lock();
        let (message, bytes) = state.messages.pop_front()?;
        state.bytes -= bytes;
        Some(message)
    }

    /// Waits for a message. Cancel safe.
    pub(super) async fn take(&self) -> T {
        loop {
            if let Some(message) = self.try_take() {
                return message;
            }
            self.filled.notified().await;
        }
    }

    pub(super) fn dropped(&self) -> u64 {
        self.state.lock().dropped
    }
}

/// The place where a bus leaves what it hears. Clones share it. It holds 16 MiB; what comes when it is full is dropped.
#[derive(Clone, Debug)]
pub struct Inbox(Arc<BoundedQueue<Bytes>>);

impl Inbox {
    /// An empty one.
    #[expect(clippy::new_without_default, reason = "an inbox that nobody reads is of no use")]
    pub fn new() -> Self {
        Self(Arc::new(BoundedQueue::new()))
    }

    /// Leaves a message. Never waits.
    pub fn put(&self, message: Bytes) {
        let bytes = message.len();
        self.0.put(message, bytes);
    }

    /// Waits for the next message. Cancel safe.
    pub async fn take(&self) -> Bytes {
        self.0.take().await
    }

    /// The next message, if it is there.
    pub fn try_take(&self) -> Option<Bytes> {
        self.0.try_take()
    }

    /// The number of messages that were dropped for want of room.
    pub(super) fn dropped(&self) -> u64 {
        self.0.dropped()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_queue_drops_what_does_not_fit_and_counts_it() {
        let inbox = Inbox::new();
        let third = Bytes::from(vec![0; MAX_BYTES / 3]);
        (0..4).for_each(|_| inbox.put(third.clone()));
        assert_eq!(inbox.dropped(), 2);
        assert_eq!(inbox.take().await.len(), MAX_BYTES / 3);
        inbox.put(third);
        assert_eq!(inbox.dropped(), 2, "there is room again");
        assert!(inbox.try_take().is_some() && inbox.try_take().is_some() && inbox.try_take().is_none());
    }
}
