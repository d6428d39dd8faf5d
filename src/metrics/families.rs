//! The families of metrics, written from one reading of the tracker.

use std::{collections::BTreeMap, fmt, time::UNIX_EPOCH};

use prometheus_client::{collector::Collector, encoding::DescriptorEncoder, metrics::MetricType};

use super::{
    FeedHealth,
    fleet::FleetHealth,
    gen_ai::GenAi,
    samples::{Family, LabelPairs},
};
use crate::tracker::{KeyReading, MetricsReading, Outcome, Phase, RequestTracker};

const IN_FLIGHT: Family = Family::of("active_requests", "Requests in flight.");
const OUTPUT_TOKENS: Family =
    Family::of("active_requests_output_tokens", "Output tokens so far of the requests in flight, estimates included.");
const OLDEST: Family =
    Family::of_seconds("active_requests_oldest", "Age of the oldest request in flight; 0 while none is.");
const ENDED: Family = Family::of("active_requests_ended", "Requests that have ended, by outcome.");
const REFUSED: Family = Family::of(
    "active_requests_refused",
    "Requests that were turned away, such as for want of a key; they are counted nowhere else.",
);
const COST: Family = Family::of("active_requests_cost_usd", "US dollars of the ended requests whose cost is known.");
const UNPRICED: Family = Family::of(
    "active_requests_unpriced",
    "Ended requests whose cost is not known, for want of a price or of token counts.",
);
const SUBSCRIBERS: Family = Family::of("active_requests_subscribers", "Open connections to the stream.");
const FEED_SKIPPED: Family = Family::of(
    "active_requests_feed_skipped",
    "Times that a subscriber was too slow for the deltas, and was sent an update instead.",
);
const BLIND: Family = Family::of(
    "active_requests_blind",
    "Ended requests whose response could not be read: encoded, of an unknown kind, or given up.",
);
const KEYS_FOLDED: Family = Family::of(
    "active_requests_keys_folded",
    "Ended requests that are counted under other, since there are as many models as there may be.",
);
const SINCE: Family =
    Family::of_seconds("active_requests_start_time", "Since when requests are counted, in Unix time.");

/// All families, and the numbers to write.
#[derive(Debug)]
pub(super) struct Families {
    reading: MetricsReading,
    gen_ai: GenAi,
    feed: FeedHealth,
    fleet: Option<FleetHealth>,
    is_enabled: bool,
}

impl Families {
    pub(super) fn new(tracker: &RequestTracker, feed: FeedHealth, fleet: Option<FleetHealth>) -> Self {
        let reading = tracker.metrics();
        Self { gen_ai: GenAi::new(&reading), reading, feed, fleet, is_enabled: tracker.is_enabled() }
    }

    fn keys<'a, V>(&'a self, of: impl Fn(&'a KeyReading) -> V) -> impl Iterator<Item = (LabelPairs<'a>, V)> {
        self.reading.keys.iter().map(move |((provider, model), key)| {
            (vec![("provider", provider.as_str()), ("model", model.as_str())], of(key))
        })
    }

    fn in_flight(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let phases = self.keys(|key| &key.phases).flat_map(|(labels, counts)| {
            Phase::ALL.iter().zip(counts).map(move |(phase, count)| (with(&labels, "phase", phase.as_str()), *count))
        });
        IN_FLIGHT.gauges(encoder, phases)?;
        OUTPUT_TOKENS.gauges(encoder, self.keys(|key| key.output_tokens))?;
        let mut oldest: BTreeMap<&str, u64> = BTreeMap::new();
        for ((provider, _), key) in &self.reading.keys {
            let age = oldest.entry(provider).or_default();
            *age = key.oldest.max(*age);
        }
        OLDEST.gauges(
            encoder,
            oldest.into_iter().map(|(provider, nanos)| (vec![("provider", provider)], nanos as f64 / 1e9)),
        )
    }

    fn ended(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let outcomes = self.keys(|key| &key.outcomes).flat_map(|(labels, counts)| {
            let counts = Outcome::ALL.iter().zip(counts).filter(|(outcome, _)| **outcome != Outcome::Refused);
            counts.map(move |(outcome, count)| (with(&labels, "outcome", outcome.as_str()), *count))
        });
        ENDED.counters(encoder, outcomes)?;
        REFUSED.counters(encoder, [(Vec::new(), self.reading.refused)])?;
        if self.reading.is_billed {
            COST.counters(encoder, self.keys(|key| key.cost.to_f64()))?;
            UNPRICED.counters(encoder, self.keys(|key| key.unpriced))?;
        }
        self.gen_ai.encode(encoder)
    }

    fn own_health(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let subscribers = self.feed.subscribers + self.fleet.as_ref().map_or(0, |fleet| fleet.subscribers);
        SUBSCRIBERS.gauges(encoder, [(Vec::new(), subscribers as u64)])?;
        for (family, count) in
            [(FEED_SKIPPED, self.feed.skipped), (BLIND, self.reading.blind), (KEYS_FOLDED, self.reading.folded)]
        {
            family.counters(encoder, [(Vec::new(), count)])?;
        }
        if let Some(fleet) = &self.fleet {
            fleet.encode(encoder)?;
        }
        let since = self.reading.since.duration_since(UNIX_EPOCH).unwrap_or_default();
        SINCE.gauges(encoder, [(Vec::new(), since.as_secs_f64())])?;
        let help = "The version of active-requests.";
        encoder
            .encode_descriptor("active_requests_build", help, None, MetricType::Info)?
            .encode_info(&[("version", env!("CARGO_PKG_VERSION"))])
    }
}

impl Collector for Families {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        if self.is_enabled {
            self.in_flight(&mut encoder)?;
            self.ended(&mut encoder)?;
        }
        self.own_health(&mut encoder)
    }
}

/// `labels` and one more.
fn with<'a>(labels: &LabelPairs<'a>, name: &'static str, value: &'a str) -> LabelPairs<'a> {
    labels.iter().copied().chain([(name, value)]).collect()
}
