//! Usage is asked for where the client did not, and the answer to that is kept from the client.

use std::convert::Infallible;

use active_requests_proxy::forward::usage_chunk::{self, WithoutUsageChunk};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use serde_json::{Value, json};

use crate::support::{Answer, LAST_CHUNK, Mock, Running, SSE, chunk};

const USAGE: &str = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":5}}\n\n";
const HELLO: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hello\"}}],\"usage\":null}\n\n";
/// Azure's first chunk has no choices either.
const FILTER: &str = "data: {\"choices\":[],\"prompt_filter_results\":[{\"prompt_index\":0}]}\n\n";
const FINISH: &str =
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":7}}\n\n";
const DONE: &str = "data: [DONE]\n\n";

async fn exchange(body: &Value, pieces: &[&str]) -> (Answer, Answer, Value) {
    let mut mock = Mock::start().await;
    let proxy = Running::start(&[], &[("MOCK_BASE_URL", &mock.url("")), ("VDM_INJECT_USAGE", "true")]).await;
    let chunks: Vec<u8> = pieces.iter().flat_map(|piece| chunk(piece.as_bytes())).collect();
    let answer = [SSE.as_bytes(), &chunks, LAST_CHUNK].concat();
    let body = body.to_string();
    let (answer, asked) = tokio::join!(proxy.post("/v1/chat/completions", &body), mock.serve(&answer));
    proxy.quiet().await;
    (asked, answer, serde_json::to_value(&proxy.tracker.recent_traces(1)[0]).unwrap())
}

#[tokio::test]
async fn the_upstream_is_asked_and_the_client_does_not_see_the_answer() {
    let (asked, answer, trace) =
        exchange(&json!({"model": "m", "stream": true}), &[FILTER, HELLO, FINISH, USAGE, DONE]).await;
    assert_eq!(asked.json(), json!({"model": "m", "stream": true, "stream_options": {"include_usage": true}}));
    assert_eq!(asked.header("content-length"), Some(asked.body.len().to_string().as_str()));
    assert_eq!(asked.header("accept-encoding"), Some("identity"));
    assert_eq!(answer.text(), [FILTER, HELLO, FINISH, DONE].concat());
    assert_eq!((&trace["input_tokens"], &trace["output_tokens"]), (&json!(7), &json!(5)), "the tracker sees it");
}

#[tokio::test]
async fn both_the_models_name_and_the_options_are_changed() {
    let (asked, ..) = exchange(&json!({"a": 1, "model": "mock:m", "stream": true, "z": 1}), &[DONE]).await;
    assert_eq!(
        asked.json(),
        json!({"a": 1, "model": "m", "stream": true, "z": 1, "stream_options": {"include_usage": true}})
    );
}

#[tokio::test]
async fn a_client_that_asks_gets_what_it_asks_for() {
    let body = json!({"model": "m", "stream": true, "stream_options": {"include_usage": true}});
    let (asked, answer, _) = exchange(&body, &[HELLO, USAGE, DONE]).await;
    assert_eq!(asked.text(), body.to_string());
    assert_eq!(answer.text(), [HELLO, USAGE, DONE].concat());
}

#[tokio::test]
async fn other_requests_are_left_alone() {
    for body in [json!({"model": "m"}), json!({"model": "m", "stream": false})] {
        let (asked, answer, _) = exchange(&body, &[USAGE]).await;
        assert_eq!(asked.text(), body.to_string());
        assert_eq!(answer.text(), USAGE);
    }
}

#[tokio::test]
async fn the_chunk_is_found_however_it_is_cut() {
    let whole = [HELLO, USAGE, DONE].concat();
    let wanted = [HELLO, DONE].concat();
    for line_end in ["\n", "\r\n", "\r"] {
        let whole = whole.replace('\n', line_end);
        let wanted = wanted.replace('\n', line_end);
        let pieces: Vec<String> = whole.chars().map(String::from).collect();
        let pieces: Vec<_> = pieces.iter().map(String::as_str).collect();
        let (_, answer, _) = exchange(&json!({"model": "m", "stream": true}), &pieces).await;
        assert_eq!(answer.text(), wanted, "byte by byte, {line_end:?}");
        for at in (1..whole.len()).step_by(7) {
            let (_, answer, _) =
                exchange(&json!({"model": "m", "stream": true}), &[&whole[..at], &whole[at..]].map(|p| p)).await;
            assert_eq!(answer.text(), wanted, "cut at {at}, {line_end:?}");
        }
    }
}

#[tokio::test]
async fn a_stream_without_its_last_blank_line_keeps_its_last_bytes() {
    let (_, answer, _) = exchange(&json!({"model": "m", "stream": true}), &[HELLO, "data: [DONE]"]).await;
    assert_eq!(answer.text(), [HELLO, "data: [DONE]"].concat());
}

#[tokio::test]
async fn only_an_event_that_is_not_complete_is_held_back() {
    for (chunks, passed) in [
        (&[": ping\n\n"][..], &[": ping\n\n"][..]),
        (&[HELLO, "data: {"], &[HELLO]),
        (&[HELLO, "data: {", "}\n\ndata"], &[HELLO, "data: {}\n\n"]),
        (&[HELLO, USAGE, USAGE, DONE], &[HELLO, DONE]),
        (&[&[HELLO, USAGE, USAGE, DONE].concat()], &[&[HELLO, DONE].concat()]),
    ] {
        let frames =
            chunks.iter().map(|chunk| Ok::<_, Infallible>(Frame::data(Bytes::copy_from_slice(chunk.as_bytes()))));
        let frames: Vec<_> = frames.collect();
        let body = StreamBody::new(stream::iter(frames).chain(stream::pending()));
        let mut body = WithoutUsageChunk::new(body);
        for passed in passed {
            let frame = body.frame().now_or_never().flatten().unwrap().unwrap();
            assert_eq!(frame.into_data().unwrap(), passed.as_bytes(), "{chunks:?}");
        }
        assert!(body.frame().now_or_never().is_none(), "{chunks:?}");
    }
}

#[test]
fn options_that_are_there_keep_what_else_they_say() {
    for (body, expected) in [
        (
            r#"{"stream":true,"stream_options":{"x":1}}"#,
            r#"{"stream":true,"stream_options":{"include_usage":true,"x":1}}"#,
        ),
        (
            r#"{"stream":true, "stream_options" : {"include_usage":false} }"#,
            r#"{"stream":true, "stream_options" : {"include_usage":true} }"#,
        ),
        (r#"{"stream":true,"stream_options":null}"#, r#"{"stream":true,"stream_options":{"include_usage":true}}"#),
    ] {
        let (range, bytes) = usage_chunk::edit(body.as_bytes()).unwrap();
        let mut edited = body.as_bytes().to_vec();
        edited.splice(range, bytes.iter().copied());
        assert_eq!(String::from_utf8(edited).unwrap(), expected);
    }
}
