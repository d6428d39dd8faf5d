//! Puts the newest measures into one table, ours beside theirs, and into `BENCHMARKS.md`: criterion's estimates, the
//! instruction gate's numbers and what the load harness has found.

use active_requests_benches::measures::{Measure, Measures, target_dir};
use serde::{Deserialize, de::DeserializeOwned};
use std::{collections::BTreeMap, error::Error, fmt::Write, fs, path::Path, process::Command};

/// The contestant that is this project.
const OURS: &str = "ours";

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut groups = BTreeMap::new();
    collect(&target_dir().join("criterion"), &mut groups);
    let mut text = format!("# Benchmarks\n\n{}\n", machine());
    operations(&mut text, &groups)?;
    instructions(&mut text, &fs::read_to_string(root.join("benches/instructions.txt")).unwrap_or_default())?;
    load(&mut text, &read(&target_dir().join("load.json")).unwrap_or_default())?;
    print!("{text}");
    fs::write(root.join("BENCHMARKS.md"), text)?;
    Ok(())
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
    if groups.is_empty() {
        return Ok(());
    }
    writeln!(text, "## In process\n\n`make bench`; medians for one request, frame, event or call.\n")?;
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
    writeln!(text)
}

fn instructions(text: &mut String, committed: &str) -> std::fmt::Result {
    writeln!(text, "## Instructions\n\n`make instructions` holds each operation to at most 5 % more than this.\n")?;
    writeln!(text, "| operation | instructions |\n|---|---:|")?;
    for (name, number) in
        committed.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(' '))
    {
        writeln!(text, "| {} | {number} |", name.replace('_', " "))?;
    }
    writeln!(text)
}

fn load(text: &mut String, measures: &Measures) -> std::fmt::Result {
    if measures.is_empty() {
        return Ok(());
    }
    writeln!(text, "## Under load\n\n`make load`; over loopback, each server on one thread, rounds interleaved.\n")?;
    writeln!(
        text,
        "| measure | of | median | smallest to largest round | x floor | goal | |\n|---|---|---:|---:|---:|---|---|"
    )?;
    for measure in measures.values().flatten() {
        let Measure { what, target, median, goal, .. } = measure;
        let spread = measure.spread().map_or_else(String::new, |(low, high)| format!("{low:.2} to {high:.2}"));
        let ratio = measure.ratio.map_or_else(String::new, |ratio| format!("{ratio:.3}"));
        let met = match measure.is_met(measures.values().flatten()) {
            Some(true) => "met",
            Some(false) => "**missed**",
            None => "",
        };
        writeln!(text, "| {what} | {target} | {median:.2} | {spread} | {ratio} | {goal} | {met} |")?;
    }
    writeln!(text)
}

/// Where and when this was measured.
fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map_or("unknown", |of| of.1);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!(
        "Measured {} on {cores} x {model}, {}, {}.\n",
        said("date", "-I"),
        said("uname", "-sr"),
        said("rustc", "--version")
    )
}

fn said(program: &str, argument: &str) -> String {
    let output = Command::new(program).arg(argument).output().map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&output).trim().to_owned()
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
