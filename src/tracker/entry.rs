//! A request that has ended, as it is shown.

use std::time::SystemTime;

use serde::Serialize;

use super::{
    clock::epoch_seconds,
    id::RequestId,
    outcome::{ErrorType, Outcome},
    row::{WaitingOn, as_object},
};
use crate::{
    cost::Cost,
    usage::{Observation, ProviderUsage, UsageSource},
};

/// A request that has ended.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Entry {
    /// From 1; errors and traces are numbered apart.
    pub seq: u64,
    /// The end. Seconds since the Unix epoch on the wire.
    #[serde(serialize_with = "epoch_seconds")]
    pub ts: SystemTime,
    /// The request.
    pub request_id: RequestId,
    /// The provider, `unknown` where not known.
    pub provider: String,
    /// The model that answered where the response names one, else the requested one without its provider.
    pub model: String,
    /// Whether the response was a stream, or, before its head, whether one was asked for.
    pub is_streaming: bool,
    /// From start to end, in milliseconds.
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
    pub tool_use_count: u32,
    /// Calls of tools in the response.
    pub tool_call_count: u64,
    /// Results of tools in the request's messages.
    pub tool_result_count: u32,
    /// `ok` or `error`.
    pub status: &'static str,
    /// The error in words, where the response, a hook or the handler gave some.
    pub error: Option<String>,
    /// The kind of error.
    pub error_type: Option<ErrorType>,
    /// How it ended.
    pub outcome: Outcome,
    /// Status of the response head, where there was one.
    pub http_status: Option<u16>,
    /// From the start to the first token, in milliseconds.
    pub time_to_first_token_ms: Option<u64>,
    /// From the start to the last byte that came from the upstream, in milliseconds. `None` if none came.
    pub last_byte_ms: Option<u64>,
    /// The side that the request waited on when it was cut off: dropped by the client or ended by an operator. `None` where the response
    /// ended by itself.
    pub waiting_on: Option<WaitingOn>,
    /// The last finish reason said.
    pub finish_reason: Option<String>,
    /// Bytes of the response body that passed.
    pub response_bytes: u64,
    /// Where the numbers come from.
    pub usage_source: UsageSource,
    /// How much of the response could be read.
    pub observation: Observation,
    /// Part of the output that was reasoning.
    pub reasoning_tokens: u64,
    /// The model as the client wrote it.
    pub requested_model: String,
    /// The model that answered, where the response names one. On the wire it stands in `model`.
    #[serde(skip)]
    pub answering_model: Option<String>,
    /// The model that an alias resolved to, else empty.
    pub resolved_model: String,
    /// Token counts as the provider wrote them.
    pub provider_usage: ProviderUsage,
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
    /// US dollars, by the prices at the end. `None` where price or usage were not known.
    pub cost_usd: Option<Cost>,
}
