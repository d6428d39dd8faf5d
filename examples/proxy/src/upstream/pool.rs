//! Connections that wait for a request. Each thread that serves takes those that it has opened, so that no chunk wakes another thread.

use std::{
    cell::Cell,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Threads with connections of their own; more than that share.
const SHARDS: usize = 64;

/// The time after which an idle connection is closed.
pub(super) const LONGEST_IDLE: Duration = Duration::from_secs(60);

thread_local! {
    /// The shard of this thread.
    static SHARD: Cell<usize> = const { Cell::new(0) };
}

/// Gives this thread connections of its own: those of number `thread`.
pub fn enter(thread: usize) {
    SHARD.set(thread % SHARDS);
}

/// A connection that can wait for a request.
pub trait PooledConnection {
    /// Whether it can take one now.
    fn is_idle(&mut self) -> bool;
}

/// Connections to one address that wait for a request, by thread, the last used on top.
#[derive(Debug)]
pub struct Pool<C>(Arc<[Shard<C>; SHARDS]>);

/// The connections of one thread. It shares no line of the processors' caches with another's: what one writes there, others would fetch anew.
#[derive(Debug)]
#[repr(align(128))]
struct Shard<C>(Mutex<Vec<IdleConnection<C>>>);

#[derive(Debug)]
struct IdleConnection<C> {
    connection: C,
    since: Instant,
}

impl<C> Clone for Pool<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C> Default for Pool<C> {
    fn default() -> Self {
        Self(Arc::new(std::array::from_fn(|_| Shard(Mutex::default()))))
    }
}

impl<C: PooledConnection> Pool<C> {
    /// A connection of this thread's on which the next request can be sent.
    pub fn take(&self) -> Option<C> {
        loop {
            let idle = self.own().pop()?;
            let mut connection = idle.connection;
            if idle.since.elapsed() < LONGEST_IDLE && connection.is_idle() {
                return Some(connection);
            }
        }
    }

    pub(super) fn put(&self, connection: C) {
        self.own().push(IdleConnection { connection, since: Instant::now() });
    }

    /// Closes what has been idle for too long, or was closed at the other end; of all threads.
    pub fn sweep(&self) {
        for shard in &*self.0 {
            shard.lock().retain_mut(|idle| idle.since.elapsed() < LONGEST_IDLE && idle.connection.is_idle());
        }
    }

    fn own(&self) -> MutexGuard<'_, Vec<IdleConnection<C>>> {
        self.0[SHARD.get()].lock()
    }
}

impl<C> Shard<C> {
    fn lock(&self) -> MutexGuard<'_, Vec<IdleConnection<C>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl PooledConnection for &'static str {
        fn is_idle(&mut self) -> bool {
            *self != "closed"
        }
    }

    #[test]
    fn a_thread_takes_its_own_open_connections_the_last_used_first() {
        let pool = Pool::default();
        let theirs = pool.clone();
        std::thread::spawn(move || {
            enter(1);
            theirs.put("of thread 1");
        })
        .join()
        .unwrap();
        ["first", "last", "closed"].into_iter().for_each(|connection| pool.put(connection));
        assert_eq!([(); 3].map(|()| pool.take()), [Some("last"), Some("first"), None]);
        enter(1);
        assert_eq!(pool.take(), Some("of thread 1"));
        enter(0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_sweep_closes_what_has_waited_for_long_on_any_thread() {
        let pool = Pool::default();
        enter(1);
        pool.put("old");
        tokio::time::advance(LONGEST_IDLE).await;
        pool.put("new");
        enter(0);
        pool.sweep();
        enter(1);
        assert_eq!([pool.take(), pool.take()], [Some("new"), None]);
        enter(0);
    }
}
