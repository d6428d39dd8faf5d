//! OpenAI Responses.

use serde_json::{Value, json};

use crate::{Dialect, event, request::DemoRequest};

pub(crate) struct Responses;

const ITEM: &str = "msg_demo";

fn numbered(event_type: &str, sequence: usize, mut data: Value) -> String {
    data["type"] = event_type.into();
    data["sequence_number"] = sequence.into();
    event(Some(event_type), &data)
}

fn usage(request: &DemoRequest) -> Value {
    json!({
        "input_tokens": request.input_tokens,
        "input_tokens_details": {"cached_tokens": request.cached_tokens},
        "output_tokens": request.output_tokens(),
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": request.input_tokens + request.output_tokens()
    })
}

fn part(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
}

fn item(status: &str, content: Value) -> Value {
    json!({"id": ITEM, "type": "message", "status": status, "role": "assistant", "content": content})
}

fn response(request: &DemoRequest, status: &str, output: Value, usage: Value) -> Value {
    json!({
        "id": "resp_demo", "object": "response", "created_at": request.created, "status": status, "error": null,
        "incomplete_details": null, "instructions": null, "metadata": {}, "model": request.model, "output": output,
        "parallel_tool_calls": true, "temperature": 1.0, "tool_choice": "auto", "tools": [], "top_p": 1.0, "usage": usage
    })
}

impl Dialect for Responses {
    fn opening(&self, request: &DemoRequest) -> String {
        let started = response(request, "in_progress", json!([]), Value::Null);
        let item = item("in_progress", json!([]));
        let at = json!({"item_id": ITEM, "output_index": 0, "content_index": 0, "part": part("")});
        numbered("response.created", 0, json!({"response": started}))
            + &numbered("response.in_progress", 1, json!({"response": started}))
            + &numbered("response.output_item.added", 2, json!({"output_index": 0, "item": item}))
            + &numbered("response.content_part.added", 3, at)
    }

    fn chunk(&self, request: &DemoRequest, index: usize) -> String {
        let delta = json!({"item_id": ITEM, "output_index": 0, "content_index": 0, "delta": request.word(index), "logprobs": []});
        numbered("response.output_text.delta", 4 + index, delta)
    }

    fn closing(&self, request: &DemoRequest) -> String {
        let (text, next) = (request.text(), 4 + request.plan.chunks);
        let item = item("completed", json!([part(&text)]));
        let text_done = json!({"item_id": ITEM, "output_index": 0, "content_index": 0, "text": text, "logprobs": []});
        let part_done = json!({"item_id": ITEM, "output_index": 0, "content_index": 0, "part": part(&text)});
        let completed = response(request, "completed", json!([item]), usage(request));
        numbered("response.output_text.done", next, text_done)
            + &numbered("response.content_part.done", next + 1, part_done)
            + &numbered("response.output_item.done", next + 2, json!({"output_index": 0, "item": item}))
            + &numbered("response.completed", next + 3, json!({"response": completed}))
    }

    fn whole(&self, request: &DemoRequest) -> Value {
        let output = json!([item("completed", json!([part(&request.text())]))]);
        response(request, "completed", output, usage(request))
    }
}
