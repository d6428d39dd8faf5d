//! Anthropic Messages.

use http::StatusCode;
use serde_json::{Value, json};

use crate::{Dialect, asked::Asked, event};

pub(crate) struct Messages;

fn named(event_type: &str, mut data: Value) -> String {
    data["type"] = event_type.into();
    event(Some(event_type), &data)
}

/// Anthropic counts cached tokens apart from the input.
fn usage(asked: &Asked, output_tokens: usize) -> Value {
    json!({
        "input_tokens": asked.input_tokens - asked.cached_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": asked.cached_tokens,
        "output_tokens": output_tokens
    })
}

fn message(asked: &Asked, content: Value, stop_reason: Option<&str>, usage: Value) -> Value {
    json!({
        "id": "msg_demo", "type": "message", "role": "assistant", "model": asked.model, "content": content,
        "stop_reason": stop_reason, "stop_sequence": null, "usage": usage
    })
}

impl Dialect for Messages {
    fn opening(&self, asked: &Asked) -> String {
        let message = message(asked, json!([]), None, usage(asked, 1));
        named("message_start", json!({"message": message}))
            + &named("content_block_start", json!({"index": 0, "content_block": {"type": "text", "text": ""}}))
            + &named("ping", json!({}))
    }

    fn piece(&self, asked: &Asked, index: usize) -> String {
        named("content_block_delta", json!({"index": 0, "delta": {"type": "text_delta", "text": asked.word(index)}}))
    }

    fn closing(&self, asked: &Asked) -> String {
        let delta = json!({
            "delta": {"stop_reason": "end_turn", "stop_sequence": null}, "usage": {"output_tokens": asked.output_tokens()}
        });
        named("content_block_stop", json!({"index": 0}))
            + &named("message_delta", delta)
            + &named("message_stop", json!({}))
    }

    fn whole(&self, asked: &Asked) -> Value {
        let content = json!([{"type": "text", "text": asked.text()}]);
        message(asked, content, Some("end_turn"), usage(asked, asked.output_tokens()))
    }

    fn error(&self, status: StatusCode) -> Value {
        let kind = if status == StatusCode::TOO_MANY_REQUESTS { "rate_limit_error" } else { "api_error" };
        json!({"type": "error", "error": {"type": kind, "message": format!("simulated error {status}")}})
    }
}
