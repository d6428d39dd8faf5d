//! The locks and atomics of the tracker: std's, or loom's when the wake-up protocol is being model-checked.

#[cfg(not(active_requests_loom))]
pub(crate) use std::sync::{Arc, atomic};

#[cfg(active_requests_loom)]
pub(crate) use loom::sync::{Arc, atomic};

#[cfg(not(active_requests_loom))]
pub(crate) use std::sync::MutexGuard;

#[cfg(active_requests_loom)]
pub(crate) use loom::sync::MutexGuard;

#[cfg(feature = "monitor")]
use std::sync::TryLockError;

/// A mutex that does not poison: whatever panicked under it, a row can still be let go of.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T> {
    #[cfg(not(active_requests_loom))]
    inner: std::sync::Mutex<T>,
    #[cfg(active_requests_loom)]
    inner: loom::sync::Mutex<T>,
}

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { inner: value.into() }
    }

    /// Returns `None` while somebody else holds the lock.
    #[cfg(feature = "monitor")]
    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        match self.inner.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
