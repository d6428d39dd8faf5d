//! The routes that clients use beside the three big ones.

use serde_json::{Value, json};

use crate::{Dialect, asked::Asked, chat, event};

/// OpenAI's legacy completions.
pub(crate) struct Completions;

fn completion(asked: &Asked, text: &str, finish_reason: Option<&str>) -> Value {
    json!({
        "id": "cmpl-demo", "object": "text_completion", "created": asked.created, "model": asked.model,
        "choices": [{"index": 0, "text": text, "logprobs": null, "finish_reason": finish_reason}]
    })
}

impl Dialect for Completions {
    fn opening(&self, asked: &Asked) -> String {
        event(None, &completion(asked, "", None))
    }

    fn piece(&self, asked: &Asked, index: usize) -> String {
        event(None, &completion(asked, asked.word(index), None))
    }

    fn closing(&self, asked: &Asked) -> String {
        let mut last = event(None, &completion(asked, "", Some("stop")));
        if asked.include_usage {
            let mut chunk = completion(asked, "", None);
            chunk["choices"] = json!([]);
            chunk["usage"] = chat::usage(asked);
            last += &event(None, &chunk);
        }
        last + "data: [DONE]\n\n"
    }

    fn whole(&self, asked: &Asked) -> Value {
        let mut whole = completion(asked, &asked.text(), Some("stop"));
        whole["usage"] = chat::usage(asked);
        whole
    }
}

pub(crate) fn embedding(asked: &Asked) -> Value {
    let vector: Vec<f64> = (0_i32..8).map(|i| f64::from(i) / 8.0).collect();
    json!({
        "object": "list", "model": asked.model,
        "data": [{"object": "embedding", "index": 0, "embedding": vector}],
        "usage": {"prompt_tokens": asked.input_tokens, "total_tokens": asked.input_tokens}
    })
}

pub(crate) fn models() -> Value {
    let named = ["demo", "demo-c200-d20", "demo-c40-d50-h3000", "demo-e429", "demo-c40-x10", "demo-c40-s5"];
    let data: Vec<Value> =
        named.iter().map(|id| json!({"id": id, "object": "model", "created": 0, "owned_by": "demo"})).collect();
    json!({"object": "list", "data": data})
}
