//! Totals as they are shown.

use std::{
    collections::BTreeMap,
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{Serialize, Serializer};
use tokio::time::Instant;

use super::{
    filter::TotalsFilter,
    sums::{KeyTotals, Sums},
};
use crate::{
    cost::Cost,
    tracker::{
        clock::{WallClock, rfc3339},
        latency::Latency,
    },
};

/// Sums over requests, as they are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Totals {
    /// Requests.
    pub requests: u64,
    /// Requests that ended with an error.
    pub errors: u64,
    /// Tokens of the prompts, cached ones included.
    pub input_tokens: u64,
    /// Tokens of the answers, reasoning included.
    pub output_tokens: u64,
    /// Part of the input read from a cache.
    pub cache_read_tokens: u64,
    /// Part of the input written to a cache.
    pub cache_creation_tokens: u64,
    /// Uses of tools in the requests' messages.
    pub tool_uses: u64,
    /// Results of tools in the requests' messages.
    pub tool_results: u64,
    /// Calls of tools in the responses.
    pub tool_calls: u64,
    /// Mean over the requests that have ended.
    pub average_duration_ms: u64,
    /// Sum over the requests that have ended.
    pub total_duration_ms: u64,
    /// US dollars of the requests whose cost is known; `None` if it is of none.
    pub cost_usd: Option<Cost>,
    /// Requests whose cost is not known, for want of a price or of token counts.
    pub unpriced_requests: u64,
}

impl From<&Sums> for Totals {
    fn from(sums: &Sums) -> Self {
        Self {
            requests: sums.requests,
            errors: sums.errors,
            input_tokens: sums.usage.input_tokens,
            output_tokens: sums.usage.output_tokens,
            cache_read_tokens: sums.usage.cache_read_tokens,
            cache_creation_tokens: sums.usage.cache_creation_tokens,
            tool_uses: sums.tool_uses,
            tool_results: sums.tool_results,
            tool_calls: sums.tool_calls,
            average_duration_ms: sums.duration_ns.checked_div(sums.ended).unwrap_or(0) / 1_000_000,
            total_duration_ms: sums.duration_ns / 1_000_000,
            cost_usd: (sums.priced > 0).then_some(sums.cost),
            unpriced_requests: sums.requests.saturating_sub(sums.priced),
        }
    }
}

/// All requests, and apart those that streamed and those that did not, where there are any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SplitTotals {
    /// All of them.
    pub total: Totals,
    /// The requests that streamed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub streaming: Option<Totals>,
    /// The requests that did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub non_streaming: Option<Totals>,
}

impl From<&KeyTotals> for SplitTotals {
    fn from(totals: &KeyTotals) -> Self {
        let mut all = totals.streaming;
        all.add(&totals.non_streaming);
        let some = |sums: &Sums| (sums.requests > 0).then(|| Totals::from(sums));
        Self {
            total: Totals::from(&all),
            streaming: some(&totals.streaming),
            non_streaming: some(&totals.non_streaming),
        }
    }
}

/// The totals of one model of a provider.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ModelTotals {
    /// Start of the latest request. RFC 3339 in UTC on the wire.
    #[serde(serialize_with = "rfc3339")]
    pub last_accessed: SystemTime,
    /// The sums.
    #[serde(flatten)]
    pub totals: SplitTotals,
    /// How long they took.
    pub latency: Latency,
}

/// The totals of one provider.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ProviderTotals {
    /// Start of the latest request. RFC 3339 in UTC on the wire.
    #[serde(serialize_with = "rfc3339")]
    pub last_accessed: SystemTime,
    /// The sums over its models.
    pub rollup: SplitTotals,
    /// How long they took.
    pub latency: Latency,
    /// By model, sorted by name.
    pub models: BTreeMap<String, ModelTotals>,
}

/// When something was last asked for.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct LastAccessed {
    /// Start of the latest request of all; `None` before the first. RFC 3339 in UTC on the wire.
    #[serde(serialize_with = "rfc3339_or_null")]
    pub top: Option<SystemTime>,
}

/// Totals since the tracker was made. Serialises to what the monitor shows.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct RunningTotals {
    /// When something was last asked for.
    pub last_accessed: LastAccessed,
    /// Requests but for those that were refused; with those in flight if they were asked for.
    pub total_requests: u64,
    /// Requests that ended with an error.
    pub total_errors: u64,
    /// Tokens of the prompts, cached ones included.
    pub total_input_tokens: u64,
    /// Tokens of the answers, reasoning included.
    pub total_output_tokens: u64,
    /// Part of the input read from a cache.
    pub total_cache_read_tokens: u64,
    /// Part of the input written to a cache.
    pub total_cache_creation_tokens: u64,
    /// Uses of tools in the requests' messages.
    pub total_tool_uses: u64,
    /// Results of tools in the requests' messages.
    pub total_tool_results: u64,
    /// Calls of tools in the responses.
    pub total_tool_calls: u64,
    /// In flight now.
    pub active_requests: u64,
    /// Mean over the requests that have ended.
    pub average_duration_ms: u64,
    /// Sum over the requests that have ended.
    pub total_duration_ms: u64,
    /// How long they took.
    pub latency: Latency,
    /// By provider, sorted by name.
    pub providers: BTreeMap<String, ProviderTotals>,
    /// US dollars of the requests whose cost is known; `None` if it is of none.
    pub total_cost_usd: Option<Cost>,
    /// Requests whose cost is not known, for want of a price or of token counts.
    pub unpriced_requests: u64,
    /// Requests that were refused, for want of a key, say. No other number counts them, and no filter looks at them.
    pub refused_requests: u64,
}

/// Puts keys together into what is shown.
#[derive(Debug, Default)]
pub(crate) struct Report {
    providers: BTreeMap<String, BTreeMap<String, KeyTotals>>,
}

impl Report {
    pub(crate) fn add(&mut self, provider: &str, model: &str, totals: &KeyTotals, filter: &TotalsFilter) {
        if totals.is_empty() || !filter.takes(provider, model) {
            return;
        }
        self.providers.entry(provider.to_owned()).or_default().entry(model.to_owned()).or_default().add(totals);
    }

    pub(crate) fn finish(self, clock: &WallClock, refused_requests: u64) -> RunningTotals {
        let time = |at: Option<Instant>| at.map(|at| clock.system_time(at));
        let mut all = KeyTotals::default();
        let mut providers = BTreeMap::new();
        for (provider, models) in self.providers {
            let mut rollup = KeyTotals::default();
            models.values().for_each(|model| rollup.add(model));
            all.add(&rollup);
            let models = models
                .iter()
                .map(|(name, totals)| {
                    let last_accessed = time(totals.last_accessed).unwrap_or(UNIX_EPOCH);
                    (name.clone(), ModelTotals { last_accessed, totals: totals.into(), latency: totals.latency() })
                })
                .collect();
            let last_accessed = time(rollup.last_accessed).unwrap_or(UNIX_EPOCH);
            let latency = rollup.latency();
            providers.insert(provider, ProviderTotals { last_accessed, rollup: (&rollup).into(), latency, models });
        }
        let total = SplitTotals::from(&all).total;
        RunningTotals {
            last_accessed: LastAccessed { top: time(all.last_accessed) },
            total_requests: total.requests,
            total_errors: total.errors,
            total_input_tokens: total.input_tokens,
            total_output_tokens: total.output_tokens,
            total_cache_read_tokens: total.cache_read_tokens,
            total_cache_creation_tokens: total.cache_creation_tokens,
            total_tool_uses: total.tool_uses,
            total_tool_results: total.tool_results,
            total_tool_calls: total.tool_calls,
            active_requests: all.active,
            average_duration_ms: total.average_duration_ms,
            total_duration_ms: total.total_duration_ms,
            latency: all.latency(),
            providers,
            total_cost_usd: total.cost_usd,
            unpriced_requests: total.unpriced_requests,
            refused_requests,
        }
    }
}

fn rfc3339_or_null<S: Serializer>(time: &Option<SystemTime>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => rfc3339(time, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_are_written_in_utc() {
        let time = UNIX_EPOCH + Duration::from_secs(1_795_212_490);
        let written = |top| serde_json::to_string(&LastAccessed { top }).unwrap();
        assert_eq!(written(Some(time)), r#"{"top":"2026-11-20T22:08:10Z"}"#);
        assert_eq!(written(None), r#"{"top":null}"#);
    }
}
