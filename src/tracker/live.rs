//! A request in flight, read where it stands.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    clock::{WallClock, millis},
    counters::CounterValues,
    id::RequestId,
    keys::Keys,
    row::{Phase, Row, WaitingOn},
    slot::RequestData,
    texts::TextField,
};
use crate::{
    cost::Cost,
    usage::{Observation, Usage, UsageSource},
};

/// A row as it stands, read under its shard's lock.
#[derive(Debug)]
pub(crate) struct LiveRow<'a> {
    pub(crate) id: RequestId,
    #[cfg_attr(not(feature = "monitor"), expect(dead_code, reason = "read by the monitor alone"))]
    pub(crate) revision: u32,
    pub(crate) data: &'a RequestData,
    pub(crate) counts: CounterValues,
    pub(crate) usage: Usage,
    pub(crate) source: UsageSource,
    /// By the usage so far; `None` where usage or price are not known.
    pub(crate) cost: Option<Cost>,
}

/// The values that follow from the facts and the time: the one place that says what `phase` and the rates mean.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    pub(crate) duration_ms: u64,
    pub(crate) idle_ms: u64,
    pub(crate) phase: Phase,
    pub(crate) waiting_on: WaitingOn,
    pub(crate) time_to_first_token_ms: Option<u64>,
    pub(crate) output_tokens_per_second: Option<f64>,
}

impl LiveRow<'_> {
    pub(crate) fn progress(&self, now: Instant, stall_after: Duration) -> Progress {
        let facts = &self.data.facts;
        let since_start = now.duration_since(facts.started);
        let idle = since_start.saturating_sub(self.counts.last_heard);
        let is_silent = idle >= stall_after;
        let waiting_on = self.counts.waiting_on();
        let phase = if facts.outlives_response {
            // Nobody owes anything on a socket that is silent.
            Phase::Streaming
        } else if waiting_on == WaitingOn::Upstream && is_silent {
            Phase::Stalled
        } else if facts.status.is_none() {
            Phase::Waiting
        } else if facts.first_token.is_some()
            || (facts.observation == Observation::None && self.counts.response_bytes > 0)
        {
            Phase::Streaming
        } else {
            Phase::Responding
        };
        Progress {
            duration_ms: millis(since_start),
            idle_ms: millis(idle),
            phase,
            waiting_on,
            time_to_first_token_ms: facts.first_token.map(millis),
            output_tokens_per_second: facts
                .first_token
                .filter(|_| !is_silent)
                .and_then(|first| token_rate(self.usage.output_tokens, self.counts.last_heard.saturating_sub(first))),
        }
    }

    pub(crate) fn to_row(&self, clock: &WallClock, now: Instant, stall_after: Duration, keys: &Keys) -> Row {
        let names = keys.names(&self.data.texts);
        let progress = self.progress(now, stall_after);
        let text = |field| self.data.texts.get(field).to_owned();
        let some = |field| Some(text(field)).filter(|text| !text.is_empty());
        Row {
            request_id: self.id,
            provider: names.provider().to_owned(),
            model: names.model().to_owned(),
            requested_model: text(TextField::Requested),
            resolved_model: text(TextField::Resolved),
            qualified_model: names.qualified().into_owned(),
            is_streaming: self.data.facts.is_streaming.unwrap_or(false),
            start_time: clock.system_time(self.data.facts.started),
            duration_ms: progress.duration_ms,
            input_tokens: self.usage.input_tokens,
            output_tokens: self.usage.output_tokens,
            cache_read_tokens: self.usage.cache_read_tokens,
            cache_creation_tokens: self.usage.cache_creation_tokens,
            tool_uses: self.data.facts.tool_uses,
            tool_results: self.data.facts.tool_results,
            tool_calls: self.data.facts.tool_calls,
            request_size: self.counts.request_bytes,
            message_count: self.data.facts.message_count,
            reasoning_tokens: self.usage.reasoning_tokens,
            usage_source: self.source,
            observation: self.data.facts.observation,
            phase: progress.phase,
            waiting_on: progress.waiting_on,
            stage: some(TextField::Stage),
            status: self.data.facts.status.map(|status| status.as_u16()),
            time_to_first_token_ms: progress.time_to_first_token_ms,
            output_tokens_per_second: progress.output_tokens_per_second,
            response_bytes: self.counts.response_bytes,
            idle_ms: progress.idle_ms,
            method: self.data.facts.method.to_string(),
            path: text(TextField::Path),
            route: some(TextField::Route),
            caller: some(TextField::Caller),
            labels: self.data.texts.labels().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            cost_usd: self.cost,
            provider_usage: self.data.facts.provider_usage,
        }
    }
}

/// The shortest time that a rate is computed over: tokens that came in one chunk would show as tens of thousands a second.
const SHORTEST: Duration = Duration::from_millis(100);

/// Tokens a second after the first one, to one decimal.
pub(crate) fn token_rate(tokens: u64, time: Duration) -> Option<f64> {
    if time < SHORTEST || tokens < 2 {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate, to one decimal")]
    let rate = (tokens - 1) as f64 / time.as_secs_f64();
    Some((rate * 10.0).round() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_needs_a_second_token_and_some_time() {
        for (tokens, millis, expected) in
            [(0, 500, None), (1, 500, None), (3, 0, None), (3, 1, None), (3, 500, Some(4.0)), (8, 300, Some(23.3))]
        {
            assert_eq!(token_rate(tokens, Duration::from_millis(millis)), expected, "{tokens} in {millis} ms");
        }
    }
}
