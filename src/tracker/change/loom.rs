//! The protocol in every order in which threads can run, up to a number of preemptions.

use super::{Listener, Listeners, Wake};
use crate::{
    config::TrackerConfig,
    sync::{Mutex, atomic::Ordering},
    tracker::{Outcome, RequestInfo, RequestTracker, TotalsFilter},
};
use ::loom::{
    model::Builder,
    sync::{Arc, Condvar, Mutex as LoomMutex},
    thread,
};

/// `Notify`, as far as it is used: a wake-up is kept for the next wait.
#[derive(Default)]
struct Bell {
    rung: LoomMutex<bool>,
    ringing: Condvar,
}

impl Wake for Bell {
    fn wake(&self) {
        *self.rung.lock().unwrap() = true;
        self.ringing.notify_one();
    }
}

impl Bell {
    fn wait(&self) {
        let mut rung = self.rung.lock().unwrap();
        while !std::mem::take(&mut *rung) {
            rung = self.ringing.wait(rung).unwrap();
        }
    }
}

/// A list that changes: its shards' versions, and those who listen.
struct List {
    shards: [Mutex<u64>; 2],
    listeners: Listeners<Bell>,
}

impl List {
    fn new() -> Arc<Self> {
        Arc::new(Self { shards: [Mutex::new(0), Mutex::new(0)], listeners: Listeners::new() })
    }

    fn change(&self, shard: usize) {
        *self.shards[shard].lock() += 1;
        self.listeners.changed();
    }

    /// As [`change`](Self::change), but for the order: the flag is read before the change is made.
    fn change_after_a_look_at_the_flag(&self, shard: usize) {
        let armed = self.listeners.armed.load(Ordering::Relaxed);
        *self.shards[shard].lock() += 1;
        if armed && self.listeners.armed.swap(false, Ordering::AcqRel) {
            self.listeners.wake_all();
        }
    }

    fn version(&self) -> u64 {
        self.shards.iter().map(|shard| *shard.lock()).sum()
    }

    /// Waits as the publisher does until `done` with what it has seen, or the list is closed.
    fn listen_until(&self, listener: &Listener<'_, Bell>, done: impl Fn(u64) -> bool) {
        loop {
            let open = listener.arm();
            if done(self.version()) || !open {
                return;
            }
            listener.wake.wait();
        }
    }
}

fn model(run: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(run);
}

/// Two producers, each with a change to a shard of its own or to the same one, and a listener that wants to see both.
fn nobody_sleeps_through(shards: [usize; 2], change: fn(&List, usize)) {
    model(move || {
        let list = List::new();
        let listener = list.listeners.listen();
        let producers = shards.map(|shard| {
            let list = Arc::clone(&list);
            thread::spawn(move || change(&list, shard))
        });
        list.listen_until(&listener, |version| version == 2);
        producers.into_iter().for_each(|producer| producer.join().unwrap());
    });
}

#[test]
fn no_change_is_slept_through() {
    nobody_sleeps_through([0, 1], List::change);
    nobody_sleeps_through([0, 0], List::change);
}

#[test]
#[should_panic(expected = "deadlock")]
fn a_flag_that_is_read_too_early_loses_a_change() {
    nobody_sleeps_through([0, 1], List::change_after_a_look_at_the_flag);
}

#[test]
fn one_listener_does_not_take_anothers_wake_up() {
    model(|| {
        let list = List::new();
        let listener = list.listeners.listen();
        let other = Arc::clone(&list);
        let thread = thread::spawn(move || {
            let listener = other.listeners.listen();
            other.listen_until(&listener, |version| version == 1);
        });
        list.change(0);
        list.listen_until(&listener, |version| version == 1);
        thread.join().unwrap();
    });
}

#[test]
fn a_shutdown_is_not_slept_through_whatever_starts_meanwhile() {
    model(|| {
        let list = List::new();
        let (starting, closing) = (Arc::clone(&list), Arc::clone(&list));
        let threads = [thread::spawn(move || starting.change(0)), thread::spawn(move || closing.listeners.close())];
        let listener = list.listeners.listen();
        list.listen_until(&listener, |_| false);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert!(list.listeners.is_closed());
    });
}

fn tracker() -> RequestTracker {
    RequestTracker::new(TrackerConfig::default().max_keys(2).max_traces(1).max_errors(1))
}

#[test]
fn a_request_that_ends_is_counted_once_whenever_one_looks() {
    model(|| {
        let tracker = tracker();
        let request = tracker.start(&http::Method::GET, "/", &RequestInfo::new()).unwrap();
        let looking = tracker.clone();
        let thread = thread::spawn(move || {
            let totals = looking.running_totals(&TotalsFilter::default());
            assert_eq!(totals.total_requests, 1);
            let rows = looking.snapshot().len();
            let traces = looking.recent_traces(1).len();
            assert!(rows + traces >= 1 && rows <= 1);
        });
        request.finish(Outcome::Completed);
        thread.join().unwrap();
        assert_eq!((tracker.snapshot().len(), tracker.recent_traces(1).len()), (0, 1));
    });
}

#[test]
fn a_request_that_starts_during_a_shutdown_is_tracked_on() {
    model(|| {
        let tracker = tracker();
        let closing = tracker.clone();
        let thread = thread::spawn(move || closing.shutdown());
        let request = tracker.start(&http::Method::GET, "/", &RequestInfo::new()).unwrap();
        assert_eq!(tracker.active(), 1);
        thread.join().unwrap();
        assert!(tracker.is_shut_down());
        drop(request);
        assert_eq!(tracker.active(), 0);
    });
}
