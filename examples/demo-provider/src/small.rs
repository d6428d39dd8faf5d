//! The routes that clients use beside the three big ones.

use serde_json::{Value, json};

use crate::{Dialect, chat, event, request::DemoRequest};

/// OpenAI's legacy completions.
pub(crate) struct Completions;

fn completion(request: &DemoRequest, text: &str, finish_reason: Option<&str>) -> Value {
    json!({
        "id": "cmpl-demo", "object": "text_completion", "created": request.created, "model": request.model,
        "choices": [{"index": 0, "text": text, "logprobs": null, "finish_reason": finish_reason}]
    })
}

impl Dialect for Completions {
    fn opening(&self, request: &DemoRequest) -> String {
        event(None, &completion(request, "", None))
    }

    fn chunk(&self, request: &DemoRequest, index: usize) -> String {
        event(None, &completion(request, request.word(index), None))
    }

    fn closing(&self, request: &DemoRequest) -> String {
        let mut last = event(None, &completion(request, "", Some("stop")));
        if request.include_usage {
            let mut chunk = completion(request, "", None);
            chunk["choices"] = json!([]);
            chunk["usage"] = chat::usage(request);
            last += &event(None, &chunk);
        }
        last + "data: [DONE]\n\n"
    }

    fn whole(&self, request: &DemoRequest) -> Value {
        let mut whole = completion(request, &request.text(), Some("stop"));
        whole["usage"] = chat::usage(request);
        whole
    }
}

pub(crate) fn embedding(request: &DemoRequest) -> Value {
    let vector: Vec<f64> = (0_i32..8).map(|i| f64::from(i) / 8.0).collect();
    json!({
        "object": "list", "model": request.model,
        "data": [{"object": "embedding", "index": 0, "embedding": vector}],
        "usage": {"prompt_tokens": request.input_tokens, "total_tokens": request.input_tokens}
    })
}

pub(crate) fn models() -> Value {
    let named = ["demo", "demo-c200-d20", "demo-c40-d50-h3000", "demo-e429", "demo-c40-x10", "demo-c40-s5"];
    let data: Vec<Value> =
        named.iter().map(|id| json!({"id": id, "object": "model", "created": 0, "owned_by": "demo"})).collect();
    json!({"object": "list", "data": data})
}
