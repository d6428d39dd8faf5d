//! Requests to the simulated provider.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::plan::Plan;

/// A request, as far as the answer depends on it.
#[derive(Clone, Debug)]
pub(crate) struct DemoRequest {
    pub model: String,
    pub plan: Plan,
    pub stream: bool,
    /// `stream_options.include_usage`.
    pub include_usage: bool,
    /// Counted as four bytes a token.
    pub input_tokens: usize,
    /// Part of the input that came from a cache, as this provider would have it.
    pub cached_tokens: usize,
    pub created: u64,
    /// The words of the answer; none: those of every answer.
    quoted: Vec<String>,
}

impl DemoRequest {
    /// Reads a body. What is not there, or no JSON, gets the defaults.
    pub(crate) fn read(body: &[u8]) -> Self {
        let request: Value = serde_json::from_slice(body).unwrap_or_default();
        let model = request["model"].as_str().unwrap_or("demo");
        let input_tokens = (body.len() / 4).max(1);
        let mut plan = Plan::of(request["metadata"]["demo"].as_str().unwrap_or(model));
        let quoted = plan.quote.map(|paragraphs| quote(&request, paragraphs)).unwrap_or_default();
        if !quoted.is_empty() {
            plan.chunks = quoted.len();
        }
        Self {
            model: model.to_owned(),
            plan,
            stream: request["stream"] == true,
            include_usage: request["stream_options"]["include_usage"] == true,
            input_tokens,
            cached_tokens: input_tokens / 4,
            created: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
            quoted,
        }
    }

    pub(crate) fn output_tokens(&self) -> usize {
        self.plan.chunks
    }

    /// All words of the answer.
    pub(crate) fn text(&self) -> String {
        (0..self.plan.chunks).map(|index| self.word(index)).collect()
    }

    /// Word `index` of the answer.
    pub(crate) fn word(&self, index: usize) -> &str {
        self.quoted.get(index).map_or_else(|| word(index), String::as_str)
    }
}

/// The first paragraphs of the last system message, in words that carry the space after them.
fn quote(request: &Value, paragraphs: usize) -> Vec<String> {
    let mut messages = request["messages"].as_array().into_iter().flatten();
    let system = messages.rfind(|message| message["role"] == "system");
    let text = system.and_then(|message| message["content"].as_str()).unwrap_or_default();
    let quoted: Vec<&str> = text.split("\n\n").take(paragraphs).collect();
    quoted.join("\n\n").split_inclusive(' ').map(str::to_owned).collect()
}

/// Word `index` of every other answer.
fn word(index: usize) -> &'static str {
    const TEXT: [&str; 24] = [
        "Every", " request", " stands", " in", " the", " list", " while", " it", " is", " in", " flight,", " counts",
        " its", " tokens", " as", " they", " come,", " and", " leaves", " when", " its", " body", " has", " ended. ",
    ];
    TEXT[index % TEXT.len()]
}
