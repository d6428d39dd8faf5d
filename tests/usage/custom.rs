//! Dialects of one's own, given to a meter.

use active_requests::usage::{
    CustomDialect, CustomFraming, Dialects, EndMark, EventFacts, Meter, Observation, ProviderUsage, Reading,
    ResponseEvent, UsageSource,
};
use http::{Response, header};

/// Events of `{"word":"..."}` and `{"in":1,"out":2}`.
struct Words;

impl CustomDialect for Words {
    fn recognise(&self, event: &ResponseEvent<'_>) -> bool {
        event.text("word").is_some()
    }

    fn read(&self, event: &ResponseEvent<'_>, facts: &mut EventFacts<'_>) {
        match event.text("word").as_deref() {
            Some("panic") => panic!("the dialect has a fault"),
            Some("noise") => facts.set_unreadable(),
            Some(word) => facts.add_text_bytes(word.len()),
            None => {}
        }
        if let (Some(input), Some(output)) = (event.count("in"), event.count("out")) {
            facts.set_model("mine");
            facts.set_usage(ProviderUsage::new().input_tokens(input).output_tokens(output).total_tokens(u64::MAX));
        }
    }

    fn framing(&self, content_type: &str) -> Option<CustomFraming> {
        (content_type == "application/x-words").then_some(CustomFraming::Lines)
    }
}

fn read(content_type: &str, body: &str) -> Reading {
    let head = Response::builder().header(header::CONTENT_TYPE, content_type).body(()).unwrap().into_parts().0;
    let mut meter = Meter::with_dialects(&head, &Dialects::new().with(Words));
    body.as_bytes().chunks(7).for_each(|chunk| meter.observe(chunk));
    meter.finish();
    meter.reading().clone()
}

#[test]
fn a_dialect_of_ones_own_is_read_in_every_framing() {
    for (content_type, body) in [
        ("text/event-stream", "data: {\"word\":\"hello\"}\n\ndata: {\"in\":3,\"out\":4}\n\n"),
        ("application/x-ndjson", "{\"word\":\"hello\"}\n{\"in\":3,\"out\":4}\n"),
        ("Application/X-Words; v=1", "{\"word\":\"hello\"}\n{\"in\":3,\"out\":4}\n"),
        ("application/json", "{\"word\":\"hello\",\"in\":3,\"out\":4}"),
    ] {
        let reading = read(content_type, body);
        assert_eq!((reading.usage.input_tokens, reading.usage.output_tokens), (3, 4), "{content_type}");
        assert_eq!((reading.text_bytes, reading.model.as_deref()), (5, Some("mine")), "{content_type}");
        assert_eq!(reading.provider_usage.total_tokens, None, "an implausible count in {content_type}");
        assert_eq!((reading.source, reading.end), (UsageSource::Reported, EndMark::Seen), "{content_type}");
        assert_eq!(reading.observation, Observation::Full, "{content_type}");
    }
}

#[test]
fn the_dialects_that_are_built_in_are_read_beside_it() {
    let reading =
        read("text/event-stream", "data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\ndata: [DONE]\n\n");
    assert_eq!((reading.text_bytes, reading.end), (2, EndMark::Seen));
    assert_eq!(read("image/png", "{\"word\":\"hello\"}\n").events, 0, "a type that it does not claim");
}

#[test]
fn an_event_that_it_cannot_read_does_not_count() {
    let reading = read("application/x-words", "{\"word\":\"a\"}\n{\"word\":\"noise\"}\n{\"word\":\"b\"}\n");
    assert_eq!((reading.text_bytes, reading.observation), (2, Observation::Partial));
}

#[test]
fn a_dialect_that_panics_is_given_up_and_the_body_is_not() {
    let reading = read("application/x-words", "{\"word\":\"a\"}\n{\"word\":\"panic\"}\n{\"word\":\"b\"}\n");
    assert_eq!((reading.text_bytes, reading.observation), (1, Observation::Partial));
    assert_eq!(reading.events, 3);
}

#[test]
fn a_dialect_of_ones_own_sees_the_whole_of_a_long_text() {
    let word = "é".repeat(20_000);
    assert_eq!(read("application/json", &format!(r#"{{"word":"{word}","in":3,"out":4}}"#)).text_bytes, 40_000);
}

#[test]
fn of_a_longer_text_it_sees_as_much_however_it_is_cut() {
    let head = Response::builder().header(header::CONTENT_TYPE, "application/json").body(()).unwrap().into_parts().0;
    let body = format!(r#"{{"word":"{}","in":3,"out":4}}"#, "x".repeat(100_000));
    for size in [1000, body.len()] {
        let mut meter = Meter::with_dialects(&head, &Dialects::new().with(Words));
        body.as_bytes().chunks(size).for_each(|chunk| meter.observe(chunk));
        assert_eq!(meter.reading().text_bytes, 64 * 1024, "in chunks of {size}");
    }
}
