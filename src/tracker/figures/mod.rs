//! Figures of requests that have ended: by steps over the last hour.
//!
//! A shard notes each end as a [`Finished`], under the lock that the end holds anyway, and hands its notes over when it has a few. The figures
//! are one for all shards, so their memory does not grow with the number of threads. A reader holds them while it visits the
//! shards, and so finds each request once: in flight, in a shard's notes, or handed over. An end never waits for a reader: it keeps its note.

mod latency;
mod series;
mod steps;

use std::time::Duration;

use tokio::time::Instant;

pub use self::series::{Series, SeriesBounds, SeriesPoint};
use self::steps::Steps;
use super::{RequestTracker, clock::WallClock, outcome::Outcome, slot::RowFacts};
use crate::sync::Mutex;

/// Notes that a shard keeps before it hands them over.
const NOTES: usize = 64;

/// The note of a request that has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Finished {
    started: Instant,
    duration: Duration,
    /// From the start, for an answer that was streamed: elsewhere the first token is the whole answer.
    first_token: Option<Duration>,
    input_tokens: u64,
    output_tokens: u64,
    outcome: Outcome,
}

impl Finished {
    pub(crate) fn new(facts: &RowFacts, outcome: Outcome, duration: Duration) -> Self {
        Self {
            started: facts.started,
            duration,
            first_token: facts.first_token.filter(|_| facts.is_streaming == Some(true)),
            input_tokens: facts.usage.input_tokens,
            output_tokens: facts.usage.output_tokens,
            outcome,
        }
    }
}

/// The notes of a shard.
#[derive(Debug, Default)]
pub(crate) struct Notes(Vec<Finished>);

impl Notes {
    /// Adds a note, and hands over those there are if they are many and nobody reads.
    #[inline]
    pub(crate) fn add(&mut self, finished: Finished, figures: &Figures) {
        self.0.push(finished);
        if self.0.len() >= NOTES {
            self.hand_over(figures);
        }
    }

    #[cold]
    fn hand_over(&mut self, figures: &Figures) {
        if let Some(mut sums) = figures.sums.try_lock() {
            sums.take(self, &figures.clock);
        }
    }
}

/// The figures of a tracker.
#[derive(Debug)]
pub(crate) struct Figures {
    clock: WallClock,
    sums: Mutex<FigureSums>,
}

/// The sums behind the lock.
#[derive(Debug, Default)]
struct FigureSums {
    steps: Steps,
}

impl FigureSums {
    fn take(&mut self, notes: &mut Notes, clock: &WallClock) {
        for finished in notes.0.drain(..) {
            self.steps.add(&finished, clock);
        }
        notes.0.shrink_to(NOTES);
    }
}

impl Figures {
    pub(crate) fn new(clock: WallClock) -> Self {
        Self { clock, sums: Mutex::default() }
    }
}

impl RequestTracker {
    /// The figures of the last hour, by steps of ten seconds.
    pub fn series(&self) -> Series {
        let Figures { clock, sums } = &self.shared.figures;
        let mut sums = sums.lock();
        let mut starts = Vec::new();
        for shard in &*self.shards {
            shard.with_state(|state| {
                sums.take(state.notes(), clock);
                state.for_each(&self.shared, |row, _| starts.push(row.data.facts.started));
            });
        }
        Series::new(&sums.steps, &starts, clock, Instant::now())
    }
}
