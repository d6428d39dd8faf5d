//! A cancellation beside the polls of a body, in every order in which threads can run, up to a number of preemptions.

use std::{
    convert::Infallible,
    mem::ManuallyDrop,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};

use ::loom::{
    model::Builder,
    sync::{
        Condvar, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};
use bytes::Bytes;
use http_body::{Body, Frame};

use super::{Cancellable, Course, Killed, Switch};
use crate::{
    config::TrackerConfig,
    tracker::{ActiveRequest, Cancellation, Canceller, Outcome, RequestHandle, RequestInfo, RequestTracker, Row},
};

/// Keeps a wake-up for the next wait.
#[derive(Default)]
struct WakeUp {
    woken: Mutex<bool>,
    condition: Condvar,
}

impl Wake for WakeUp {
    fn wake(self: Arc<Self>) {
        *self.woken.lock().unwrap() = true;
        self.condition.notify_one();
    }
}

impl WakeUp {
    fn wait(&self) {
        let mut woken = self.woken.lock().unwrap();
        while !std::mem::take(&mut *woken) {
            woken = self.condition.wait(woken).unwrap();
        }
    }
}

/// A body that has one frame; after that it ends, or never has anything again.
struct OneFrame {
    polled: bool,
    ends: bool,
    dropped: Arc<AtomicBool>,
}

impl Drop for OneFrame {
    fn drop(&mut self) {
        self.dropped.store(true, Ordering::SeqCst);
    }
}

impl Body for OneFrame {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match (std::mem::replace(&mut self.polled, true), self.ends) {
            (false, _) => Poll::Ready(Some(Ok(Frame::data(Bytes::new())))),
            (true, true) => Poll::Ready(None),
            (true, false) => Poll::Pending,
        }
    }
}

/// Returns whether nothing follows.
fn poll(body: &mut Cancellable<OneFrame>, cx: &mut Context<'_>) -> Poll<Result<bool, Killed>> {
    match body.poll_frame(cx) {
        Ok(polled) => polled.map(|_| Ok(body.is_over())),
        Err(killed) => Poll::Ready(Err(killed)),
    }
}

/// Polls to the end, as a server does, and ends the request as `ActiveRequestsLayer` does. Returns whether the client saw a cut.
fn serve(body: Cancellable<OneFrame>, guard: ActiveRequest) -> bool {
    // A model that fails is left as it stands: a destructor that takes a lock would abort the test.
    let (mut body, guard) = (ManuallyDrop::new(body), ManuallyDrop::new(guard));
    let wake_up = Arc::new(WakeUp::default());
    let waker = Waker::from(Arc::clone(&wake_up));
    let mut cx = Context::from_waker(&waker);
    let end = loop {
        match poll(&mut body, &mut cx) {
            Poll::Pending => wake_up.wait(),
            Poll::Ready(Ok(false)) => {}
            Poll::Ready(Ok(true)) => break Outcome::Completed,
            Poll::Ready(Err(Killed)) => break Outcome::BodyError,
        }
    };
    drop(ManuallyDrop::into_inner(body));
    ManuallyDrop::into_inner(guard).finish(end);
    end == Outcome::BodyError
}

/// A switch whose cancellation is two steps, between which anything may happen.
#[derive(Debug)]
struct InTwoSteps {
    switch: Arc<Switch<OneFrame>>,
    /// The waker is taken in the first step, as well as the look at the course.
    wakes_first: bool,
}

impl InTwoSteps {
    fn register(handle: &RequestHandle, wakes_first: bool) -> Cancellable<OneFrame> {
        let switch = Arc::new(Switch::new(handle.clone()));
        let canceller: Arc<dyn Canceller> = Arc::new(Self { switch: Arc::clone(&switch), wakes_first });
        handle.register_canceller(&canceller);
        Cancellable::new(switch)
    }
}

impl Canceller for InTwoSteps {
    fn cancel(&self, row: &Row) -> bool {
        let mut state = self.switch.state.lock();
        if !matches!(state.course, Course::Running) {
            return false;
        }
        let early = self.wakes_first.then(|| state.waker.take()).flatten();
        drop(state);
        let mut state = self.switch.state.lock();
        state.course = Course::Killed(Some(Box::new(row.clone())));
        let late = (!self.wakes_first).then(|| state.waker.take()).flatten();
        let body = state.body.take();
        drop(state);
        self.switch.handle.finish_killed();
        drop(body);
        early.or(late).into_iter().for_each(Waker::wake);
        true
    }
}

fn cancel_beside(ends: bool, register: impl Fn(&RequestHandle) -> Cancellable<OneFrame> + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(move || {
        let tracker = RequestTracker::new(TrackerConfig::default().max_keys(2).max_traces(2).max_errors(2));
        let guard = tracker.start(&http::Method::GET, "/", &RequestInfo::new()).unwrap();
        let handle = guard.handle();
        let dropped = Arc::new(AtomicBool::new(false));
        let body = register(&handle);
        body.start_body(OneFrame { polled: false, ends, dropped: Arc::clone(&dropped) }).unwrap();

        let operator = thread::spawn(move || handle.cancel());
        let cut = serve(body, guard);
        let cancelled = operator.join().unwrap() == Cancellation::Cancelled;

        assert_eq!(cut, cancelled, "the client and the operator see the same");
        assert!(dropped.load(Ordering::SeqCst), "the inner body is gone");
        let traces = tracker.recent_traces(2);
        assert_eq!((traces.len(), tracker.active()), (1, 0), "there is one outcome");
        assert_eq!(traces[0].outcome, if cancelled { Outcome::Killed } else { Outcome::Completed });
    });
}

#[test]
fn a_cancellation_beside_the_end_has_one_outcome() {
    cancel_beside(true, Cancellable::register);
}

#[test]
#[should_panic(expected = "the client and the operator see the same")]
fn a_cancellation_that_looks_before_it_acts_has_two_outcomes() {
    cancel_beside(true, |handle| InTwoSteps::register(handle, false));
}

#[test]
fn a_cancellation_of_a_body_that_waits_is_not_slept_through() {
    cancel_beside(false, Cancellable::register);
}

#[test]
#[should_panic(expected = "deadlock")]
fn a_cancellation_that_takes_the_waker_too_early_is_slept_through() {
    cancel_beside(false, |handle| InTwoSteps::register(handle, true));
}

/// The client leaves while the operator cancels.
#[test]
fn a_body_that_is_dropped_beside_a_cancellation_has_one_outcome() {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(|| {
        let tracker = RequestTracker::new(TrackerConfig::default().max_keys(2).max_traces(2).max_errors(2));
        let guard = tracker.start(&http::Method::GET, "/", &RequestInfo::new()).unwrap();
        let handle = guard.handle();
        let dropped = Arc::new(AtomicBool::new(false));
        let body = Cancellable::register(&handle);
        body.start_body(OneFrame { polled: false, ends: false, dropped: Arc::clone(&dropped) }).unwrap();
        let operator = thread::spawn(move || handle.cancel());
        drop(body);
        drop(guard);
        let cancelled = operator.join().unwrap() == Cancellation::Cancelled;
        assert!(dropped.load(Ordering::SeqCst), "the inner body is gone");
        let traces = tracker.recent_traces(2);
        assert_eq!((traces.len(), tracker.active()), (1, 0), "there is one outcome");
        assert_eq!(traces[0].outcome, if cancelled { Outcome::Killed } else { Outcome::Cancelled });
    });
}
