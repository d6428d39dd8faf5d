//! Futures that are driven together are polled when there is something to be done, and not otherwise.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use active_requests_proxy::upstream::poll_together::PollTogether;

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Woken {
    fn times(&self) -> usize {
        self.0.swap(0, Ordering::SeqCst)
    }
}

struct Task {
    relay: PollTogether,
    woken: Arc<Woken>,
    /// What the futures keep to wake the task with.
    kept: Option<Waker>,
}

impl Task {
    fn new() -> Self {
        Self { relay: PollTogether::default(), woken: Arc::default(), kept: None }
    }

    /// Polls, and returns how often the futures were, with `turn` told the number of its turn.
    fn poll(&mut self, mut turn: impl FnMut(usize, &Waker) -> Poll<()>) -> (usize, Poll<()>) {
        let waker = Waker::from(Arc::clone(&self.woken));
        let mut turns = 0;
        let polled = self.relay.poll(&Context::from_waker(&waker), |cx| {
            turns += 1;
            self.kept = Some(cx.waker().clone());
            turn(turns, cx.waker())
        });
        (turns, polled)
    }

    fn wake(&self) {
        self.kept.as_ref().unwrap().wake_by_ref();
    }
}

const PENDING: Poll<()> = Poll::Pending;

#[test]
fn who_wakes_from_outside_wakes_the_task() {
    let mut task = Task::new();
    assert_eq!(task.poll(|_, _| PENDING), (1, PENDING));
    assert_eq!(task.woken.times(), 0);
    task.wake();
    assert_eq!(task.woken.times(), 1);
    assert_eq!(task.poll(|_, _| PENDING), (1, PENDING));
}

#[test]
fn who_wakes_from_inside_gets_another_turn_and_the_task_none() {
    let mut task = Task::new();
    let twice = |turn, waker: &Waker| {
        if turn < 3 {
            waker.wake_by_ref();
        }
        PENDING
    };
    assert_eq!(task.poll(twice), (3, PENDING));
    assert_eq!(task.woken.times(), 0);
}

#[test]
fn while_nobody_wakes_them_they_are_not_asked() {
    let mut task = Task::new();
    assert_eq!(task.poll(|_, _| PENDING), (1, PENDING));
    assert_eq!(task.poll(|_, _| PENDING), (0, PENDING));
    assert_eq!(task.poll(|_, _| PENDING), (0, PENDING));
}

#[test]
fn after_something_was_ready_they_are_asked_again() {
    let mut task = Task::new();
    assert_eq!(task.poll(|_, _| Poll::Ready(())), (1, Poll::Ready(())));
    assert_eq!(task.poll(|_, _| PENDING), (1, PENDING));
}

#[test]
fn nobody_keeps_the_scheduler_for_long() {
    let mut task = Task::new();
    let restless = |_, waker: &Waker| {
        waker.wake_by_ref();
        PENDING
    };
    let (turns, polled) = task.poll(restless);
    assert!(turns < 100 && polled.is_pending());
    assert_eq!(task.woken.times(), 1, "the task comes back to it");
    assert!(task.poll(|_, _| PENDING).0 > 0);
}
