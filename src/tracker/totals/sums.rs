//! Sums over requests, by key.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    cost::Cost,
    tracker::{
        clock::nanos,
        latency::{Latency, LatencySums},
        slot::RowFacts,
    },
    usage::Usage,
};

/// Sums over requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(super) requests: u64,
    pub(super) ended: u64,
    pub(super) errors: u64,
    pub(super) usage: Usage,
    pub(super) tool_uses: u64,
    pub(super) tool_results: u64,
    pub(super) tool_calls: u64,
    pub(super) duration_ns: u64,
    /// Requests whose cost is known.
    pub(super) priced: u64,
    pub(super) cost: Cost,
}

impl Sums {
    pub(super) fn add(&mut self, other: &Self) {
        let Usage { input_tokens, output_tokens, cache_read_tokens, cache_creation_tokens, reasoning_tokens } =
            other.usage;
        for (sum, more) in [
            (&mut self.requests, other.requests),
            (&mut self.ended, other.ended),
            (&mut self.errors, other.errors),
            (&mut self.usage.input_tokens, input_tokens),
            (&mut self.usage.output_tokens, output_tokens),
            (&mut self.usage.cache_read_tokens, cache_read_tokens),
            (&mut self.usage.cache_creation_tokens, cache_creation_tokens),
            (&mut self.usage.reasoning_tokens, reasoning_tokens),
            (&mut self.tool_uses, other.tool_uses),
            (&mut self.tool_results, other.tool_results),
            (&mut self.tool_calls, other.tool_calls),
            (&mut self.duration_ns, other.duration_ns),
            (&mut self.priced, other.priced),
        ] {
            *sum = sum.saturating_add(more);
        }
        if other.priced > 0 {
            self.cost += other.cost;
        }
    }

    fn of(facts: &RowFacts, usage: Usage, cost: Option<Cost>) -> Self {
        Self {
            requests: 1,
            usage,
            tool_uses: facts.tool_uses.into(),
            tool_results: facts.tool_results.into(),
            tool_calls: facts.tool_calls,
            priced: cost.is_some().into(),
            cost: cost.unwrap_or_default(),
            ..Self::default()
        }
    }
}

/// The sums of one key in one shard.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyTotals {
    pub(super) streaming: Sums,
    pub(super) non_streaming: Sums,
    pub(super) last_accessed: Option<Instant>,
    pub(super) active: u64,
    /// `None` before a request has ended: most keys are of requests that other shards have.
    pub(super) latency: Option<Box<LatencySums>>,
}

impl KeyTotals {
    fn split(&mut self, facts: &RowFacts) -> &mut Sums {
        if facts.is_streaming == Some(true) { &mut self.streaming } else { &mut self.non_streaming }
    }

    /// A request has ended; its facts hold the final numbers.
    pub(crate) fn add_ended(&mut self, facts: &RowFacts, error: bool, duration: Duration) {
        let sums = Sums {
            ended: 1,
            errors: error.into(),
            duration_ns: nanos(duration),
            ..Sums::of(facts, facts.usage, facts.cost)
        };
        self.split(facts).add(&sums);
        self.latency.get_or_insert_default().add(sums.duration_ns, facts.streamed_first_token());
        self.accessed(facts.started);
    }

    /// A request is in flight; with its numbers so far, or only as one more.
    pub(crate) fn add_active(&mut self, facts: &RowFacts, usage: Usage, cost: Option<Cost>, include: bool) {
        self.active += 1;
        if include {
            self.split(facts).add(&Sums::of(facts, usage, cost));
        }
        self.accessed(facts.started);
    }

    /// Takes over the time of an access, if it is later than the last.
    pub(crate) fn accessed(&mut self, at: Instant) {
        self.last_accessed = self.last_accessed.max(Some(at));
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.streaming.add(&other.streaming);
        self.non_streaming.add(&other.non_streaming);
        self.active += other.active;
        if let Some(latency) = &other.latency {
            self.latency.get_or_insert_default().merge(latency);
        }
        self.last_accessed = self.last_accessed.max(other.last_accessed);
    }

    pub(super) fn latency(&self) -> Latency {
        self.latency.as_deref().map(Latency::from).unwrap_or_default()
    }

    pub(crate) fn last_accessed(&self) -> Option<Instant> {
        self.last_accessed
    }

    /// The requests that have ended, and those of them that did with an error.
    #[cfg(feature = "fleet")]
    pub(crate) fn ends(&self) -> (u64, u64) {
        (self.streaming.ended + self.non_streaming.ended, self.streaming.errors + self.non_streaming.errors)
    }

    /// US dollars of the requests whose cost is known.
    #[cfg(feature = "prometheus")]
    pub(crate) fn cost(&self) -> Cost {
        self.streaming.cost + self.non_streaming.cost
    }

    /// Requests whose cost is not known.
    #[cfg(feature = "prometheus")]
    pub(crate) fn unpriced(&self) -> u64 {
        [&self.streaming, &self.non_streaming].map(|sums| sums.requests.saturating_sub(sums.priced)).iter().sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.last_accessed.is_none()
    }
}
