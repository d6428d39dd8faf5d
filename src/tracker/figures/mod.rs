//! Figures of requests that have ended: by steps over the last hour, and for Prometheus by classes since the start.
//!
//! A shard notes each end as a [`Finished`], under the lock that the end holds anyway, and hands its notes over when it has a few. The figures
//! are one for all shards, so their memory does not grow with the number of threads. A reader holds them while it visits the
//! shards, and so finds each request once: in flight, in a shard's notes, or handed over. An end never waits for a reader: it keeps its note.

#[cfg(feature = "prometheus")]
mod classes;
#[cfg(feature = "prometheus")]
mod histogram;
#[cfg(feature = "prometheus")]
mod reading;
mod series;
mod steps;

use std::time::Duration;

use tokio::time::Instant;

#[cfg(feature = "prometheus")]
use self::classes::Classes;
pub use self::series::{Series, SeriesBounds, SeriesPoint};
use self::steps::Steps;
#[cfg(feature = "prometheus")]
pub(crate) use self::{
    classes::{ClassFigures, Kind},
    histogram::{Bounds, DURATION, FIRST_TOKEN, Histogram, OUTPUT_TOKEN, TOKENS},
    reading::{KeyReading, MetricsReading},
};
#[cfg(feature = "prometheus")]
use super::texts::TextField;
use super::{
    RequestTracker,
    clock::{WallClock, nanos},
    keys::Key,
    outcome::Outcome,
    slot::RequestData,
};
#[cfg(feature = "prometheus")]
use crate::usage::{Observation, Operation, UsageSource};
use crate::{sync::Mutex, usage::Usage};

/// Notes that a shard keeps before it hands them over.
const NOTES: usize = 64;

/// The note of a request that has ended. Times are in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Finished {
    /// Since the tracker was made.
    ended: u64,
    duration: u64,
    /// From the start, for an answer that was streamed: elsewhere the first token is the whole answer.
    first_token: Option<u64>,
    usage: Usage,
    outcome: Outcome,
    #[cfg(feature = "prometheus")]
    key: Key,
    #[cfg(feature = "prometheus")]
    kind: Kind,
    #[cfg(feature = "prometheus")]
    observation: Observation,
    /// Whether the provider has told how many tokens went in.
    #[cfg(feature = "prometheus")]
    reports_input: bool,
    /// Whether the provider has told how many tokens came out in all.
    #[cfg(feature = "prometheus")]
    reports_output: bool,
}

/// The notes of a shard.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    list: Vec<Finished>,
    #[cfg(feature = "prometheus")]
    last_path: LastPath,
}

impl Notes {
    /// Notes that a request has ended, and hands the notes over if they are many and nobody reads.
    #[cfg_attr(not(feature = "prometheus"), expect(unused_variables, reason = "the series does not need the key"))]
    #[inline]
    pub(crate) fn add(
        &mut self,
        data: &RequestData,
        key: Key,
        outcome: Outcome,
        (ended, duration): (Instant, Duration),
        figures: &Figures,
    ) {
        let facts = &data.facts;
        self.list.push(Finished {
            ended: nanos(ended.duration_since(figures.clock.anchor)),
            duration: nanos(duration),
            first_token: facts.streamed_first_token(),
            usage: facts.usage,
            outcome,
            #[cfg(feature = "prometheus")]
            key,
            #[cfg(feature = "prometheus")]
            kind: Kind {
                operation: self.last_path.operation(data.texts.get(TextField::Path)),
                error_type: facts.error_type,
            },
            #[cfg(feature = "prometheus")]
            observation: facts.observation,
            #[cfg(feature = "prometheus")]
            reports_input: facts.own.usage || facts.provider_usage.input_tokens.is_some(),
            #[cfg(feature = "prometheus")]
            reports_output: facts.own.usage
                || (facts.source == UsageSource::Reported && facts.provider_usage.output_tokens.is_some()),
        });
        if self.list.len() >= NOTES {
            self.hand_over(figures);
        }
    }

    #[cold]
    fn hand_over(&mut self, figures: &Figures) {
        if let Some(mut sums) = figures.sums.try_lock() {
            sums.take(self, figures);
        }
    }
}

/// The path that was read last, and its operation: one path often follows itself.
#[cfg(feature = "prometheus")]
#[derive(Debug, Default)]
struct LastPath {
    path: String,
    operation: Option<Operation>,
}

#[cfg(feature = "prometheus")]
impl LastPath {
    fn operation(&mut self, path: &str) -> Option<Operation> {
        if self.path != path {
            self.operation = Operation::of_path(path);
            path.clone_into(&mut self.path);
        }
        self.operation
    }
}

/// The figures of a tracker.
#[derive(Debug)]
pub(crate) struct Figures {
    clock: WallClock,
    /// When the tracker was made, in nanoseconds since the Unix epoch.
    origin: u64,
    #[cfg(feature = "prometheus")]
    max_keys: usize,
    sums: Mutex<FigureSums>,
}

/// The sums behind the lock.
#[derive(Debug, Default)]
struct FigureSums {
    steps: Steps,
    #[cfg(feature = "prometheus")]
    classes: Classes,
}

impl FigureSums {
    fn take(&mut self, notes: &mut Notes, figures: &Figures) {
        for finished in &notes.list {
            self.steps.add(finished, figures.origin);
            #[cfg(feature = "prometheus")]
            self.classes.add(finished, figures.max_keys);
        }
        notes.list.clear();
        notes.list.shrink_to(NOTES);
    }
}

impl Figures {
    #[cfg_attr(not(feature = "prometheus"), expect(unused_variables, reason = "the series is not kept by key"))]
    pub(crate) fn new(clock: WallClock, max_keys: usize) -> Self {
        Self {
            clock,
            origin: nanos(clock.wall(clock.anchor)),
            #[cfg(feature = "prometheus")]
            max_keys,
            sums: Mutex::default(),
        }
    }
}

impl RequestTracker {
    /// The figures of the last hour, by steps of ten seconds.
    pub fn series(&self) -> Series {
        let figures = &self.shared.figures;
        let mut sums = figures.sums.lock();
        let mut starts = Vec::new();
        for shard in &*self.shards {
            shard.with_state(|state| {
                sums.take(state.notes(), figures);
                state.for_each(&self.shared, |row, _| starts.push(row.data.facts.started));
            });
        }
        Series::new(&sums.steps, &starts, &figures.clock, Instant::now())
    }
}
