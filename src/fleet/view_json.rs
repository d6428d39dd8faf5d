//! The JSON that viewers of several replicas are sent.

use super::{
    list::{ListHead, append_list},
    row::FleetRow,
    source_rows::FleetLists,
    watching::{Watched, Watching, name_of},
};
use crate::{
    monitor::{json, number},
    tracker::RequestTracker,
};
use tokio::time::Instant;

/// The moment of an answer, and the head of its list.
#[derive(Clone, Copy, Debug)]
pub(super) struct ViewMoment<'a> {
    pub(super) head: &'a ListHead,
    pub(super) now: Instant,
}

/// The changes that one delta carries.
#[derive(Debug, Default)]
pub(super) struct DeltaParts<'a> {
    /// Replicas whose rows or sums are to be forgotten first.
    pub(super) gone: &'a [u32],
    pub(super) lists: Option<&'a FleetLists>,
    /// Elements of `sums`.
    pub(super) sums: &'a [u8],
    pub(super) ended: &'a [Box<str>],
    pub(super) omitted: u64,
    /// Whether the list of replicas has changed.
    pub(super) list: bool,
}

/// The id of an event of this process: `<epoch>-fleet-<number>`, or of the stream of one replica `<epoch>-<its epoch>-<number>`.
pub(super) fn event_id(epoch: u32, watched: Watched, number: &str) -> String {
    match watched {
        Watched::Fleet => format!("{epoch:08x}-fleet-{number}"),
        Watched::Replica(replica) => format!("{epoch:08x}-{replica:08x}-{number}"),
    }
}

/// The number in the id of a delta of the fleet, or of the update with which its stream begins; `None` if it is not one of this epoch.
pub(super) fn read_fleet_event_id(id: &str, epoch: u32) -> Option<u64> {
    id.strip_prefix(&event_id(epoch, Watched::Fleet, ""))?.parse().ok()
}

/// Returns `text` as a JSON string.
pub(super) fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// Appends a delta.
pub(super) fn append_delta(
    out: &mut Vec<u8>,
    seq: u64,
    parts: &DeltaParts<'_>,
    watching: &Watching,
    tracker: &RequestTracker,
    ViewMoment { head, now }: ViewMoment<'_>,
) {
    out.extend_from_slice(br#"{"seq":"#);
    number(out, seq);
    if !parts.gone.is_empty() {
        out.extend_from_slice(br#","gone":"#);
        json(out, &parts.gone.iter().map(|epoch| format!("{epoch:08x}")).collect::<Vec<_>>());
    }
    let rows = parts.lists.map(|lists| {
        [("started", &lists.started[..]), ("changed", &lists.changed[..]), ("progressed", &lists.progressed[..])]
    });
    for (name, list) in rows.into_iter().flatten().chain([("sums", parts.sums)]) {
        if !list.is_empty() {
            out.extend_from_slice(format!(",\"{name}\":[").as_bytes());
            out.extend_from_slice(list);
            out.push(b']');
        }
    }
    if !parts.ended.is_empty() {
        out.extend_from_slice(br#","ended":["#);
        out.extend_from_slice(parts.ended.join(",").as_bytes());
        out.push(b']');
    }
    out.extend_from_slice(br#","ended_omitted":"#);
    number(out, parts.omitted);
    if parts.list {
        out.extend_from_slice(br#","fleet":"#);
        append_list(out, watching, head, now);
    }
    out.extend_from_slice(br#","timestamp":"#);
    json(out, &tracker.wall(now).as_secs_f64());
    out.push(b'}');
}

/// Appends the sums of each replica, or of those only whose sums viewers have not been told of.
pub(super) fn append_sums(out: &mut Vec<u8>, watching: &Watching, news_only: bool) {
    for (epoch, source) in &watching.sources {
        let Some(sums) = source.sums.as_ref().filter(|sums| sums.is_news || !news_only) else { continue };
        if !out.is_empty() && !out.ends_with(b"[") {
            out.push(b',');
        }
        let replica = quoted(&name_of(*epoch, &source.about));
        let (rows, members) = (source.told, sums.text.members());
        out.extend_from_slice(
            format!(r#"{{"replica":{replica},"epoch":"{epoch:08x}","rows":{rows},{members}}}"#).as_bytes(),
        );
    }
}

/// Appends a snapshot: all rows, newest first, or the sums, and the list of replicas.
pub(super) fn append_snapshot(
    out: &mut Vec<u8>,
    seq: Option<u64>,
    watching: &Watching,
    tracker: &RequestTracker,
    ViewMoment { head, now }: ViewMoment<'_>,
) {
    out.push(b'{');
    if let Some(seq) = seq {
        out.extend_from_slice(br#""seq":"#);
        number(out, seq);
        out.push(b',');
    }
    out.extend_from_slice(br#""disabled":false,"active_requests":["#);
    append_rows(out, watching, now);
    out.push(b']');
    if watching.is_of_sums() {
        out.extend_from_slice(br#","sums":["#);
        append_sums(out, watching, false);
        out.push(b']');
    }
    out.extend_from_slice(br#","timestamp":"#);
    json(out, &tracker.wall(now).as_secs_f64());
    out.extend_from_slice(br#","fleet":"#);
    append_list(out, watching, head, now);
    // For viewers with the right to, `Payload::for_viewer` says otherwise.
    out.extend_from_slice(br#","can_cancel":false}"#);
}

fn append_rows(out: &mut Vec<u8>, watching: &Watching, now: Instant) {
    let names: Vec<String> =
        watching.sources.iter().map(|(epoch, source)| quoted(&name_of(*epoch, &source.about))).collect();
    let mut rows: Vec<(u64, _, &FleetRow, &String)> = watching
        .sources
        .values()
        .zip(&names)
        .flat_map(|(source, name)| source.rows.iter().map(move |(id, row)| (row.age_ms(now), id, row, name)))
        .collect();
    // By age, which no two clocks are compared for.
    rows.sort_unstable_by_key(|&(age, id, ..)| (age, id.epoch(), id.number()));
    for (index, (.., row, name)) in rows.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        row.append(out, name, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_id_of_the_fleets_stream_of_this_process_is_read() {
        assert_eq!(read_fleet_event_id(&event_id(0x2a, Watched::Fleet, "18"), 0x2a), Some(18));
        for other in
            ["0000002b-fleet-18", "0000002a-18", "0000002a-fleet-u18", "0000002a-fleet-", "0000002a-0000002a-18"]
        {
            assert_eq!(read_fleet_event_id(other, 0x2a), None, "{other}");
        }
    }
}
