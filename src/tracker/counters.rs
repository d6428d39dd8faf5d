//! The counters that move while a body passes. One writer each, so plain stores suffice; a shard recycles them from row to row.

use std::time::Duration;

use super::{clock::nanos, row::WaitingOn};
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// The live counters of a request. The response body writes them, but for `request_bytes` and `upload_pending`, which are the request
/// body's, and `own_text_bytes`, which is the handler's.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    response_bytes: AtomicU64,
    text_bytes: AtomicU64,
    /// Bytes of text that the handler has told of, under the shard's lock. They count instead of `text_bytes`.
    own_text_bytes: AtomicU64,
    /// Nanoseconds from the start to the last bytes, or to the head while there are none; 0: nothing yet.
    last_heard: AtomicU64,
    request_bytes: AtomicU64,
    /// Bytes besides the response body, of a request that is held; written under the shard's lock.
    held_bytes: AtomicU64,
    /// The head or a frame has been handed on, and nobody has asked for the next.
    unanswered: AtomicBool,
    /// More of the request body has been asked for, and the client has not sent it.
    upload_pending: AtomicBool,
}

/// How much of a response body has passed since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BodyProgress {
    /// Bytes of the body.
    pub response_bytes: u64,
    /// Bytes of decoded text, from which tokens are estimated; see [`Reading::text_bytes`](crate::usage::Reading::text_bytes).
    pub text_bytes: u64,
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CounterValues {
    pub(crate) response_bytes: u64,
    pub(crate) text_bytes: u64,
    pub(crate) request_bytes: u64,
    /// From the start to the last bytes, or to the head while there are none; zero before both.
    pub(crate) last_heard: Duration,
    /// The head or a frame has been handed on, and nobody has asked for the next.
    pub(crate) unanswered: bool,
    /// More of the request body has been asked for, and the client has not sent it.
    pub(crate) upload_pending: bool,
}

impl CounterValues {
    /// From the start to the last bytes of the response; `None` if none have come.
    pub(crate) fn last_byte(&self) -> Option<Duration> {
        (self.response_bytes > 0).then_some(self.last_heard)
    }

    /// Whose turn it is.
    pub(crate) fn waiting_on(&self) -> WaitingOn {
        // Once the upstream has begun to answer, its answer is what is waited for.
        let in_upload = self.upload_pending && self.last_heard.is_zero();
        if self.unanswered || in_upload { WaitingOn::Client } else { WaitingOn::Upstream }
    }
}

impl Counters {
    pub(crate) fn reset(&self) {
        self.response_bytes.store(0, Relaxed);
        self.text_bytes.store(0, Relaxed);
        self.own_text_bytes.store(0, Relaxed);
        self.last_heard.store(0, Relaxed);
        self.request_bytes.store(0, Relaxed);
        self.held_bytes.store(0, Relaxed);
        self.unanswered.store(false, Relaxed);
        self.upload_pending.store(false, Relaxed);
    }

    /// The head or bytes are being handed on.
    #[inline]
    pub(crate) fn heard(&self, since_start: Duration) {
        self.last_heard.store(nanos(since_start), Relaxed);
        self.unanswered.store(true, Relaxed);
    }

    /// Stores how much of the body has passed.
    #[inline]
    pub(crate) fn progress(&self, progress: BodyProgress) {
        self.response_bytes.store(progress.response_bytes, Relaxed);
        self.text_bytes.store(progress.text_bytes, Relaxed);
    }

    /// The next frame has been asked for.
    #[inline]
    pub(crate) fn polled(&self) {
        self.unanswered.store(false, Relaxed);
    }

    /// Says whether the client is waited for to send more of the request body.
    pub(crate) fn upload_pending(&self, yes: bool) {
        self.upload_pending.store(yes, Relaxed);
    }

    pub(crate) fn request_bytes(&self, total: u64) {
        self.request_bytes.store(total, Relaxed);
    }

    /// Adds to the bytes besides the response body; called under the shard's lock, which is how no sum is lost.
    pub(crate) fn add_held_bytes(&self, bytes: u64, since_start: Duration) {
        self.held_bytes.store(self.held_bytes.load(Relaxed).saturating_add(bytes), Relaxed);
        self.heard(since_start);
        self.polled();
    }

    /// Sets the text that the handler tells of, in all; called under the shard's lock.
    pub(crate) fn set_own_text(&self, bytes: u64) {
        self.own_text_bytes.store(bytes, Relaxed);
    }

    /// Adds to the text that the handler tells of; called under the shard's lock, which is how no sum is lost.
    pub(crate) fn add_own_text(&self, bytes: u64) {
        self.own_text_bytes.store(self.own_text_bytes.load(Relaxed).saturating_add(bytes), Relaxed);
    }

    /// The handler's own count of text, if it has told of any.
    pub(crate) fn own_text_bytes(&self) -> Option<u64> {
        Some(self.own_text_bytes.load(Relaxed)).filter(|bytes| *bytes > 0)
    }

    pub(crate) fn read(&self) -> CounterValues {
        CounterValues {
            response_bytes: self.response_bytes.load(Relaxed).saturating_add(self.held_bytes.load(Relaxed)),
            text_bytes: self.own_text_bytes().unwrap_or_else(|| self.text_bytes.load(Relaxed)),
            request_bytes: self.request_bytes.load(Relaxed),
            last_heard: Duration::from_nanos(self.last_heard.load(Relaxed)),
            unanswered: self.unanswered.load(Relaxed),
            upload_pending: self.upload_pending.load(Relaxed),
        }
    }
}
