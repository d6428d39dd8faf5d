//! OpenAI chat completions.

use serde_json::{Value, json};

use crate::{Dialect, asked::Asked, event};

pub(crate) struct Chat;

fn chunk(asked: &Asked, delta: Value, finish_reason: Option<&str>) -> String {
    let choice = json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason});
    chunk_of(asked, json!([choice]), Value::Null)
}

fn chunk_of(asked: &Asked, choices: Value, usage: Value) -> String {
    let mut chunk = json!({
        "id": "chatcmpl-demo", "object": "chat.completion.chunk", "created": asked.created, "model": asked.model,
        "system_fingerprint": "fp_demo", "choices": choices
    });
    if asked.include_usage {
        chunk["usage"] = usage;
    }
    event(None, &chunk)
}

pub(crate) fn usage(asked: &Asked) -> Value {
    json!({
        "prompt_tokens": asked.input_tokens,
        "completion_tokens": asked.output_tokens(),
        "total_tokens": asked.input_tokens + asked.output_tokens(),
        "prompt_tokens_details": {"cached_tokens": asked.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": 0}
    })
}

impl Dialect for Chat {
    fn opening(&self, asked: &Asked) -> String {
        chunk(asked, json!({"role": "assistant", "content": ""}), None)
    }

    fn piece(&self, asked: &Asked, index: usize) -> String {
        chunk(asked, json!({"content": asked.word(index)}), None)
    }

    fn closing(&self, asked: &Asked) -> String {
        let mut last = chunk(asked, json!({}), Some("stop"));
        if asked.include_usage {
            last += &chunk_of(asked, json!([]), usage(asked));
        }
        last + "data: [DONE]\n\n"
    }

    fn whole(&self, asked: &Asked) -> Value {
        json!({
            "id": "chatcmpl-demo", "object": "chat.completion", "created": asked.created, "model": asked.model,
            "choices": [{
                "index": 0, "message": {"role": "assistant", "content": asked.text()}, "logprobs": null, "finish_reason": "stop"
            }],
            "usage": usage(asked)
        })
    }
}
