//! A waker for futures that are driven together, by one task.
//!
//! The two halves of a connection talk through channels, and each message wakes the task that is polling them both right now.
//! Passed on, each would cost one more turn of the scheduler for nothing. The relay keeps those to itself, as a word that there is
//! more to do, and passes on what comes from elsewhere. And while nobody has woken them, it knows without asking that all are still waiting.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures_util::task::AtomicWaker;

/// The most turns within one. What then is still to be done takes another one of the scheduler's, so that nobody keeps it for long.
const MOST_TURNS: usize = 16;

/// Drives futures together. They must not be polled by any other waker than the one handed out.
#[derive(Debug)]
pub struct PollTogether {
    shared: Arc<Shared>,
    waker: Waker,
}

#[derive(Debug)]
struct Shared {
    task: AtomicWaker,
    /// The futures are being polled.
    turning: AtomicBool,
    /// There is something to be done: somebody has woken the futures since they were last polled, or one of them was ready.
    again: AtomicBool,
}

impl Wake for Shared {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.again.store(true, Ordering::SeqCst);
        if !self.turning.load(Ordering::SeqCst) {
            self.task.wake();
        }
    }
}

impl Default for PollTogether {
    fn default() -> Self {
        let shared = Arc::new(Shared {
            task: AtomicWaker::new(),
            turning: AtomicBool::new(false),
            again: AtomicBool::new(true),
        });
        let waker = Waker::from(Arc::clone(&shared));
        Self { shared, waker }
    }
}

impl PollTogether {
    /// Calls `turn` until it is ready, or until no wake-up has come since its last call.
    pub fn poll<T>(&self, cx: &Context<'_>, mut turn: impl FnMut(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
        let shared = &*self.shared;
        shared.task.register(cx.waker());
        if !shared.again.swap(false, Ordering::SeqCst) {
            return Poll::Pending;
        }
        shared.turning.store(true, Ordering::SeqCst);
        let mut turns = 0;
        let polled = loop {
            let polled = turn(&mut Context::from_waker(&self.waker));
            turns += 1;
            if polled.is_ready() || turns == MOST_TURNS {
                shared.again.store(true, Ordering::SeqCst);
                break polled;
            }
            if !shared.again.swap(false, Ordering::SeqCst) {
                break Poll::Pending;
            }
        };
        shared.turning.store(false, Ordering::SeqCst);
        // Whoever came between the last look and now has not woken the task.
        if polled.is_pending() && shared.again.load(Ordering::SeqCst) {
            cx.waker().wake_by_ref();
        }
        polled
    }
}
