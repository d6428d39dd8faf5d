//! The state that all shards of a tracker share.

use tokio::time::Instant;

#[cfg(feature = "monitor")]
use super::figures::Figures;
use super::{
    caller::Callers, change::Listeners, clock::WallClock, end_hooks::EndHooks, keys::Keys, live::LiveRow,
    price_book::PriceBook, redaction::Redaction, row::Row,
};
#[cfg(feature = "tracing")]
use super::{
    history::{EndedRequest, RequestEnd},
    outcome::Outcome,
};
use crate::{
    config::TrackerConfig,
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
};

/// The parts of a tracker that its shards have in common.
#[derive(Debug)]
pub(crate) struct TrackerShared {
    pub(crate) config: TrackerConfig,
    pub(crate) epoch: u32,
    pub(crate) clock: WallClock,
    pub(crate) listeners: Listeners,
    /// A shutdown has begun.
    pub(crate) draining: AtomicBool,
    /// Requests that are dropped are dropped by the service.
    pub(crate) cut_off: AtomicBool,
    pub(crate) keys: Keys,
    pub(crate) end_hooks: EndHooks,
    pub(crate) callers: Callers,
    pub(crate) prices: PriceBook,
    pub(crate) redaction: Redaction,
    #[cfg(feature = "monitor")]
    pub(crate) figures: Figures,
    /// The newest trace's number. Traces and errors are numbered across the shards, which is how they are merged.
    traces: AtomicU64,
    /// The newest error's number.
    errors: AtomicU64,
    /// The newest refusal's number.
    refusals: AtomicU64,
}

impl TrackerShared {
    pub(crate) fn new(epoch: u32, config: TrackerConfig) -> Self {
        let clock = WallClock::new();
        Self {
            epoch,
            clock,
            listeners: Listeners::new(),
            draining: AtomicBool::new(false),
            cut_off: AtomicBool::new(false),
            keys: Keys::new(config.max_keys, config.known_providers.clone()),
            end_hooks: EndHooks::default(),
            callers: Callers::new(&config),
            prices: PriceBook::default(),
            redaction: Redaction::new(&config.secrets),
            #[cfg(feature = "monitor")]
            figures: Figures::new(clock, config.max_keys),
            traces: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            refusals: AtomicU64::new(0),
            config,
        }
    }

    /// The number of the next trace.
    pub(crate) fn next_trace(&self) -> u64 {
        self.traces.fetch_add(1, Relaxed) + 1
    }

    /// The number of the next error.
    pub(crate) fn next_error(&self) -> u64 {
        self.errors.fetch_add(1, Relaxed) + 1
    }

    /// The number of the next refusal.
    pub(crate) fn next_refusal(&self) -> u64 {
        self.refusals.fetch_add(1, Relaxed) + 1
    }

    /// Requests that have been refused.
    pub(crate) fn refused(&self) -> u64 {
        self.refusals.load(Relaxed)
    }

    /// How many requests have ended and how many of them in an error, where the end of `request` is the time to say so.
    #[cfg(feature = "tracing")]
    pub(crate) fn summary(&self, request: &EndedRequest) -> Option<(u64, u64)> {
        let interval = self.config.summary_interval;
        let RequestEnd { seq, outcome, .. } = request.end;
        let is_due = interval > 0 && seq % interval == 0 && outcome != Outcome::Refused;
        is_due.then(|| (seq, self.errors.load(Relaxed)))
    }

    /// The public form of a row.
    pub(crate) fn to_row(&self, row: &LiveRow<'_>, now: Instant) -> Row {
        row.to_row(&self.clock, now, self.config.stall_after, &self.keys)
    }
}
