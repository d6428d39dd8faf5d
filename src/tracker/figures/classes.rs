//! Figures since the start, by classes of requests.

use super::{
    Finished,
    histogram::{DURATION, FIRST_TOKEN, Histogram, OUTPUT_TOKEN, TOKENS},
};
use crate::{
    tracker::{
        get_or_grow,
        keys::Key,
        outcome::{ErrorType, Outcome},
    },
    usage::{Observation, Operation},
};

/// Classes per key that there may be on the average. A key's requests differ in operation and in type of error, of which clients choose
/// the one and provoke the other.
const CLASSES_PER_KEY: usize = 4;

/// The kind of a request: figures are kept by it and by the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) operation: Option<Operation>,
    pub(crate) error_type: Option<ErrorType>,
}

/// The figures of one class: one key and one kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClassFigures {
    pub(crate) duration: Histogram,
    /// Counts streamed answers only.
    pub(crate) first_token: Histogram,
    /// Counts completed streamed answers only.
    pub(crate) output_token: Histogram,
    /// Counts requests whose provider has reported it; likewise all below.
    pub(crate) input_tokens: Histogram,
    pub(crate) output_tokens: Histogram,
    pub(crate) cache_read_tokens: u64,
    pub(crate) cache_creation_tokens: u64,
    pub(crate) reasoning_tokens: u64,
}

impl ClassFigures {
    fn add(&mut self, finished: &Finished) {
        let Finished { duration, first_token, usage, .. } = finished;
        self.duration.add(DURATION, *duration);
        if let Some(first_token) = first_token {
            self.first_token.add(FIRST_TOKEN, *first_token);
        }
        if finished.reports_input {
            self.input_tokens.add(TOKENS, usage.input_tokens);
            for (sum, more) in [
                (&mut self.cache_read_tokens, usage.cache_read_tokens),
                (&mut self.cache_creation_tokens, usage.cache_creation_tokens),
            ] {
                *sum = sum.saturating_add(more);
            }
        }
        if finished.reports_output {
            self.output_tokens.add(TOKENS, usage.output_tokens);
            self.reasoning_tokens = self.reasoning_tokens.saturating_add(usage.reasoning_tokens);
            if let (Some(first_token), 2.., Outcome::Completed) = (first_token, usage.output_tokens, finished.outcome) {
                let rest = duration.saturating_sub(*first_token);
                self.output_token.add(OUTPUT_TOKEN, rest / (usage.output_tokens - 1));
            }
        }
    }

    /// Adds those of another class.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (histogram, more) in [
            (&mut self.duration, &other.duration),
            (&mut self.first_token, &other.first_token),
            (&mut self.output_token, &other.output_token),
            (&mut self.input_tokens, &other.input_tokens),
            (&mut self.output_tokens, &other.output_tokens),
        ] {
            histogram.merge(more);
        }
        for (sum, more) in [
            (&mut self.cache_read_tokens, other.cache_read_tokens),
            (&mut self.cache_creation_tokens, other.cache_creation_tokens),
            (&mut self.reasoning_tokens, other.reasoning_tokens),
        ] {
            *sum = sum.saturating_add(more);
        }
    }
}

/// The figures of one key.
#[derive(Clone, Debug, Default)]
pub(super) struct KeyFigures {
    /// Requests by outcome.
    pub(super) outcomes: [u64; Outcome::ALL.len()],
    pub(super) classes: Vec<(Kind, ClassFigures)>,
}

/// The figures of all keys. Their number is that of the keys, which is capped, and so is the number of classes: beyond it a class counts as one
/// of the key `other`.
#[derive(Debug, Default)]
pub(super) struct Classes {
    pub(super) by_key: Vec<KeyFigures>,
    count: usize,
    /// Ended requests whose response could not be read.
    pub(super) blind: u64,
    /// Requests that were refused. They are in no class: anybody may send them.
    pub(super) refused: u64,
}

impl Classes {
    pub(super) fn add(&mut self, finished: &Finished, max_keys: usize) {
        let Finished { key, kind, .. } = *finished;
        if finished.outcome == Outcome::Refused {
            self.refused += 1;
            return;
        }
        self.blind += u64::from(finished.observation == Observation::None);
        let figures = get_or_grow(&mut self.by_key, key.index());
        figures.outcomes[finished.outcome as usize] += 1;
        let known = figures.classes.iter_mut().find(|(known, _)| *known == kind);
        let class = match known {
            Some((_, class)) => class,
            None => self.new_class(key, kind, max_keys),
        };
        class.add(finished);
    }

    #[cold]
    fn new_class(&mut self, key: Key, kind: Kind, max_keys: usize) -> &mut ClassFigures {
        let is_full = self.count >= max_keys.saturating_mul(CLASSES_PER_KEY);
        let key = if is_full { Key::OTHER } else { key };
        let classes = &mut get_or_grow(&mut self.by_key, key.index()).classes;
        let index = classes.iter().position(|(known, _)| *known == kind).unwrap_or_else(|| {
            self.count += 1;
            classes.push((kind, ClassFigures::default()));
            classes.len() - 1
        });
        &mut classes[index].1
    }
}
