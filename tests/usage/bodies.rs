//! The kind of a body, the beginning of its tokens, and its end, in whatever dialect.

use crate::support::Body;
use active_requests::usage::{EndMark, Meter, Observation, UsageSource};

#[test]
fn an_answer_without_numbers_may_tell_of_an_error() {
    for document in [
        r#"{"outputs":[{"text":"hi"}],"error":{"message":"It broke"}}"#,
        r#"{"type":"message","usage":null,"error":{"message":"It broke"}}"#,
        r#"{"done":true,"error":"It broke"}"#,
    ] {
        let body = Body { content_type: "application/json", ..Body::sse(document) };
        assert_eq!(body.read_whole().error.as_deref(), Some("It broke"), "{document}");
    }
}

#[test]
fn a_stream_of_no_known_dialect_is_counted_and_nothing_is_claimed() {
    let reading = Body::fixture("unknown.sse").read_whole();
    assert_eq!(reading.events, 2);
    assert_eq!(reading.source, UsageSource::None);
    assert_eq!(reading.end, EndMark::Unmarked);
    assert_eq!(reading.observation, Observation::None);
}

#[test]
fn a_stream_is_known_by_what_it_is_not_by_what_it_is_called() {
    let expected = Body::fixture("openai_chat.sse").read_whole();
    for content_type in ["application/json", "text/plain; charset=utf-8"] {
        let mut body = Body { content_type, ..Body::fixture("openai_chat.sse") };
        body.bytes.insert(0, b' ');
        for size in [1, usize::MAX] {
            assert_eq!(body.read(|| size), expected, "{content_type} by {size}");
        }
    }
}

#[test]
fn space_behind_the_end_mark_belongs_to_it() {
    let body = Body::sse("data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\ndata: [DONE] \n\n");
    assert_eq!(body.read_whole().end, EndMark::Seen);
}

#[test]
fn a_stream_that_is_cut_off_owns_up_to_it() {
    let mut body = Body::fixture("anthropic.sse");
    let at = body.bytes.windows(13).position(|window| window == b"message_delta").unwrap();
    body.bytes.truncate(at);
    let reading = body.read_whole();
    assert_eq!(reading.end, EndMark::Awaited);
    assert_eq!(reading.source, UsageSource::Partial);
    assert_eq!(reading.usage.input_tokens, 25 + 100 + 2000);
}

#[test]
fn the_first_text_is_the_first_token() {
    let first = |fixture: &str| {
        let body = Body::fixture(fixture);
        let mut meter = body.meter();
        body.bytes.iter().find_map(|byte| {
            meter.observe(std::slice::from_ref(byte));
            (meter.reading().text_bytes > 0).then_some(meter.reading().events)
        })
    };
    // A role, a ping, a start or a filter's result is none.
    assert_eq!(first("openai_chat.sse"), Some(2));
    assert_eq!(first("openai_chat_azure.sse"), Some(3));
    assert_eq!(first("anthropic.sse"), Some(4));
    assert_eq!(first("openai_responses.sse"), Some(3));
    assert_eq!(first("gemini_blocked.sse"), None);
}

#[test]
fn a_body_of_a_kind_that_has_no_tokens_is_not_looked_at() {
    for content_type in ["text/html", "image/png", "application/octet-stream", "audio/mpeg"] {
        let body =
            Body { name: "other".into(), content_type, bytes: b"data: {\"choices\":[]}\n\n".to_vec(), coding: None };
        let reading = body.read_whole();
        assert_eq!((reading.events, reading.observation), (0, Observation::None), "{content_type}");
    }
}

#[test]
fn text_of_no_declared_kind_is_told_by_its_first_byte() {
    let chat = Body::fixture("openai_chat.sse");
    let plain = Body { content_type: "text/plain", ..Body::fixture("openai_chat.sse") };
    assert_eq!(plain.read_whole(), chat.read_whole());
}

#[test]
fn a_body_without_tokens_is_known_as_such_with_its_first_bytes() {
    for (content_type, body) in [
        ("text/plain", "Dear reader, this is no stream of events."),
        ("text/plain; charset=utf-8", "ideas: none"),
        ("application/json", "7"),
        ("text/event-stream", "event: news\ndata: {\"n\":1}\n\n"),
        ("application/x-ndjson", "{\"n\":1}\n"),
    ] {
        for size in [1, body.len()] {
            let mut meter = Meter::for_content_type(content_type);
            body.as_bytes().chunks(size).for_each(|chunk| meter.observe(chunk));
            assert_eq!(meter.reading().observation, Observation::None, "{body} by {size}");
        }
    }
}

#[test]
fn a_stream_that_has_said_nothing_yet_may_still_bring_tokens() {
    for body in [
        ": keep-alive\n\n",
        "event: ping\ndata: {\"type\":\"ping\"}\n\n",
        "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\n",
    ] {
        let mut meter = Meter::for_content_type("text/event-stream");
        meter.observe(body.as_bytes());
        assert_eq!((meter.reading().observation, meter.reading().text_bytes), (Observation::Full, 0), "{body}");
    }
}

#[test]
fn a_dialect_may_show_after_events_of_none() {
    let mut meter = Meter::for_content_type("text/event-stream");
    meter.observe(b"event: hello\ndata: {\"n\":1}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\n");
    assert_eq!((meter.reading().observation, meter.reading().text_bytes), (Observation::Full, 2));
}
