//! Times that come at a regular interval.

use std::time::Duration;

use tokio::time::Instant;

/// A regular interval. It is not made up for intervals that were missed.
#[derive(Debug)]
pub(crate) struct Ticker {
    every: Duration,
    next: Option<Instant>,
}

impl Ticker {
    pub(crate) fn new(every: Duration) -> Self {
        Self { every, next: None }
    }

    /// When the current interval ends; `None` while the ticker does not run.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.next
    }

    /// Whether the interval has ended, in which case the next one begins. The ticker runs from the first call with `runs` until one without.
    pub(crate) fn is_due(&mut self, runs: bool, now: Instant) -> bool {
        let due = runs && self.next.is_some_and(|next| next <= now);
        self.next = match self.next {
            _ if !runs => None,
            Some(next) if next > now => Some(next),
            Some(next) => Some(later(next, self.every)).filter(|next| *next > now).or(Some(later(now, self.every))),
            None => Some(later(now, self.every)),
        };
        due
    }
}

/// The time after `by`, or in a year where there is no such time.
pub(crate) fn later(at: Instant, by: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(60 * 60 * 24 * 365);
    at.checked_add(by).unwrap_or(at + FAR)
}
