//! One event as it is on the wire.

use std::{collections::BTreeMap, error::Error, time::Duration};

use active_requests::sse::{Decoder, Event};
use bytes::Bytes;
use proptest::prelude::*;
use serde::{Serialize, ser};

#[test]
fn every_field_stands_on_the_wire_as_it_should() {
    let event = Event::new;
    let cases: Vec<(Event, &str)> = vec![
        (event(), "\n"),
        (event().data("a"), "data: a\n\n"),
        (event().data(""), "data: \n\n"),
        (event().data(" a"), "data:  a\n\n"),
        (event().data("a: b"), "data: a: b\n\n"),
        (event().data("a").data("b"), "data: a\ndata: b\n\n"),
        (event().data("a\nb\rc\r\nd\n\re"), "data: a\ndata: b\ndata: c\ndata: d\ndata: \ndata: e\n\n"),
        (event().data("\n"), "data: \ndata: \n\n"),
        (event().data("a\r\n"), "data: a\ndata: \n\n"),
        (event().event("update").data("a"), "event: update\ndata: a\n\n"),
        (event().event("x\ndata: y\r\n\r\n\0"), "event: x data: y     \n\n"),
        (event().id("7f3a-18").data("a"), "id: 7f3a-18\ndata: a\n\n"),
        (event().id("1\n2\r3\0"), "id: 1 2 3 \n\n"),
        (event().id(""), "id: \n\n"),
        (event().retry(Duration::from_secs(2)), "retry: 2000\n\n"),
        (event().retry(Duration::from_micros(1500)), "retry: 1\n\n"),
        (event().retry(Duration::MAX), "retry: 18446744073709551615\n\n"),
        (event().comment("keepalive"), ": keepalive\n\n"),
        (event().comment(""), ": \n\n"),
        (event().comment("a\ndata: b\r\rc"), ": a\n: data: b\n: \n: c\n\n"),
        (event().data("a").comment("b").data("c"), "data: a\n: b\ndata: c\n\n"),
        (event().data("naïve 👩‍👩‍👧\u{2028}"), "data: naïve 👩‍👩‍👧\u{2028}\n\n"),
    ];
    for (event, wire) in cases {
        assert_eq!(event.clone().into_bytes(), wire, "{event:?}");
        assert_eq!(Bytes::from(event), wire);
    }
}

#[test]
fn json_is_one_line_whatever_the_text_in_it() {
    #[derive(Serialize)]
    struct Stage {
        stage: &'static str,
        note: Option<&'static str>,
    }
    let json = |value: &dyn erased::Json| value.event().into_bytes();
    assert_eq!(
        json(&Stage { stage: "a\nb\r\n\"", note: None }),
        "data: {\"stage\":\"a\\nb\\r\\n\\\"\",\"note\":null}\n\n"
    );
    assert_eq!(json(&"text"), "data: \"text\"\n\n");
    assert_eq!(json(&[1, 2, 3]), "data: [1,2,3]\n\n");
    assert_eq!(json(&serde_json::json!({})), "data: {}\n\n");
}

/// So that the values of one table may be of different types.
mod erased {
    use super::{Event, Serialize};

    pub(super) trait Json {
        fn event(&self) -> Event;
    }

    impl<T: Serialize> Json for T {
        fn event(&self) -> Event {
            Event::new().json(self).expect("serialises")
        }
    }
}

#[test]
fn what_cannot_be_serialised_is_an_error() {
    struct Stubborn;
    impl Serialize for Stubborn {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(ser::Error::custom("no"))
        }
    }
    let error = Event::new().json(&[Stubborn]).expect_err("an error");
    assert_eq!(error.to_string(), "the event's data cannot be written as JSON: no");
    assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("no"));
    assert!(Event::new().json(&BTreeMap::from([((1, 2), 3)])).is_err());
}

#[test]
fn json_that_was_written_elsewhere_cannot_leave_its_field() {
    let pretty = serde_json::value::RawValue::from_string("{\n \"a\":\r\n1}".to_owned()).expect("JSON");
    let event = Event::new().event("x").json(&pretty).expect("serialises");
    assert_eq!(event.into_bytes(), "event: x\ndata: {\ndata:  \"a\":\ndata: 1}\n\n");
}

#[test]
fn an_event_shows_itself_as_text() {
    assert_eq!(format!("{:?}", Event::new().data("é")), r#"Event("data: é\n")"#);
}

/// Line ends in data, as a client reads them.
fn with_lf(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

fn in_one_line(text: &str) -> String {
    text.replace(['\r', '\n', '\0'], " ")
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a:\r\n \0]{0,12}", "(data|event|id|retry|\r\n|\n|\r|: |x){0,8}", any::<String>(),]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_breaks_out_of_its_field(name in text(), id in text(), data in text(), comment in text()) {
        let event = Event::new().event(&name).comment(&comment).id(&id).data(&data).comment(&comment);
        let mut decoder = Decoder::new();
        let mut seen = Vec::new();
        let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        decoder.feed(&event.into_bytes(), |event| seen.push([event.name, event.id, event.data].map(lossy)));
        decoder.finish(|event| panic!("left over: {event:?}"));
        prop_assert_eq!(seen, [[in_one_line(&name), in_one_line(&id), with_lf(&data)]]);
        prop_assert_eq!(decoder.retry(), None);
    }

    #[test]
    fn json_comes_back_as_it_was(text in text(), number in any::<i64>()) {
        let value = serde_json::json!({ "text": text, "list": [number] });
        let event = Event::new().json(&value).expect("serialises");
        let mut seen = Vec::new();
        Decoder::new().feed(&event.into_bytes(), |event| seen.push(serde_json::from_slice(event.data).ok()));
        prop_assert_eq!(seen, [Some(value)]);
    }
}
