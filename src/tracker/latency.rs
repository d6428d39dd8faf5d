//! Buckets of durations, fine enough to compute percentiles from.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

/// Number of bounds.
const BOUNDS: usize = 80;
/// Bounds up to this one are each a millisecond apart.
const LINEAR: u64 = 8;
/// Buckets between a power of two and the next.
const PER_OCTAVE: u64 = 4;

/// The upper bounds in milliseconds: 1, 2, .. 8, then four to an octave, up to 35 minutes. A bucket is at most a quarter of its
/// lower bound wide, so that its middle is within 12.5 % of all that is in it.
pub(crate) const BOUNDS_MS: [u64; BOUNDS] = bounds();

const fn bounds() -> [u64; BOUNDS] {
    let mut bounds = [0; BOUNDS];
    let mut index = 0;
    let mut bound = 0;
    while index < BOUNDS {
        let step = if bound < LINEAR { 1 } else { (1 << bound.ilog2()) / PER_OCTAVE };
        bound += step;
        bounds[index] = bound;
        index += 1;
    }
    bounds
}

/// Counts of durations: one per bound, up to and with it, and one for what is beyond the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LatencyCounts(pub(crate) [u32; BOUNDS + 1]);

impl Default for LatencyCounts {
    fn default() -> Self {
        Self([0; BOUNDS + 1])
    }
}

impl LatencyCounts {
    /// Counts a duration in nanoseconds.
    pub(crate) fn add(&mut self, nanos: u64) {
        let count = &mut self.0[bucket(nanos)];
        *count = count.saturating_add(1);
    }

    /// The buckets that have any, by their upper bounds in milliseconds; the last bucket's is [`u64::MAX`].
    fn by_bound(&self) -> BTreeMap<u64, u64> {
        let bounds = BOUNDS_MS.into_iter().chain([u64::MAX]);
        bounds.zip(self.0.map(u64::from)).filter(|(_, count)| *count > 0).collect()
    }
}

/// How long the requests of one key took that have ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct LatencySums {
    duration: LatencyCounts,
    first_token: LatencyCounts,
}

impl LatencySums {
    /// Counts a request, by times in nanoseconds.
    pub(crate) fn add(&mut self, duration: u64, first_token: Option<u64>) {
        self.duration.add(duration);
        if let Some(first_token) = first_token {
            self.first_token.add(first_token);
        }
    }

    /// Adds the counts of `other`.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (counts, more) in [(&mut self.duration, &other.duration), (&mut self.first_token, &other.first_token)] {
            counts.0.iter_mut().zip(more.0).for_each(|(count, more)| *count = count.saturating_add(more));
        }
    }
}

/// How long requests took that have ended: counts by bucket, fine enough to compute percentiles from, and such that the
/// counts of several servers can be added. Buckets without any are left out. Each is named by its upper bound in milliseconds, and counts what is above the bound of the bucket before it and
/// not above its own: 1, 2, .. 8, then four to an octave, up to 35 minutes. What took longer is under [`u64::MAX`], which is `inf` on the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Latency {
    /// From the request's start to its end.
    #[serde(rename = "duration_ms", serialize_with = "by_bound")]
    pub duration: BTreeMap<u64, u64>,
    /// From the request's start to the first token, of answers that were streamed.
    #[serde(rename = "first_token_ms", serialize_with = "by_bound")]
    pub first_token: BTreeMap<u64, u64>,
}

impl From<&LatencySums> for Latency {
    fn from(sums: &LatencySums) -> Self {
        Self { duration: sums.duration.by_bound(), first_token: sums.first_token.by_bound() }
    }
}

fn by_bound<S: Serializer>(counts: &BTreeMap<u64, u64>, serializer: S) -> Result<S::Ok, S::Error> {
    let name = |bound: u64| if bound == u64::MAX { "inf".to_owned() } else { bound.to_string() };
    serializer.collect_map(counts.iter().map(|(bound, count)| (name(*bound), count)))
}

/// The number of the first bound that a duration in nanoseconds does not exceed; [`BOUNDS`] if it exceeds all.
fn bucket(nanos: u64) -> usize {
    let millis = nanos.div_ceil(1_000_000);
    let below = millis.saturating_sub(1);
    let index = if below < LINEAR {
        below
    } else {
        let octave = u64::from(below.ilog2());
        let quarter = (below >> (octave - 2)) % PER_OCTAVE;
        LINEAR + (octave - u64::from(LINEAR.ilog2())) * PER_OCTAVE + quarter
    };
    usize::try_from(index).map_or(BOUNDS, |index| index.min(BOUNDS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_in_the_bucket_of_the_first_bound_that_it_does_not_exceed() {
        assert_eq!(BOUNDS_MS[..14], [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24]);
        assert_eq!(BOUNDS_MS[BOUNDS - 1], 2_097_152);
        let nanos = BOUNDS_MS.iter().flat_map(|ms| [ms * 1_000_000 - 1, ms * 1_000_000, ms * 1_000_000 + 1]);
        for nanos in nanos.chain([0, 1, 9_000_000, 1 << 60, u64::MAX]) {
            let expected = BOUNDS_MS.partition_point(|bound| bound * 1_000_000 < nanos);
            assert_eq!(bucket(nanos), expected, "{nanos} ns");
        }
    }

    #[test]
    fn the_middle_of_a_bucket_is_close_to_all_that_is_in_it() {
        for bounds in BOUNDS_MS.windows(2).filter(|bounds| bounds[0] >= LINEAR) {
            let (lower, upper) = (bounds[0] as f64, bounds[1] as f64);
            let middle = f64::midpoint(lower, upper);
            assert!(middle / lower <= 1.125 && middle / upper >= 0.875, "{lower} to {upper}");
        }
    }
}
