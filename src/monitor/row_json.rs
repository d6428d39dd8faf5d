//! The JSON of a row, encoded in parts that are kept as long as their values are.
//!
//! Every row equals the `serde` form of [`Row`](crate::tracker::Row), which tests compare it with.

use std::io::Write;

use serde::Serialize;

use super::sample::Sample;
use crate::{
    cost::Cost,
    tracker::{RequestData, RequestId, RequestTracker, TextField, millis},
};

/// Bytes of a row's JSON, with names of the usual length.
const USUAL_LEN: usize = 800;

/// The members of a row that an element of `progressed` has, after the id.
#[cfg(feature = "fleet")]
pub(crate) const PROGRESS_COLUMNS: [&str; 11] = [
    "phase",
    "waiting_on",
    "usage_source",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_creation_tokens",
    "reasoning_tokens",
    "tool_calls",
    "response_bytes",
    "cost_usd",
];

/// The JSON of a row but for its times, in one buffer that is written from the front.
///
/// The buffer holds the parts in the order in which they change: `head` (id to start time), `tail` (method to labels) and `notes`
/// (stage, status, time to first token) are written once for each revision of the row, the counters whenever one has changed. On the wire the
/// order is head, duration, counters with a copy of the notes among them, idle time, tail, cost, which is written with the counters.
#[derive(Debug, Default)]
pub(super) struct RowJson {
    text: Vec<u8>,
    /// EndedReader of the parts.
    head: usize,
    tail: usize,
    notes: usize,
    counters: usize,
    /// Where the quoted id ends, and where the quoted provider, model and path stand.
    id: usize,
    provider: (usize, usize),
    model: (usize, usize),
    path: (usize, usize),
}

impl RowJson {
    /// Writes the parts that change with the row's revision. [`write_counters`](Self::write_counters) must follow.
    pub(super) fn write_fixed(&mut self, id: RequestId, data: &RequestData, tracker: &RequestTracker) {
        let RequestData { facts, texts } = data;
        let names = tracker.names(texts);
        let text = &mut self.text;
        text.clear();
        text.reserve(USUAL_LEN);
        text.extend_from_slice(br#"{"request_id":"#);
        json(text, &id);
        self.id = text.len();
        text.extend_from_slice(br#","provider":"#);
        self.provider = json(text, names.provider());
        text.extend_from_slice(br#","model":"#);
        self.model = json(text, names.model());
        text.extend_from_slice(br#","requested_model":"#);
        json(text, texts.get(TextField::Requested));
        text.extend_from_slice(br#","resolved_model":"#);
        json(text, texts.get(TextField::Resolved));
        text.extend_from_slice(br#","qualified_model":"#);
        json(text, &*names.qualified());
        text.extend_from_slice(br#","is_streaming":"#);
        json(text, &facts.is_streaming.unwrap_or(false));
        text.extend_from_slice(br#","start_time":"#);
        json(text, &tracker.wall(facts.started).as_secs_f64());
        text.extend_from_slice(br#","duration_ms":"#);
        self.head = text.len();

        text.extend_from_slice(br#","method":"#);
        json(text, facts.method.as_str());
        text.extend_from_slice(br#","path":"#);
        self.path = json(text, texts.get(TextField::Path));
        text.extend_from_slice(br#","route":"#);
        match texts.get(TextField::Route) {
            "" => text.extend_from_slice(b"null"),
            route => _ = json(text, route),
        }
        text.extend_from_slice(br#","caller":"#);
        match texts.get(TextField::Caller) {
            "" => text.extend_from_slice(b"null"),
            caller => _ = json(text, caller),
        }
        text.extend_from_slice(br#","labels":{"#);
        for (index, (name, value)) in texts.labels().enumerate() {
            if index > 0 {
                text.push(b',');
            }
            json(text, name);
            text.push(b':');
            json(text, value);
        }
        text.push(b'}');
        self.tail = text.len();

        text.extend_from_slice(br#","stage":"#);
        match texts.get(TextField::Stage) {
            "" => text.extend_from_slice(b"null"),
            stage => _ = json(text, stage),
        }
        text.extend_from_slice(br#","status":"#);
        json(text, &facts.status.map(|status| status.as_u16()));
        text.extend_from_slice(br#","time_to_first_token_ms":"#);
        json(text, &facts.first_token.map(millis));
        text.extend_from_slice(br#","output_tokens_per_second":"#);
        self.notes = text.len();
    }

    /// Writes the counters.
    pub(super) fn write_counters(&mut self, sample: &Sample) {
        let Sample { raw, phase, waiting_on, tool_uses, tool_results, message_count, rate, .. } = sample;
        let text = &mut self.text;
        text.truncate(self.notes);
        named(text, br#","input_tokens":"#, raw.usage.input_tokens);
        named(text, br#","output_tokens":"#, raw.usage.output_tokens);
        named(text, br#","cache_read_tokens":"#, raw.usage.cache_read_tokens);
        named(text, br#","cache_creation_tokens":"#, raw.usage.cache_creation_tokens);
        named(text, br#","tool_uses":"#, *tool_uses);
        named(text, br#","tool_results":"#, *tool_results);
        named(text, br#","tool_calls":"#, raw.tool_calls);
        named(text, br#","request_size":"#, raw.counts.request_bytes);
        named(text, br#","message_count":"#, *message_count);
        named(text, br#","reasoning_tokens":"#, raw.usage.reasoning_tokens);
        text.extend_from_slice(br#","usage_source":""#);
        text.extend_from_slice(raw.source.as_str().as_bytes());
        text.extend_from_slice(br#"","observation":""#);
        text.extend_from_slice(raw.observation.as_str().as_bytes());
        text.extend_from_slice(br#"","phase":""#);
        text.extend_from_slice(phase.as_str().as_bytes());
        text.extend_from_slice(br#"","waiting_on":""#);
        text.extend_from_slice(waiting_on.as_str().as_bytes());
        text.push(b'"');
        text.extend_from_within(self.tail..self.notes);
        match rate {
            None => text.extend_from_slice(b"null"),
            Some(rate) => {
                number(text, rate / 10);
                named(text, b".", rate % 10);
            }
        }
        named(text, br#","response_bytes":"#, raw.counts.response_bytes);
        text.extend_from_slice(br#","idle_ms":"#);
        self.counters = text.len();
        text.extend_from_slice(br#","cost_usd":"#);
        cost(text, raw.cost);
        text.push(b'}');
    }

    /// Appends the row to `out`. Both times are nanoseconds: since the request's start, and since the last frame.
    pub(super) fn append_row(&self, out: &mut Vec<u8>, since_start: u64, idle: u64) {
        const MILLISECOND: u64 = 1_000_000;
        out.extend_from_slice(&self.text[..self.head]);
        number(out, since_start / MILLISECOND);
        out.extend_from_slice(&self.text[self.notes..self.counters]);
        number(out, idle / MILLISECOND);
        out.extend_from_slice(&self.text[self.head..self.tail]);
        out.extend_from_slice(&self.text[self.counters..]);
    }

    /// Appends the row's entry in `progressed` to `out`.
    pub(super) fn append_progress(&self, out: &mut Vec<u8>, sample: &Sample) {
        let (phase, waiting_on, source, numbers) = sample.columns();
        out.push(b'[');
        out.extend_from_slice(self.id());
        out.extend_from_slice(br#",""#);
        out.extend_from_slice(phase.as_str().as_bytes());
        out.extend_from_slice(br#"",""#);
        out.extend_from_slice(waiting_on.as_str().as_bytes());
        out.extend_from_slice(br#"",""#);
        out.extend_from_slice(source.as_str().as_bytes());
        out.push(b'"');
        for value in numbers {
            named(out, b",", value);
        }
        out.push(b',');
        cost(out, sample.raw.cost);
        out.push(b']');
    }

    /// The quoted request id.
    fn id(&self) -> &[u8] {
        &self.text[br#"{"request_id":"#.len()..self.id]
    }

    /// The quoted provider, model and path.
    pub(super) fn names(&self) -> [&[u8]; 3] {
        let part = |(start, end): (usize, usize)| &self.text[start..end];
        [part(self.provider), part(self.model), part(self.path)]
    }
}

/// Appends `value` as JSON. Returns where it begins and ends.
pub(crate) fn json(out: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) -> (usize, usize) {
    let start = out.len();
    // Cannot fail: the values are numbers and texts, and a `Vec` takes them all.
    let _ = serde_json::to_writer(&mut *out, value);
    (start, out.len())
}

/// Appends dollars, or `null`.
fn cost(out: &mut Vec<u8>, cost: Option<Cost>) {
    match cost {
        None => out.extend_from_slice(b"null"),
        // Cannot fail: a `Vec` takes it all.
        Some(cost) => _ = write!(out, "{cost}"),
    }
}

/// Appends a whole number to `out`.
pub(crate) fn number(out: &mut Vec<u8>, value: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Appends `name` and a whole number to `out`.
fn named(out: &mut Vec<u8>, name: &[u8], value: impl itoa::Integer) {
    out.extend_from_slice(name);
    number(out, value);
}
