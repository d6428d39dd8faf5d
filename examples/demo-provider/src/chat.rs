//! OpenAI chat completions.

use serde_json::{Value, json};

use crate::{Dialect, event, request::DemoRequest};

pub(crate) struct Chat;

fn chunk(request: &DemoRequest, delta: Value, finish_reason: Option<&str>) -> String {
    let choice = json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason});
    chunk_of(request, json!([choice]), Value::Null)
}

fn chunk_of(request: &DemoRequest, choices: Value, usage: Value) -> String {
    let mut chunk = json!({
        "id": "chatcmpl-demo", "object": "chat.completion.chunk", "created": request.created, "model": request.model,
        "system_fingerprint": "fp_demo", "choices": choices
    });
    if request.include_usage {
        chunk["usage"] = usage;
    }
    event(None, &chunk)
}

pub(crate) fn usage(request: &DemoRequest) -> Value {
    json!({
        "prompt_tokens": request.input_tokens,
        "completion_tokens": request.output_tokens(),
        "total_tokens": request.input_tokens + request.output_tokens(),
        "prompt_tokens_details": {"cached_tokens": request.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": request.plan.reasoning.min(request.output_tokens())}
    })
}

impl Dialect for Chat {
    fn opening(&self, request: &DemoRequest) -> String {
        chunk(request, json!({"role": "assistant", "content": ""}), None)
    }

    fn chunk(&self, request: &DemoRequest, index: usize) -> String {
        let member = if index < request.plan.reasoning { "reasoning_content" } else { "content" };
        chunk(request, json!({member: request.word(index)}), None)
    }

    fn closing(&self, request: &DemoRequest) -> String {
        let mut last = String::new();
        for index in 0..request.plan.tools {
            let function = json!({"name": "look_up", "arguments": "{\"what\":\"in flight\"}"});
            let call =
                json!({"index": index, "id": format!("call_demo{index}"), "type": "function", "function": function});
            last += &chunk(request, json!({"tool_calls": [call]}), None);
        }
        last += &chunk(request, json!({}), Some(if request.plan.tools > 0 { "tool_calls" } else { "stop" }));
        if request.include_usage {
            last += &chunk_of(request, json!([]), usage(request));
        }
        last + "data: [DONE]\n\n"
    }

    fn whole(&self, request: &DemoRequest) -> Value {
        json!({
            "id": "chatcmpl-demo", "object": "chat.completion", "created": request.created, "model": request.model,
            "choices": [{
                "index": 0, "message": {"role": "assistant", "content": request.text()}, "logprobs": null, "finish_reason": "stop"
            }],
            "usage": usage(request)
        })
    }
}
