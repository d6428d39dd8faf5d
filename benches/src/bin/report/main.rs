//! Puts the newest measures into `BENCHMARKS.md`, ours beside theirs: criterion's estimates, the instruction gate's numbers and
//! what the load harness has found, which goes into the README too.

mod readme;

use active_requests_benches::{
    machine::machine,
    measures::{LOAD, LoadRun, Measure, spread, target_dir},
};
use clap::{Parser, ValueEnum};
use serde::{Deserialize, de::DeserializeOwned};
use std::{collections::BTreeMap, error::Error, fmt::Write, fs, path::Path};

/// The contestant that is this project.
const OURS: &str = "ours";

/// The headings of the parts.
const IN_PROCESS: &str = "\n## In process\n";
const INSTRUCTIONS: &str = "\n## Instructions\n";
const UNDER_LOAD: &str = "\n## Under load\n";

/// Writes the newest measures into BENCHMARKS.md
#[derive(Parser)]
struct ReportArgs {
    /// The part that has been measured; the other one stays as it is
    part: ReportPart,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ReportPart {
    /// By `make bench`
    InProcess,
    /// By `make load`, which the README tells too
    Load,
}

fn main() -> Result<(), Box<dyn Error>> {
    let part = ReportArgs::parse().part;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let path = root.join("BENCHMARKS.md");
    let old = fs::read_to_string(&path).unwrap_or_default();
    let mut text = String::from("# Benchmarks\n");
    if part == ReportPart::InProcess {
        let mut groups = BTreeMap::new();
        collect(&target_dir().join("criterion"), &mut groups);
        operations(&mut text, &groups)?;
    } else {
        keep(&mut text, &old, IN_PROCESS);
    }
    instructions(&mut text, &fs::read_to_string(root.join("benches/instructions.txt")).unwrap_or_default())?;
    if part == ReportPart::Load {
        let run: LoadRun = read(&target_dir().join(LOAD)).ok_or("`make load` has not been run")?;
        load(&mut text, &run)?;
        let path = root.join("README.md");
        let readme = fs::read_to_string(&path)?;
        fs::write(path, readme::renew(&readme, &run.measures)?)?;
    } else {
        keep(&mut text, &old, UNDER_LOAD);
    }
    fs::write(path, text)?;
    Ok(())
}

/// Takes over a part of an older report.
fn keep(text: &mut String, old: &str, heading: &str) {
    let Some((_, part)) = old.split_once(heading) else { return };
    let part = part.split_once("\n## ").map_or(part, |(part, _)| part);
    *text = [text.trim_end(), "\n", heading, part.trim_end(), "\n"].concat();
}

/// A group's contestants.
type Groups = BTreeMap<String, Vec<Contestant>>;

#[derive(Clone)]
struct Contestant {
    name: String,
    /// Nanoseconds for one unit of work.
    median: f64,
    /// The median distance of a sample from the median, as a share of it.
    spread: f64,
}

#[derive(Deserialize)]
struct Benchmark {
    group_id: String,
    function_id: Option<String>,
    value_str: Option<String>,
    throughput: Option<BTreeMap<String, u64>>,
}

#[derive(Deserialize)]
struct Estimates {
    median: Estimate,
    median_abs_dev: Estimate,
}

#[derive(Deserialize)]
struct Estimate {
    point_estimate: f64,
}

/// Finds every benchmark below `dir`, whose name criterion has made of the group's.
fn collect(dir: &Path, groups: &mut Groups) {
    let found = read::<Benchmark>(&dir.join("new/benchmark.json"));
    if let (Some(benchmark), Some(estimates)) = (found, read::<Estimates>(&dir.join("new/estimates.json"))) {
        // Bytes are no units of work: a time per byte says nothing to a reader.
        let elements = benchmark.throughput.and_then(|throughput| throughput.get("Elements").copied()).unwrap_or(1);
        let group =
            benchmark.value_str.map_or(benchmark.group_id.clone(), |of| format!("{}, {of}", benchmark.group_id));
        let name = benchmark.function_id.unwrap_or_else(|| OURS.to_owned());
        let median = estimates.median.point_estimate;
        let spread = estimates.median_abs_dev.point_estimate / median;
        groups.entry(group).or_default().push(Contestant { name, median: median / elements as f64, spread });
        return;
    }
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).for_each(|path| collect(&path, groups));
}

fn operations(text: &mut String, groups: &Groups) -> std::fmt::Result {
    let machine = machine();
    writeln!(text, "{IN_PROCESS}\n{machine}\n\n`make bench`; medians for one request, frame, event or call.\n")?;
    writeln!(text, "| operation | who | time | median deviation | x ours |\n|---|---|---:|---:|---:|")?;
    for (group, contestants) in groups {
        let mut contestants = contestants.clone();
        contestants.sort_by(|a, b| (a.name != OURS).cmp(&(b.name != OURS)).then(a.median.total_cmp(&b.median)));
        let ours = contestants.first().filter(|first| first.name == OURS).map(|first| first.median);
        for (n, Contestant { name, median, spread }) in contestants.iter().enumerate() {
            let group = if n == 0 { group } else { "" };
            let ratio = ours.map_or_else(String::new, |ours| format!("{:.2}", median / ours));
            writeln!(text, "| {group} | {name} | {} | {:.1} % | {ratio} |", duration(*median), spread * 100.0)?;
        }
    }
    Ok(())
}

fn instructions(text: &mut String, committed: &str) -> std::fmt::Result {
    writeln!(text, "{INSTRUCTIONS}\n`make instructions` holds each operation to at most 5 % more than this.\n")?;
    writeln!(text, "| operation | instructions |\n|---|---:|")?;
    for (name, number) in
        committed.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(' '))
    {
        writeln!(text, "| {} | {number} |", name.replace('_', " "))?;
    }
    Ok(())
}

fn load(text: &mut String, LoadRun { machine, measures }: &LoadRun) -> std::fmt::Result {
    let all = || measures.values().flatten();
    let judged = || all().filter_map(|measure| Some((measure, measure.is_met(all())?)));
    let missed: Vec<_> =
        judged().filter(|(_, met)| !met).map(|(measure, _)| format!("{} ({})", measure.what, measure.target)).collect();
    writeln!(text, "{UNDER_LOAD}\n{machine}\n")?;
    writeln!(
        text,
        "`make load`; over loopback, each server on one thread unless it says otherwise, rounds interleaved; a ratio is one of the same \
         round. \"floor\" is a minimal hyper proxy that looks at nothing, \"untracked\" ours with tracking off.\n"
    )?;
    let goals = judged().count();
    write!(text, "Of the {goals} goals {} are met and {} are missed", goals - missed.len(), missed.len())?;
    let missed: String = missed.iter().map(|missed| format!("- {missed}\n")).collect();
    writeln!(text, "{}\n{missed}", if missed.is_empty() { "." } else { ":\n" })?;
    writeln!(
        text,
        "| measure | of | median | smallest to largest round | x floor | smallest to largest round | goal | |\n|---|---|---:|---:|---:|---:|---|---|"
    )?;
    for measure in all() {
        let Measure { what, target, median, goal, .. } = measure;
        let between = |rounds| spread(rounds).map_or_else(String::new, |(low, high)| format!("{low:.2} to {high:.2}"));
        let (values, ratios) = (between(&measure.rounds), between(&measure.ratios));
        let ratio = measure.ratio.map_or_else(String::new, |ratio| format!("{ratio:.3}"));
        let met = match measure.is_met(all()) {
            Some(true) => "met",
            Some(false) => "**missed**",
            None => "",
        };
        writeln!(text, "| {what} | {target} | {median:.2} | {values} | {ratio} | {ratios} | {goal} | {met} |")?;
    }
    Ok(())
}

fn duration(nanos: f64) -> String {
    match nanos {
        ..1e3 => format!("{nanos:.1} ns"),
        ..1e6 => format!("{:.2} us", nanos / 1e3),
        _ => format!("{:.2} ms", nanos / 1e6),
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}
