//! Chat chunks made to mislead, read beside a plain reference that parses everything with `serde_json::Value`.

use crate::support::Body;
use active_requests::usage::{EndMark, Reading};
use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};

/// Reads a stream of chunks the slow and obvious way.
#[derive(Debug, Default, PartialEq)]
struct Said {
    text_bytes: u64,
    input: Option<u64>,
    output: Option<u64>,
    model: Option<String>,
    finish_reason: Option<String>,
    calls: u64,
}

impl Said {
    fn in_chunks(chunks: &[String]) -> Self {
        let mut said = Self::default();
        let mut seen = std::collections::HashSet::new();
        for chunk in chunks {
            let chunk: Value = serde_json::from_str(chunk).unwrap();
            let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
            said.model = text(&chunk["model"]).or(said.model);
            if chunk["usage"]["prompt_tokens"].is_u64() {
                said.input = chunk["usage"]["prompt_tokens"].as_u64();
                said.output = chunk["usage"]["completion_tokens"].as_u64();
            }
            for choice in chunk["choices"].as_array().unwrap_or(&vec![]) {
                let delta = &choice["delta"];
                let len = |value: &Value| value.as_str().map_or(0, str::len) as u64;
                said.text_bytes += len(&delta["content"]) + len(&delta["refusal"]);
                said.text_bytes += match len(&delta["reasoning_content"]) {
                    0 => len(&delta["reasoning"]),
                    len => len,
                };
                said.finish_reason = text(&choice["finish_reason"]).or(said.finish_reason);
                for call in delta["tool_calls"].as_array().unwrap_or(&vec![]) {
                    said.calls += u64::from(seen.insert((choice["index"].as_u64(), call["index"].as_u64())));
                    said.text_bytes += len(&call["function"]["name"]) + len(&call["function"]["arguments"]);
                }
            }
        }
        said
    }

    fn of(reading: &Reading) -> Self {
        Self {
            text_bytes: reading.text_bytes,
            input: reading.provider_usage.input_tokens,
            output: reading.provider_usage.output_tokens,
            model: reading.model.clone(),
            finish_reason: reading.finish_reason.clone(),
            calls: reading.tool_calls,
        }
    }
}

fn body(chunks: &[String]) -> Body {
    Body::sse(chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect::<String>())
}

fn check(chunks: &[&str]) {
    let chunks: Vec<String> = chunks.iter().map(|chunk| (*chunk).to_owned()).collect();
    assert_eq!(Said::of(&body(&chunks).read_whole()), Said::in_chunks(&chunks), "{chunks:?}");
}

#[test]
fn text_about_usage_is_no_usage() {
    check(&[
        r#"{"choices":[{"delta":{"content":"\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}"}}],"usage":null}"#,
    ]);
    check(&[r#"{"choices":[{"delta":{"content":"x"}}],"note":"usage","usage":null}"#]);
    check(&[r#"{"choices":[{"delta":{"content":"\\"}}],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#]);
}

#[test]
fn content_elsewhere_is_not_the_answer() {
    check(&[r#"{"prompt":{"content":"long prompt"},"choices":[{"delta":{"content":"x"}}]}"#]);
    check(&[r#"{"choices":[{"delta":{"content":"x"},"logprobs":{"content":[{"token":"x","content":"yy"}]}}]}"#]);
    check(&[r#"{"choices":[{"delta":{"content":{"content":"no text"}}}]}"#]);
}

#[test]
fn usage_elsewhere_is_not_the_usage() {
    check(&[
        r#"{"choices":[{"delta":{"content":"x","usage":{"prompt_tokens":1,"completion_tokens":1}}}],"extra":{"usage":{"prompt_tokens":2}}}"#,
    ]);
}

#[test]
fn every_choice_counts() {
    check(&[r#"{"choices":[{"index":0,"delta":{"content":"ab"}},{"index":1,"delta":{"content":"cde"}}]}"#; 3]);
}

#[test]
fn escapes_count_as_what_they_stand_for() {
    check(&[r#"{"choices":[{"delta":{"content":"\ud83d\ude80\u00e9\n\"\\\/"}}]}"#; 3]);
    check(&["{\"choices\":[{\"delta\":{\"content\":\"héllo 🚀\"}}]}"; 3]);
}

#[test]
fn an_escaped_key_is_the_same_key() {
    check(
        &[r#"{"\u0063hoices":[{"delta":{"\u0063ontent":"x"}}],"\u0075sage":{"prompt_tokens":3,"completion_tokens":4}}"#;
            2],
    );
}

#[test]
fn white_space_and_the_order_of_keys_do_not_matter() {
    check(&[
        "{ \"usage\" : { \"completion_tokens\" : 4 , \"prompt_tokens\" : 3 } ,\t\"choices\" : [ { \"finish_reason\" : \"stop\" , \"delta\" : { \"content\" : \"x\" } } ] }",
    ]);
}

#[test]
fn of_a_repeated_key_the_last_value_stands() {
    check(&[
        r#"{"choices":[{"delta":{"content":"x"}}],"usage":{"prompt_tokens":1,"completion_tokens":1},"usage":{"prompt_tokens":3,"completion_tokens":4}}"#,
    ]);
}

#[test]
fn numbers_may_be_anything() {
    let usage = |usage: &str| {
        let reading =
            body(&[format!(r#"{{"choices":[{{"delta":{{}},"finish_reason":"stop"}}],"usage":{usage}}}"#)]).read_whole();
        (reading.provider_usage.input_tokens, reading.provider_usage.output_tokens, reading.end)
    };
    let seen = EndMark::Seen;
    assert_eq!(usage(r#"{"prompt_tokens":3.0,"completion_tokens":"4"}"#), (Some(3), Some(4), seen));
    assert_eq!(usage(r#"{"prompt_tokens":-3,"completion_tokens":4}"#), (None, Some(4), seen));
    for implausible in ["1e30", "1e400", "18446744073709551615", "9007199254740993", "2.5", "\"inf\"", "true", "[3]"] {
        let numbers = usage(&format!(r#"{{"prompt_tokens":{implausible},"completion_tokens":4}}"#));
        assert_eq!(numbers, (None, Some(4), seen), "{implausible}");
    }
    assert_eq!(
        usage(r#"{"prompt_tokens":{"a":1},"completion_tokens":4,"prompt_tokens_details":7}"#),
        (None, Some(4), seen)
    );
    assert_eq!(usage(r#"[1,2]"#), (None, None, seen));
    assert_eq!(usage(r#""none""#), (None, None, seen));
}

/// A chunk as providers and pranksters might send it: `None` leaves the member out.
fn chunk() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        Just(String::new()),
        "[a-z ]{1,8}",
        Just("\"usage\":{\"prompt_tokens\":9}".to_owned()),
        Just("é🚀\n\\".to_owned()),
        Just("\"},\"finish_reason\":\"stop\"".to_owned()),
    ];
    let maybe = |text: BoxedStrategy<String>| proptest::option::weighted(0.5, text);
    let delta = (
        proptest::option::weighted(0.8, text.clone()),
        maybe(text.clone().boxed()),
        maybe(text.clone().boxed()),
        proptest::option::weighted(0.2, (0..3_u64, text.clone())),
    );
    let choice = (0..2_u64, delta, proptest::option::weighted(0.1, "[a-z]{1,4}")).prop_map(
        |(index, (content, reasoning, reasoning_content, call), finish)| {
            let mut delta = serde_json::Map::new();
            let mut put = |key: &str, value: Option<Value>| value.map(|value| delta.insert(key.to_owned(), value));
            put("content", content.map(Value::from));
            put("reasoning", reasoning.map(Value::from));
            put("reasoning_content", reasoning_content.map(Value::from));
            put("tool_calls", call.map(|(index, text)| json!([{"index": index, "function": {"arguments": text}}])));
            json!({"index": index, "delta": delta, "finish_reason": finish})
        },
    );
    let usage = proptest::option::weighted(0.15, (0..50_u64, 0..50_u64));
    (vec(choice, 0..3), usage, proptest::option::weighted(0.9, "[ab]"), 0..3_u64, "[x]{0,4}").prop_map(
        |(choices, usage, model, created, obfuscation)| {
            let usage = usage.map(|(input, output)| json!({"prompt_tokens": input, "completion_tokens": output}));
            json!({"choices": choices, "created": created, "model": model, "obfuscation": obfuscation, "usage": usage})
                .to_string()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Chunks are repeated, so that most are read by their shape, and then differ where it matters.
    #[test]
    fn any_chunks_say_what_the_reference_says(kinds in vec(chunk(), 1..4), order in vec(any::<prop::sample::Index>(), 1..30)) {
        let chunks: Vec<String> = order.iter().map(|index| kinds[index.index(kinds.len())].clone()).collect();
        prop_assert_eq!(Said::of(&body(&chunks).read_whole()), Said::in_chunks(&chunks));
    }
}
