//! Sessions over a WebSocket: what their messages tell, however they are cut.

use active_requests::usage::{Observation, Reading, SessionMeter, UsageSource};

fn read(messages: &[&str]) -> Reading {
    let mut meter = SessionMeter::new();
    messages.iter().for_each(|message| meter.observe(message.as_bytes(), true));
    meter.reading().clone()
}

const OPENAI: [&str; 13] = [
    r#"{"type":"session.created","event_id":"e1","session":{"model":"gpt-realtime","voice":"marin"}}"#,
    r#"{"type":"conversation.item.added","item":{"type":"message","role":"user"}}"#,
    r#"{"type":"response.created","response":{"id":"r1","usage":null}}"#,
    r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"message"}}"#,
    r#"{"type":"response.output_audio_transcript.delta","delta":"Good day"}"#,
    r#"{"type":"response.output_audio.delta","delta":"UklGRgAAAAAAAAAA"}"#,
    r#"{"type":"response.done","response":{"id":"r1","status":"completed","usage":{"total_tokens":130,"input_tokens":100,"output_tokens":30,"input_token_details":{"cached_tokens":64,"text_tokens":60,"audio_tokens":40},"output_token_details":{"text_tokens":10,"audio_tokens":20}}}}"#,
    r#"{"type":"conversation.item.input_audio_transcription.completed","transcript":"hello","usage":{"type":"tokens","total_tokens":900,"input_tokens":800,"output_tokens":100}}"#,
    r#"{"type":"response.created","response":{"id":"r2"}}"#,
    r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","name":"look"}}"#,
    r#"{"type":"response.function_call_arguments.delta","delta":"{\"at\":1}"}"#,
    r#"{"type":"error","error":{"type":"invalid_request_error","message":"no such item"}}"#,
    r#"{"type":"response.done","response":{"id":"r2","status":"cancelled","status_details":{"reason":"turn_detected"},"usage":{"total_tokens":207,"input_tokens":200,"output_tokens":7,"input_token_details":{"cached_tokens":128}}}}"#,
];

#[test]
fn the_answers_of_an_openai_session_add_up() {
    let reading = read(&OPENAI);
    assert_eq!((reading.usage.input_tokens, reading.usage.output_tokens), (300, 37));
    assert_eq!((reading.usage.cache_read_tokens, reading.provider_usage.total_tokens), (192, Some(337)));
    assert_eq!((reading.source, reading.observation), (UsageSource::Reported, Observation::Full));
    assert_eq!((reading.text_bytes, reading.tool_calls), (8 + 8, 1), "sound is no text");
    assert_eq!(reading.model.as_deref(), Some("gpt-realtime"));
    assert_eq!(reading.finish_reason.as_deref(), Some("turn_detected"));
    assert_eq!(reading.error.as_deref(), Some("no such item"));
}

#[test]
fn an_answer_under_way_makes_the_numbers_partial() {
    let source = |until: usize| read(&OPENAI[..until]).source;
    assert_eq!(source(6), UsageSource::None);
    assert_eq!(source(8), UsageSource::Reported);
    assert_eq!(source(9), UsageSource::Partial);
    assert_eq!(source(12), UsageSource::Partial);
}

/// The usage of one turn.
fn live_usage(prompt: u64, response: u64, rest: &str) -> String {
    format!(
        r#""usageMetadata":{{"promptTokenCount":{prompt},"responseTokenCount":{response},"totalTokenCount":{}{rest}}}"#,
        prompt + response
    )
}

fn live(turns: &[String]) -> Reading {
    let setup = r#"{"setupComplete":{}}"#.to_owned();
    let messages: Vec<&str> = [&setup].into_iter().chain(turns).map(String::as_str).collect();
    read(&messages)
}

fn said(text: &str) -> String {
    format!(r#"{{"serverContent":{{"modelTurn":{{"parts":[{{"text":"{text}"}}]}}}}}}"#)
}

fn over(usage: &str) -> String {
    let comma = if usage.is_empty() { "" } else { "," };
    format!(r#"{{"serverContent":{{"turnComplete":true}}{comma}{usage}}}"#)
}

#[test]
fn the_turns_of_a_gemini_session_add_up() {
    let reading = live(&[
        said("Hel"),
        said("lo"),
        over(&live_usage(143, 19, r#","thoughtsTokenCount":6,"cachedContentTokenCount":40"#)),
        r#"{"serverContent":{"outputTranscription":{"text":"Yes"}}}"#.to_owned(),
        over(&live_usage(181, 24, "")),
    ]);
    assert_eq!((reading.usage.input_tokens, reading.usage.output_tokens), (324, 49), "thoughts are part of the output");
    assert_eq!((reading.usage.cache_read_tokens, reading.usage.reasoning_tokens), (40, 6));
    assert_eq!((reading.text_bytes, reading.source), (8, UsageSource::Reported));
    assert_eq!(reading.finish_reason.as_deref(), Some("turnComplete"));
}

#[test]
fn within_a_turn_of_gemini_a_later_report_replaces_the_earlier() {
    let report = |response| format!("{{{}}}", live_usage(143, response, ""));
    let table: [(&str, Vec<String>); 4] = [
        ("several reports", vec![said("a"), report(3), said("b"), report(9), over(&live_usage(143, 19, ""))]),
        ("behind the end of the turn", vec![said("a"), over(""), report(19)]),
        (
            "behind an interruption",
            vec![said("a"), r#"{"serverContent":{"interrupted":true}}"#.to_owned(), over(&live_usage(143, 19, ""))],
        ),
        (
            "ahead of a call and behind it",
            vec![
                report(3),
                r#"{"toolCall":{"functionCalls":[{"id":"1","name":"f","args":{}}]}}"#.to_owned(),
                said("a"),
                over(&live_usage(0, 16, "")),
            ],
        ),
    ];
    for (what, turns) in table {
        let reading = live(&turns);
        assert_eq!((reading.usage.input_tokens, reading.usage.output_tokens), (143, 19), "{what}");
        assert_eq!(reading.source, UsageSource::Reported, "{what}");
    }
}

#[test]
fn a_report_in_mid_turn_is_partial() {
    let reading = live(&[said("a"), format!("{{{}}}", live_usage(143, 3, ""))]);
    assert_eq!((reading.usage.output_tokens, reading.source), (3, UsageSource::Partial));
}

#[test]
fn messages_in_pieces_are_read_alike_however_they_are_cut() {
    let whole = read(&OPENAI);
    for size in 1..400 {
        let mut meter = SessionMeter::new();
        for message in OPENAI {
            let pieces: Vec<&[u8]> = message.as_bytes().chunks(size).collect();
            for (index, piece) in pieces.iter().enumerate() {
                meter.observe(piece, index + 1 == pieces.len());
            }
        }
        let reading = meter.reading();
        assert_eq!(reading, &whole, "{size}");
    }
}

#[test]
fn a_message_of_many_megabytes_is_read_without_being_kept() {
    let mut meter = SessionMeter::new();
    meter.observe(OPENAI[0].as_bytes(), true);
    meter.observe(br#"{"type":"response.done","sound":""#, false);
    for _ in 0..4096 {
        meter.observe(&[b'A'; 8192], false);
    }
    let last = br#"","response":{"status":"completed","usage":{"input_tokens":3,"output_tokens":4}}}"#;
    meter.observe(last, true);
    assert_eq!(meter.reading().usage.output_tokens, 4);
    assert_eq!(meter.reading().observation, Observation::Full);
}

#[test]
fn what_cannot_be_read_is_told() {
    assert_eq!(read(&["hello", "{\"a\":1}"]).observation, Observation::None, "no dialect");
    assert_eq!(read(&[OPENAI[0], "\u{0}\u{1}"]).observation, Observation::Partial, "no JSON");
    assert_eq!(read(&[OPENAI[0], &OPENAI[6][..80]]).observation, Observation::Partial, "half a message");
    assert_eq!(read(&[OPENAI[0], ""]).observation, Observation::Full, "nothing");
    assert_eq!(read(&["hello", OPENAI[0]]).observation, Observation::Partial, "known late");
    let mut meter = SessionMeter::new();
    meter.lose_sight();
    assert_eq!(meter.reading().observation, Observation::None, "all encoded");
    meter.observe(OPENAI[0].as_bytes(), true);
    meter.observe(br#"{"type":"#, false);
    meter.lose_sight();
    meter.observe(OPENAI[6].as_bytes(), true);
    assert_eq!(meter.reading().usage.input_tokens, 100, "the next message is whole again");
}

#[test]
fn a_count_that_no_answer_can_have_is_none() {
    let reading =
        read(&[OPENAI[0], r#"{"type":"response.done","response":{"usage":{"input_tokens":9e30,"output_tokens":2}}}"#]);
    assert_eq!((reading.usage.input_tokens, reading.usage.output_tokens), (0, 2));
}
