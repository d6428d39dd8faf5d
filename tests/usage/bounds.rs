//! Bodies that are too long, broken or hostile: read as far as they can be, in bounded memory, and owned up to.

use crate::support::{Body, frame};
use active_requests::usage::{EndMark, Meter, Observation, Reading, UsageSource};

/// Feeds `front`, then `filler` so many times, then `back`.
fn read_long(content_type: &'static str, front: &str, filler: &[u8], times: usize, back: &str) -> Reading {
    let body = Body { name: "long".into(), content_type, bytes: Vec::new(), coding: None };
    let mut meter: Meter = body.meter();
    meter.observe(front.as_bytes());
    (0..times).for_each(|_| meter.observe(filler));
    meter.observe(back.as_bytes());
    meter.finish();
    meter.reading().clone()
}

static MIB: [u8; 1 << 20] = [b'x'; 1 << 20];

#[test]
fn usage_at_the_end_of_an_event_of_100_mib_is_found() {
    let reading = read_long(
        "text/event-stream",
        "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"model\":\"gpt-r\"}}\n\n\
         event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"status\":\"completed\",\"output\":[\"",
        &MIB,
        100,
        "\"],\"usage\":{\"input_tokens\":5,\"output_tokens\":7,\"total_tokens\":12}}}\n\n",
    );
    assert_eq!((reading.usage.input_tokens, reading.usage.output_tokens), (5, 7));
    assert_eq!(reading.source, UsageSource::Reported);
    assert_eq!(reading.end, EndMark::Seen);
    assert_eq!(reading.finish_reason.as_deref(), Some("completed"));
    assert_eq!(reading.observation, Observation::Full, "nothing that counts was lost");
}

#[test]
fn a_row_that_lost_sight_of_text_says_so() {
    let reading = read_long(
        "text/event-stream",
        "data: {\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"",
        &MIB,
        3,
        "\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
    );
    assert_eq!(reading.observation, Observation::Partial);
    assert_eq!(reading.finish_reason.as_deref(), Some("stop"));
    assert_eq!(reading.end, EndMark::Seen);
}

#[test]
fn counts_behind_a_long_context_are_found() {
    let reading = read_long(
        "application/x-ndjson",
        "{\"model\":\"m\",\"response\":\"a\",\"done\":false}\n{\"model\":\"m\",\"done\":true,\"done_reason\":\"stop\",\"context\":[",
        &b"1,".repeat(1 << 19),
        3,
        "1],\"prompt_eval_count\":17,\"eval_count\":71}\n",
    );
    assert_eq!((reading.usage.input_tokens, reading.usage.output_tokens), (17, 71));
}

#[test]
fn a_long_image_in_an_array_leaves_the_usage_behind_it() {
    let reading = read_long(
        "application/json",
        "[{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]}}]},\n{\"candidates\":[{\"content\":{\"parts\":[{\"inlineData\":{\"data\":\"",
        &MIB,
        3,
        "\"}}]},\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":3,\"candidatesTokenCount\":4}}]",
    );
    assert_eq!((reading.usage.input_tokens, reading.usage.output_tokens), (3, 4));
    assert_eq!(reading.finish_reason.as_deref(), Some("STOP"));
    assert_eq!(reading.text_bytes, 1);
}

#[test]
fn text_in_a_cut_off_front_cannot_pretend_to_be_usage() {
    let reading = read_long(
        "text/event-stream",
        "event: response.completed\ndata: {\"response\":{\"output\":[\"",
        &MIB,
        2,
        "\\\"usage\\\":{\\\"input_tokens\\\":1}\"],\"usage\":{\"input_tokens\":5,\"output_tokens\":7},\"user\":\"\\\"usage\\\":{}\"}}\n\n",
    );
    assert_eq!((reading.usage.input_tokens, reading.usage.output_tokens), (5, 7));
}

#[test]
fn a_message_with_a_wrong_checksum_is_not_believed() {
    let mut usage = frame("event", ":event-type", "metadata", r#"{"usage":{"inputTokens":1,"outputTokens":1}}"#);
    *usage.last_mut().unwrap() ^= 1;
    let start = frame("event", ":event-type", "messageStart", r#"{"role":"assistant"}"#);
    let stop = frame("event", ":event-type", "messageStop", r#"{"stopReason":"end_turn"}"#);
    let bytes = [start, usage, stop].concat();
    let body = Body { name: "frames".into(), content_type: "application/vnd.amazon.eventstream", bytes, coding: None };
    let reading = body.read_whole();
    assert_eq!(reading.source, UsageSource::None);
    assert_eq!(reading.finish_reason.as_deref(), Some("end_turn"));
    assert_eq!(reading.observation, Observation::Partial);
    assert_eq!(body.read(|| 3), reading);
}

#[test]
fn an_event_that_is_no_json_is_left_out_and_owned_up_to() {
    let body = Body::sse(
        "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n\
         data: {\"choices\":[{\"delta\":{\"content\":\"bcd\"\n\n\
         data: {\"choices\":[{\"delta\":{\"content\":\"e\"},\"finish_reason\":\"stop\"}]}\n\n",
    );
    let reading = body.read_whole();
    assert_eq!(reading.text_bytes, 2);
    assert_eq!(reading.observation, Observation::Partial);
}

#[test]
fn half_an_event_at_the_end_of_a_cut_stream_does_not_count() {
    let body = Body::sse(
        "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n\
         data: {\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":1",
    );
    let reading = body.read_whole();
    assert_eq!(reading.source, UsageSource::None);
    assert_eq!(reading.observation, Observation::Full);
}

#[test]
fn names_and_reasons_are_kept_short() {
    let long = "m".repeat(100_000);
    let body = Body::sse(format!(
        "data: {{\"model\":\"{long}\",\"choices\":[{{\"delta\":{{\"content\":\"a\"}},\"finish_reason\":\"{long}\"}}],\"error\":{{\"message\":\"{long}\"}}}}\n\n"
    ));
    let reading = body.read_whole();
    for kept in [reading.model, reading.finish_reason, reading.error] {
        assert!(kept.unwrap().len() <= 1024);
    }
}

#[test]
fn a_million_calls_take_no_memory_to_count() {
    let mut meter = Body::sse("").meter();
    for index in 0..100_000 {
        let call =
            format!("{{\"index\":{index},\"id\":\"c{index}\",\"function\":{{\"name\":\"f\",\"arguments\":\"\"}}}}");
        meter.observe(format!("data: {{\"choices\":[{{\"delta\":{{\"tool_calls\":[{call}]}}}}]}}\n\n").as_bytes());
    }
    assert_eq!(meter.reading().tool_calls, 100_000);
}
