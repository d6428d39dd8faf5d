//! Histograms for Prometheus, with OpenTelemetry's buckets.

const MS: u64 = 1_000_000;

/// Upper bounds of a histogram's buckets; the last bucket has none.
pub(crate) type Bounds = &'static [u64];

/// Bounds of durations, in nanoseconds. The lists are those of OpenTelemetry's conventions for metrics of generative AI.
pub(crate) const DURATION: Bounds = &[
    10 * MS,
    20 * MS,
    40 * MS,
    80 * MS,
    160 * MS,
    320 * MS,
    640 * MS,
    1_280 * MS,
    2_560 * MS,
    5_120 * MS,
    10_240 * MS,
    20_480 * MS,
    40_960 * MS,
    81_920 * MS,
];

/// Bounds of times to the first token, in nanoseconds.
pub(crate) const FIRST_TOKEN: Bounds = &[
    MS,
    5 * MS,
    10 * MS,
    20 * MS,
    40 * MS,
    60 * MS,
    80 * MS,
    100 * MS,
    250 * MS,
    500 * MS,
    750 * MS,
    1_000 * MS,
    2_500 * MS,
    5_000 * MS,
    7_500 * MS,
    10_000 * MS,
];

/// Bounds of times per output token, in nanoseconds.
pub(crate) const OUTPUT_TOKEN: Bounds = &[
    10 * MS,
    25 * MS,
    50 * MS,
    75 * MS,
    100 * MS,
    150 * MS,
    200 * MS,
    300 * MS,
    400 * MS,
    500 * MS,
    750 * MS,
    1_000 * MS,
    2_500 * MS,
];

/// Bounds of numbers of tokens: powers of 4.
pub(crate) const TOKENS: Bounds =
    &[1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864];

/// Counts by bucket, and the sum of what was counted. Takes no memory for its buckets before the first value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    pub(crate) sum: u64,
}

impl Histogram {
    pub(super) fn add(&mut self, bounds: Bounds, value: u64) {
        if self.counts.is_empty() {
            self.counts = vec![0; bounds.len() + 1];
        }
        self.counts[bounds.iter().position(|bound| value <= *bound).unwrap_or(bounds.len())] += 1;
        self.sum = self.sum.saturating_add(value);
    }

    /// Adds another one of the same bounds.
    pub(super) fn merge(&mut self, other: &Self) {
        self.counts.resize(self.counts.len().max(other.counts.len()), 0);
        self.counts.iter_mut().zip(&other.counts).for_each(|(count, more)| *count += more);
        self.sum = self.sum.saturating_add(other.sum);
    }

    /// The counts, one more than bounds; empty before the first value.
    pub(crate) fn counts(&self) -> &[u64] {
        &self.counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_counted_below_the_first_bound_that_it_does_not_exceed() {
        for (value, index) in [(0, 0), (1, 0), (2, 1), (4, 1), (5, 2), (67_108_864, 13), (67_108_865, 14)] {
            let mut histogram = Histogram::default();
            histogram.add(TOKENS, value);
            assert_eq!(histogram.counts().iter().position(|count| *count > 0), Some(index), "{value}");
        }
    }

    #[test]
    fn bounds_ascend() {
        for bounds in [DURATION, FIRST_TOKEN, OUTPUT_TOKEN, TOKENS] {
            assert!(bounds.is_sorted_by(|lower, upper| lower < upper));
        }
    }
}
