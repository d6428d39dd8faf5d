//! One row of another replica, as text.

use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::text::JsonMembers;
use crate::{
    monitor::{PROGRESS_COLUMNS, RowChange, json, number},
    tracker::token_rate,
};

/// A row in the text in which its replica sent it, with what was sent of it since. Members that this version does not know stay as they are.
#[derive(Debug)]
pub(super) struct FleetRow {
    json: Box<str>,
    /// The newest element of `progressed` after `json`.
    progress: Option<Box<str>>,
    received: Instant,
    /// When bytes of its response last came, as far as `progressed` has told.
    moved: Option<Instant>,
    response_bytes: u64,
    /// Milliseconds in flight at `received`.
    duration_ms: u64,
    /// The difference that no delta to viewers has carried yet.
    pub(super) pending: RowChange,
}

/// The members of a row that change by themselves.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RowTimes {
    duration_ms: u64,
    response_bytes: u64,
}

impl FleetRow {
    pub(super) fn new(json: &str, now: Instant, pending: RowChange) -> Self {
        let RowTimes { duration_ms, response_bytes } = serde_json::from_str(json).unwrap_or_default();
        Self { json: json.into(), progress: None, received: now, moved: None, response_bytes, duration_ms, pending }
    }

    /// Takes an element of `progressed`.
    pub(super) fn progress(&mut self, entry: &str, now: Instant) {
        let bytes = columns(entry).and_then(|columns| columns.get(RESPONSE_BYTES)?.get().parse().ok());
        if let Some(bytes) = bytes.filter(|bytes| *bytes != self.response_bytes) {
            (self.response_bytes, self.moved) = (bytes, Some(now));
        }
        self.progress = Some(entry.into());
    }

    /// The newest element of `progressed`.
    pub(super) fn newest_progress(&self) -> Option<&str> {
        self.progress.as_deref()
    }

    /// Milliseconds from the start of the request to `now`, by this process's clock.
    pub(super) fn age_ms(&self, now: Instant) -> u64 {
        self.duration_ms.saturating_add(millis_between(self.received, now))
    }

    /// Bytes that the row takes.
    pub(super) fn size(&self) -> usize {
        size_of::<Self>() + self.json.len() + self.progress.as_ref().map_or(0, |progress| progress.len())
    }

    /// Appends the row as it is now, with the name of its replica, a JSON string, as last member.
    pub(super) fn append(&self, out: &mut Vec<u8>, replica: &str, now: Instant) {
        let Ok(JsonMembers(members)) = serde_json::from_str(&self.json) else {
            out.extend_from_slice(self.json.as_bytes());
            return;
        };
        let columns = self.progress.as_deref().and_then(columns).unwrap_or_default();
        let progressed = |name: &str| {
            let column = PROGRESS_COLUMNS.iter().position(|column| *column == name)?;
            columns.get(column).map(|value| value.get())
        };
        let whole = |name: &str| -> Option<u64> {
            let told = members.iter().find(|(known, _)| *known == name).map(|(_, told)| told.get());
            progressed(name).or(told)?.parse().ok()
        };
        let duration_ms = self.age_ms(now);
        let idle_ms = self.moved.map_or_else(
            || whole("idle_ms").unwrap_or(0).saturating_add(millis_between(self.received, now)),
            |at| millis_between(at, now),
        );
        out.push(b'{');
        for (name, told) in &members {
            json(out, name);
            out.push(b':');
            match *name {
                "duration_ms" => number(out, duration_ms),
                "idle_ms" => number(out, idle_ms),
                "output_tokens_per_second" if !columns.is_empty() => {
                    let first = whole("time_to_first_token_ms").unwrap_or(u64::MAX);
                    let streamed = duration_ms.saturating_sub(idle_ms).saturating_sub(first);
                    _ = json(out, &token_rate(whole("output_tokens").unwrap_or(0), Duration::from_millis(streamed)));
                }
                name => out.extend_from_slice(progressed(name).unwrap_or(told.get()).as_bytes()),
            }
            out.push(b',');
        }
        out.extend_from_slice(br#""replica":"#);
        out.extend_from_slice(replica.as_bytes());
        out.push(b'}');
    }
}

/// The place of the response's bytes among [`PROGRESS_COLUMNS`].
const RESPONSE_BYTES: usize = 9;

/// The columns of an element of `progressed`, without the id.
fn columns(entry: &str) -> Option<Vec<&RawValue>> {
    let mut columns: Vec<&RawValue> = serde_json::from_str(entry).ok()?;
    (!columns.is_empty()).then(|| columns.split_off(1))
}

fn millis_between(from: Instant, to: Instant) -> u64 {
    u64::try_from(to.saturating_duration_since(from).as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_column_is_where_it_is_looked_for() {
        assert_eq!(PROGRESS_COLUMNS[RESPONSE_BYTES], "response_bytes");
    }

    #[tokio::test(start_paused = true)]
    async fn a_row_ages_takes_progress_and_keeps_what_is_not_known() {
        let start = Instant::now();
        let text = r#"{"request_id":"req_1","phase":"waiting","duration_ms":500,"idle_ms":20,"output_tokens":1,"time_to_first_token_ms":100,"output_tokens_per_second":0.5,"response_bytes":7,"new":{"a":[1]}}"#;
        let mut row = FleetRow::new(text, start, RowChange::Started);
        let shown = |row: &FleetRow, ms| {
            let mut out = Vec::new();
            row.append(&mut out, r#""a \"replica\"""#, start + Duration::from_millis(ms));
            String::from_utf8(out).unwrap()
        };
        assert_eq!(
            shown(&row, 100),
            r#"{"request_id":"req_1","phase":"waiting","duration_ms":600,"idle_ms":120,"output_tokens":1,"time_to_first_token_ms":100,"output_tokens_per_second":0.5,"response_bytes":7,"new":{"a":[1]},"replica":"a \"replica\""}"#
        );
        row.progress(
            r#"["req_1","streaming","client","estimated",1,4,0,0,0,0,8,null,"newer"]"#,
            start + Duration::from_millis(200),
        );
        assert_eq!(
            shown(&row, 250),
            r#"{"request_id":"req_1","phase":"streaming","duration_ms":750,"idle_ms":50,"output_tokens":4,"time_to_first_token_ms":100,"output_tokens_per_second":5.0,"response_bytes":8,"new":{"a":[1]},"replica":"a \"replica\""}"#
        );
        assert_eq!(row.age_ms(start + Duration::from_millis(250)), 750);
    }
}
