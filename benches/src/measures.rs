//! What the load harness has measured, as it is kept between runs and read by the report.

use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::PathBuf};

/// One measure of one target.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Measure {
    /// What was measured, with its unit.
    pub what: String,
    /// Of whom.
    pub target: String,
    /// The middle one of the rounds.
    pub median: f64,
    /// The middle one of the rounds' ratios to the floor, where the floor was measured too.
    pub ratio: Option<f64>,
    /// What is wanted, as told to people.
    pub goal: String,
    /// All values, in their order.
    pub rounds: Vec<f64>,
}

/// All measures, by scenario.
pub type Measures = BTreeMap<String, Vec<Measure>>;

/// The folder that cargo builds into, where measures are kept too.
pub fn target_dir() -> PathBuf {
    let beside = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target"));
    std::env::var_os("CARGO_TARGET_DIR").map_or(beside, PathBuf::from)
}
