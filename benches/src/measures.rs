//! Measures of the load harness, as they are kept between runs and read by the report.

use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::PathBuf};

/// One measure of one target.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Measure {
    /// The quantity, with its unit.
    pub what: String,
    /// The server that was measured.
    pub target: String,
    /// The middle one of the rounds.
    pub median: f64,
    /// The middle one of the rounds' ratios to the floor, where the floor was measured too.
    pub ratio: Option<f64>,
    /// The bound to keep, as told to people: `<= 1.05 x floor`, `<= 30 KB`, or words.
    pub goal: String,
    /// All values, in their order.
    pub rounds: Vec<f64>,
    /// All ratios to the floor, in their order.
    pub ratios: Vec<f64>,
}

/// The smallest and the largest value of the rounds; `None` after a single round, which has no spread.
pub fn spread(rounds: &[f64]) -> Option<(f64, f64)> {
    let smallest = rounds.iter().copied().reduce(f64::min)?;
    let largest = rounds.iter().copied().reduce(f64::max)?;
    (rounds.len() > 1).then_some((smallest, largest))
}

impl Measure {
    /// Whether the median keeps the goal; `None` without a goal that is a bound. `others` are the measures of the same run.
    pub fn is_met<'a>(&self, others: impl IntoIterator<Item = &'a Measure>) -> Option<bool> {
        let (relation, bound) = self.goal.split_once(' ')?;
        let bound: Vec<&str> = bound.split(' ').collect();
        let limit: f64 = bound.first()?.parse().ok()?;
        let value = match bound[1..] {
            ["x", "floor"] => self.ratio?,
            // Viewers against none.
            ["x", "none"] => {
                let (_, quantity) = self.what.split_once(" viewers")?;
                let is_base = |other: &&Measure| {
                    other.target == self.target && other.what.ends_with(&format!(" 0 viewers{quantity}"))
                };
                self.median / others.into_iter().find(is_base)?.median
            }
            ["x", "one", "thread"] => {
                let one = self.what.replacen("2 threads", "1 thread", 1);
                let is_base = |other: &&Measure| other.target == self.target && other.what == one;
                self.median / others.into_iter().find(is_base).filter(|_| one != self.what)?.median
            }
            _ => self.median,
        };
        match relation {
            "<" => Some(value < limit),
            "<=" => Some(value <= limit),
            _ => None,
        }
    }
}

/// All measures, by scenario.
pub type Measures = BTreeMap<String, Vec<Measure>>;

/// A run of the load harness over all scenarios.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LoadRun {
    /// [`machine`](crate::machine::machine) at its beginning.
    pub machine: String,
    /// Measures of all scenarios that could be run.
    pub measures: Measures,
}

/// The file of the newest run in the [folder](target_dir) that cargo builds into.
pub const LOAD: &str = "load.json";

/// The folder that cargo builds into, where measures are kept too.
pub fn target_dir() -> PathBuf {
    let beside = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target"));
    std::env::var_os("CARGO_TARGET_DIR").map_or(beside, PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measure(what: &str, median: f64, ratio: Option<f64>, goal: &str) -> Measure {
        let (what, target, goal) = (what.to_owned(), "proxy".to_owned(), goal.to_owned());
        Measure { what, target, median, ratio, goal, rounds: vec![median], ratios: ratio.into_iter().collect() }
    }

    #[test]
    fn a_goal_is_judged_by_what_it_is_a_bound_of() {
        let none = measure("10,000 rows, 0 viewers: latency, us", 200.0, None, "");
        let judge = |measure: Measure| measure.is_met([&none]);
        assert_eq!(judge(measure("CPU", 14.0, Some(1.148), "<= 1.05 x floor")), Some(false));
        assert_eq!(judge(measure("CPU", 14.0, Some(0.144), "< 1.0 x floor")), Some(true));
        assert_eq!(judge(measure("latency", 98.19, Some(1.157), "<= 40 us")), Some(false));
        assert_eq!(judge(measure("10,000 rows, 100 viewers: latency, us", 203.0, None, "<= 1.02 x none")), Some(true));
        assert_eq!(judge(measure("10,000 rows, 100 viewers: latency, us", 205.0, None, "<= 1.02 x none")), Some(false));
        let one = measure("1 thread: CPU, us", 20.0, None, "<= 1.05 x one thread");
        let two = measure("2 threads: CPU, us", 21.5, None, "<= 1.05 x one thread");
        assert_eq!(two.is_met([&one, &two]), Some(false));
        assert_eq!(one.is_met([&one, &two]), None);
        assert_eq!(judge(measure("MB left", 3.39, None, "given back")), None);
        assert_eq!(judge(none.clone()), None);
    }

    #[test]
    fn the_spread_is_from_the_smallest_to_the_largest_round() {
        assert_eq!(spread(&[14.0, 13.0, 15.0]), Some((13.0, 15.0)));
        assert_eq!(spread(&[14.0]), None);
    }
}
