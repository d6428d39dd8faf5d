//! The values of a row at one moment, and how two samples of a row differ.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    cost::Cost,
    tracker::{CounterValues, LiveRow, Phase, WaitingOn, nanos},
    usage::{Observation, Usage, UsageSource},
};

/// How a row differs from what subscribers know of it, from the smallest difference to the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RowChange {
    /// In nothing but the time.
    None,
    /// In the columns of `progressed` alone.
    Progress,
    /// In other values too, so that the whole row is sent.
    Changed,
    /// The row is new.
    Started,
}

/// The raw values of a row. While they are unchanged, everything derived from them is too, except what depends on the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RawValues {
    pub(super) revision: u32,
    pub(super) source: UsageSource,
    pub(super) observation: Observation,
    pub(super) counts: CounterValues,
    pub(super) usage: Usage,
    pub(super) tool_calls: u64,
    pub(super) cost: Option<Cost>,
}

impl RawValues {
    pub(super) fn of(row: &LiveRow<'_>) -> Self {
        let LiveRow { revision, source, counts, usage, cost, .. } = *row;
        Self {
            revision,
            source,
            observation: row.data.facts.observation,
            counts,
            usage,
            tool_calls: row.data.facts.tool_calls,
            cost,
        }
    }
}

/// The values of a row at one moment, without its texts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) raw: RawValues,
    pub(super) phase: Phase,
    pub(super) waiting_on: WaitingOn,
    pub(super) tool_uses: u32,
    pub(super) tool_results: u32,
    pub(super) message_count: u32,
    /// Output tokens per second, times ten.
    pub(super) rate: Option<u64>,
    /// When the row's silence becomes long, unless its raw values change before; `None` if it is already.
    silent_at: Option<Instant>,
}

impl Sample {
    pub(super) fn new(row: &LiveRow<'_>, raw: RawValues, now: Instant, stall_after: Duration) -> Self {
        let progress = row.progress(now, stall_after);
        let silent_at = (row.data.facts.started + raw.counts.last_heard).checked_add(stall_after);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is 0 or more")]
        let rate = progress.output_tokens_per_second.map(|rate| (rate * 10.0).round() as u64);
        Self {
            raw,
            phase: progress.phase,
            waiting_on: progress.waiting_on,
            tool_uses: row.data.facts.tool_uses,
            tool_results: row.data.facts.tool_results,
            message_count: row.data.facts.message_count,
            rate,
            silent_at: silent_at.filter(|at| now < *at),
        }
    }

    /// Whether a new sample with these raw values would equal this one.
    pub(super) fn still_holds(&self, raw: &RawValues, now: Instant) -> bool {
        self.raw == *raw && self.silent_at.is_none_or(|at| now < at)
    }

    /// How this sample differs from an earlier one.
    pub(super) fn change_since(&self, earlier: &Self) -> RowChange {
        let (new, old) = (&self.raw, &earlier.raw);
        if new.revision != old.revision
            || new.counts.request_bytes != old.counts.request_bytes
            || new.observation != old.observation
        {
            RowChange::Changed
        } else if self.columns() != earlier.columns() || new.cost != old.cost {
            RowChange::Progress
        } else {
            RowChange::None
        }
    }

    /// The columns of `progressed` but for the cost. The numbers are input, output, cache read, cache creation and reasoning tokens, tool calls and
    /// response bytes.
    pub(super) fn columns(&self) -> (Phase, WaitingOn, UsageSource, [u64; 7]) {
        let RawValues { source, counts, usage, tool_calls, .. } = self.raw;
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

    /// When the upstream last sent bytes, else its head, in nanoseconds since the start of the request.
    pub(super) fn last_heard(&self) -> u64 {
        nanos(self.raw.counts.last_heard)
    }
}
