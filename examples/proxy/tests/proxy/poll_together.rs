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
    /// The waker that the futures have been given.
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
fn a_wake_up_from_outside_wakes_the_task() {
    let mut task = Task::new();
    assert_eq!(task.poll(|_, _| PENDING), (1, PENDING));
    assert_eq!(task.woken.times(), 0);
    task.wake();
    assert_eq!(task.woken.times(), 1);
    assert_eq!(task.poll(|_, _| PENDING), (1, PENDING));
}

#[test]
fn a_wake_up_from_inside_is_another_turn_and_does_not_wake_the_task() {
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
fn futures_that_were_not_woken_are_not_polled() {
    let mut task = Task::new();
    assert_eq!(task.poll(|_, _| PENDING), (1, PENDING));
    assert_eq!(task.poll(|_, _| PENDING), (0, PENDING));
    assert_eq!(task.poll(|_, _| PENDING), (0, PENDING));
}

#[test]
fn futures_are_polled_again_after_something_was_ready() {
    let mut task = Task::new();
    assert_eq!(task.poll(|_, _| Poll::Ready(())), (1, Poll::Ready(())));
    assert_eq!(task.poll(|_, _| PENDING), (1, PENDING));
}

#[test]
fn futures_that_wake_each_other_without_end_give_way_to_the_scheduler() {
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
