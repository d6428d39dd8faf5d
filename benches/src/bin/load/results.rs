//! Results: kept by scenario, printed as one table, and written for the report to read.

use crate::{
    Failure,
    targets::{Kind, Target},
};
use active_requests_benches::{
    machine::machine,
    measures::{LoadRun, Measure, Measures},
};
use std::{fs, path::Path, time::Duration};

/// The measures of this run, by scenario.
#[derive(Debug)]
pub struct Results(LoadRun);

impl Results {
    pub fn new() -> Self {
        Self(LoadRun { machine: machine(), measures: Measures::new() })
    }

    pub fn write(&self, path: &Path) -> Result<(), Failure> {
        Ok(fs::write(path, serde_json::to_string_pretty(&self.0)?)?)
    }

    pub fn add(&mut self, scenario: &str, rounds: Rounds) {
        self.0.measures.insert(scenario.to_owned(), rounds.measures());
    }

    pub fn print(&self) {
        println!("{:<82}{:<11}{:>10}{:>9}  goal", "", "", "median", "x floor");
        for measure in self.0.measures.values().flatten() {
            let ratio = measure.ratio.map_or_else(String::new, |ratio| format!("{ratio:.3}"));
            let Measure { what, target, median, goal, .. } = measure;
            println!("{what:<82}{target:<11}{median:>10.2}{ratio:>9}  {goal}");
        }
    }
}

/// The values of a scenario, round by round.
#[derive(Debug, Default)]
pub struct Rounds(Vec<Series>);

#[derive(Debug)]
struct Series {
    what: String,
    goal: &'static str,
    target: &'static str,
    values: Vec<f64>,
}

impl Rounds {
    /// Adds a value of this round.
    pub fn add(&mut self, what: &str, goal: &'static str, target: &Target, value: f64) {
        match self.0.iter_mut().find(|series| series.what == what && series.target == target.name) {
            Some(series) => series.values.push(value),
            None => self.0.push(Series { what: what.to_owned(), goal, target: target.name, values: vec![value] }),
        }
    }

    fn measures(mut self) -> Vec<Measure> {
        // Targets of one measure stand together, in the order in which they came.
        let order: Vec<String> = self.0.iter().map(|series| series.what.clone()).collect();
        self.0.sort_by_key(|series| order.iter().position(|what| *what == series.what));
        let ratios = |series: &Series| -> Vec<f64> {
            let floor = self.0.iter().find(|other| other.what == series.what && other.target == "floor");
            let floor = floor.map_or(&[][..], |floor| &floor.values);
            // Of the same round, so that a busy minute weighs on both.
            series.values.iter().zip(floor).map(|(value, floor)| value / floor).collect()
        };
        self.0
            .iter()
            .map(|series| Measure {
                what: series.what.clone(),
                target: series.target.to_owned(),
                median: median(series.values.clone()),
                ratio: Some(ratios(series)).filter(|ratios| !ratios.is_empty()).map(median),
                goal: if is_held_to_goals(series.target) { series.goal } else { "" }.to_owned(),
                rounds: series.values.clone(),
                ratios: ratios(series),
            })
            .collect()
    }
}

/// Whether goals are for this target.
fn is_held_to_goals(target: &str) -> bool {
    [Kind::Proxy, Kind::Cancelling, Kind::Unlogged].iter().any(|kind| kind.name() == target)
}

pub fn median(values: Vec<f64>) -> f64 {
    percentile(values, 50)
}

/// The smallest value that is not exceeded by so many percent of all.
pub fn percentile(mut values: Vec<f64>, percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    values.get((values.len() * percent / 100).min(last)).copied().unwrap_or(f64::NAN)
}

pub fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
