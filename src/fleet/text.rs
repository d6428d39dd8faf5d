//! The JSON that replicas send each other: the data of the monitor's `update` and `delta` events, read without a copy.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::tracker::RequestId;

/// The data of a `delta` event.
#[derive(Debug, Deserialize)]
pub(super) struct DeltaText<'a> {
    pub(super) seq: u64,
    #[serde(borrow, default)]
    pub(super) started: Vec<RowText<'a>>,
    #[serde(borrow, default)]
    pub(super) changed: Vec<RowText<'a>>,
    #[serde(borrow, default)]
    pub(super) progressed: Vec<EntryText<'a>>,
    #[serde(borrow, default)]
    pub(super) ended: Vec<EntryText<'a>>,
    #[serde(default)]
    pub(super) ended_omitted: u64,
    /// Seconds since the Unix epoch, by the replica's clock.
    pub(super) timestamp: f64,
}

/// The data of an `update` event.
#[derive(Debug, Deserialize)]
pub(super) struct UpdateText<'a> {
    pub(super) seq: u64,
    #[serde(borrow)]
    pub(super) active_requests: Vec<RowText<'a>>,
    /// Seconds since the Unix epoch, by the replica's clock.
    pub(super) timestamp: f64,
}

/// A row as its replica wrote it.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowText<'a> {
    pub(super) id: RequestId,
    pub(super) json: &'a str,
}

impl<'de: 'a, 'a> Deserialize<'de> for RowText<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = <&RawValue>::deserialize(deserializer)?.get();
        let id = quoted_after(json, r#"{"request_id":"#).ok_or_else(|| de::Error::custom("a row without an id"))?;
        Ok(Self { id, json })
    }
}

/// An element of `progressed` or `ended` as its replica wrote it.
#[derive(Clone, Copy, Debug)]
pub(super) struct EntryText<'a> {
    pub(super) id: RequestId,
    pub(super) json: &'a str,
}

impl<'de: 'a, 'a> Deserialize<'de> for EntryText<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = <&RawValue>::deserialize(deserializer)?.get();
        let id = quoted_after(json, "[").ok_or_else(|| de::Error::custom("an entry without an id"))?;
        Ok(Self { id, json })
    }
}

/// The members of an object in their order. Names with an escape are refused: no replica writes one.
#[derive(Debug)]
pub(super) struct JsonMembers<'a>(pub(super) Vec<(&'a str, &'a RawValue)>);

impl<'de> Deserialize<'de> for JsonMembers<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = JsonMembers<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::with_capacity(48);
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(JsonMembers(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// The quoted id with which `json` goes on after `start`. Rows and entries of every version begin with it.
fn quoted_after(json: &str, start: &str) -> Option<RequestId> {
    let (id, _) = json.strip_prefix(start)?.strip_prefix('"')?.split_once('"')?;
    id.parse().ok()
}

/// Whether a text can stand in one line of an event, as all JSON does that replicas write. What another sends is passed on, and must not end a
/// viewer's event.
pub(super) fn is_one_line(text: &[u8]) -> bool {
    memchr::memchr2(b'\n', b'\r', text).is_none()
}

/// The data of an event of one line, and whether it is a `delta`; `None` for another event or a comment.
pub(super) fn event_data(event: &[u8]) -> Option<(bool, &[u8])> {
    let is_delta = event.starts_with(b"event: delta\n");
    if !is_delta && !event.starts_with(b"event: update\n") {
        return None;
    }
    let start = memchr::memmem::find(event, b"\ndata: ")? + b"\ndata: ".len();
    event[start..].strip_suffix(b"\n\n").map(|data| (is_delta, data))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sse::Event;

    #[test]
    fn a_delta_is_read_with_what_it_leaves_out_and_what_is_new_in_it() {
        let text = r#"{"seq":18,"started":[{"request_id":"req_0000002a-1","new":[{"x":"]"}]}],
            "ended":[["req_0000002a-2","completed"]],"ended_omitted":3,"new":{},"timestamp":1.5}"#;
        let delta: DeltaText<'_> = serde_json::from_str(text).unwrap();
        assert_eq!(delta.started[0].json, r#"{"request_id":"req_0000002a-1","new":[{"x":"]"}]}"#);
        assert_eq!(delta.ended[0].id.to_string(), "req_0000002a-2");
        assert!(delta.changed.is_empty() && delta.progressed.is_empty());
        assert_eq!((delta.seq, delta.ended_omitted), (18, 3));
        for wrong in
            ["", "{}", r#"{"seq":1,"started":[{"model":""}],"timestamp":0}"#, r#"{"seq":1,"ended":[[]],"timestamp":0}"#]
        {
            assert!(serde_json::from_str::<DeltaText<'_>>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_data_of_an_event_is_found() {
        let event = |name: &str| Event::new().event(name).id("x").data("{}").into_bytes();
        assert_eq!(event_data(&event("delta")), Some((true, &b"{}"[..])));
        assert_eq!(event_data(&event("update")), Some((false, &b"{}"[..])));
        assert_eq!(event_data(&event("disabled")), None);
        assert_eq!(event_data(b": heartbeat\n\n"), None);
    }
}
