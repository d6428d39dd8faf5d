//! The guard that keeps a request on the list.

use http::StatusCode;
use tokio::time::Instant;

use super::{
    counters::{BodyProgress, Counters},
    handle::RequestHandle,
    id::{RequestId, SlotRef},
    outcome::{ErrorType, Outcome},
    shard::{Registered, Shard},
};
use crate::{
    sync::Arc,
    usage::{Observation, Reading},
};

/// The guard of a request: while it lives, the request is in flight. Dropping it ends the request, whatever has happened.
#[derive(Debug)]
pub struct ActiveRequest {
    shard: Arc<Shard>,
    slot_ref: SlotRef,
    counters: Arc<Counters>,
    has_head: bool,
    finished: bool,
    started: Instant,
    /// Bytes of the body that have passed.
    response_bytes: u64,
}

impl ActiveRequest {
    pub(crate) fn new(shard: Arc<Shard>, registered: Registered) -> Self {
        let Registered { slot_ref, counters, started } = registered;
        Self { shard, slot_ref, counters, has_head: false, finished: false, started, response_bytes: 0 }
    }

    /// The request's identifier.
    pub fn id(&self) -> RequestId {
        RequestId::new(self.shard.shared.epoch, self.slot_ref)
    }

    /// A handle that others may write with. It may outlive the request.
    pub fn handle(&self) -> RequestHandle {
        RequestHandle::new(Arc::clone(&self.shard), self.slot_ref)
    }

    /// Sets labels.
    pub(crate) fn label<'a>(&self, labels: impl Iterator<Item = (&'a str, &'a str)>) {
        self.shard.label(self.slot_ref, labels);
    }

    /// Says that the response head has come. `is_streaming`: whether the response is a stream, where that is known; `observation`: whether
    /// its body can be read.
    pub fn head(&mut self, status: StatusCode, is_streaming: Option<bool>, observation: Observation) {
        self.has_head = true;
        self.counters.heard(self.started.elapsed());
        self.shard.head(self.slot_ref, status, is_streaming, observation);
    }

    /// Says that a frame is being handed on; `progress` is the sum over all frames of the body, this one included.
    #[inline]
    pub fn frame(&mut self, progress: BodyProgress) {
        // A frame without bytes, and what is learnt at the body's end, are no news of the upstream.
        if progress.response_bytes > self.response_bytes {
            self.response_bytes = progress.response_bytes;
            self.counters.heard(self.started.elapsed());
        }
        self.counters.progress(progress);
    }

    /// Says that a frame was asked for and there is none yet.
    #[inline]
    pub fn pending(&mut self) {
        self.counters.polled();
    }

    /// Says what the response has said so far.
    pub fn record(&self, reading: &Reading) {
        self.shard.record(self.slot_ref, reading);
    }

    /// Ends the request.
    pub fn finish(mut self, outcome: Outcome) {
        self.finish_as(outcome, None);
    }

    /// Ends the request; what is told of it afterwards goes nowhere. `error_type`: what the response said of its error, which goes before
    /// what the outcome says.
    pub(crate) fn finish_as(&mut self, outcome: Outcome, error_type: Option<ErrorType>) {
        self.finished = true;
        self.shard.finish(self.slot_ref, outcome, error_type);
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        let outcome = if std::thread::panicking() {
            Outcome::Panicked
        } else if self.has_head {
            Outcome::ClientDisconnect
        } else {
            Outcome::Cancelled
        };
        self.shard.finish(self.slot_ref, outcome, None);
    }
}
