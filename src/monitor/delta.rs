//! What has changed between two looks, as `delta` events.

use super::{
    encode::{json, number},
    frame::Frame,
    sample::News,
    table::{Table, TableRow},
};
use crate::tracker::{Ended, RequestTracker};
use tokio::time::Instant;

/// Ends told in one delta, at most.
const MAX_ENDED: usize = 1000;

/// Encodes deltas; its buffers are used again.
#[derive(Debug)]
pub(super) struct Deltas {
    /// Of the newest.
    seq: u64,
    started: Vec<u8>,
    changed: Vec<u8>,
    progressed: Vec<u8>,
}

impl Deltas {
    /// Those that follow number `seq`.
    pub(super) fn after(seq: u64) -> Self {
        Self { seq, started: Vec::new(), changed: Vec::new(), progressed: Vec::new() }
    }

    pub(super) fn seq(&self) -> u64 {
        self.seq
    }

    /// Tells what `table` has to tell, progress only if it is `progress`'s turn. Mostly one delta or none; more than one when
    /// more rows have ended than one may tell, since a row that a client has must not stay there.
    pub(super) fn tell(
        &mut self,
        table: &mut Table,
        progress: bool,
        tracker: &RequestTracker,
        now: Instant,
    ) -> Vec<Frame> {
        let least = if progress { News::Progress } else { News::Changed };
        let Self { started, changed, progressed, .. } = self;
        for list in [&mut *started, &mut *changed, &mut *progressed] {
            list.clear();
        }
        let age = tracker.age(now);
        table.for_each(|row| match row.take_news(least) {
            None | Some(News::Nothing) => {}
            Some(News::Started) => row.write(next(started), age),
            Some(News::Changed) => row.write(next(changed), age),
            Some(News::Progress) => row.write_progress(next(progressed)),
        });

        let (mut ended, passing): (Vec<_>, Vec<_>) = table.take_ended().into_iter().partition(|(_, row)| row.is_some());
        let mut deltas = Vec::new();
        while ended.len() > MAX_ENDED {
            let rest = ended.split_off(MAX_ENDED);
            deltas.push(self.delta(&std::mem::replace(&mut ended, rest), 0, false, tracker, now));
        }
        // Those that started and ended in between nobody has; they are told as far as there is room.
        let room = MAX_ENDED - ended.len();
        let omitted = passing.len().saturating_sub(room);
        ended.extend(passing.into_iter().take(room));
        let lists = [&self.started, &self.changed, &self.progressed];
        if !ended.is_empty() || lists.iter().any(|list| !list.is_empty()) {
            deltas.push(self.delta(&ended, omitted, true, tracker, now));
        }
        deltas
    }

    fn delta(
        &mut self,
        ended: &[(Ended, Option<TableRow>)],
        omitted: usize,
        with_rows: bool,
        tracker: &RequestTracker,
        now: Instant,
    ) -> Frame {
        self.seq += 1;
        let lists = [&self.started, &self.changed, &self.progressed];
        let mut out = Vec::with_capacity(256 + lists.iter().map(|list| list.len()).sum::<usize>() + 128 * ended.len());
        super::feed::event(&mut out, "delta", format_args!("{:08x}-{}", tracker.epoch(), self.seq));
        out.extend_from_slice(br#"{"seq":"#);
        number(&mut out, self.seq);
        for (name, list) in ["started", "changed", "progressed"].into_iter().zip(lists) {
            if with_rows && !list.is_empty() {
                begin_list(&mut out, name);
                out.extend_from_slice(list);
                out.push(b']');
            }
        }
        if !ended.is_empty() {
            begin_list(&mut out, "ended");
            for (index, (ended, row)) in ended.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_ended(&mut out, ended, row.as_ref());
            }
            out.push(b']');
        }
        out.extend_from_slice(br#","ended_omitted":"#);
        number(&mut out, omitted);
        out.extend_from_slice(br#","timestamp":"#);
        json(&mut out, &tracker.wall(now).as_secs_f64());
        out.extend_from_slice(b"}\n\n");
        Frame::new(out)
    }
}

/// The list, ready for its next element.
fn next(list: &mut Vec<u8>) -> &mut Vec<u8> {
    if !list.is_empty() {
        list.push(b',');
    }
    list
}

fn begin_list(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":[");
}

/// `[id, outcome, status, duration_ms, input, output, provider, model, path]`
fn write_ended(out: &mut Vec<u8>, ended: &Ended, row: Option<&TableRow>) {
    let Ended { id, outcome, status, duration_ms, input_tokens, output_tokens, names } = ended;
    let status = status.map(|status| status.as_u16());
    json(out, &(id, outcome, status, duration_ms, input_tokens, output_tokens));
    // The array goes on.
    out.pop();
    match (names, row) {
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
    out.push(b']');
}
