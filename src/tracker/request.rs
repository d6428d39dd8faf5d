//! Holding on to a request: the guard that keeps it on the list, and the handle that writes to it.

use super::{
    counters::Counters,
    id::{Place, RequestId},
    info::RequestInfo,
    outcome::{ErrorType, Outcome},
    row::Row,
    shard::{Registered, Shard},
    texts::Text,
};
use crate::{
    sync::Arc,
    usage::{Observation, Reading},
};
use http::StatusCode;
use tokio::time::Instant;

/// A request on the list, for as long as this lives. Dropping it lets go of the request, whatever has happened.
#[derive(Debug)]
pub struct ActiveRequest {
    shard: Arc<Shard>,
    place: Place,
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
        let Registered { place, counters, started } = registered;
        Self { shard, place, counters, has_head: false, finished: false, started, frames: 0 }
    }

    /// The request's name.
    pub fn id(&self) -> RequestId {
        RequestId::new(self.shard.shared.epoch, self.place)
    }

    /// A handle that others may write with. It may outlive the request.
    pub fn handle(&self) -> RequestHandle {
        RequestHandle { shard: Arc::clone(&self.shard), place: self.place }
    }

    /// The response head has come. `is_streaming`: whether the response is a stream, where that is known; `observation`: whether
    /// its body can be read.
    pub fn head(&mut self, status: StatusCode, is_streaming: Option<bool>, observation: Observation) {
        self.has_head = true;
        self.frames = 1;
        self.shard.head(self.place, status, is_streaming, observation);
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
        self.shard.record(self.place, reading);
    }

    /// Lets go of the request.
    pub fn finish(mut self, outcome: Outcome) {
        self.finished = true;
        self.shard.finish(self.place, outcome);
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
        self.shard.finish(self.place, outcome);
    }
}

/// Writes to a request's row. Cheap to clone; once the request has ended, what is written goes nowhere.
#[derive(Clone, Debug)]
pub struct RequestHandle {
    shard: Arc<Shard>,
    place: Place,
}

impl RequestHandle {
    /// The request's name.
    pub fn id(&self) -> RequestId {
        RequestId::new(self.shard.shared.epoch, self.place)
    }

    /// Says what the request asks for.
    pub fn describe(&self, info: &RequestInfo<'_>) {
        self.shard.describe(self.place, info);
    }

    /// Says which provider it goes to.
    pub fn set_provider(&self, provider: &str) {
        self.describe(&RequestInfo::new().provider(provider));
    }

    /// Says which model is asked for, as the client wrote it.
    pub fn set_model(&self, model: &str) {
        self.describe(&RequestInfo::new().model(model));
    }

    /// Says which model an alias resolved to.
    pub fn set_resolved_model(&self, model: &str) {
        self.describe(&RequestInfo::new().resolved_model(model));
    }

    /// Says what is being done, in a short word; `""`: nothing in particular.
    pub fn set_stage(&self, stage: &str) {
        self.shard.note(self.place, Text::Stage, stage);
    }

    /// Says in words what went wrong. It is shown if the request ends with an error.
    pub fn set_error(&self, error: &str) {
        self.shard.note(self.place, Text::Error, error);
    }

    /// Says what kind of error it is, where the outcome alone would tell less.
    pub fn set_error_type(&self, error_type: ErrorType) {
        self.shard.error_type(self.place, error_type);
    }

    /// Says how many bytes of the request body have passed.
    pub fn set_request_size(&self, bytes: u64) {
        self.shard.request_bytes(self.place, bytes);
    }

    /// The row as it stands; `None` once the request has ended.
    pub fn row(&self) -> Option<Row> {
        self.shard.row(self.place)
    }
}
