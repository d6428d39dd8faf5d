//! A connection and what is to come out of it are polled when there is something to be done, and not otherwise.

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

/// The two wakers that have been given out.
#[derive(Clone)]
struct Wakers {
    connection: Waker,
    wanted: Waker,
}

struct Task {
    relay: PollTogether,
    woken: Arc<Woken>,
    wakers: Option<Wakers>,
}

/// How often the connection was polled, and how often what is wanted.
type Polls = (usize, usize);

impl Task {
    /// A task that has polled both once.
    fn new() -> Self {
        let mut task = Self { relay: PollTogether::default(), woken: Arc::default(), wakers: None };
        assert_eq!(task.poll(|_, _| PENDING), ((1, 1), PENDING));
        assert_eq!(task.woken.times(), 0);
        task
    }

    /// Polls, `wanted` told the number of its turn and the wakers.
    fn poll(&mut self, mut wanted: impl FnMut(usize, &Wakers) -> Poll<()>) -> (Polls, Poll<()>) {
        let waker = Waker::from(Arc::clone(&self.woken));
        let (mut drives, mut turns) = (0, 0);
        let mut connection = self.wakers.as_ref().map(|wakers| wakers.connection.clone());
        let connection = std::cell::RefCell::new(&mut connection);
        let kept = &mut self.wakers;
        let polled = self.relay.poll(
            &Context::from_waker(&waker),
            |cx| {
                drives += 1;
                **connection.borrow_mut() = Some(cx.waker().clone());
            },
            |cx| {
                turns += 1;
                let connection = connection.borrow().clone().expect("the connection is polled first");
                let wakers = Wakers { connection, wanted: cx.waker().clone() };
                wanted(turns, kept.insert(wakers))
            },
        );
        ((drives, turns), polled)
    }

    fn wakers(&self) -> Wakers {
        self.wakers.clone().unwrap()
    }
}

const PENDING: Poll<()> = Poll::Pending;

#[test]
fn a_wake_up_from_outside_wakes_the_task() {
    let mut task = Task::new();
    task.wakers().wanted.wake();
    assert_eq!(task.woken.times(), 1);
    assert_eq!(task.poll(|_, _| PENDING), ((0, 1), PENDING));
    task.wakers().connection.wake();
    assert_eq!(task.woken.times(), 1);
    assert_eq!(task.poll(|_, _| PENDING), ((1, 1), PENDING), "it may have something for the other");
}

#[test]
fn a_wake_up_from_inside_is_another_turn_and_does_not_wake_the_task() {
    let mut task = Task::new();
    task.wakers().wanted.wake();
    task.woken.times();
    let twice = |turn, wakers: &Wakers| {
        match turn {
            1 => wakers.connection.wake_by_ref(),
            2 => wakers.wanted.wake_by_ref(),
            _ => {}
        }
        PENDING
    };
    assert_eq!(task.poll(twice), ((1, 3), PENDING));
    assert_eq!(task.woken.times(), 0);
}

#[test]
fn what_was_not_woken_is_not_polled() {
    let mut task = Task::new();
    assert_eq!(task.poll(|_, _| PENDING), ((0, 0), PENDING));
    assert_eq!(task.poll(|_, _| PENDING), ((0, 0), PENDING));
}

#[test]
fn what_was_ready_is_polled_again_and_the_connection_only_if_it_was_woken() {
    let mut task = Task::new();
    task.wakers().wanted.wake();
    assert_eq!(task.poll(|_, _| Poll::Ready(())), ((0, 1), Poll::Ready(())));
    let takes = |_, wakers: &Wakers| {
        wakers.connection.wake_by_ref();
        Poll::Ready(())
    };
    assert_eq!(task.poll(takes), ((0, 1), Poll::Ready(())));
    assert_eq!(task.poll(|_, _| PENDING), ((1, 1), PENDING));
}

#[test]
fn two_that_wake_each_other_without_end_give_way_to_the_scheduler() {
    let mut task = Task::new();
    task.wakers().wanted.wake();
    task.woken.times();
    let restless = |_, wakers: &Wakers| {
        wakers.wanted.wake_by_ref();
        PENDING
    };
    let ((_, turns), polled) = task.poll(restless);
    assert!(turns < 100 && polled.is_pending());
    assert_eq!(task.woken.times(), 1, "the task comes back to it");
    assert!(task.poll(|_, _| PENDING).0.1 > 0);
}

#[test]
fn a_connection_at_rest_wakes_nobody_and_is_polled_if_it_was_woken() {
    let task = Task::new();
    let drives = || {
        let mut drives = 0;
        task.relay.drive_if_due(|_| drives += 1);
        drives
    };
    task.relay.rest();
    assert_eq!(drives(), 0);
    task.wakers().connection.wake();
    assert_eq!(task.woken.times(), 0);
    assert_eq!([drives(), drives()], [1, 0]);
}
