//! What a row says without its texts, and how two looks at it differ.

use crate::{
    tracker::{CounterValues, LiveRow, Phase, WaitingOn, nanos},
    usage::{Observation, Usage, UsageSource},
};
use std::time::Duration;
use tokio::time::Instant;

/// What there is to tell of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum News {
    Nothing,
    /// Only what the short form tells.
    Progress,
    /// Something else, so that the row is told anew.
    Changed,
    /// The row itself.
    Started,
}

/// What is read off a row: as long as it stays, so does all that follows from it but for what the time does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Raw {
    pub(super) revision: u32,
    pub(super) source: UsageSource,
    pub(super) observation: Observation,
    pub(super) counts: CounterValues,
    pub(super) usage: Usage,
    pub(super) tool_calls: u64,
}

impl Raw {
    pub(super) fn of(row: &LiveRow<'_>) -> Self {
        let LiveRow { revision, source, counts, usage, .. } = *row;
        Self {
            revision,
            source,
            observation: row.data.facts.observation,
            counts,
            usage,
            tool_calls: row.data.facts.tool_calls,
        }
    }
}

/// A row at a look, in what it tells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) raw: Raw,
    pub(super) phase: Phase,
    pub(super) waiting_on: WaitingOn,
    pub(super) tool_uses: u32,
    pub(super) tool_results: u32,
    pub(super) message_count: u32,
    /// Tenths of a token a second.
    pub(super) rate: u64,
    /// When silence makes it a stalled one, unless something happens before.
    stalls_at: Option<Instant>,
}

impl Sample {
    pub(super) fn of(row: &LiveRow<'_>, raw: Raw, now: Instant, stall_after: Duration) -> Self {
        let progress = row.progress(now, stall_after);
        let silent = progress.waiting_on == WaitingOn::Upstream
            && matches!(progress.phase, Phase::Responding | Phase::Streaming);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is 0 or more")]
        let rate = (progress.output_tokens_per_second * 10.0).round() as u64;
        Self {
            raw,
            phase: progress.phase,
            waiting_on: progress.waiting_on,
            tool_uses: row.data.facts.tool_uses,
            tool_results: row.data.facts.tool_results,
            message_count: row.data.facts.message_count,
            rate,
            stalls_at: if silent {
                (row.data.facts.started + raw.counts.last_frame).checked_add(stall_after)
            } else {
                None
            },
        }
    }

    /// Whether another look, that reads `raw`, would find the same.
    pub(super) fn still_holds(&self, raw: &Raw, now: Instant) -> bool {
        self.raw == *raw && self.stalls_at.is_none_or(|at| now < at)
    }

    /// What there is to tell to whoever knows `earlier`.
    pub(super) fn news_since(&self, earlier: &Self) -> News {
        let (new, old) = (&self.raw, &earlier.raw);
        if new.revision != old.revision
            || new.counts.request_bytes != old.counts.request_bytes
            || new.observation != old.observation
        {
            News::Changed
        } else if self.columns() != earlier.columns() {
            News::Progress
        } else {
            News::Nothing
        }
    }

    /// The short form: tokens in, out, read from and written to a cache, reasoning; calls; bytes.
    pub(super) fn columns(&self) -> (Phase, WaitingOn, UsageSource, [u64; 7]) {
        let Raw { source, counts, usage, tool_calls, .. } = self.raw;
        let Usage { input_tokens, output_tokens, cache_read_tokens, cache_creation_tokens, reasoning_tokens } = usage;
        let numbers = [
            input_tokens,
            output_tokens,
            cache_read_tokens,
            cache_creation_tokens,
            reasoning_tokens,
            tool_calls,
            counts.response_bytes,
        ];
        (self.phase, self.waiting_on, source, numbers)
    }

    /// The last frame, the head or the start, in nanoseconds since the start.
    pub(super) fn last_sign(&self) -> u64 {
        nanos(self.raw.counts.last_frame)
    }
}
