//! The changes between two samples, as `delta` events.

use tokio::time::Instant;

use super::{
    event_id::delta_id,
    payload::Payload,
    row_json::{json, number},
    sample::RowChange,
    table::{DRAINING, Table},
    table_row::TableRow,
};
use crate::{
    sse::Event,
    tracker::{Ended, RequestTracker},
    usage::Usage,
};

/// Entries of `ended` in one delta, at most.
const MAX_ENDED: usize = 1000;

/// Encodes the deltas of one run.
#[derive(Debug)]
pub(super) struct DeltaEncoder {
    /// The number of the newest delta.
    seq: u64,
    lists: RowLists,
}

/// The elements of a delta's lists of rows. The buffers are used again.
#[derive(Debug, Default)]
struct RowLists {
    started: Vec<u8>,
    changed: Vec<u8>,
    progressed: Vec<u8>,
}

impl RowLists {
    /// The lists with their names, in the order of the wire.
    fn named(&self) -> [(&str, &[u8]); 3] {
        [("started", &self.started), ("changed", &self.changed), ("progressed", &self.progressed)]
    }

    fn clear(&mut self) {
        [&mut self.started, &mut self.changed, &mut self.progressed].into_iter().for_each(Vec::clear);
    }
}

impl DeltaEncoder {
    /// An encoder of the deltas that follow `seq`.
    pub(super) fn new(seq: u64) -> Self {
        Self { seq, lists: RowLists::default() }
    }

    /// The number of the newest delta.
    pub(super) fn seq(&self) -> u64 {
        self.seq
    }

    /// Encodes the pending changes of `table`; those in progress alone only with `progress`.
    ///
    /// Returns one delta or none, but more if more rows have ended than one delta may hold: a row that subscribers have must not stay there.
    pub(super) fn encode(
        &mut self,
        table: &mut Table,
        progress: bool,
        tracker: &RequestTracker,
        now: Instant,
    ) -> Vec<Payload> {
        let least = if progress { RowChange::Progress } else { RowChange::Changed };
        let age = tracker.age(now);
        let lists = &mut self.lists;
        table.for_each(|row| match row.take_pending(least) {
            RowChange::None => {}
            RowChange::Started => row.append_row(element(&mut lists.started), age),
            RowChange::Changed => row.append_row(element(&mut lists.changed), age),
            RowChange::Progress => row.append_progress(element(&mut lists.progressed)),
        });

        let (mut ended, unseen): (Vec<_>, Vec<_>) = table.take_ended().into_iter().partition(|(_, row)| row.is_some());
        let mut deltas = Vec::new();
        while ended.len() > MAX_ENDED {
            let rest = ended.split_off(MAX_ENDED);
            deltas.push(self.delta(&RowLists::default(), &std::mem::replace(&mut ended, rest), 0, tracker, now));
        }
        // Requests that started and ended between two samples are not in any subscriber's table, so that they may be omitted.
        let room = MAX_ENDED - ended.len();
        let omitted = unseen.len().saturating_sub(room);
        ended.extend(unseen.into_iter().take(room));
        let mut lists = std::mem::take(&mut self.lists);
        if table.take_draining() || !ended.is_empty() || lists.named().iter().any(|(_, list)| !list.is_empty()) {
            deltas.push(self.delta(&lists, &ended, omitted, tracker, now));
        }
        lists.clear();
        self.lists = lists;
        deltas
    }

    fn delta(
        &mut self,
        lists: &RowLists,
        ended: &[(Ended, Option<TableRow>)],
        omitted: usize,
        tracker: &RequestTracker,
        now: Instant,
    ) -> Payload {
        self.seq += 1;
        let seq = self.seq;
        let rows: usize = lists.named().iter().map(|(_, list)| list.len()).sum();
        let event = Event::with_capacity(256 + rows + 192 * ended.len())
            .event("delta")
            .id(delta_id(tracker.epoch(), seq))
            .write_line(|out| {
                out.extend_from_slice(br#"{"seq":"#);
                number(out, seq);
                for (name, list) in lists.named() {
                    if !list.is_empty() {
                        begin_list(out, name);
                        out.extend_from_slice(list);
                        out.push(b']');
                    }
                }
                if !ended.is_empty() {
                    begin_list(out, "ended");
                    for (index, (ended, row)) in ended.iter().enumerate() {
                        if index > 0 {
                            out.push(b',');
                        }
                        append_ended(out, ended, row.as_ref());
                    }
                    out.push(b']');
                }
                out.extend_from_slice(br#","ended_omitted":"#);
                number(out, omitted);
                out.extend_from_slice(br#","timestamp":"#);
                json(out, &tracker.wall(now).as_secs_f64());
                if tracker.is_draining() {
                    out.extend_from_slice(DRAINING);
                }
                out.push(b'}');
            });
        Payload::new(event)
    }
}

/// Separates the next element of `list` from those before it.
fn element(list: &mut Vec<u8>) -> &mut Vec<u8> {
    if !list.is_empty() {
        list.push(b',');
    }
    list
}

/// Appends a name and the bracket that opens its list.
fn begin_list(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":[");
}

/// Appends `[id, outcome, status, duration_ms, input, output, provider, model, path, last_byte_ms, waiting_on, usage_source, cache_read,
/// cache_creation, reasoning, tool_calls, response_bytes, cost_usd, time_to_first_token_ms, is_streaming]`.
fn append_ended(out: &mut Vec<u8>, ended: &Ended, row: Option<&TableRow>) {
    let Usage { input_tokens, output_tokens, cache_read_tokens, cache_creation_tokens, reasoning_tokens } = ended.usage;
    let status = ended.status.map(|status| status.as_u16());
    json(out, &(ended.id, ended.outcome, status, ended.duration_ms, input_tokens, output_tokens));
    // The bracket, since more elements follow.
    out.pop();
    match (&ended.names, row) {
        (Some(names), _) => names.iter().for_each(|name| {
            out.push(b',');
            json(out, name);
        }),
        (None, Some(row)) => row.names().iter().for_each(|name| {
            out.push(b',');
            out.extend_from_slice(name);
        }),
        (None, None) => out.extend_from_slice(br#","unknown","unknown","""#),
    }
    let rest = out.len();
    json(
        out,
        &(
            ended.last_byte_ms,
            ended.waiting_on,
            ended.source,
            cache_read_tokens,
            cache_creation_tokens,
            reasoning_tokens,
            ended.tool_calls,
            ended.response_bytes,
            ended.cost,
            ended.time_to_first_token_ms,
            ended.is_streaming,
        ),
    );
    // In place of its bracket, since these go on the same list.
    out[rest] = b',';
}
