//! The functions that are called for each request that has ended.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use super::entry::Entry;

/// Identifies a function given to [`RequestTracker::on_end`](super::RequestTracker::on_end).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EndHookId(u64);

type EndHook = Arc<dyn Fn(&Entry) + Send + Sync>;

/// The list of functions; free of cost while it is empty.
#[derive(Default)]
pub(crate) struct EndHooks {
    any: AtomicBool,
    /// Replaced as a whole, so that a call needs the lock only to fetch it.
    list: Mutex<Arc<[(EndHookId, EndHook)]>>,
}

impl EndHooks {
    pub(crate) fn add(&self, hook: EndHook) -> EndHookId {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = EndHookId(NEXT.fetch_add(1, Ordering::Relaxed));
        let mut list = self.lock();
        *list = list.iter().cloned().chain([(id, hook)]).collect();
        self.any.store(true, Ordering::Release);
        id
    }

    /// Returns whether there was one of this id.
    pub(crate) fn remove(&self, id: EndHookId) -> bool {
        let mut list = self.lock();
        let before = list.len();
        *list = list.iter().filter(|(other, _)| *other != id).cloned().collect();
        self.any.store(!list.is_empty(), Ordering::Release);
        list.len() < before
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        !self.any.load(Ordering::Acquire)
    }

    /// Calls each function once. One that panics keeps neither the others nor the request's end back.
    pub(crate) fn call(&self, entry: &Entry) {
        let list = Arc::clone(&self.lock());
        for (_, hook) in &*list {
            // The panic has been reported by the process's panic hook.
            drop(catch_unwind(AssertUnwindSafe(|| hook(entry))));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Arc<[(EndHookId, EndHook)]>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for EndHooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndHooks").field("count", &self.lock().len()).finish()
    }
}
