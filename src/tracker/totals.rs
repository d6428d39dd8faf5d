//! Running totals: requests that have ended, folded by provider and model, and those in flight as they stand.

use super::{
    clock::{Clock, nanos},
    shard::LiveRow,
    slot::Facts,
};
use crate::usage::Usage;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    time::{Duration, UNIX_EPOCH},
};
use tokio::time::Instant;

/// Sums over requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    requests: u64,
    ended: u64,
    errors: u64,
    usage: Usage,
    tool_uses: u64,
    tool_results: u64,
    tool_calls: u64,
    duration_ns: u64,
}

impl Sums {
    fn add(&mut self, other: &Self) {
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
        ] {
            *sum = sum.saturating_add(more);
        }
    }

    fn of(facts: &Facts, usage: Usage) -> Self {
        Self {
            requests: 1,
            usage,
            tool_uses: facts.tool_uses.into(),
            tool_results: facts.tool_results.into(),
            tool_calls: facts.tool_calls,
            ..Self::default()
        }
    }
}

/// What one shard has counted for one key.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KeyTotals {
    streaming: Sums,
    non_streaming: Sums,
    last_accessed: Option<Instant>,
    active: u64,
}

impl KeyTotals {
    fn split(&mut self, facts: &Facts) -> &mut Sums {
        if facts.is_streaming == Some(true) { &mut self.streaming } else { &mut self.non_streaming }
    }

    /// A request has ended; its facts hold the final numbers.
    pub(crate) fn add_ended(&mut self, facts: &Facts, error: bool, duration: Duration) {
        let sums =
            Sums { ended: 1, errors: error.into(), duration_ns: nanos(duration), ..Sums::of(facts, facts.usage) };
        self.split(facts).add(&sums);
        self.accessed(facts.started);
    }

    /// A request is in flight; with its numbers so far, or only as one more.
    pub(crate) fn add_active(&mut self, row: &LiveRow<'_>, include: bool) {
        self.active += 1;
        if include {
            self.split(row.facts).add(&Sums::of(row.facts, row.usage));
        }
        self.accessed(row.facts.started);
    }

    pub(crate) fn accessed(&mut self, at: Instant) {
        self.last_accessed = self.last_accessed.max(Some(at));
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.streaming.add(&other.streaming);
        self.non_streaming.add(&other.non_streaming);
        self.active += other.active;
        self.last_accessed = self.last_accessed.max(other.last_accessed);
    }

    fn is_empty(&self) -> bool {
        self.last_accessed.is_none()
    }
}

/// Which totals are asked for.
#[derive(Clone, Debug)]
pub struct TotalsFilter {
    /// Providers by name; any case, `*` and `?` stand for anything and for one character. `None`: all.
    pub provider: Option<String>,
    /// Models by name, likewise.
    pub model: Option<String>,
    /// Count requests in flight with those that have ended.
    pub include_active: bool,
}

impl Default for TotalsFilter {
    fn default() -> Self {
        Self { provider: None, model: None, include_active: true }
    }
}

impl TotalsFilter {
    fn takes(&self, provider: &str, model: &str) -> bool {
        let takes = |pattern: &Option<String>, name| pattern.as_deref().is_none_or(|pattern| matches(pattern, name));
        takes(&self.provider, provider) && takes(&self.model, model)
    }
}

/// Whether `name` is what `pattern` describes. Linear but for backtracking to the last `*`.
fn matches(pattern: &str, name: &str) -> bool {
    let lower = |text: &str| text.chars().flat_map(char::to_lowercase).collect::<Vec<_>>();
    let (pattern, name) = (lower(pattern), lower(name));
    let (mut p, mut n) = (0, 0);
    let mut star = None;
    while n < name.len() {
        if pattern.get(p) == Some(&'*') {
            star = Some((p, n));
            p += 1;
        } else if pattern.get(p).is_some_and(|c| *c == '?' || *c == name[n]) {
            (p, n) = (p + 1, n + 1);
        } else if let Some((after, taken)) = star {
            (p, n) = (after + 1, taken + 1);
            star = Some((after, taken + 1));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

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
        }
    }
}

/// All requests, and apart those that streamed and those that did not, where there are any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SplitTotals {
    /// All of them.
    pub total: Totals,
    /// Those that streamed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub streaming: Option<Totals>,
    /// Those that did not.
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
    /// Start of the latest request, RFC 3339 in UTC.
    pub last_accessed: String,
    /// The sums.
    #[serde(flatten)]
    pub totals: SplitTotals,
}

/// The totals of one provider.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ProviderTotals {
    /// Start of the latest request, RFC 3339 in UTC.
    pub last_accessed: String,
    /// The sums over its models.
    pub rollup: SplitTotals,
    /// By model, sorted by name.
    pub models: BTreeMap<String, ModelTotals>,
}

/// When something was last asked for.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct LastAccessed {
    /// Start of the latest request of all, RFC 3339 in UTC; `None` before the first.
    pub top: Option<String>,
}

/// Totals since the tracker was made. Serialises to what the monitor shows.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct RunningTotals {
    /// When something was last asked for.
    pub last_accessed: LastAccessed,
    /// Requests; with those in flight if they were asked for.
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
    /// By provider, sorted by name.
    pub providers: BTreeMap<String, ProviderTotals>,
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

    pub(crate) fn finish(self, clock: &Clock) -> RunningTotals {
        let timestamp = |at: Option<Instant>| at.map(|at| timestamp(clock.wall(at)));
        let mut all = KeyTotals::default();
        let mut providers = BTreeMap::new();
        for (provider, models) in self.providers {
            let mut rollup = KeyTotals::default();
            models.values().for_each(|model| rollup.add(model));
            all.add(&rollup);
            let models = models
                .iter()
                .map(|(name, totals)| {
                    let last_accessed = timestamp(totals.last_accessed).unwrap_or_default();
                    (name.clone(), ModelTotals { last_accessed, totals: totals.into() })
                })
                .collect();
            let last_accessed = timestamp(rollup.last_accessed).unwrap_or_default();
            providers.insert(provider, ProviderTotals { last_accessed, rollup: (&rollup).into(), models });
        }
        let total = SplitTotals::from(&all).total;
        RunningTotals {
            last_accessed: LastAccessed { top: timestamp(all.last_accessed) },
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
            providers,
        }
    }
}

/// RFC 3339 in UTC, to the second.
fn timestamp(since_epoch: Duration) -> String {
    humantime::format_rfc3339_seconds(UNIX_EPOCH + since_epoch).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_in_any_case_and_with_wildcards() {
        let table = [
            ("openai", "OpenAI", true),
            ("open*", "openrouter", true),
            ("*4*", "gpt-4o", true),
            ("gpt-?o", "gpt-4o", true),
            ("gpt-?", "gpt-4o", false),
            ("*", "", true),
            ("", "x", false),
            ("a*b*c", "aXbXbc", true),
            ("a*b*c", "aXbXb", false),
            ("É*", "école", true),
            ("a.b", "axb", false),
        ];
        for (pattern, name, expected) in table {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn a_hostile_pattern_is_not_exponential() {
        assert!(!matches(&"*a".repeat(500), &"b".repeat(5000)));
    }

    #[test]
    fn times_are_written_in_utc() {
        assert_eq!(timestamp(Duration::from_secs(1_795_212_490)), "2026-11-20T22:08:10Z");
    }
}
