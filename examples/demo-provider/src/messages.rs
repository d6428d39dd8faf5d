//! Anthropic Messages.

use http::StatusCode;
use serde_json::{Value, json};

use crate::{Dialect, event, request::DemoRequest};

pub(crate) struct Messages;

fn named(event_type: &str, mut data: Value) -> String {
    data["type"] = event_type.into();
    event(Some(event_type), &data)
}

/// Anthropic counts cached tokens apart from the input.
fn usage(request: &DemoRequest, output_tokens: usize) -> Value {
    json!({
        "input_tokens": request.input_tokens - request.cached_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": request.cached_tokens,
        "output_tokens": output_tokens
    })
}

fn message(request: &DemoRequest, content: Value, stop_reason: Option<&str>, usage: Value) -> Value {
    json!({
        "id": "msg_demo", "type": "message", "role": "assistant", "model": request.model, "content": content,
        "stop_reason": stop_reason, "stop_sequence": null, "usage": usage
    })
}

impl Dialect for Messages {
    fn opening(&self, request: &DemoRequest) -> String {
        let message = message(request, json!([]), None, usage(request, 1));
        named("message_start", json!({"message": message}))
            + &named("content_block_start", json!({"index": 0, "content_block": {"type": "text", "text": ""}}))
            + &named("ping", json!({}))
    }

    fn chunk(&self, request: &DemoRequest, index: usize) -> String {
        named("content_block_delta", json!({"index": 0, "delta": {"type": "text_delta", "text": request.word(index)}}))
    }

    fn closing(&self, request: &DemoRequest) -> String {
        let reason = if request.plan.tools > 0 { "tool_use" } else { "end_turn" };
        let mut tools = String::new();
        for index in 1..=request.plan.tools {
            let block = json!({"type": "tool_use", "id": format!("toolu_demo{index}"), "name": "look_up", "input": {}});
            let input = json!({"type": "input_json_delta", "partial_json": "{\"what\":\"in flight\"}"});
            tools += &named("content_block_start", json!({"index": index, "content_block": block}));
            tools += &named("content_block_delta", json!({"index": index, "delta": input}));
            tools += &named("content_block_stop", json!({"index": index}));
        }
        let delta = json!({
            "delta": {"stop_reason": reason, "stop_sequence": null}, "usage": {"output_tokens": request.output_tokens()}
        });
        named("content_block_stop", json!({"index": 0}))
            + &tools
            + &named("message_delta", delta)
            + &named("message_stop", json!({}))
    }

    fn whole(&self, request: &DemoRequest) -> Value {
        let content = json!([{"type": "text", "text": request.text()}]);
        message(request, content, Some("end_turn"), usage(request, request.output_tokens()))
    }

    fn error(&self, status: StatusCode) -> Value {
        let kind = if status == StatusCode::TOO_MANY_REQUESTS { "rate_limit_error" } else { "api_error" };
        json!({"type": "error", "error": {"type": kind, "message": format!("simulated error {status}")}})
    }
}
