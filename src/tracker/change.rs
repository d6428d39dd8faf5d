//! Waking those who wait for a change, at no cost to those who make one while nobody waits.
//!
//! A listener arms the flag, looks at the versions (each under its shard's lock) and, having found nothing new, waits.
//! A producer changes something under its shard's lock and then looks at the flag. The lock orders the two: either the
//! listener sees the change, or the producer sees the flag. `loom` models it.

#[cfg(all(test, active_requests_loom))]
mod loom;

use crate::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
};
use std::sync::Arc;

/// Wakes one waiting listener; a wake-up before the wait is kept. `tokio::sync::Notify`, but for the models.
pub(crate) trait Wake: Default {
    fn wake(&self);
}

impl Wake for tokio::sync::Notify {
    fn wake(&self) {
        self.notify_one();
    }
}

#[derive(Debug)]
pub(crate) struct Listeners<W = tokio::sync::Notify> {
    /// Somebody has looked and is about to wait, or waits.
    armed: AtomicBool,
    closed: AtomicBool,
    list: Mutex<Vec<Arc<W>>>,
}

impl<W: Wake> Listeners<W> {
    pub(crate) fn new() -> Self {
        Self { armed: AtomicBool::new(false), closed: AtomicBool::new(false), list: Mutex::new(Vec::new()) }
    }

    /// To be called by a producer after its change, outside the shard's lock.
    #[inline]
    pub(crate) fn changed(&self) {
        if self.armed.load(Ordering::Relaxed) && self.armed.swap(false, Ordering::AcqRel) {
            self.wake_all();
        }
    }

    #[cold]
    fn wake_all(&self) {
        for listener in self.list.lock().iter() {
            listener.wake();
        }
    }

    /// Nothing will change any more: everybody who waits or will wait is told so.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.wake_all();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Listens until what is returned is dropped.
    pub(crate) fn listen(&self) -> Listener<'_, W> {
        self.listen_with(Arc::default())
    }

    /// Listens with a `wake` that others may wake too.
    pub(crate) fn listen_with(&self, wake: Arc<W>) -> Listener<'_, W> {
        self.list.lock().push(Arc::clone(&wake));
        Listener { listeners: self, wake }
    }
}

#[derive(Debug)]
pub(crate) struct Listener<'a, W: Wake = tokio::sync::Notify> {
    listeners: &'a Listeners<W>,
    wake: Arc<W>,
}

impl<W: Wake> Listener<'_, W> {
    /// To be called before looking at the versions. False: closed, and there is no point in waiting.
    pub(crate) fn arm(&self) -> bool {
        self.listeners.armed.store(true, Ordering::Relaxed);
        !self.listeners.is_closed()
    }
}

impl Listener<'_> {
    /// Waits for a change made after [`arm`](Self::arm). May wake without one.
    ///
    /// Cancel safe: a wake-up that is not awaited is kept for the next wait.
    pub(crate) async fn wait(&self) {
        self.wake.notified().await;
    }
}

impl<W: Wake> Drop for Listener<'_, W> {
    fn drop(&mut self) {
        let mut list = self.listeners.list.lock();
        // One of them: others may listen with the same wake-up.
        if let Some(index) = list.iter().position(|other| Arc::ptr_eq(other, &self.wake)) {
            list.swap_remove(index);
        }
    }
}

#[cfg(all(test, not(active_requests_loom)))]
mod tests {
    use super::*;
    use tokio::sync::Notify;

    #[tokio::test]
    async fn a_listener_that_leaves_does_not_silence_another_with_the_same_wake_up() {
        let listeners = Listeners::<Notify>::new();
        let wake = Arc::new(Notify::new());
        let (old, new) = (listeners.listen_with(Arc::clone(&wake)), listeners.listen_with(wake));
        drop(old);
        new.arm();
        listeners.changed();
        new.wait().await;
        drop(new);
        assert!(listeners.list.lock().is_empty());
    }
}
