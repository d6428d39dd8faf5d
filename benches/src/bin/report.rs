//! Puts what was measured last into one table, ours beside theirs, and into `BENCHMARKS.md`: criterion's estimates, the
//! instruction gate's numbers and what the load harness has found.

use active_requests_benches::measures::{Measures, target_dir};
use serde::{Deserialize, de::DeserializeOwned};
use std::{collections::BTreeMap, error::Error, fmt::Write, fs, path::Path, process::Command};

/// Who stands for us among the contestants.
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

/// A group's contestants and the nanoseconds that each takes for one unit of work.
type Groups = BTreeMap<String, Vec<(String, f64)>>;

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
        groups.entry(group).or_default().push((name, estimates.median.point_estimate / elements as f64));
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
    writeln!(text, "| operation | who | time | x ours |\n|---|---|---:|---:|")?;
    for (group, contestants) in groups {
        let mut contestants = contestants.clone();
        contestants.sort_by(|a, b| (a.0 != OURS).cmp(&(b.0 != OURS)).then(a.1.total_cmp(&b.1)));
        let ours = contestants.first().filter(|first| first.0 == OURS).map(|first| first.1);
        for (n, (name, nanos)) in contestants.iter().enumerate() {
            let group = if n == 0 { group } else { "" };
            let ratio = ours.map_or_else(String::new, |ours| format!("{:.2}", nanos / ours));
            writeln!(text, "| {group} | {name} | {} | {ratio} |", duration(*nanos))?;
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
    writeln!(text, "| measure | of | median | x floor | goal |\n|---|---|---:|---:|---|")?;
    for measure in measures.values().flatten() {
        let ratio = measure.ratio.map_or_else(String::new, |ratio| format!("{ratio:.3}"));
        writeln!(
            text,
            "| {} | {} | {:.2} | {ratio} | {} |",
            measure.what, measure.target, measure.median, measure.goal
        )?;
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
