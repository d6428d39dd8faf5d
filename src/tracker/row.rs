//! A request in flight, as it is shown.

use super::{
    clock::{Clock, millis},
    id::RequestId,
    shard::LiveRow,
    texts::Text,
};
use crate::usage::{Observation, ProviderUsage, UsageSource};
use serde::{Serialize, Serializer};
use std::time::Duration;
use tokio::time::Instant;

/// How far a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// No response head yet.
    Waiting,
    /// The head has been sent, no token yet.
    Responding,
    /// Tokens come, or the bytes of a body that has none.
    Streaming,
    /// The upstream has been silent for too long.
    Stalled,
}

impl Phase {
    /// The word of the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Responding => "responding",
            Self::Streaming => "streaming",
            Self::Stalled => "stalled",
        }
    }
}

/// Whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitingOn {
    /// We were asked for more and had nothing, or there is no head yet.
    Upstream,
    /// Nobody has asked for more since the last frame.
    Client,
}

impl WaitingOn {
    /// The word of the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Upstream => "upstream",
            Self::Client => "client",
        }
    }
}

/// A request in flight. Serialises to the row of the monitor's snapshot.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Row {
    /// The request.
    pub request_id: RequestId,
    /// The provider, `unknown` where not known.
    pub provider: String,
    /// The requested model without its provider, `unknown` where not known.
    pub model: String,
    /// The model as the client wrote it.
    pub requested_model: String,
    /// The model that an alias resolved to, else empty.
    pub resolved_model: String,
    /// `provider:model`.
    pub qualified_model: String,
    /// What the request asked for, then what the response is.
    pub is_streaming: bool,
    /// The start, in seconds since the Unix epoch.
    pub start_time: f64,
    /// Since the start, in milliseconds, by a monotonic clock.
    pub duration_ms: u64,
    /// Tokens of the prompt, cached ones included.
    pub input_tokens: u64,
    /// Tokens of the answer, reasoning included.
    pub output_tokens: u64,
    /// Part of the input read from a cache.
    pub cache_read_tokens: u64,
    /// Part of the input written to a cache.
    pub cache_creation_tokens: u64,
    /// Uses of tools in the request's messages.
    pub tool_uses: u32,
    /// Results of tools in the request's messages.
    pub tool_results: u32,
    /// Calls of tools in the response.
    pub tool_calls: u64,
    /// Bytes of the request body that have passed.
    pub request_size: u64,
    /// Messages of the request, system text not counted.
    pub message_count: u32,
    /// Part of the output that was reasoning.
    pub reasoning_tokens: u64,
    /// Where the numbers come from.
    #[serde(serialize_with = "usage_source")]
    pub usage_source: UsageSource,
    /// How much of the response can be read.
    #[serde(serialize_with = "observation")]
    pub observation: Observation,
    /// How far it has come.
    #[serde(serialize_with = "phase")]
    pub phase: Phase,
    /// Whose turn it is.
    #[serde(serialize_with = "waiting_on")]
    pub waiting_on: WaitingOn,
    /// A short word set by the handler.
    pub stage: Option<String>,
    /// Status of the response head, once it has come.
    pub status: Option<u16>,
    /// From the start to the first token, in milliseconds.
    pub time_to_first_token_ms: Option<u64>,
    /// Output tokens a second since the first token.
    pub output_tokens_per_second: f64,
    /// Bytes of the response body that have passed.
    pub response_bytes: u64,
    /// Since the last frame, the head or the start, in milliseconds.
    pub idle_ms: u64,
    /// Method of the request.
    pub method: String,
    /// Path of the request, without its query.
    pub path: String,
    /// What the provider said. Not part of the snapshot.
    #[serde(skip)]
    pub provider_usage: ProviderUsage,
}

pub(crate) fn usage_source<S: Serializer>(word: &UsageSource, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(word.as_str())
}

pub(crate) fn observation<S: Serializer>(word: &Observation, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(word.as_str())
}

fn phase<S: Serializer>(word: &Phase, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(word.as_str())
}

fn waiting_on<S: Serializer>(word: &WaitingOn, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(word.as_str())
}

/// What follows from the facts and the time: the one place that says what `phase` and the rates mean.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    pub(crate) duration_ms: u64,
    pub(crate) idle_ms: u64,
    pub(crate) phase: Phase,
    pub(crate) waiting_on: WaitingOn,
    pub(crate) time_to_first_token_ms: Option<u64>,
    pub(crate) output_tokens_per_second: f64,
}

impl LiveRow<'_> {
    pub(crate) fn progress(&self, now: Instant, stall_after: Duration) -> Progress {
        let facts = self.facts;
        let since_start = now.duration_since(facts.started);
        let idle = since_start.saturating_sub(self.counts.last_frame);
        let waiting_on = if self.counts.frame_unanswered { WaitingOn::Client } else { WaitingOn::Upstream };
        let phase = if facts.status.is_none() {
            Phase::Waiting
        } else if waiting_on == WaitingOn::Upstream && idle >= stall_after {
            Phase::Stalled
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
            output_tokens_per_second: rate(
                self.usage.output_tokens,
                facts.first_token.map_or(Duration::ZERO, |first| self.counts.last_frame.saturating_sub(first)),
            ),
        }
    }

    pub(crate) fn to_row(&self, clock: &Clock, now: Instant, stall_after: Duration, known: &[String]) -> Row {
        let names = self.texts.names(known);
        let progress = self.progress(now, stall_after);
        let text = |which| self.texts.get(which).to_owned();
        Row {
            request_id: self.id,
            provider: names.provider().to_owned(),
            model: names.model().to_owned(),
            requested_model: text(Text::Requested),
            resolved_model: text(Text::Resolved),
            qualified_model: names.qualified().into_owned(),
            is_streaming: self.facts.is_streaming.unwrap_or(false),
            start_time: clock.wall(self.facts.started).as_secs_f64(),
            duration_ms: progress.duration_ms,
            input_tokens: self.usage.input_tokens,
            output_tokens: self.usage.output_tokens,
            cache_read_tokens: self.usage.cache_read_tokens,
            cache_creation_tokens: self.usage.cache_creation_tokens,
            tool_uses: self.facts.tool_uses,
            tool_results: self.facts.tool_results,
            tool_calls: self.facts.tool_calls,
            request_size: self.counts.request_bytes,
            message_count: self.facts.message_count,
            reasoning_tokens: self.usage.reasoning_tokens,
            usage_source: self.source,
            observation: self.facts.observation,
            phase: progress.phase,
            waiting_on: progress.waiting_on,
            stage: Some(text(Text::Stage)).filter(|stage| !stage.is_empty()),
            status: self.facts.status.map(|status| status.as_u16()),
            time_to_first_token_ms: progress.time_to_first_token_ms,
            output_tokens_per_second: progress.output_tokens_per_second,
            response_bytes: self.counts.response_bytes,
            idle_ms: progress.idle_ms,
            method: self.facts.method.to_string(),
            path: text(Text::Path),
            provider_usage: self.facts.provider_usage,
        }
    }
}

/// Over less time than this, a rate tells nothing: tokens that came in one piece would show as tens of thousands a second.
const SHORTEST: Duration = Duration::from_millis(100);

/// Tokens a second after the first one, to one decimal.
fn rate(tokens: u64, time: Duration) -> f64 {
    if time < SHORTEST || tokens < 2 {
        return 0.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate, to one decimal")]
    let rate = (tokens - 1) as f64 / time.as_secs_f64();
    (rate * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_needs_a_second_token_and_some_time() {
        for (tokens, millis, expected) in
            [(0, 500, 0.0), (1, 500, 0.0), (3, 0, 0.0), (3, 1, 0.0), (3, 500, 4.0), (8, 300, 23.3)]
        {
            assert_eq!(rate(tokens, Duration::from_millis(millis)), expected, "{tokens} in {millis} ms");
        }
    }
}
