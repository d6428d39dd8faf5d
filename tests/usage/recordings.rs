//! Recorded streams and bodies of all providers, cut in every way: what is read of them is what they said.
//!
//! The recordings are not part of the project. `ACTIVE_REQUESTS_RECORDINGS` names their directory, which holds a
//! `manifest.jsonl`; `cargo test -- --include-ignored` then runs these tests.

use std::{collections::BTreeMap, path::PathBuf};

use active_requests::usage::{EndMark, Meter, Reading};
use serde_json::Value;

#[test]
#[ignore = "recordings are not part of the project: `make test` runs this where ACTIVE_REQUESTS_RECORDINGS names them"]
fn recorded_bodies_are_read_right_however_they_are_cut() {
    let corpus = Corpus::open();
    let mut table = BTreeMap::<String, (usize, usize)>::new();
    let mut differences = Vec::new();
    for recording in corpus.recordings().filter(Recording::is_readable) {
        let found = recording.differences();
        let line = table.entry(recording.group()).or_default();
        line.0 += usize::from(found.is_empty());
        line.1 += 1;
        differences.extend(found.iter().map(|difference| format!("{}: {difference}", recording.name())));
    }
    println!("{:<32} agree", "dialect");
    for (group, (agree, all)) in &table {
        println!("{group:<32} {agree}/{all}");
    }
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}

#[test]
#[ignore = "recordings are not part of the project: `make test` runs this where ACTIVE_REQUESTS_RECORDINGS names them"]
fn a_recorded_stream_says_the_same_however_it_is_spelt() {
    let corpus = Corpus::open();
    let streams = corpus.recordings().filter(|recording| {
        recording.facts["content_type"] == "text/event-stream"
            && recording.facts["content_encoding"].is_null()
            && recording.facts["kind"] != "derived"
    });
    let differences: Vec<String> = streams
        .flat_map(|recording| {
            let name = recording.name().to_owned();
            recording.differences_of_spelling().into_iter().map(move |difference| format!("{name}: {difference}"))
        })
        .collect();
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}

#[test]
#[ignore = "recordings are not part of the project: `make test` runs this where ACTIVE_REQUESTS_RECORDINGS names them"]
fn a_recorded_answer_says_the_same_however_it_is_spelt() {
    let corpus = Corpus::open();
    let mut differences = Vec::new();
    for answer in corpus.recordings().filter(|recording| recording.facts["kind"] == "recorded-nonstream") {
        let observed = answer.read(|| usize::MAX).reading;
        let Ok(json) = serde_json::from_slice::<Value>(&answer.body) else { continue };
        for (spelling, text) in [
            ("over several lines", format!("{json:#}")),
            ("reversed", reversed(&json)),
            ("fractions", fractions(&json).to_string()),
        ] {
            let respelt = Recording { facts: answer.facts.clone(), body: text.into_bytes() };
            for size in [1, 1000, usize::MAX] {
                let mut reading = respelt.read(|| size).reading;
                // Arguments that are JSON themselves count as they are written.
                (reading.text_bytes, reading.revision) = (observed.text_bytes, observed.revision);
                if reading != observed {
                    differences
                        .push(format!("{} {spelling} by {size}: {reading:?} is not {observed:?}", answer.name()));
                }
            }
        }
    }
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}

/// The line changed, if it is one of data or an event's name.
fn field(line: &str, change: &dyn Fn(&str, &str) -> String) -> String {
    match line.split_once(':') {
        Some((name @ ("data" | "event"), value)) => change(name, value.strip_prefix(' ').unwrap_or(value)),
        _ => line.to_owned(),
    }
}

/// JSON with spaces, and the members of each object in reverse order.
fn reversed(json: &Value) -> String {
    match json {
        Value::Object(members) => {
            let members =
                members.iter().rev().map(|(key, value)| format!("{} : {}", Value::from(&**key), reversed(value)));
            format!("{{ {} }}", members.collect::<Vec<_>>().join(" , "))
        }
        Value::Array(elements) => format!("[ {} ]", elements.iter().map(reversed).collect::<Vec<_>>().join(" , ")),
        other => other.to_string(),
    }
}

/// Events that no dialect has.
const UNKNOWN: &str = "data: {\"type\":\"x-new\",\"n\":[1]}\n\nevent: news\ndata: 7\n\n";

/// The same JSON, its counts written as fractions.
fn fractions(json: &Value) -> Value {
    match json {
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(key, value)| {
                    let is_count = (key.contains("oken") || key.contains("ount")) && key != "token_id";
                    (
                        key.clone(),
                        match value.as_u64() {
                            Some(n) if is_count && n < 1 << 40 => Value::from(n as f64),
                            _ => fractions(value),
                        },
                    )
                })
                .collect(),
        ),
        Value::Array(elements) => elements.iter().map(fractions).collect(),
        other => other.clone(),
    }
}

struct Corpus {
    root: PathBuf,
    manifest: String,
}

impl Corpus {
    fn open() -> Self {
        let root =
            std::env::var_os("ACTIVE_REQUESTS_RECORDINGS").expect("ACTIVE_REQUESTS_RECORDINGS names a directory");
        let root = PathBuf::from(root);
        let manifest = std::fs::read_to_string(root.join("manifest.jsonl")).expect("the directory has a manifest");
        Self { root, manifest }
    }

    fn recordings(&self) -> impl Iterator<Item = Recording> {
        self.manifest.lines().map(|line| {
            let facts: Value = serde_json::from_str(line).expect("a line of the manifest is JSON");
            let file = facts["file"].as_str().expect("a recording has a file");
            let body = std::fs::read(self.root.join(file)).expect("the file of a recording is there");
            Recording { facts, body }
        })
    }
}

struct Recording {
    facts: Value,
    body: Vec<u8>,
}

impl Recording {
    fn name(&self) -> &str {
        self.facts["file"].as_str().unwrap_or_default()
    }

    fn group(&self) -> String {
        let word = |key| self.facts[key].as_str().unwrap_or_default();
        format!("{} {}", word("dialect"), word("kind"))
    }

    fn is_readable(&self) -> bool {
        self.facts["content_encoding"].is_null() || cfg!(feature = "decompress")
    }

    fn meter(&self) -> Meter {
        let mut head = http::Response::builder();
        for (header, key) in [("content-type", "content_type"), ("content-encoding", "content_encoding")] {
            if let Some(value) = self.facts[key].as_str() {
                head = head.header(header, value);
            }
        }
        Meter::for_response(&head.body(()).expect("the recorded headers are valid").into_parts().0)
    }

    fn read(&self, mut cut: impl FnMut() -> usize) -> Observed {
        let mut meter = self.meter();
        let mut first_content_event = None;
        let mut rest = &self.body[..];
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(cut().min(rest.len()));
            rest = behind;
            meter.observe(piece);
            if meter.reading().text_bytes > 0 {
                first_content_event.get_or_insert(meter.reading().events - 1);
            }
        }
        meter.finish();
        Observed { reading: meter.reading().clone(), first_content_event }
    }

    /// Returns what is read wrong, or differently when cut differently.
    fn differences(&self) -> Vec<String> {
        let observed = self.read(|| 1);
        let mut differences = self.compare(&observed);
        let mut random = Random(0x9E37_79B9_7F4A_7C15 ^ self.body.len() as u64);
        for size in [2, 3, 7, 64, 1000, usize::MAX, 0, 0, 0] {
            let cut = || if size > 0 { size } else { 1 + (random.next() % 97) as usize };
            let reading = self.read(cut).reading;
            if reading != observed.reading {
                differences.push(format!("cut by {size}: {reading:?} is not {:?}", observed.reading));
            }
        }
        differences
    }

    /// Returns what is read differently when the same is spelt differently.
    fn differences_of_spelling(&self) -> Vec<String> {
        let observed = self.read(|| 1000).reading;
        let mut differences = Vec::new();
        for (spelling, body) in self.respelt() {
            let respelt = Self { facts: self.facts.clone(), body };
            let mut reading = respelt.read(|| 1000).reading;
            if spelling == "with unknown events" {
                (reading.events, reading.revision) = (observed.events, observed.revision);
            }
            if ["over several lines", "fractions", "reversed"].contains(&spelling) {
                // Arguments that are JSON themselves count as they are written; and each event moves the revision once.
                (reading.text_bytes, reading.revision) = (observed.text_bytes, observed.revision);
            }
            if reading != observed {
                differences.push(format!("{spelling}: {reading:?} is not {observed:?}"));
            }
        }
        differences
    }

    /// The same stream with other line ends, without spaces, with a BOM, with comments and ids, with the members of its
    /// objects in reverse order, and, where the payloads name their types, without the events' names.
    fn respelt(&self) -> Vec<(&'static str, Vec<u8>)> {
        let text = String::from_utf8_lossy(&self.body).replace("\r\n", "\n").replace('\r', "\n");
        let lines = |change: &dyn Fn(&str) -> String| text.split('\n').map(change).collect::<Vec<_>>().join("\n");
        let mut spellings = vec![
            ("crlf", text.replace('\n', "\r\n")),
            ("cr", text.replace('\n', "\r")),
            ("bom", format!("\u{feff}{text}")),
            ("no space", lines(&|line| field(line, &|name, value| format!("{name}:{value}")))),
            (
                "over several lines",
                lines(&|line| {
                    field(line, &|name, value| match serde_json::from_str::<Value>(value) {
                        Ok(json) => format!("{json:#}")
                            .split('\n')
                            .map(|line| format!("{name}: {line}"))
                            .collect::<Vec<_>>()
                            .join("\n"),
                        Err(_) => line.to_owned(),
                    })
                }),
            ),
            (
                "fractions",
                lines(&|line| {
                    field(line, &|name, value| match serde_json::from_str::<Value>(value) {
                        Ok(json) => format!("{name}: {}", fractions(&json)),
                        Err(_) => line.to_owned(),
                    })
                }),
            ),
            ("with unknown events", format!("{UNKNOWN}{}", text.replace("\n\n", &format!("\n\n{UNKNOWN}")))),
            ("comments and ids", lines(&|line| field(line, &|name, value| format!(": ping\nid: 7\n{name}: {value}")))),
            (
                "reversed",
                lines(&|line| {
                    field(line, &|name, value| match serde_json::from_str::<Value>(value) {
                        Ok(json) => format!("{name}: {}", reversed(&json)),
                        Err(_) => line.to_owned(),
                    })
                }),
            ),
        ];
        if ["anthropic", "openai-responses", "cohere-v2", "gemini-interactions"]
            .iter()
            .any(|name| self.facts["dialect"] == *name)
        {
            spellings.push(("unnamed", lines(&|line| line.replacen("event:", ":", 1))));
        }
        spellings.into_iter().map(|(name, text)| (name, text.into_bytes())).collect()
    }

    fn has(&self, text: &str) -> bool {
        self.body.windows(text.len()).any(|window| window == text.as_bytes())
    }

    /// Where the manifest is not the measure, and why.
    fn exception(&self) -> Exception {
        let dialect = self.facts["dialect"].as_str().unwrap_or_default();
        let prefix = self.facts["expected"]["finish_reason"].as_str().unwrap_or_default();
        Exception {
            // It leaves out the summary of a compaction, reasoning that comes as `reasoning_details` only, and the
            // arguments of a call in Gemini's Interactions.
            text: self.has("\"compaction_delta\"")
                || self.has("\"reasoning_details\"")
                    && !self.has("\"reasoning\"")
                    && !self.has("\"reasoning_content\"")
                || dialect == "gemini-interactions" && self.facts["expected"]["content_events"] == 0,
            // It does not know that a refused prompt is an end, nor the finish reason of Cohere's older models.
            end: prefix.starts_with("BLOCKED:")
                || dialect == "bedrock-invoke"
                    && self.facts["api_path"].as_str().is_some_and(|path| path.contains("cohere")),
        }
    }

    fn compare(&self, observed: &Observed) -> Vec<String> {
        let reading = &observed.reading;
        let expected = &self.facts["expected"];
        let exception = self.exception();
        let ambiguous = &expected["ambiguous"];
        let mut differences = Vec::new();
        let mut check = |what: &str, is: Value| {
            let either = ambiguous["native"] == is || ambiguous["invocation_metrics"] == is;
            let is_ambiguous = ambiguous["field"].as_str().is_some_and(|field| what.starts_with(field));
            if expected[what] != is && !(is_ambiguous && either) {
                differences.push(format!("{what} is {is} instead of {}", expected[what]));
            }
        };
        let said = &reading.provider_usage;
        check("model", reading.model.clone().into());
        check("input_tokens", said.input_tokens.into());
        check("output_tokens", said.output_tokens.into());
        for (what, is) in [
            ("cache_read_tokens", said.cache_read_tokens),
            ("cache_creation_tokens", said.cache_creation_tokens),
            ("reasoning_tokens", said.reasoning_tokens),
            ("total_tokens", said.total_tokens),
            ("tool_prompt_tokens", said.tool_prompt_tokens),
        ] {
            if expected.get(what).is_some() {
                check(what, is.into());
            }
        }
        let normalised =
            |what: &str, count: u64| if expected[what].is_null() && count == 0 { Value::Null } else { count.into() };
        check("input_tokens_total", normalised("input_tokens_total", reading.usage.input_tokens));
        check("output_tokens_total", normalised("output_tokens_total", reading.usage.output_tokens));
        check("tool_call_count", reading.tool_calls.into());
        if expected.get("server_tool_call_count").is_some() {
            check("server_tool_call_count", reading.server_tool_calls.into());
        }
        if expected.get("finish_reason").is_some() && !(exception.end && expected["finish_reason"].is_null()) {
            // Some servers send the number of the reason.
            let number = reading.finish_reason.as_ref().and_then(|reason| reason.parse::<u64>().ok());
            check("finish_reason", number.map_or_else(|| reading.finish_reason.clone().into(), Value::from));
        }
        if expected.get("first_content_event").is_some() && !exception.text {
            check("first_content_event", observed.first_content_event.into());
        }
        let message = |error: &Value| {
            let message = error["message"].as_str().filter(|message| !message.is_empty());
            message.or(error["type"].as_str()).map(str::to_owned)
        };
        if message(&expected["error"]) != reading.error {
            differences.push(format!("error is {:?} instead of {}", reading.error, expected["error"]));
        }
        if expected.get("terminal_event").is_some() && !exception.end {
            let is_over = expected["terminal_event"] == true || expected["done_marker"] == true;
            if (reading.end == EndMark::Seen) != is_over {
                differences.push(format!(
                    "end is {:?}, terminal event {}, done marker {}",
                    reading.end, expected["terminal_event"], expected["done_marker"]
                ));
            }
        }
        let visible = expected["text_bytes"].as_u64().unwrap_or_default()
            + expected["reasoning_bytes"].as_u64().unwrap_or_default();
        let says_more = reading.tool_calls + reading.server_tool_calls > 0 || exception.text;
        if reading.text_bytes < visible || (reading.text_bytes > visible && !says_more) {
            differences.push(format!("{} bytes of text instead of {visible}", reading.text_bytes));
        }
        differences
    }
}

/// A meter's reading of a recording, and the event that brought the first text.
struct Observed {
    reading: Reading,
    first_content_event: Option<u64>,
}

struct Exception {
    text: bool,
    end: bool,
}

/// Xorshift: cuts that are the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}
