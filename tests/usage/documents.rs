//! Answers that come as one JSON document: what is read of them, in every dialect, at any size, however they are cut.

use active_requests::usage::{EndMark, Meter, Observation, ProviderUsage, Reading, UsageSource};
use http::{Response, StatusCode, header};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

fn meter(status: StatusCode) -> Meter {
    let head = Response::builder().status(status).header(header::CONTENT_TYPE, "application/json; charset=utf-8");
    Meter::for_response(&head.body(()).unwrap().into_parts().0)
}

fn read(status: StatusCode, body: &[u8], size: usize) -> Reading {
    let mut meter = meter(status);
    for piece in body.chunks(size.max(1)) {
        meter.observe(piece);
    }
    meter.finish();
    meter.reading().clone()
}

/// The same object with its members in the order of their names, and the other way round.
fn reordered(body: &str) -> Option<[String; 2]> {
    let members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(body).ok()?;
    let members: Vec<String> =
        members.iter().map(|(name, value)| format!("{}:{value}", serde_json::Value::from(name.as_str()))).collect();
    let object = |members: Vec<&str>| format!("{{{}}}", members.join(","));
    Some([
        object(members.iter().map(String::as_str).collect()),
        object(members.iter().rev().map(String::as_str).collect()),
    ])
}

/// The reading of a successful answer, which is the same in pieces of any size, and with its members in any order.
fn answer(body: &str) -> Reading {
    let whole = read(StatusCode::OK, body.as_bytes(), body.len());
    for body in reordered(body).into_iter().flatten() {
        assert_eq!(read(StatusCode::OK, body.as_bytes(), body.len()), whole, "{body}");
    }
    for size in [1, 2, 3, 7, 64, 1000] {
        assert_eq!(read(StatusCode::OK, body.as_bytes(), size), whole, "{body} in pieces of {size}");
    }
    whole
}

fn said(input: u64, output: u64) -> ProviderUsage {
    ProviderUsage::new().input_tokens(input).output_tokens(output)
}

#[test]
fn every_dialect_says_its_model_tokens_calls_and_reason() {
    struct Case {
        dialect: &'static str,
        body: &'static str,
        model: Option<&'static str>,
        said: ProviderUsage,
        totals: (u64, u64),
        tool_calls: u64,
        finish_reason: Option<&'static str>,
    }
    let cases = [
        Case {
            dialect: "chat",
            body: r#"{"id":"c","object":"chat.completion","model":"gpt-4o-2024","choices":[{"index":0,"message":{"role":"assistant","content":null,
                "tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"usage\":{\"prompt_tokens\":9}}"}},
                {"id":"b","type":"function","function":{"name":"g","arguments":"{}"}}],"refusal":null},"finish_reason":"tool_calls"}],
                "usage":{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120,"prompt_tokens_details":{"cached_tokens":64},
                "completion_tokens_details":{"reasoning_tokens":8}}}"#,
            model: Some("gpt-4o-2024"),
            said: said(100, 20).cache_read_tokens(64).reasoning_tokens(8).total_tokens(120),
            totals: (100, 20),
            tool_calls: 2,
            finish_reason: Some("tool_calls"),
        },
        Case {
            dialect: "chat, usage ahead of the choices and written with escapes",
            body: r#"{"\u0075sage":{"prompt_\u0074okens":3,"completion_tokens":4},"model":"m","choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}"#,
            model: Some("m"),
            said: said(3, 4),
            totals: (3, 4),
            tool_calls: 0,
            finish_reason: Some("stop"),
        },
        Case {
            dialect: "completions",
            body: r#"{"object":"text_completion","model":"m","choices":[{"text":"\n\nhello","finish_reason":"length"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#,
            model: Some("m"),
            said: said(1, 2),
            totals: (1, 2),
            tool_calls: 0,
            finish_reason: Some("length"),
        },
        Case {
            dialect: "embeddings",
            body: r#"{"object":"list","data":[{"object":"embedding","embedding":[0.1,-2e-3]}],"model":"e","usage":{"prompt_tokens":5,"total_tokens":5}}"#,
            model: Some("e"),
            said: ProviderUsage::new().input_tokens(5).total_tokens(5),
            totals: (5, 0),
            tool_calls: 0,
            finish_reason: None,
        },
        Case {
            dialect: "responses",
            body: r#"{"object":"response","status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"error":null,"model":"o4",
                "output":[{"type":"reasoning","summary":[{"type":"summary_text","text":"hm"}]},{"type":"web_search_call"},
                {"type":"function_call","call_id":"a","name":"f","arguments":"{}"},{"type":"message","content":[{"type":"output_text","text":"hi"}]}],
                "text":{"format":{"type":"text"}},"usage":{"input_tokens":10,"input_tokens_details":{"cached_tokens":4},"output_tokens":6,
                "output_tokens_details":{"reasoning_tokens":2},"total_tokens":16}}"#,
            model: Some("o4"),
            said: said(10, 6).cache_read_tokens(4).reasoning_tokens(2).total_tokens(16),
            totals: (10, 6),
            tool_calls: 1,
            finish_reason: Some("max_output_tokens"),
        },
        Case {
            dialect: "assistants",
            body: r#"{"object":"thread.run","model":"gpt-4o","status":"requires_action","required_action":{"type":"submit_tool_outputs",
                "submit_tool_outputs":{"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},
                {"id":"b","type":"function","function":{"name":"f","arguments":"{}"}}]}},"last_error":null,
                "usage":{"prompt_tokens":7,"completion_tokens":8,"total_tokens":15}}"#,
            model: Some("gpt-4o"),
            said: said(7, 8).total_tokens(15),
            totals: (7, 8),
            tool_calls: 2,
            finish_reason: Some("requires_action"),
        },
        Case {
            dialect: "anthropic",
            body: r#"{"id":"msg","type":"message","role":"assistant","model":"claude","content":[{"type":"thinking","thinking":"hm"},
                {"type":"text","text":"hi"},{"type":"tool_use","id":"t","name":"f","input":{"type":"tool_use"}},{"type":"server_tool_use"}],
                "stop_reason":"tool_use","usage":{"input_tokens":5,"cache_creation_input_tokens":10,"cache_read_input_tokens":100,"output_tokens":9}}"#,
            model: Some("claude"),
            said: said(5, 9).cache_read_tokens(100).cache_creation_tokens(10),
            totals: (115, 9),
            tool_calls: 1,
            finish_reason: Some("tool_use"),
        },
        Case {
            dialect: "gemini",
            body: r#"{"candidates":[{"content":{"parts":[{"text":"hm","thought":true},{"functionCall":{"name":"f","args":{"x":1}}}],"role":"model"},
                "finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":3,"thoughtsTokenCount":30,"totalTokenCount":43},
                "modelVersion":"gemini-2.5"}"#,
            model: Some("gemini-2.5"),
            said: said(10, 3).reasoning_tokens(30).total_tokens(43),
            totals: (10, 33),
            tool_calls: 1,
            finish_reason: Some("STOP"),
        },
        Case {
            dialect: "interactions",
            body: r#"{"object":"interaction","model":"gemini-3","status":"completed","outputs":[{"type":"thought"},{"type":"text","text":"hi"},
                {"type":"function_call","name":"f","arguments":{}}],"usage":{"total_input_tokens":4,"total_output_tokens":5,"total_thought_tokens":6,"total_tokens":15}}"#,
            model: Some("gemini-3"),
            said: said(4, 5).reasoning_tokens(6).total_tokens(15),
            totals: (4, 11),
            tool_calls: 1,
            finish_reason: Some("completed"),
        },
        Case {
            dialect: "converse",
            body: r#"{"metrics":{"latencyMs":4},"output":{"message":{"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"hm"}}},
                {"text":"hi"},{"toolUse":{"toolUseId":"t","name":"f","input":{"a":1}}}]}},"stopReason":"tool_use",
                "usage":{"inputTokens":12,"outputTokens":28,"cacheReadInputTokens":250,"cacheWriteInputTokens":1000,"totalTokens":1290}}"#,
            model: None,
            said: said(12, 28).cache_read_tokens(250).cache_creation_tokens(1000).total_tokens(1290),
            totals: (1262, 28),
            tool_calls: 1,
            finish_reason: Some("tool_use"),
        },
        Case {
            dialect: "invoke, Titan",
            body: r#"{"inputTextTokenCount":5,"results":[{"tokenCount":6,"outputText":"hi","completionReason":"FINISH"}]}"#,
            model: None,
            said: said(5, 6),
            totals: (5, 6),
            tool_calls: 0,
            finish_reason: Some("FINISH"),
        },
        Case {
            dialect: "invoke, Llama",
            body: r#"{"generation":"hi","prompt_token_count":5,"generation_token_count":6,"stop_reason":"stop"}"#,
            model: None,
            said: said(5, 6),
            totals: (5, 6),
            tool_calls: 0,
            finish_reason: Some("stop"),
        },
        Case {
            dialect: "cohere v2",
            body: r#"{"id":"c","message":{"role":"assistant","tool_plan":"p","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},
                "finish_reason":"TOOL_CALL","usage":{"billed_units":{"input_tokens":1,"output_tokens":2},"tokens":{"input_tokens":30,"output_tokens":40}}}"#,
            model: None,
            said: said(30, 40),
            totals: (30, 40),
            tool_calls: 1,
            finish_reason: Some("TOOL_CALL"),
        },
        Case {
            dialect: "cohere v1",
            body: r#"{"text":"hi","generation_id":"g","finish_reason":"COMPLETE","meta":{"api_version":{"version":"1"},"tokens":{"input_tokens":3,"output_tokens":4}}}"#,
            model: None,
            said: said(3, 4),
            totals: (3, 4),
            tool_calls: 0,
            finish_reason: Some("COMPLETE"),
        },
        Case {
            dialect: "ollama chat",
            body: r#"{"model":"llama3:8b","message":{"role":"assistant","content":"","thinking":"hm","tool_calls":[{"function":{"name":"f","arguments":{"a":1}}}]},
                "done":true,"done_reason":"stop","prompt_eval_count":26,"eval_count":29}"#,
            model: Some("llama3:8b"),
            said: said(26, 29),
            totals: (26, 29),
            tool_calls: 1,
            finish_reason: Some("stop"),
        },
        Case {
            dialect: "ollama generate",
            body: r#"{"model":"m","response":"hi","done":true,"done_reason":"length","context":[1,2,3],"eval_count":2}"#,
            model: Some("m"),
            said: ProviderUsage::new().output_tokens(2),
            totals: (0, 2),
            tool_calls: 0,
            finish_reason: Some("length"),
        },
    ];
    for case in cases {
        let reading = answer(case.body);
        let dialect = case.dialect;
        assert_eq!(reading.model.as_deref(), case.model, "{dialect}");
        assert_eq!(reading.provider_usage, case.said, "{dialect}");
        assert_eq!((reading.usage.input_tokens, reading.usage.output_tokens), case.totals, "{dialect}");
        assert_eq!(reading.tool_calls, case.tool_calls, "{dialect}");
        assert_eq!(reading.finish_reason.as_deref(), case.finish_reason, "{dialect}");
        assert_eq!((reading.source, reading.error), (UsageSource::Reported, None), "{dialect}");
        assert_eq!((reading.end, reading.observation), (EndMark::Seen, Observation::Full), "{dialect}");
        assert_eq!(reading.text_bytes > 0, dialect != "embeddings", "{dialect}");
    }
}

#[test]
fn text_is_measured_as_it_decodes() {
    let texts = [
        r#"{"choices":[{"message":{"content":"h\u00e9llo \ud83d\ude80\n","reasoning_content":"hm"}}]}"#,
        r#"{"type":"message","content":[{"type":"text","text":"h\u00e9llo \ud83d\ude80\n"},{"type":"thinking","thinking":"hm"}]}"#,
        r#"{"object":"response","output":[{"type":"message","content":[{"type":"output_text","text":"h\u00e9llo \ud83d\ude80\n"}]},{"type":"reasoning","summary":[{"text":"hm"}]}]}"#,
    ];
    for body in texts {
        assert_eq!(answer(body).text_bytes, "héllo 🚀\n".len() as u64 + 2, "{body}");
    }
}

#[test]
fn a_long_text_is_measured_to_its_end() {
    let (written, decoded) = (r#"h\u00e9llo \ud83d\ude80, \"said\" she\n"#, "héllo 🚀, \"said\" she\n");
    let (written, decoded) = (written.repeat(2500), 2500 * decoded.len() as u64);
    let text = answer(&format!(r#"{{"choices":[{{"message":{{"content":"{written}"}},"finish_reason":"stop"}}]}}"#));
    assert_eq!((text.text_bytes, text.end), (decoded, EndMark::Seen));
    // Arguments that are JSON count as they are written.
    let input = format!(r#"{{"file":"{written}","mode":"a"}}"#);
    let call = answer(&format!(
        r#"{{"type":"message","content":[{{"type":"tool_use","id":"a","name":"write","input":{input}}}]}}"#
    ));
    assert_eq!((call.text_bytes, call.tool_calls), ("write".len() as u64 + input.len() as u64, 1));
    let error = answer(&format!(r#"{{"error":{{"message":"{}"}}}}"#, r"\u0041".repeat(20_000)));
    assert_eq!(error.error.as_deref(), Some(&*"A".repeat(1024)));
}

#[test]
fn a_word_that_is_longer_than_words_are_is_none() {
    let long = "x".repeat(9000);
    let count = answer(&format!(
        r#"{{"choices":[],"usage":{{"prompt_tokens":"{}7","completion_tokens":2}}}}"#,
        "0".repeat(9000)
    ));
    assert_eq!((count.provider_usage.input_tokens, count.provider_usage.output_tokens), (None, Some(2)));
    let item = answer(&format!(r#"{{"object":"response","output":[{{"type":"{long}_call"}}]}}"#));
    assert_eq!((item.tool_calls, item.server_tool_calls), (0, 0));
    let call = |id: char| format!(r#"{{"index":0,"id":"{long}{id}","function":{{"name":"f"}}}}"#);
    let calls = answer(&format!(r#"{{"choices":[{{"message":{{"tool_calls":[{},{}]}}}}]}}"#, call('a'), call('b')));
    assert_eq!(calls.tool_calls, 1, "the ends of ids that long are not looked at");
}

#[test]
fn what_is_no_json_ends_in_the_same_place_at_every_cut() {
    for body in [
        r#"{"choices":[{"message":{"content":"hi"}}],"x":[{]}"#,
        r#"{"x":[}],"choices":[{"message":{"content":"hi"}}]}"#,
        r#"{"x":{]},"choices":[{"message":{"content":"hi"}}]}"#,
        r#"{"x":"\é","choices":[{"message":{"content":"hi"}}]}"#,
    ] {
        answer(body);
    }
}

#[test]
fn errors_are_told_in_their_own_words() {
    for (status, body, error) in [
        (429, r#"{"error":{"message":"slow down","type":"rate_limit_error","code":"rate_limit"}}"#, "slow down"),
        (529, r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#, "Overloaded"),
        (400, r#"{"error":{"code":400,"message":"bad key","status":"INVALID_ARGUMENT"}}"#, "bad key"),
        (404, r#"{"error":"model 'x' not found"}"#, "model 'x' not found"),
        (401, r#"{"message":"invalid api token"}"#, "invalid api token"),
        (422, r#"{"detail":"field required"}"#, "field required"),
        // A response that failed although the head said otherwise.
        (
            200,
            r#"{"object":"response","status":"failed","error":{"code":"server_error","message":"sorry"},"output":[]}"#,
            "sorry",
        ),
        (200, r#"{"error":{"message":"no credit"}}"#, "no credit"),
    ] {
        let status = StatusCode::from_u16(status).unwrap();
        for size in [1, 10, body.len()] {
            assert_eq!(read(status, body.as_bytes(), size).error.as_deref(), Some(error), "{body}");
        }
    }
    assert_eq!(
        answer(r#"{"message":"welcome","detail":"none"}"#).error,
        None,
        "a message is no error where all is well"
    );
}

#[test]
fn what_says_nothing_of_tokens_is_not_observed() {
    for body in [
        r#"{"object":"list","data":[{"id":"gpt-4o","object":"model"}]}"#,
        "{}",
        "<html>",
        "7",
        "",
        r#"{"token":"secret"}"#,
    ] {
        let reading = answer(body);
        assert_eq!((reading.observation, reading.source), (Observation::None, UsageSource::None), "{body}");
        assert_eq!((reading.text_bytes, reading.tool_calls), (0, 0), "{body}");
    }
}

#[test]
fn a_document_that_is_cut_off_has_not_ended() {
    let body =
        r#"{"model":"m","choices":[{"message":{"content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1}}"#;
    for end in 1..body.len() {
        let reading = read(StatusCode::OK, &body.as_bytes()[..end], end);
        assert_eq!((reading.end, reading.source), (EndMark::Awaited, UsageSource::None), "{}", &body[..end]);
    }
}

#[test]
fn what_follows_the_document_does_not_count() {
    let reading =
        answer("{\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\n{\"choices\":[],\"usage\":{\"prompt_tokens\":2}}");
    assert_eq!(reading.provider_usage.input_tokens, Some(1));
}

/// A body of 100 MB: `front`, `filling` as often as it takes, `back`.
fn long(front: &str, filling: &str, back: &str) -> Reading {
    let mut meter = meter(StatusCode::OK);
    meter.observe(front.as_bytes());
    let filling = filling.repeat(16 * 1024 / filling.len());
    for _ in 0..100_000_000 / filling.len() {
        meter.observe(filling.as_bytes());
    }
    meter.observe(back.as_bytes());
    meter.finish();
    meter.reading().clone()
}

#[test]
fn beside_a_hundred_megabytes_everything_that_is_short_is_read() {
    let call = r#","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":1,"completion_tokens":2},"model":"m"}"#;
    let image =
        long(r#"{"choices":[{"message":{"content":"hi","image":""#, "iVBORw0KGgoAAAANSUhEUgAA", &format!("\"{call}"));
    let numbers = long(
        r#"{"data":[0"#,
        ",-0.012345678",
        r#"],"object":"list","model":"m","usage":{"prompt_tokens":1,"completion_tokens":2}}"#,
    );
    let nesting = long(r#"{"deep":"#, "[{\"a\":", "");
    for reading in [&image, &numbers] {
        assert_eq!((reading.model.as_deref(), reading.provider_usage), (Some("m"), said(1, 2)));
        assert_eq!((reading.end, reading.observation), (EndMark::Seen, Observation::Full));
    }
    assert_eq!((image.tool_calls, image.finish_reason.as_deref(), image.text_bytes), (1, Some("tool_calls"), 5));
    assert_eq!((nesting.end, nesting.observation), (EndMark::Awaited, Observation::None));
}

#[test]
fn the_platforms_own_counts_stand_for_the_models() {
    let metrics = r#""amazon-bedrock-invocationMetrics":{"inputTokenCount":40,"outputTokenCount":20}"#;
    for (body, expected) in [
        (
            r#"{"text":"hi","finish_reason":"COMPLETE","meta":{"tokens":{"input_tokens":3,"output_tokens":4}},@}"#,
            said(40, 20),
        ),
        (
            r#"{"choices":[{"message":{"content":"hi"}}],"usage":{"prompt_tokens":40,"completion_tokens":20,"total_tokens":60},@}"#,
            said(40, 20).total_tokens(60),
        ),
        (
            r#"{"choices":[{"message":{"content":"hi"}}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3},@}"#,
            said(40, 20),
        ),
        (r#"{"generations":[],@}"#, said(40, 20)),
    ] {
        let reading = answer(&body.replace('@', metrics));
        assert_eq!(reading.provider_usage, expected, "{body}");
        assert_eq!((reading.usage.input_tokens, reading.source), (40, UsageSource::Reported), "{body}");
        assert_eq!(reading.observation, Observation::Full, "{body}");
    }
}
