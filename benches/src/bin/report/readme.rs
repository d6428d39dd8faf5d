//! The part of the README that tells what the load harness has found, in the very numbers of `BENCHMARKS.md`.

use active_requests_benches::measures::{Measure, Measures};
use std::fmt::Write;

/// The lines in the README between which it stands.
const BEGIN: &str = "<!-- what the load harness has found; written by `make load` -->\n";
const END: &str = "<!-- the end of what it has found -->\n";

/// Measures whose ratio to the floor is told, and in which words.
const RATIOS: [(&str, &[&str]); 19] = [
    (
        "CPU for a short request (OpenAI, Anthropic)",
        &["CPU per request, us (OpenAI)", "CPU per request, us (Anthropic)"],
    ),
    ("CPU for a prompt of 4 KB", &["CPU per request, us: prompt, 4 KB"]),
    ("CPU for the 200 KB of a coding agent", &["CPU per request, us: coding agent, 200 KB"]),
    ("CPU for a prompt of 1 MB", &["CPU per request, us: prompt, 1 MB"]),
    ("CPU for one plain string of 1 MB", &["CPU per request, us: one plain string, 1 MB"]),
    ("CPU for tool schemas of 100 KB", &["CPU per request, us: tool schemas, 100 KB"]),
    ("CPU for nested arguments of 100 KB", &["CPU per request, us: nested arguments, 100 KB"]),
    ("CPU for Base64 of 5 MB", &["CPU per request, us: Base64, 5 MB"]),
    ("CPU for a million small numbers", &["CPU per request, us: a million small numbers"]),
    ("CPU for a JSON answer of 56 KB", &["CPU per request, us: answer of 56 KB with escapes"]),
    ("CPU for embeddings of 2 MB", &["CPU per request, us: embeddings, 2 MB"]),
    (
        "CPU for a streamed chunk, chunks 5 ms apart (OpenAI, Anthropic)",
        &["CPU per chunk, 5 ms apart, us (OpenAI)", "CPU per chunk, 5 ms apart, us (Anthropic)"],
    ),
    (
        "CPU for a chunk in a flood, where waiting chunks leave together",
        &["CPU per chunk in a flood, us (OpenAI)", "CPU per chunk in a flood, us (Anthropic)"],
    ),
    (
        "the same short request and paced chunk, clients over HTTP/2",
        &[
            "CPU per request, clients over HTTP/2, one connection, us",
            "CPU per chunk, 5 ms apart, clients over HTTP/2, one connection, us",
        ],
    ),
    ("clients over TLS", &["CPU per request, clients over TLS, us", "CPU per chunk, 5 ms apart, clients over TLS, us"]),
    (
        "upstream over TLS",
        &["CPU per request, upstream over TLS, us", "CPU per chunk, 5 ms apart, upstream over TLS, us"],
    ),
    ("latency added, p50 and p99", &["added latency p50, us", "added latency p99, us"]),
    ("memory for a held stream, of 1,000 and of 8,000", &["KB per held stream, 1000", "KB per held stream, 8000"]),
    (
        "the most memory for 100 requests of 1 MB, model first and last",
        &["MB at most, 100 requests of 1 MB at a time", "MB at most, 100 requests of 1 MB, model last at a time"],
    ),
];

/// Measures that are told as they are.
const VALUES: [&str; 14] = [
    "request to event, p50 of 50 viewers, ms",
    "request to event, p99 of 50 viewers, ms",
    "request to event, p50 of 1000 viewers, ms",
    "request to event, p99 of 1000 viewers, ms",
    "KB per held stream, 8000",
    "MB left 5 s after 8000 streams",
    "1 thread: request, per second",
    "2 threads: request, per second",
    "1 thread: CPU per request, us",
    "2 threads: CPU per request, us",
    "1 thread: chunk in a flood, per second",
    "2 threads: chunk in a flood, per second",
    "client gone before the head to all gone, ms",
    "client gone in mid-stream to all gone, ms",
];

/// The README with the newest measures; as it is, if it has no place for them.
pub fn renew(readme: &str, measures: &Measures) -> Result<String, std::fmt::Error> {
    let found = |what: &str, target: &str| {
        measures.values().flatten().find(|measure| measure.what == what && measure.target == target)
    };
    let place = readme.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let Some((before, after)) = place.filter(|_| !measures.is_empty()) else { return Ok(readme.to_owned()) };
    let mut text = String::from("\n| medians, x floor | tracked | tracking off |\n|---|---:|---:|\n");
    for (words, whats) in RATIOS {
        let ratios = |target: &str| {
            let told = |what: &&str| found(what, target)?.ratio.map(|ratio| format!("{ratio:.3}"));
            whats.iter().filter_map(told).collect::<Vec<_>>().join(", ")
        };
        if !ratios("proxy").is_empty() {
            writeln!(text, "| {words} | {} | {} |", ratios("proxy"), ratios("untracked"))?;
        }
    }
    let unlogged = RATIOS[0].1.iter().filter_map(|what| found(what, "no log")?.ratio);
    let unlogged: Vec<String> = unlogged.map(|ratio| format!("{ratio:.3}")).collect();
    if !unlogged.is_empty() {
        writeln!(text, "\nWithout lines in the log, the short request takes {} x the floor.", unlogged.join(" and "))?;
    }
    text.push_str("\n| medians | tracked | floor |\n|---|---:|---:|\n");
    for what in VALUES {
        let value = |target: &str| found(what, target).map(|Measure { median, .. }| format!("{median:.2}"));
        if let Some(ours) = value("proxy") {
            writeln!(text, "| {what} | {ours} | {} |", value("floor").unwrap_or_default())?;
        }
    }
    writeln!(text)?;
    Ok([before, BEGIN, &text, END, after].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_tells_medians_and_ratios_as_the_benchmarks_do() {
        let measure = |target: &str, median, ratio| Measure {
            what: "KB per held stream, 8000".to_owned(),
            target: target.to_owned(),
            median,
            ratio: Some(ratio),
            goal: String::new(),
            rounds: vec![median],
            ratios: vec![ratio],
        };
        let list =
            vec![measure("floor", 28.714, 1.0), measure("proxy", 27.1, 0.94381), measure("untracked", 26.0, 0.9)];
        let measures = Measures::from([("held".to_owned(), list)]);
        let old = format!("before\n{BEGIN}old{END}after\n");
        let new = renew(&old, &measures).unwrap();
        assert!(new.starts_with("before\n") && new.ends_with("after\n") && !new.contains("old"), "{new}");
        assert!(new.contains("| memory for a held stream, of 1,000 and of 8,000 | 0.944 | 0.900 |"), "{new}");
        assert!(new.contains("| KB per held stream, 8000 | 27.10 | 28.71 |"), "{new}");
        assert_eq!(renew(&new, &measures).unwrap(), new);
        assert_eq!(renew("no place\n", &measures).unwrap(), "no place\n");
    }
}
