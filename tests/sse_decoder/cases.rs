//! The rules one by one, and the shared case file where it is at hand.

use crate::{Outcome, Seen, assert_same_for_every_cut, decode};
use base64::Engine as _;
use serde_json::Value;

type Event = (&'static str, &'static str, &'static str);

/// A body and its events as (name, data, id).
const CASES: &[(&str, &[u8], &[Event])] = &[
    ("LF", b"data: a\n\n", &[("", "a", "")]),
    ("CR", b"data: a\r\rdata: b\r\r", &[("", "a", ""), ("", "b", "")]),
    ("CRLF", b"event: x\r\ndata: a\r\n\r\ndata: b\r\n\r\n", &[("x", "a", ""), ("", "b", "")]),
    ("LF CR are two line ends", b"data: a\n\rdata: b\r\r\n", &[("", "a", ""), ("", "b", "")]),
    ("every mixture", b"data: a\r\ndata: b\rdata: c\ndata: d\n\r\n", &[("", "a\nb\nc\nd", "")]),
    ("a BOM", b"\xEF\xBB\xBFdata: a\n\n", &[("", "a", "")]),
    ("only one BOM", b"\xEF\xBB\xBF\xEF\xBB\xBFdata: a\n\ndata: b\n\n", &[("", "b", "")]),
    ("half a BOM is part of a field", b"\xEF\xBBdata: a\n\ndata: b\n\n", &[("", "b", "")]),
    ("a BOM later is part of the data", b"data: \xEF\xBB\xBFa\n\n", &[("", "\u{FEFF}a", "")]),
    ("one space goes", b"data:a\n\ndata: a\n\ndata:  a \n\n", &[("", "a", ""), ("", "a", ""), ("", " a ", "")]),
    ("a tab stays", b"data:\ta\n\n", &[("", "\ta", "")]),
    ("colons in the value", b"data::a: b:\n\n", &[("", ":a: b:", "")]),
    ("lines are joined", b"data: a\ndata:\ndata: b\ndata:\n\n", &[("", "a\n\nb\n", "")]),
    ("a field without colon", b"data\n\ndata\ndata\n\n", &[("", "", ""), ("", "\n", "")]),
    ("empty data is an event", b"data:\n\ndata: \n\n", &[("", "", ""), ("", "", "")]),
    ("no data is no event", b"event: x\n\nid: 1\n\ndata: a\n\n", &[("", "a", "1")]),
    ("names last for one event", b"event: x\ndata: a\n\ndata: b\n\n", &[("x", "a", ""), ("", "b", "")]),
    ("the last name counts", b"event: x\nevent: y\ndata: a\n\n", &[("y", "a", "")]),
    ("an empty name is none", b"event: x\nevent:\ndata: a\n\n", &[("", "a", "")]),
    ("a name after the data", b"data: a\nevent: x\n\n", &[("x", "a", "")]),
    ("ids stay", b"id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n", &[("", "a", "1"), ("", "b", "1"), ("", "c", "")]),
    ("an id with NUL is none", b"id: 1\nid: 2\0\ndata: a\n\n", &[("", "a", "1")]),
    ("comments", b": ping\n\n:\ndata: a\n:data: no\ndata: b\n\n", &[("", "a\nb", "")]),
    ("blank lines", b"\n\r\n\r\rdata: a\n\n\n\r\n", &[("", "a", "")]),
    ("unknown fields", b"datum: x\nDATA: x\n data: x\ndata : x\nfoo\ndata: a\n\n", &[("", "a", "")]),
    ("UTF-8", "event: ü\ndata: naïve 👩‍👩‍👧\n\n".as_bytes(), &[("ü", "naïve 👩‍👩‍👧", "")]),
    (
        "other line separators are text",
        "data: a\u{85}b\u{2028}c\u{b}d\n\n".as_bytes(),
        &[("", "a\u{85}b\u{2028}c\u{b}d", "")],
    ),
    ("invalid UTF-8 passes", b"data: a\xFFb\xC3\n\ndata: c\n\n", &[("", "a\u{FFFD}b\u{FFFD}", ""), ("", "c", "")]),
    ("NUL in a name and in data", b"event: a\0\ndata: \0\n\n", &[("a\0", "\0", "")]),
    ("a chat stream", b"data: {\"a\":1}\n\n: ping\n\ndata: [DONE]\n\n", &[("", "{\"a\":1}", ""), ("", "[DONE]", "")]),
];

/// Bodies that end early, and the event that is told at their end.
const UNTERMINATED: &[(&str, &[u8], Option<Event>)] = &[
    ("no blank line", b"data: [DONE]\n", Some(("", "[DONE]", ""))),
    ("no line end", b"data: [DONE]", Some(("", "[DONE]", ""))),
    ("half a CRLF", b"data: [DONE]\r", Some(("", "[DONE]", ""))),
    ("named", b"id: 1\nevent: x\ndata: a\ndata: b", Some(("x", "a\nb", "1"))),
    ("a cut name does not count", b"data: a\nevent: err", Some(("", "a", ""))),
    ("a cut id does not count", b"data: a\nid: 1", Some(("", "a", ""))),
    ("no data", b"event: x\nid: 7\n", None),
    ("a comment", b": ping", None),
    ("half a field name", b"dat", None),
    ("nothing", b"", None),
    ("half a BOM", b"\xEF\xBB", None),
];

const RETRIES: &[(&str, Option<u64>)] = &[
    ("retry: 2000\n", Some(2000)),
    ("retry:0\n", Some(0)),
    ("retry: 1\nretry: 20\n\n", Some(20)),
    ("retry: 99999999999999999999\n", Some(u64::MAX)),
    ("retry: 7", None),
    ("retry:\n", None),
    ("retry\n", None),
    ("retry: -5\nretry: +5\nretry: 1.5\nretry: 1e3\nretry: 0x10\nretry:  5\nretry: 5 \nretry: ٥\n", None),
    ("retry: 5\nretry: x\n", Some(5)),
];

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn told(seen: &[Seen], unterminated: bool) -> Vec<(String, String, String)> {
    let events = seen.iter().filter(|event| event.unterminated == unterminated);
    events.map(|event| (lossy(&event.name), lossy(&event.data), lossy(&event.id))).collect()
}

fn owned((name, data, id): Event) -> (String, String, String) {
    (name.into(), data.into(), id.into())
}

#[test]
fn every_rule_holds_for_every_cut() {
    for &(name, body, events) in CASES {
        let whole = decode([body]);
        assert_eq!(told(&whole.events, false), Vec::from_iter(events.iter().copied().map(owned)), "{name}");
        assert_eq!(told(&whole.events, true), [], "{name}: nothing is left over");
        assert_same_for_every_cut(name, body, &whole);
    }
}

#[test]
fn the_end_of_the_body_brings_out_an_event_that_lacks_its_end() {
    for &(name, body, event) in UNTERMINATED {
        let whole = decode([body]);
        assert_eq!(told(&whole.events, true), Vec::from_iter(event.map(owned)), "{name}");
        assert_eq!(told(&whole.events, false), [], "{name}");
        assert_eq!(whole.last_event_id, b"", "{name}: an unterminated event does not move the last id");
        assert_same_for_every_cut(name, body, &whole);
    }
}

#[test]
fn retry_takes_digits_only_and_is_clamped() {
    for &(body, retry) in RETRIES {
        let whole = decode([body.as_bytes()]);
        assert_eq!(whole.retry, retry, "{body:?}");
        assert_same_for_every_cut(body, body.as_bytes(), &whole);
    }
}

#[test]
fn an_event_ended_by_two_crs_does_not_wait_for_the_next_byte() {
    let mut decoder = active_requests::sse::Decoder::new();
    let mut events = 0;
    for (chunk, expected) in [("data: a\r", 0), ("\r", 1), ("\n", 1), ("data: b\r\r", 2), ("\ndata: c\r\n\r", 3)] {
        decoder.feed(chunk.as_bytes(), |_| events += 1);
        assert_eq!(events, expected, "after {chunk:?}");
    }
}

#[test]
fn an_event_lies_between_its_start_and_its_end() {
    let (first, second) = ("id: 1\ndata: a\r\n\r", ": x\nevent: y\ndata: b\n\n");
    for (before, between) in [("", "\n"), ("\u{FEFF}", "\n: ping\n\n"), ("\n\r", "\n\n")] {
        let body = format!("{before}{first}{between}{second}");
        let seen = decode([body.as_bytes()]).events;
        let written: Vec<_> = seen.iter().map(|event| &body[event.start as usize..event.end as usize]).collect();
        assert_eq!(written, [first, second], "{body:?}");
    }
}

#[test]
fn a_decoder_goes_on_with_the_next_body() {
    let mut decoder = active_requests::sse::Decoder::new();
    let mut seen = Vec::new();
    decoder.feed(b"id: 1\nretry: 5\ndata: a\n\nid: 2\nevent: x\ndata: b\nfoo", |event| seen.push(Seen::from(event)));
    decoder.finish(|event| seen.push(event.into()));
    decoder.feed(b"\xEF\xBB\xBFdata: c\n\n", |event| seen.push(event.into()));
    let seen: Vec<_> = seen.iter().map(|event| (lossy(&event.name), lossy(&event.data), lossy(&event.id))).collect();
    assert_eq!(seen, [("", "a", "1"), ("x", "b", "2"), ("", "c", "1")].map(owned));
    assert_eq!(decoder.retry(), Some(std::time::Duration::from_millis(5)));
}

/// The case file lies beside the recordings, in `sse-cases`.
#[test]
#[ignore = "recordings are not part of the project: `make test` runs this where ACTIVE_REQUESTS_RECORDINGS names them"]
fn the_shared_cases_hold_for_every_cut() {
    let recordings =
        std::env::var_os("ACTIVE_REQUESTS_RECORDINGS").expect("ACTIVE_REQUESTS_RECORDINGS names a directory");
    let path = std::path::Path::new(&recordings).join("../sse-cases/cases.jsonl");
    let file = std::fs::read_to_string(&path).expect("the case file lies beside the recordings");
    let events = |events: &Value| -> Vec<_> {
        let text = |event: &Value, key: &str| event[key].as_str().expect("text").to_owned();
        let events = events.as_array().into_iter().flatten();
        events.map(|event| (text(event, "event"), text(event, "data"), text(event, "id"))).collect()
    };
    for line in file.lines() {
        let case: Value = serde_json::from_str(line).expect("one object a line");
        let name = case["name"].as_str().expect("a name");
        let body = case["input_bytes_base64"].as_str().expect("a body");
        let body = base64::engine::general_purpose::STANDARD.decode(body).expect("base64");
        let whole = decode([&body[..]]);
        let seen = |unterminated| {
            let mut events = told(&whole.events, unterminated);
            events.iter_mut().filter(|event| event.0.is_empty()).for_each(|event| event.0 = "message".into());
            events
        };
        let expected = &case["expected"];
        assert_eq!(seen(false), events(&expected["events"]), "{name}");
        assert_eq!(seen(true), events(&case["expected_eof_flush"]), "{name}, at the end");
        let retry = expected["retry"].as_u64().or(expected["retry"].is_string().then_some(u64::MAX));
        assert_eq!(whole.retry, retry, "{name}");
        assert_eq!(lossy(&whole.last_event_id), expected["last_event_id"].as_str().expect("text"), "{name}");
        assert_same_for_every_cut(name, &body, &whole);
    }
}

#[test]
fn the_reference_of_the_random_tests_obeys_the_same_table() {
    let bodies = CASES.iter().map(|case| case.1).chain(UNTERMINATED.iter().map(|case| case.1));
    for body in bodies.chain(RETRIES.iter().map(|case| case.0.as_bytes())) {
        let outcome: Outcome = crate::oracle::decode(body);
        assert_eq!(decode([body]), outcome, "{}", lossy(body));
    }
}
