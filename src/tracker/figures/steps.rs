//! The last hour, in steps of ten seconds.

use std::collections::BTreeMap;

use super::Finished;
use crate::tracker::{latency::LatencyCounts, outcome::Outcome};

/// Seconds of a step.
pub(super) const STEP_SECONDS: u64 = 10;
/// Steps that are kept: an hour, and the one that runs.
const STEPS: u64 = 361;

/// The number of the step of a moment, counted from the Unix epoch; the moment is given in nanoseconds since then.
pub(super) fn step_at(nanos: u64) -> u64 {
    nanos / (STEP_SECONDS * 1_000_000_000)
}

/// The figures of one step.
#[derive(Clone, Debug, Default)]
pub(super) struct StepFigures {
    number: u64,
    pub(super) started: u64,
    /// By outcome.
    pub(super) outcomes: [u32; Outcome::ALL.len()],
    pub(super) input_tokens: u64,
    pub(super) output_tokens: u64,
    pub(super) duration: LatencyCounts,
    pub(super) first_token: LatencyCounts,
}

/// A ring of steps. About 270 KB once each has been used; a step in which nothing happens takes no memory until then.
#[derive(Debug, Default)]
pub(super) struct Steps {
    /// A step is at the remainder of its number.
    ring: Vec<Option<Box<StepFigures>>>,
}

impl Steps {
    /// The step of a number; `None` if its place holds a later one.
    fn step(&mut self, number: u64) -> Option<&mut StepFigures> {
        if self.ring.is_empty() {
            self.ring.resize_with(STEPS as usize, || None);
        }
        let step = self.ring[(number % STEPS) as usize]
            .get_or_insert_with(|| Box::new(StepFigures { number, ..StepFigures::default() }));
        if step.number < number {
            **step = StepFigures { number, ..StepFigures::default() };
        }
        (step.number == number).then_some(step)
    }

    /// Adds a request. `origin`: when the tracker was made, in nanoseconds since the Unix epoch.
    pub(super) fn add(&mut self, finished: &Finished, origin: u64) {
        let ended = origin.saturating_add(finished.ended);
        let (start, end) = (step_at(ended.saturating_sub(finished.duration)), step_at(ended));
        // Most requests end in the step in which they started.
        if start != end {
            self.step(start).into_iter().for_each(|step| step.started += 1);
        }
        let Some(step) = self.step(end) else { return };
        step.started += u64::from(start == end);
        step.outcomes[finished.outcome as usize] += 1;
        step.input_tokens = step.input_tokens.saturating_add(finished.usage.input_tokens);
        step.output_tokens = step.output_tokens.saturating_add(finished.usage.output_tokens);
        // How soon somebody is turned away says nothing of how long answers take.
        if finished.outcome != Outcome::Refused {
            step.duration.add(finished.duration);
        }
        if let Some(first_token) = finished.first_token {
            step.first_token.add(first_token);
        }
    }

    /// The steps in which something happened, oldest first, of those kept in the step `now`; `starts`: steps in which requests in flight have
    /// started.
    pub(super) fn newest(&self, now: u64, starts: impl IntoIterator<Item = u64>) -> BTreeMap<u64, StepFigures> {
        let kept = now.saturating_sub(STEPS - 1)..=now;
        let steps = self.ring.iter().flatten().filter(|step| kept.contains(&step.number));
        let mut steps: BTreeMap<u64, StepFigures> = steps.map(|step| (step.number, (**step).clone())).collect();
        for start in starts.into_iter().filter(|start| kept.contains(start)) {
            steps.entry(start).or_default().started += 1;
        }
        steps
    }
}
