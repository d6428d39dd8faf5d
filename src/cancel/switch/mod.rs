//! The switch between a request's body and whoever cancels it.
//!
//! One lock decides which came first: the cancellation, which takes the body out and drops it, or the end, after which there is nothing
//! to cancel. The task that polls takes the body out for the time of the poll, so that a cancellation from within the poll, or while
//! another thread polls, needs no lock that is held: the body is dropped when the poll is over. `loom` models it.

#[cfg(all(test, active_requests_loom))]
mod loom;

use std::{
    fmt, mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use http_body::{Body, Frame, SizeHint};

use crate::{
    sync::Mutex,
    tracker::{Canceller, RequestHandle, Row},
};

/// The shared part: registered in the request's row, and held by its future or body.
pub(super) struct Switch<B> {
    handle: RequestHandle,
    state: Mutex<SwitchState<B>>,
}

struct SwitchState<B> {
    course: Course,
    /// The inner body, from the response head on; taken out while it is polled.
    body: Option<Pin<Box<B>>>,
    /// Wakes the task that waits for the future or the body.
    waker: Option<Waker>,
}

/// How far the request has come.
enum Course {
    Running,
    /// Cancelled; with the row as it was, until the answer is made of it.
    Killed(Option<Box<Row>>),
    Ended,
}

/// Means that the request has been cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Killed;

/// The data or trailers of a body, its error, or its end.
type NextFrame<B> = Option<Result<Frame<<B as Body>::Data>, <B as Body>::Error>>;

/// The step after a poll of the body.
enum AfterPoll<'a> {
    PollAgain,
    Wait(&'a Waker),
    End,
}

impl<B> Switch<B> {
    fn new(handle: RequestHandle) -> Self {
        let state = SwitchState { course: Course::Running, body: None, waker: None };
        Self { handle, state: Mutex::new(state) }
    }

    /// Ends the course, unless the request has been cancelled.
    fn end(&self) -> Result<(), Killed> {
        let mut state = self.state.lock();
        let killed = matches!(state.course, Course::Killed(_));
        if !killed {
            state.course = Course::Ended;
        }
        let left = (state.body.take(), state.waker.take());
        drop(state);
        drop(left);
        self.unless(killed)
    }

    /// Ends the rows of a request that has been cancelled, before anything of it is seen: who has cancelled it may be about to.
    fn unless(&self, killed: bool) -> Result<(), Killed> {
        if killed {
            self.handle.finish_killed();
            return Err(Killed);
        }
        Ok(())
    }

    /// Waits to be polled again.
    fn wait(&self, waker: &Waker) -> Result<(), Killed> {
        let mut state = self.state.lock();
        let killed = matches!(state.course, Course::Killed(_));
        if !killed {
            state.set_waker(waker);
        }
        drop(state);
        self.unless(killed)
    }

    /// Puts the body in, after the response head or after a poll.
    fn put(&self, body: Pin<Box<B>>, next: &AfterPoll<'_>) -> Result<(), Killed> {
        let mut state = self.state.lock();
        let killed = matches!(state.course, Course::Killed(_));
        let mut body = Some(body);
        if !killed {
            match next {
                AfterPoll::PollAgain => state.body = body.take(),
                AfterPoll::Wait(waker) => {
                    state.body = body.take();
                    state.set_waker(waker);
                }
                AfterPoll::End => state.course = Course::Ended,
            }
        }
        drop(state);
        // As the cancellation drops it, and the end: without the lock, since a body may do anything as it goes.
        drop(body);
        self.unless(killed)
    }

    fn take(&self) -> Option<Pin<Box<B>>> {
        self.state.lock().body.take()
    }
}

impl<B> SwitchState<B> {
    fn set_waker(&mut self, waker: &Waker) {
        match &mut self.waker {
            Some(known) => known.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
    }
}

impl<B: Send> Canceller for Switch<B> {
    fn cancel(&self, row: &Row) -> bool {
        let mut state = self.state.lock();
        if !matches!(state.course, Course::Running) {
            return false;
        }
        state.course = Course::Killed(Some(Box::new(row.clone())));
        let (body, waker) = (state.body.take(), state.waker.take());
        drop(state);
        self.handle.finish_killed();
        drop(body);
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }
}

impl<B> fmt::Debug for Switch<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Switch").field("handle", &self.handle).finish_non_exhaustive()
    }
}

/// The request's side of a switch. Dropping it ends the course.
#[derive(Debug)]
pub(super) struct Cancellable<B> {
    switch: Arc<Switch<B>>,
    /// The body has ended, and the course with it.
    is_over: bool,
}

impl<B: Send + 'static> Cancellable<B> {
    /// Makes the request of `handle` cancellable.
    pub(super) fn register(handle: &RequestHandle) -> Self {
        let switch = Arc::new(Switch::new(handle.clone()));
        let canceller: Arc<dyn Canceller> = Arc::clone(&switch) as _;
        handle.register_canceller(&canceller);
        Self::new(switch)
    }
}

impl<B> Cancellable<B> {
    fn new(switch: Arc<Switch<B>>) -> Self {
        Self { switch, is_over: false }
    }

    /// Whether the request has been cancelled.
    pub(super) fn check(&self) -> Result<(), Killed> {
        let killed = matches!(self.switch.state.lock().course, Course::Killed(_));
        self.switch.unless(killed)
    }

    /// Waits to be polled again, or by a cancellation.
    pub(super) fn wait(&self, waker: &Waker) -> Result<(), Killed> {
        self.switch.wait(waker)
    }

    /// Ends the course, unless the request has been cancelled.
    pub(super) fn end(&self) -> Result<(), Killed> {
        self.switch.end()
    }

    /// Takes over the body when the response head has come.
    pub(super) fn start_body(&self, body: B) -> Result<(), Killed> {
        self.switch.put(Box::pin(body), &AfterPoll::PollAgain)
    }

    /// The row of a request that has been cancelled, as it was then. It is there once.
    pub(super) fn take_row(&self) -> Option<Box<Row>> {
        match &mut self.switch.state.lock().course {
            Course::Killed(row) => mem::take(row),
            _ => None,
        }
    }
}

impl<B: Body> Cancellable<B> {
    /// Polls the body. Frames are large: what is returned is what the body has, as it is.
    pub(super) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Result<Poll<NextFrame<B>>, Killed> {
        let Some(mut body) = self.switch.take() else { return self.switch.unless(true).map(|()| Poll::Ready(None)) };
        let polled = body.as_mut().poll_frame(cx);
        let next = match &polled {
            Poll::Pending => AfterPoll::Wait(cx.waker()),
            // After trailers nothing comes, though not every body says so.
            Poll::Ready(Some(Ok(frame))) if !frame.is_trailers() && !body.is_end_stream() => AfterPoll::PollAgain,
            Poll::Ready(_) => AfterPoll::End,
        };
        self.switch.put(body, &next)?;
        self.is_over = matches!(next, AfterPoll::End);
        Ok(polled)
    }

    /// Whether nothing follows the frame that was polled last.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        self.switch.state.lock().body.as_ref().map(|body| body.size_hint()).unwrap_or_default()
    }
}

impl<B> Drop for Cancellable<B> {
    fn drop(&mut self) {
        if !self.is_over {
            // Whether it was cancelled matters no longer.
            let _ = self.switch.end();
        }
    }
}
