//! Wakers for a connection and for what is to come out of it, both driven by one task.
//!
//! The two talk through channels, and each message wakes the task that is polling them both right now.
//! Passed on, each would cost one more turn of the scheduler for nothing. The relay keeps those to itself, as a word that there is
//! more to do, and passes on what comes from elsewhere. And while nobody has woken them, it knows without asking that both are still waiting.
//! Each has a waker of its own, so that a connection to which nothing has happened is not polled for the sake of the other.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures_util::task::AtomicWaker;

use crate::quiet_body::hold_back;

/// The most turns within one. What then is still to be done takes another one of the scheduler's, so that nobody keeps it for long.
const MOST_TURNS: usize = 16;

/// Drives a connection and what is to come out of it. They must not be polled by any other waker than those handed out.
#[derive(Debug)]
pub struct PollTogether {
    relay: Arc<Relay>,
    connection: Driven,
    wanted: Driven,
}

#[derive(Debug, Default)]
struct Relay {
    task: AtomicWaker,
    /// The two are being polled.
    turning: AtomicBool,
}

/// One of the two, and its waker.
#[derive(Debug)]
struct Driven {
    state: Arc<DrivenState>,
    waker: Waker,
}

#[derive(Debug)]
struct DrivenState {
    relay: Arc<Relay>,
    /// It is to be polled: it has been woken since it was last polled, never has been polled, or was ready.
    due: AtomicBool,
}

impl Wake for DrivenState {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if hold_back(|| Waker::from(Arc::clone(self))) {
            return;
        }
        self.due.store(true, Ordering::SeqCst);
        if !self.relay.turning.load(Ordering::SeqCst) {
            self.relay.task.wake();
        }
    }
}

impl Driven {
    fn new(relay: &Arc<Relay>) -> Self {
        let state = Arc::new(DrivenState { relay: Arc::clone(relay), due: AtomicBool::new(true) });
        let waker = Waker::from(Arc::clone(&state));
        Self { state, waker }
    }

    fn is_due(&self) -> bool {
        self.state.due.load(Ordering::SeqCst)
    }

    fn take_due(&self) -> bool {
        self.state.due.swap(false, Ordering::SeqCst)
    }

    fn context(&self) -> Context<'_> {
        Context::from_waker(&self.waker)
    }
}

impl Default for PollTogether {
    fn default() -> Self {
        let relay = Arc::default();
        Self { connection: Driven::new(&relay), wanted: Driven::new(&relay), relay }
    }
}

impl PollTogether {
    /// Polls the connection by `drive` where it has been woken, and then what is `wanted`, until that is ready, or until no wake-up has come
    /// since.
    pub fn poll<T>(
        &self,
        cx: &Context<'_>,
        mut drive: impl FnMut(&mut Context<'_>),
        mut wanted: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.relay.task.register(cx.waker());
        if !self.is_due() {
            return Poll::Pending;
        }
        self.relay.turning.store(true, Ordering::SeqCst);
        let mut polled = Poll::Pending;
        for _ in 0..MOST_TURNS {
            self.drive_if_due(&mut drive);
            self.wanted.take_due();
            polled = wanted(&mut self.wanted.context());
            if polled.is_ready() {
                // There may be more of it.
                self.wanted.state.due.store(true, Ordering::SeqCst);
            }
            if polled.is_ready() || !self.is_due() {
                break;
            }
        }
        self.relay.turning.store(false, Ordering::SeqCst);
        // Whoever came between the last look and now has not woken the task.
        if polled.is_pending() && self.is_due() {
            cx.waker().wake_by_ref();
        }
        polled
    }

    /// Polls the connection by `drive` where it has been woken.
    pub fn drive_if_due(&self, drive: impl FnOnce(&mut Context<'_>)) {
        if self.connection.is_due() {
            self.drive(drive);
        }
    }

    /// Polls the connection by `drive`.
    pub fn drive(&self, drive: impl FnOnce(&mut Context<'_>)) {
        self.connection.take_due();
        drive(&mut self.connection.context());
    }

    /// Forgets the task: nobody waits any more. What wakes the connection from now on is noted for the next one.
    pub fn rest(&self) {
        drop(self.relay.task.take());
    }

    fn is_due(&self) -> bool {
        self.connection.is_due() || self.wanted.is_due()
    }
}
