//! What a request asks the simulated provider for.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::plan::Plan;

/// A request, as far as the answer depends on it.
#[derive(Clone, Debug)]
pub struct Asked {
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
}

impl Asked {
    /// Reads a body. What is not there, or no JSON, gets the defaults.
    pub fn read(body: &[u8]) -> Self {
        let request: Value = serde_json::from_slice(body).unwrap_or_default();
        let model = request["model"].as_str().unwrap_or("demo");
        let input_tokens = (body.len() / 4).max(1);
        Self {
            model: model.to_owned(),
            plan: Plan::of(model),
            stream: request["stream"] == true,
            include_usage: request["stream_options"]["include_usage"] == true,
            input_tokens,
            cached_tokens: input_tokens / 4,
            created: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        }
    }

    pub fn output_tokens(&self) -> usize {
        self.plan.chunks
    }

    /// All words of the answer.
    pub fn text(&self) -> String {
        (0..self.plan.chunks).map(word).collect()
    }
}

/// Word `index` of every answer.
pub fn word(index: usize) -> &'static str {
    const TEXT: [&str; 24] = [
        "Every", " request", " stands", " in", " the", " list", " while", " it", " is", " in", " flight,", " counts",
        " its", " tokens", " as", " they", " come,", " and", " leaves", " when", " its", " body", " has", " ended. ",
    ];
    TEXT[index % TEXT.len()]
}
