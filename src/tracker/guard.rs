//! The guard that keeps a request on the list.

use http::StatusCode;
use tokio::time::Instant;

use super::{
    counters::Counters,
    handle::RequestHandle,
    id::{RequestId, SlotRef},
    outcome::Outcome,
    shard::{Registered, Shard},
};
use crate::{
    sync::Arc,
    usage::{Observation, Reading},
};

/// A request on the list, for as long as this lives. Dropping it lets go of the request, whatever has happened.
#[derive(Debug)]
pub struct ActiveRequest {
    shard: Arc<Shard>,
    slot_ref: SlotRef,
    counters: Arc<Counters>,
    has_head: bool,
    finished: bool,
    started: Instant,
    /// Frames since the clock was last read; the head counts as one.
    frames: u8,
}

/// The clock is read when the reader is kept waiting, and in a flood once in so many frames.
const FRAMES_PER_CLOCK: u8 = 8;

impl ActiveRequest {
    pub(crate) fn new(shard: Arc<Shard>, registered: Registered) -> Self {
        let Registered { slot_ref, counters, started } = registered;
        Self { shard, slot_ref, counters, has_head: false, finished: false, started, frames: 0 }
    }

    /// The request's name.
    pub fn id(&self) -> RequestId {
        RequestId::new(self.shard.shared.epoch, self.slot_ref)
    }

    /// A handle that others may write with. It may outlive the request.
    pub fn handle(&self) -> RequestHandle {
        RequestHandle::new(Arc::clone(&self.shard), self.slot_ref)
    }

    /// The response head has come. `is_streaming`: whether the response is a stream, where that is known; `observation`: whether
    /// its body can be read.
    pub fn head(&mut self, status: StatusCode, is_streaming: Option<bool>, observation: Observation) {
        self.has_head = true;
        self.frames = 1;
        self.shard.head(self.slot_ref, status, is_streaming, observation);
    }

    /// A frame is being handed to the reader. Both numbers are sums since the start of the body.
    #[inline]
    pub fn frame(&mut self, response_bytes: u64, text_bytes: u64) {
        self.counters.frame(response_bytes, text_bytes);
        self.frames += 1;
        if self.frames >= FRAMES_PER_CLOCK {
            self.read_clock();
        }
    }

    /// The reader asked for a frame and there is none yet.
    #[inline]
    pub fn pending(&mut self) {
        if self.frames > 0 {
            self.read_clock();
        }
        self.counters.polled();
    }

    fn read_clock(&mut self) {
        self.frames = 0;
        self.counters.last_frame(self.started.elapsed());
    }

    /// What the response has said so far.
    pub fn record(&self, reading: &Reading) {
        self.shard.record(self.slot_ref, reading);
    }

    /// Lets go of the request.
    pub fn finish(mut self, outcome: Outcome) {
        self.finished = true;
        self.shard.finish(self.slot_ref, outcome);
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
        self.shard.finish(self.slot_ref, outcome);
    }
}
