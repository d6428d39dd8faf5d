//! The standard's own algorithm, line by line over the whole body, with no thought of speed or memory.

use std::ops::Range;

use crate::{Outcome, Seen};

pub(crate) fn decode(body: &[u8]) -> Outcome {
    let whole = body;
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let offset_of = |rest: &[u8]| (whole.len() - rest.len()) as u64;
    let mut start = offset_of(body);
    let mut outcome = Outcome { events: Vec::new(), retry: None, last_event_id: Vec::new() };
    let (mut name, mut data, mut id) = (Vec::new(), None::<Vec<u8>>, Vec::new());
    let mut rest = body;
    while let Some(end) = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
        let line = &rest[..end];
        let width = if rest[end..].starts_with(b"\r\n") { 2 } else { 1 };
        let behind = offset_of(&rest[end + 1..]);
        rest = &rest[end + width..];
        if line.is_empty() {
            outcome.last_event_id.clone_from(&id);
            let range = std::mem::replace(&mut start, offset_of(rest))..behind;
            outcome.events.extend(data.take().map(|data| event(&name, data, &id, false, range)));
            name.clear();
            continue;
        }
        let colon = line.iter().position(|&byte| byte == b':').unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match &line[..colon] {
            b"event" => name = value.to_vec(),
            b"data" => add_line(&mut data, value),
            b"id" if !value.contains(&0) => id = value.to_vec(),
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                let digits = std::str::from_utf8(value).expect("digits");
                outcome.retry = Some(digits.parse().unwrap_or(u64::MAX));
            }
            _ => {}
        }
    }
    // The tolerant part: a last line of data that lacks its end, then an event that lacks its blank line.
    if rest == b"data" || rest.starts_with(b"data:") {
        let value = rest.get(5..).unwrap_or_default();
        add_line(&mut data, value.strip_prefix(b" ").unwrap_or(value));
    }
    outcome.events.extend(data.map(|data| event(&name, data, &id, true, start..whole.len() as u64)));
    outcome
}

fn add_line(data: &mut Option<Vec<u8>>, value: &[u8]) {
    match data {
        Some(data) => data.extend([b"\n", value].concat()),
        None => *data = Some(value.to_vec()),
    }
}

fn event(name: &[u8], data: Vec<u8>, id: &[u8], unterminated: bool, range: Range<u64>) -> Seen {
    Seen { name: name.to_vec(), data, id: id.to_vec(), skipped: 0, unterminated, start: range.start, end: range.end }
}
