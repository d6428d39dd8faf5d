//! The figures of the last hour, as they are shown.

use std::time::SystemTime;

use serde::{Serialize, Serializer};
use tokio::time::Instant;

use super::steps::{STEP_SECONDS, StepFigures, Steps, step_at};
use crate::tracker::{
    clock::{WallClock, epoch_seconds, nanos},
    latency::BOUNDS_MS,
    outcome::Outcome,
};

/// The last hour, by steps. Serialises to what the monitor shows.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Series {
    /// Milliseconds of a step.
    pub step_ms: u64,
    /// The moment of the reading. Seconds since the Unix epoch on the wire.
    #[serde(serialize_with = "epoch_seconds")]
    pub timestamp: SystemTime,
    /// The moment since when requests are counted. Seconds since the Unix epoch on the wire.
    #[serde(serialize_with = "epoch_seconds")]
    pub since: SystemTime,
    /// Upper bounds of the buckets, in milliseconds.
    pub bounds_ms: SeriesBounds,
    /// The steps, oldest first, the running one included: at most 361. A step in which no request has started or ended is left out.
    pub points: Vec<SeriesPoint>,
}

/// Upper bounds of the buckets of a [`SeriesPoint`], in milliseconds. A bucket counts what is above the bound before and not above its own;
/// there is one bucket more than bounds, for what is above the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SeriesBounds {
    /// The bounds of [`SeriesPoint::duration`].
    pub duration: &'static [u64],
    /// The bounds of [`SeriesPoint::first_token`].
    pub first_token: &'static [u64],
}

/// The figures of one step.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct SeriesPoint {
    /// The beginning of the step, in seconds since the Unix epoch.
    pub t: u64,
    /// Requests that started in the step, those still in flight included.
    pub started: u64,
    /// Requests that ended in the step, by outcome; outcomes that did not occur are left out. An object on the wire.
    #[serde(serialize_with = "object")]
    pub outcomes: Vec<(Outcome, u64)>,
    /// Input tokens of the requests that ended in the step, cached ones included.
    pub input_tokens: u64,
    /// Output tokens of the requests that ended in the step, reasoning included.
    pub output_tokens: u64,
    /// Durations of the requests that ended in the step, by bucket.
    pub duration: Vec<u32>,
    /// Times to the first token of the streamed answers that ended in the step, by bucket.
    pub first_token: Vec<u32>,
}

impl Series {
    /// The figures of `steps`, with the starts of requests that are still in flight.
    pub(super) fn new(steps: &Steps, starts: &[Instant], clock: &WallClock, now: Instant) -> Self {
        let starts = starts.iter().map(|started| step_at(nanos(clock.wall(*started))));
        let steps = steps.newest(step_at(nanos(clock.wall(now))), starts);
        Self {
            step_ms: STEP_SECONDS * 1_000,
            timestamp: clock.system_time(now),
            since: clock.system_time(clock.anchor),
            bounds_ms: SeriesBounds { duration: &BOUNDS_MS, first_token: &BOUNDS_MS },
            points: steps.into_iter().map(|(number, step)| SeriesPoint::new(number, step)).collect(),
        }
    }
}

impl SeriesPoint {
    fn new(number: u64, step: StepFigures) -> Self {
        let outcomes = Outcome::ALL.iter().copied().zip(step.outcomes);
        Self {
            t: number * STEP_SECONDS,
            started: step.started,
            outcomes: outcomes.filter(|(_, count)| *count > 0).map(|(outcome, n)| (outcome, n.into())).collect(),
            input_tokens: step.input_tokens,
            output_tokens: step.output_tokens,
            duration: step.duration.0.to_vec(),
            first_token: step.first_token.0.to_vec(),
        }
    }
}

fn object<S: Serializer>(pairs: &[(Outcome, u64)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().copied())
}
