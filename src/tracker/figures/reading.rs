//! Everything that Prometheus is told of a tracker, read at one moment.

use std::{collections::BTreeMap, time::SystemTime};

use tokio::time::Instant;

use super::{
    Figures,
    classes::{ClassFigures, Kind},
};
use crate::{
    cost::Cost,
    tracker::{RequestTracker, clock::nanos, get_or_grow, keys::Key, outcome::Outcome, row::Phase},
};

/// The metrics of a tracker.
#[derive(Debug)]
pub(crate) struct MetricsReading {
    /// By provider and model.
    pub(crate) keys: BTreeMap<(String, String), KeyReading>,
    /// Whether requests are billed, so that a cost that is missing is worth telling.
    pub(crate) is_billed: bool,
    /// Ended requests whose response could not be read.
    pub(crate) blind: u64,
    /// Ended requests that are counted under `other`, since there are as many keys as there may be.
    pub(crate) folded: u64,
    /// Requests that were refused, which are in none of the keys.
    pub(crate) refused: u64,
    /// The moment since when requests are counted.
    pub(crate) since: SystemTime,
}

/// The metrics of one provider's model.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyReading {
    /// Requests in flight by phase.
    pub(crate) phases: [u64; Phase::ALL.len()],
    /// Output tokens of the requests in flight.
    pub(crate) output_tokens: u64,
    /// The start of the oldest request in flight, in nanoseconds ago.
    pub(crate) oldest: u64,
    /// Ended requests by outcome.
    pub(crate) outcomes: [u64; Outcome::ALL.len()],
    pub(crate) cost: Cost,
    /// Ended requests whose cost is not known.
    pub(crate) unpriced: u64,
    pub(crate) classes: Vec<(Kind, ClassFigures)>,
}

impl RequestTracker {
    /// Reads all metrics at one moment: a request is among those in flight or among those that have ended.
    pub(crate) fn metrics(&self) -> MetricsReading {
        let shared = &*self.shared;
        let Figures { sums, .. } = &shared.figures;
        let stall_after = shared.config.stall_after;
        let mut by_key: Vec<KeyReading> = Vec::new();
        let mut sums = sums.lock();
        for shard in &*self.shards {
            shard.with_state(|state| {
                sums.take(state.notes(), &shared.figures);
                for (index, totals) in state.totals().iter().enumerate() {
                    let reading = get_or_grow(&mut by_key, index);
                    reading.cost += totals.cost();
                    reading.unpriced += totals.unpriced();
                }
                let now = Instant::now();
                state.for_each(shared, |row, key| {
                    let reading = get_or_grow(&mut by_key, key.index());
                    let progress = row.progress(now, stall_after);
                    reading.phases[progress.phase as usize] += 1;
                    reading.output_tokens = reading.output_tokens.saturating_add(row.usage.output_tokens);
                    let age = now.duration_since(row.data.facts.started);
                    reading.oldest = reading.oldest.max(nanos(age));
                });
            });
        }
        for (index, figures) in sums.classes.by_key.iter().enumerate() {
            let reading = get_or_grow(&mut by_key, index);
            reading.outcomes = figures.outcomes;
            reading.classes.clone_from(&figures.classes);
        }
        let (blind, refused) = (sums.classes.blind, sums.classes.refused);
        drop(sums);

        let folded = by_key.get(Key::OTHER.index()).map_or(0, |other| other.outcomes.iter().sum());
        let mut keys: BTreeMap<(String, String), KeyReading> = BTreeMap::new();
        shared.keys.for_each(|key, provider, model| {
            if let Some(reading) = by_key.get_mut(key.index()).map(std::mem::take).filter(|reading| !reading.is_empty())
            {
                // Names of a client's choice may be those of the key that others are folded into.
                keys.entry((provider.to_owned(), model.to_owned())).or_default().merge(reading);
            }
        });
        MetricsReading {
            keys,
            is_billed: shared.prices.any(),
            blind,
            folded,
            refused,
            since: shared.clock.system_time(shared.clock.anchor),
        }
    }
}

impl KeyReading {
    /// Whether no request of it is in flight, and none has ended.
    fn is_empty(&self) -> bool {
        self.phases.iter().chain(&self.outcomes).all(|count| *count == 0) && self.classes.is_empty()
    }

    fn merge(&mut self, other: Self) {
        self.phases.iter_mut().zip(other.phases).for_each(|(sum, more)| *sum += more);
        self.outcomes.iter_mut().zip(other.outcomes).for_each(|(sum, more)| *sum += more);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
        self.oldest = self.oldest.max(other.oldest);
        self.cost += other.cost;
        self.unpriced += other.unpriced;
        self.classes.extend(other.classes);
    }
}
