//! What has ended lately: errors and traces.

use super::{
    clock::millis,
    counters::Counts,
    id::RequestId,
    names::Names,
    outcome::{ErrorType, Outcome},
    shard::{Ended, Shared},
    slot::Data,
    texts::Text,
};
use crate::usage::{Observation, ProviderUsage, UsageSource};
use serde::Serialize;
use std::time::Duration;

/// A request that has ended, as its shard keeps it.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) seq: u64,
    pub(crate) id: Option<RequestId>,
    pub(crate) outcome: Outcome,
    /// From start to end.
    pub(crate) duration: Duration,
    pub(crate) counts: Counts,
    pub(crate) data: Box<Data>,
}

impl Default for Record {
    fn default() -> Self {
        Self {
            seq: 0,
            id: None,
            outcome: Outcome::Completed,
            duration: Duration::ZERO,
            counts: Counts::default(),
            data: Box::default(),
        }
    }
}

impl Record {
    pub(crate) fn copy_from(&mut self, other: &Self, seq: u64) {
        self.seq = seq;
        self.id = other.id;
        self.outcome = other.outcome;
        self.duration = other.duration;
        self.counts = other.counts;
        self.data.clone_from(&other.data);
    }

    pub(crate) fn names<'a>(&'a self, known: &'a [String]) -> Names<'a> {
        self.data.texts.names(known)
    }

    /// For a listener; with its names, read by the `known` providers, or without.
    pub(crate) fn to_ended(&self, id: RequestId, known: Option<&Vec<String>>) -> Ended {
        Ended {
            id,
            outcome: self.outcome,
            status: self.data.facts.status,
            duration_ms: millis(self.duration),
            input_tokens: self.data.facts.usage.input_tokens,
            output_tokens: self.data.facts.usage.output_tokens,
            names: known.map(|known| {
                let names = self.names(known);
                Box::new([names.provider(), names.model(), self.data.texts.get(Text::Path)].map(str::to_owned))
            }),
        }
    }

    pub(crate) fn to_entry(&self, shared: &Shared) -> Option<Entry> {
        let names = self.names(&shared.config.known_providers);
        let text = |which| self.data.texts.get(which);
        let some = |which| Some(text(which)).filter(|text| !text.is_empty()).map(str::to_owned);
        let facts = &self.data.facts;
        Some(Entry {
            seq: self.seq,
            ts: shared.clock.wall(facts.started + self.duration).as_secs_f64(),
            request_id: self.id?,
            provider: names.provider().to_owned(),
            model: some(Text::Answering).unwrap_or_else(|| names.model().to_owned()),
            is_streaming: facts.is_streaming.unwrap_or(false),
            duration_ms: millis(self.duration),
            input_tokens: facts.usage.input_tokens,
            output_tokens: facts.usage.output_tokens,
            cache_read_tokens: facts.usage.cache_read_tokens,
            cache_creation_tokens: facts.usage.cache_creation_tokens,
            tool_use_count: facts.tool_uses,
            tool_call_count: facts.tool_calls,
            tool_result_count: facts.tool_results,
            status: if self.outcome.is_error() { "error" } else { "ok" },
            error: some(Text::Error).filter(|_| self.outcome.is_error()),
            error_type: facts.error_type,
            outcome: self.outcome,
            http_status: facts.status.map(|status| status.as_u16()),
            time_to_first_token_ms: facts.first_token.map(millis),
            finish_reason: some(Text::FinishReason),
            response_bytes: self.counts.response_bytes,
            usage_source: facts.source,
            observation: facts.observation,
            reasoning_tokens: facts.usage.reasoning_tokens,
            requested_model: text(Text::Requested).to_owned(),
            resolved_model: text(Text::Resolved).to_owned(),
            provider_usage: facts.provider_usage,
            method: facts.method.to_string(),
            path: text(Text::Path).to_owned(),
        })
    }
}

/// The newest records of a shard, the oldest making room for the next with its buffers.
#[derive(Debug)]
pub(crate) struct Ring {
    records: Vec<Record>,
    newest: usize,
    capacity: usize,
}

impl Ring {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { records: Vec::new(), newest: 0, capacity: capacity.max(1) }
    }

    /// The record to write next.
    pub(crate) fn next(&mut self) -> &mut Record {
        if self.records.len() < self.capacity {
            self.newest = self.records.len();
            self.records.push(Record::default());
        } else {
            self.newest = if self.newest + 1 == self.capacity { 0 } else { self.newest + 1 };
        }
        &mut self.records[self.newest]
    }

    pub(crate) fn newest(&self) -> Option<&Record> {
        self.records.get(self.newest)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Record> {
        self.records.iter()
    }
}

/// A request that has ended.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Entry {
    /// From 1; errors and traces are numbered apart.
    pub seq: u64,
    /// The end, in seconds since the Unix epoch.
    pub ts: f64,
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
    /// What went wrong, in words, where somebody said so.
    pub error: Option<String>,
    /// What kind of error it was.
    pub error_type: Option<ErrorType>,
    /// How it ended.
    pub outcome: Outcome,
    /// Status of the response head, where there was one.
    pub http_status: Option<u16>,
    /// From the start to the first token, in milliseconds.
    pub time_to_first_token_ms: Option<u64>,
    /// The last finish reason said.
    pub finish_reason: Option<String>,
    /// Bytes of the response body that passed.
    pub response_bytes: u64,
    /// Where the numbers come from.
    #[serde(serialize_with = "super::row::usage_source")]
    pub usage_source: UsageSource,
    /// How much of the response could be read.
    #[serde(serialize_with = "super::row::observation")]
    pub observation: Observation,
    /// Part of the output that was reasoning.
    pub reasoning_tokens: u64,
    /// The model as the client wrote it.
    pub requested_model: String,
    /// The model that an alias resolved to, else empty.
    pub resolved_model: String,
    /// What the provider said.
    pub provider_usage: ProviderUsage,
    /// Method of the request.
    pub method: String,
    /// Path of the request, without its query.
    pub path: String,
}
