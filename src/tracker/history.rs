//! Requests that have ended lately, as their shard keeps them.

use std::{mem, time::Duration};

use http::StatusCode;

use super::{
    clock::{WallClock, millis},
    counters::CounterValues,
    entry::Entry,
    id::RequestId,
    keys::Keys,
    outcome::Outcome,
    row::WaitingOn,
    slot::RequestData,
    texts::TextField,
};
use crate::{
    cost::Cost,
    usage::{Usage, UsageSource},
};

/// The end of a request: what is known of it besides its data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestEnd {
    pub(crate) seq: u64,
    pub(crate) id: RequestId,
    pub(crate) outcome: Outcome,
    /// From start to end.
    pub(crate) duration: Duration,
    pub(crate) counts: CounterValues,
}

/// A request that has ended, as its shard keeps it.
#[derive(Clone, Debug)]
pub(crate) struct EndedRequest {
    pub(crate) end: RequestEnd,
    pub(crate) data: Box<RequestData>,
}

impl EndedRequest {
    /// The short form, with names if `keys` are given to read them.
    pub(crate) fn to_ended(&self, keys: Option<&Keys>) -> Ended {
        let RequestEnd { id, outcome, duration, counts, .. } = self.end;
        let RequestData { facts, texts } = &*self.data;
        Ended {
            id,
            outcome,
            status: facts.status,
            duration_ms: millis(duration),
            is_streaming: facts.is_streaming.unwrap_or(false),
            usage: facts.usage,
            source: facts.source,
            tool_calls: facts.tool_calls,
            response_bytes: counts.response_bytes,
            cost: facts.cost,
            time_to_first_token_ms: facts.first_token.map(millis),
            last_byte_ms: counts.last_byte().map(millis),
            waiting_on: outcome.is_cut().then(|| counts.waiting_on()),
            names: keys.map(|keys| {
                let names = keys.names(texts);
                Box::new([names.provider(), names.model(), texts.get(TextField::Path)].map(str::to_owned))
            }),
        }
    }

    /// The public form. Kept out of the way of requests whose end nobody asked to be told of.
    #[inline(never)]
    pub(crate) fn to_entry(&self, clock: &WallClock, keys: &Keys) -> Entry {
        let RequestEnd { seq, id, outcome, duration, counts } = self.end;
        let RequestData { facts, texts } = &*self.data;
        let names = keys.names(texts);
        let text = |field| texts.get(field);
        let some = |field| Some(text(field)).filter(|text| !text.is_empty()).map(str::to_owned);
        Entry {
            seq,
            ts: clock.system_time(facts.started + duration),
            request_id: id,
            provider: names.provider().to_owned(),
            model: some(TextField::Answering).unwrap_or_else(|| names.model().to_owned()),
            is_streaming: facts.is_streaming.unwrap_or(false),
            duration_ms: millis(duration),
            input_tokens: facts.usage.input_tokens,
            output_tokens: facts.usage.output_tokens,
            cache_read_tokens: facts.usage.cache_read_tokens,
            cache_creation_tokens: facts.usage.cache_creation_tokens,
            tool_use_count: facts.tool_uses,
            tool_call_count: facts.tool_calls,
            tool_result_count: facts.tool_results,
            status: if outcome.is_error() { "error" } else { "ok" },
            error: some(TextField::Error).filter(|_| outcome.is_error()),
            error_type: facts.error_type,
            outcome,
            http_status: facts.status.map(|status| status.as_u16()),
            time_to_first_token_ms: facts.first_token.map(millis),
            last_byte_ms: counts.last_byte().map(millis),
            waiting_on: outcome.is_cut().then(|| counts.waiting_on()),
            finish_reason: some(TextField::FinishReason),
            response_bytes: counts.response_bytes,
            usage_source: facts.source,
            observation: facts.observation,
            reasoning_tokens: facts.usage.reasoning_tokens,
            requested_model: text(TextField::Requested).to_owned(),
            answering_model: some(TextField::Answering),
            resolved_model: text(TextField::Resolved).to_owned(),
            provider_usage: facts.provider_usage,
            method: facts.method.to_string(),
            path: text(TextField::Path).to_owned(),
            route: some(TextField::Route),
            caller: some(TextField::Caller),
            labels: texts.labels().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            cost_usd: facts.cost,
        }
    }
}

/// The part of an ended request that the delta stream tells.
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "monitor"), expect(dead_code, reason = "read by the monitor alone"))]
pub(crate) struct Ended {
    pub(crate) id: RequestId,
    pub(crate) outcome: Outcome,
    pub(crate) status: Option<StatusCode>,
    pub(crate) duration_ms: u64,
    pub(crate) is_streaming: bool,
    pub(crate) usage: Usage,
    pub(crate) source: UsageSource,
    pub(crate) tool_calls: u64,
    pub(crate) response_bytes: u64,
    pub(crate) cost: Option<Cost>,
    pub(crate) time_to_first_token_ms: Option<u64>,
    /// From the start to the last byte of the answer.
    pub(crate) last_byte_ms: Option<u64>,
    /// The side that was waited for when the request was cut off.
    pub(crate) waiting_on: Option<WaitingOn>,
    /// Provider, model and path; left out when more have ended than are kept with their names.
    pub(crate) names: Option<Box<[String; 3]>>,
}

/// The newest ended requests of a shard. The oldest makes room for the next, which uses its buffers.
#[derive(Debug)]
pub(crate) struct History {
    requests: Vec<EndedRequest>,
    newest: usize,
    capacity: usize,
}

impl History {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { requests: Vec::new(), newest: 0, capacity: capacity.max(1) }
    }

    /// Keeps a request, and leaves other data in `data` to be written over.
    pub(crate) fn take(&mut self, end: RequestEnd, data: &mut Box<RequestData>) -> &EndedRequest {
        match self.oldest() {
            Some(request) => {
                request.end = end;
                mem::swap(&mut request.data, data);
            }
            None => self.requests.push(EndedRequest { end, data: data.clone() }),
        }
        &self.requests[self.newest]
    }

    /// Keeps a copy of a request, under a number of its own.
    pub(crate) fn copy(&mut self, other: &EndedRequest, seq: u64) {
        let end = RequestEnd { seq, ..other.end };
        match self.oldest() {
            Some(request) => {
                request.end = end;
                request.data.clone_from(&other.data);
            }
            None => self.requests.push(EndedRequest { end, data: other.data.clone() }),
        }
    }

    /// Moves on to the next place, and returns the request there, the oldest; `None` while the place is still empty.
    fn oldest(&mut self) -> Option<&mut EndedRequest> {
        if self.requests.len() < self.capacity {
            self.newest = self.requests.len();
        } else {
            self.newest = if self.newest + 1 == self.capacity { 0 } else { self.newest + 1 };
        }
        self.requests.get_mut(self.newest)
    }

    pub(crate) fn newest(&self) -> Option<&EndedRequest> {
        self.requests.get(self.newest)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &EndedRequest> {
        self.requests.iter()
    }
}
