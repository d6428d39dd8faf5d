//! The README says nothing about speed that BENCHMARKS.md does not.

use std::{collections::BTreeSet, fs, path::Path};

#[test]
fn every_number_of_what_it_costs_is_in_the_benchmarks() {
    let read = |name| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap();
    let (readme, benchmarks) = (read("README.md"), read("BENCHMARKS.md"));
    let (_, after) = readme.split_once("## What it costs").unwrap();
    let (costs, _) = after.split_once("\n## ").unwrap();
    let measured: BTreeSet<String> = numbers(&benchmarks).collect();
    let told: Vec<String> = numbers(costs).collect();
    assert!(told.len() > 20, "the section has numbers");
    let unknown: Vec<&String> = told.iter().filter(|number| !measured.contains(*number)).collect();
    assert!(unknown.is_empty(), "BENCHMARKS.md has no {unknown:?}: write its numbers as they stand there");
}

/// The numbers of `text`, without the commas between thousands.
fn numbers(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_ascii_digit() && c != '.' && c != ',')
        .map(|word| word.trim_matches(['.', ',']).replace(',', ""))
        .filter(|number| number.chars().any(|c| c.is_ascii_digit()))
}
