//! How far another replica's clock is from this one's.

use std::{collections::VecDeque, time::Duration};

/// Times that are compared, at most.
const KEPT: usize = 30;
/// Offsets below this are not worth a word: the way over the network is in them.
const SHOWN: i64 = 1000;

/// The differences between this process's clock at receipt and the clock of the replica at sending. The least of them has the least of the
/// network in it.
#[derive(Debug, Default)]
pub(super) struct ClockOffset {
    differences: VecDeque<i64>,
}

impl ClockOffset {
    /// Notes a message of `timestamp`, seconds since the Unix epoch, received at `wall`.
    pub(super) fn note(&mut self, timestamp: f64, wall: Duration) {
        #[expect(clippy::cast_possible_truncation, reason = "a float that does not fit becomes the nearest number")]
        let difference = ((wall.as_secs_f64() - timestamp) * 1000.0) as i64;
        if self.differences.len() == KEPT {
            self.differences.pop_front();
        }
        self.differences.push_back(difference);
    }

    /// Milliseconds that the replica's clock is ahead of this process's, or, negative, behind; `None` if that is less than a second.
    pub(super) fn millis(&self) -> Option<i64> {
        self.differences.iter().min().map(|least| least.saturating_neg()).filter(|offset| offset.abs() >= SHOWN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_told_from_the_fastest_message() {
        let mut offset = ClockOffset::default();
        assert_eq!(offset.millis(), None);
        for delay in [5_300, 5_001, 7_000] {
            offset.note(100.0, Duration::from_millis(100_000 + delay));
        }
        assert_eq!(offset.millis(), Some(-5_001));
        (0..KEPT).for_each(|_| offset.note(100.0, Duration::from_millis(100_200)));
        assert_eq!(offset.millis(), None);
        offset.note(f64::MAX, Duration::ZERO);
        assert_eq!(offset.millis(), Some(i64::MAX));
    }
}
