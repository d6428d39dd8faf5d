//! A guard that keeps a request in flight beyond the end of its response.

use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::Notify;

use super::{canceller::Canceller, handle::RequestHandle, outcome::Outcome, row::Row};
use crate::usage::{Reading, Usage};

/// Keeps a request in flight after its response has ended, until it is dropped: for a WebSocket, or work that a response only starts.
///
/// The row is `streaming` once the response has ended, and never `stalled`: nobody owes anything on a socket that is silent. It ends with the outcome given to [`finish`](Self::finish), else with that of the
/// response; at once if the request is cancelled, which works without a [`CancelRequestLayer`](crate::cancel::CancelRequestLayer).
///
/// ```
/// use active_requests::tracker::{Held, Outcome, RequestHandle};
///
/// async fn serve_socket(held: Held, mut frames: tokio::sync::mpsc::Receiver<Vec<u8>>) {
///     loop {
///         tokio::select! {
///             frame = frames.recv() => match frame {
///                 Some(frame) => held.bytes(frame.len() as u64),
///                 None => return held.finish(Outcome::Completed),
///             },
///             () = held.cancelled() => return, // closes the socket
///         }
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Held {
    handle: RequestHandle,
    switch: Arc<HeldSwitch>,
    outcome: Option<Outcome>,
}

/// The part of a [`Held`] that is registered in the row.
#[derive(Debug)]
struct HeldSwitch {
    handle: RequestHandle,
    course: Mutex<HeldCourse>,
    cancelled: Notify,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HeldCourse {
    Running,
    Killed,
    Ended,
}

impl HeldSwitch {
    /// Moves on from `Running`. Returns how far it was before.
    fn leave(&self, next: HeldCourse) -> HeldCourse {
        let mut course = self.course.lock().unwrap_or_else(PoisonError::into_inner);
        if *course == HeldCourse::Running { mem::replace(&mut course, next) } else { *course }
    }

    fn is_killed(&self) -> bool {
        *self.course.lock().unwrap_or_else(PoisonError::into_inner) == HeldCourse::Killed
    }
}

impl Canceller for HeldSwitch {
    fn cancel(&self, _: &Row) -> bool {
        if self.leave(HeldCourse::Killed) != HeldCourse::Running {
            return false;
        }
        self.handle.finish_killed();
        self.cancelled.notify_waiters();
        true
    }
}

impl RequestHandle {
    /// Keeps the request in flight until what is returned is dropped, also after its response has ended.
    pub fn hold(&self) -> Held {
        let switch = Arc::new(HeldSwitch {
            handle: self.clone(),
            course: Mutex::new(HeldCourse::Running),
            cancelled: Notify::new(),
        });
        self.write(|shard, slot_ref| shard.hold(slot_ref));
        let canceller: Arc<dyn Canceller> = Arc::clone(&switch) as _;
        self.register_canceller(&canceller);
        Held { handle: self.clone(), switch, outcome: None }
    }
}

impl Held {
    /// The handle of the request.
    pub fn handle(&self) -> &RequestHandle {
        &self.handle
    }

    /// Says that `bytes` more have gone to the client or come from it.
    pub fn bytes(&self, bytes: u64) {
        self.handle.write(|shard, slot_ref| shard.held_bytes(slot_ref, bytes));
    }

    /// Reports the tokens so far, each report replacing the one before.
    pub fn usage(&self, usage: Usage) {
        self.handle.set_usage(usage);
    }

    /// Takes over what has been read of the messages so far, each reading replacing the one before; see
    /// [`SessionMeter`](crate::usage::SessionMeter).
    pub fn record(&self, reading: &Reading) {
        self.handle.write(|shard, slot_ref| shard.held_reading(slot_ref, reading));
    }

    /// Waits until the request is cancelled; for ever, if it is not. Its row has ended by then.
    ///
    /// Cancel safe: a cancellation while nobody waits is found by the next call.
    pub async fn cancelled(&self) {
        loop {
            let mut notified = std::pin::pin!(self.switch.cancelled.notified());
            notified.as_mut().enable();
            if self.switch.is_killed() {
                return;
            }
            notified.await;
        }
    }

    /// Ends the request, once its response has ended and no other guard holds it.
    pub fn finish(mut self, outcome: Outcome) {
        self.outcome = Some(outcome);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.switch.leave(HeldCourse::Ended) == HeldCourse::Killed {
            return self.handle.finish_killed();
        }
        let outcome = if std::thread::panicking() { Some(Outcome::Panicked) } else { self.outcome };
        self.handle.write(|shard, slot_ref| shard.release(slot_ref, outcome));
    }
}
