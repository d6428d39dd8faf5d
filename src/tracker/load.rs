//! The load of a tracker: its requests in flight, summed up by model and by caller.

use std::{collections::BTreeMap, ops::AddAssign};

use tokio::time::Instant;

use super::{
    RequestTracker, get_or_grow,
    live::{LiveRow, Progress},
    row::{Phase, WaitingOn},
    texts::TextField,
    totals::KeyTotals,
};

/// Sums over requests in flight.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct LoadSums {
    /// Requests by phase, in the order of [`Phase::ALL`].
    pub(crate) phases: [u64; Phase::ALL.len()],
    pub(crate) waiting_on_client: u64,
    pub(crate) input_tokens: u64,
    pub(crate) output_tokens: u64,
    pub(crate) output_tokens_per_second: f64,
    /// Milliseconds since the start of the oldest; 0 where there is none.
    pub(crate) oldest_ms: u64,
}

/// The sums of one provider's model, with what has been counted since the tracker was made.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ModelLoad {
    pub(crate) in_flight: LoadSums,
    /// Requests that have started, those in flight included.
    pub(crate) started: u64,
    pub(crate) ended: u64,
    /// Requests that ended with an error.
    pub(crate) errors: u64,
}

/// The load at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Load {
    /// Requests in flight.
    pub(crate) rows: u64,
    /// By provider and model, as totals are.
    pub(crate) models: BTreeMap<(String, String), ModelLoad>,
    /// By caller.
    pub(crate) callers: BTreeMap<String, LoadSums>,
    /// The requests of no known caller.
    pub(crate) without_caller: LoadSums,
}

impl LoadSums {
    /// Requests in flight.
    pub(crate) fn rows(&self) -> u64 {
        self.phases.iter().sum()
    }

    fn add_row(&mut self, row: &LiveRow<'_>, progress: &Progress) {
        self.phases[progress.phase as usize] += 1;
        self.waiting_on_client += u64::from(progress.waiting_on == WaitingOn::Client);
        self.input_tokens = self.input_tokens.saturating_add(row.usage.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(row.usage.output_tokens);
        self.output_tokens_per_second += progress.output_tokens_per_second.unwrap_or(0.0);
        self.oldest_ms = self.oldest_ms.max(progress.duration_ms);
    }
}

impl Load {
    /// Adds a row to the sums of its caller, whose name is empty if it is not known.
    fn add_for(&mut self, caller: &str, row: &LiveRow<'_>, progress: &Progress) {
        if caller.is_empty() {
            self.without_caller.add_row(row, progress);
        } else if let Some(sums) = self.callers.get_mut(caller) {
            sums.add_row(row, progress);
        } else {
            // The name is copied once: this runs under a shard's lock.
            self.callers.entry(caller.to_owned()).or_default().add_row(row, progress);
        }
    }
}

impl AddAssign<&Self> for LoadSums {
    fn add_assign(&mut self, other: &Self) {
        self.phases.iter_mut().zip(other.phases).for_each(|(sum, more)| *sum += more);
        self.waiting_on_client += other.waiting_on_client;
        self.input_tokens = self.input_tokens.saturating_add(other.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
        self.output_tokens_per_second += other.output_tokens_per_second;
        self.oldest_ms = self.oldest_ms.max(other.oldest_ms);
    }
}

impl AddAssign<&Self> for ModelLoad {
    fn add_assign(&mut self, other: &Self) {
        self.in_flight += &other.in_flight;
        self.started += other.started;
        self.ended += other.ended;
        self.errors += other.errors;
    }
}

impl RequestTracker {
    /// Sums up the requests in flight. Each shard is read at one moment.
    pub(crate) fn load(&self) -> Load {
        let shared = &*self.shared;
        let stall_after = shared.config.stall_after;
        let mut totals: Vec<KeyTotals> = Vec::new();
        let mut by_key: Vec<ModelLoad> = Vec::new();
        let mut load = Load::default();
        for shard in &*self.shards {
            shard.with_state(|state| {
                for (index, key) in state.totals().iter().enumerate() {
                    get_or_grow(&mut totals, index).add(key);
                }
                let now = Instant::now();
                state.for_each(shared, |row, key| {
                    let progress = row.progress(now, stall_after);
                    let model = get_or_grow(&mut by_key, key.index());
                    model.in_flight.add_row(&row, &progress);
                    // Those that are refused are in no totals.
                    model.started += u64::from(!row.data.facts.is_refused);
                    load.add_for(row.data.texts.get(TextField::Caller), &row, &progress);
                    load.rows += 1;
                });
            });
        }
        shared.keys.for_each(|key, provider, model| {
            let mut sums = by_key.get_mut(key.index()).map(std::mem::take).unwrap_or_default();
            let (ended, errors) = totals.get(key.index()).map_or((0, 0), KeyTotals::ends);
            sums += &ModelLoad { started: ended, ended, errors, ..ModelLoad::default() };
            if sums != ModelLoad::default() {
                // Names of a client's choice may be those of the key that others are folded into.
                *load.models.entry((provider.to_owned(), model.to_owned())).or_default() += &sums;
            }
        });
        load
    }
}
