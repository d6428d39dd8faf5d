//! A request in flight, as it is shown.

use std::time::SystemTime;

use serde::{Serialize, Serializer};

use super::{clock::epoch_seconds, id::RequestId};
use crate::{
    cost::Cost,
    usage::{Observation, ProviderUsage, UsageSource},
    words::words,
};

/// How far a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// No response head yet.
    Waiting,
    /// The head has been sent, no token yet.
    Responding,
    /// Tokens come, or the bytes of a body that has none.
    Streaming,
    /// The request waits on the upstream, and no head and no byte has come from it for
    /// [`stall_after`](crate::config::TrackerConfig::stall_after).
    Stalled,
}

words!(Phase {
    Waiting => "waiting",
    Responding => "responding",
    Streaming => "streaming",
    Stalled => "stalled",
});

/// Whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WaitingOn {
    /// The next frame has been asked for and there is none yet, or there is no head yet.
    Upstream,
    /// Nobody has asked for more since the head or the last frame; or, before the head, more of the request body has been asked for,
    /// which the client has not sent (where [`inspect`](crate::inspect) sees the request body).
    Client,
}

words!(WaitingOn {
    Upstream => "upstream",
    Client => "client",
});

/// Writes pairs as an object.
pub(super) fn as_object<S: Serializer>(pairs: &[(String, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().map(|(name, value)| (name, value)))
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
    /// Whether the request asks for a stream; once the response head has come, whether the response is one.
    pub is_streaming: bool,
    /// The start. Seconds since the Unix epoch on the wire.
    #[serde(serialize_with = "epoch_seconds")]
    pub start_time: SystemTime,
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
    pub usage_source: UsageSource,
    /// How much of the response can be read.
    pub observation: Observation,
    /// How far it has come.
    pub phase: Phase,
    /// Whose turn it is.
    pub waiting_on: WaitingOn,
    /// A short word set by the handler.
    pub stage: Option<String>,
    /// Status of the response head, once it has come.
    pub status: Option<u16>,
    /// From the start to the first token, in milliseconds.
    pub time_to_first_token_ms: Option<u64>,
    /// Output tokens a second: the mean from the first token to the last byte. `None` before a second token, and while no byte has come for
    /// [`stall_after`](crate::config::TrackerConfig::stall_after): a stream that stands still has no rate.
    pub output_tokens_per_second: Option<f64>,
    /// Bytes of the response body that have passed.
    pub response_bytes: u64,
    /// Since the last byte of the response, else the head, else the start, in milliseconds.
    pub idle_ms: u64,
    /// Method of the request.
    pub method: String,
    /// Path of the request, without its query.
    pub path: String,
    /// Pattern of the route, where the application has told it.
    pub route: Option<String>,
    /// The caller, where that is configured.
    pub caller: Option<String>,
    /// Labels by name, in the order in which they were set. An object on the wire.
    #[serde(serialize_with = "as_object")]
    pub labels: Vec<(String, String)>,
    /// US dollars so far; an estimate while the output tokens are one. `None` where price or usage are not known.
    pub cost_usd: Option<Cost>,
    /// Token counts as the provider wrote them. Not part of the snapshot.
    #[serde(skip)]
    pub provider_usage: ProviderUsage,
}
