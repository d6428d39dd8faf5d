//! What a body moves while it passes. One writer each, so plain stores suffice; a shard recycles them from row to row.

use super::clock::nanos;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Written by the response body alone, but for `request_bytes`, which is the request body's.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    response_bytes: AtomicU64,
    text_bytes: AtomicU64,
    /// Nanoseconds since the start; 0: none yet.
    last_frame: AtomicU64,
    request_bytes: AtomicU64,
    /// A frame has been handed out and nobody has asked for the next.
    frame_unanswered: AtomicBool,
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CounterValues {
    pub(crate) response_bytes: u64,
    pub(crate) text_bytes: u64,
    pub(crate) request_bytes: u64,
    /// Since the start.
    pub(crate) last_frame: Duration,
    pub(crate) frame_unanswered: bool,
}

impl Counters {
    pub(crate) fn reset(&self) {
        self.response_bytes.store(0, Relaxed);
        self.text_bytes.store(0, Relaxed);
        self.last_frame.store(0, Relaxed);
        self.request_bytes.store(0, Relaxed);
        self.frame_unanswered.store(false, Relaxed);
    }

    /// A frame is handed to whoever asked.
    #[inline]
    pub(crate) fn frame(&self, response_bytes: u64, text_bytes: u64) {
        self.response_bytes.store(response_bytes, Relaxed);
        self.text_bytes.store(text_bytes, Relaxed);
        self.frame_unanswered.store(true, Relaxed);
    }

    /// The reader asks for more.
    #[inline]
    pub(crate) fn polled(&self) {
        self.frame_unanswered.store(false, Relaxed);
    }

    pub(crate) fn last_frame(&self, since_start: Duration) {
        self.last_frame.store(nanos(since_start), Relaxed);
    }

    pub(crate) fn request_bytes(&self, total: u64) {
        self.request_bytes.store(total, Relaxed);
    }

    pub(crate) fn read(&self) -> CounterValues {
        CounterValues {
            response_bytes: self.response_bytes.load(Relaxed),
            text_bytes: self.text_bytes.load(Relaxed),
            request_bytes: self.request_bytes.load(Relaxed),
            last_frame: Duration::from_nanos(self.last_frame.load(Relaxed)),
            frame_unanswered: self.frame_unanswered.load(Relaxed),
        }
    }
}
