//! Answers of the two APIs, made up from how many chunks they have and how fast these come.

use bytes::Bytes;
use serde_json::{Value, json};
use std::{fmt, time::Duration};

/// The shape of requests and answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Api {
    OpenAi,
    Anthropic,
}

impl Api {
    /// Where the upstream takes its requests.
    pub fn path(self) -> &'static str {
        match self {
            Self::OpenAi => "/v1/chat/completions",
            Self::Anthropic => "/v1/messages",
        }
    }

    pub fn of_path(path: &str) -> Option<Self> {
        [Self::OpenAi, Self::Anthropic].into_iter().find(|api| path.starts_with(api.path()))
    }
}

/// An answer, as a model's name: `load-c200-d5-b12` is 200 chunks, 5 ms apart, of 12 bytes of text each;
/// `h3000` holds the response head back for 3 s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Plan {
    pub chunks: usize,
    pub delay: Duration,
    /// Bytes of text in a chunk.
    pub size: usize,
    /// Before the response head.
    pub hold: Duration,
}

impl Plan {
    pub const fn new(chunks: usize, delay_ms: u64) -> Self {
        Self { chunks, delay: Duration::from_millis(delay_ms), size: 12, hold: Duration::ZERO }
    }

    /// Reads a model's name, whatever prefix it has.
    pub fn of_model(model: &str) -> Option<Self> {
        let mut plan = Self::new(1, 0);
        for part in model.split_once("load-")?.1.split('-') {
            let number: usize = part.get(1..)?.parse().ok()?;
            match part.as_bytes()[0] {
                b'c' => plan.chunks = number,
                b'd' => plan.delay = Duration::from_millis(number as u64),
                b'b' => plan.size = number,
                b'h' => plan.hold = Duration::from_millis(number as u64),
                _ => return None,
            }
        }
        Some(plan)
    }

    /// The request that asks for it.
    pub fn request(&self, api: Api, stream: bool) -> Bytes {
        let mut body = json!({
            "model": self.to_string(),
            "messages": [
                {"role": "system", "content": "You answer in as many pieces as you are asked for."},
                {"role": "user", "content": "Tell me about \"streams\", please.\n".repeat(8)},
            ],
            "stream": stream,
        });
        match api {
            Api::OpenAi if stream => body["stream_options"] = json!({"include_usage": true}),
            Api::OpenAi => {}
            Api::Anthropic => body["max_tokens"] = json!(4096),
        }
        Bytes::from(body.to_string())
    }

    /// The whole answer in one piece.
    pub fn whole(&self, api: Api) -> Bytes {
        let text: String = (0..self.chunks).map(|n| self.text(n)).collect();
        let answer = match api {
            Api::OpenAi => json!({
                "id": "chatcmpl-load", "object": "chat.completion", "created": 1_760_000_000, "model": self.to_string(),
                "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
                "usage": self.usage(api),
            }),
            Api::Anthropic => json!({
                "id": "msg_load", "type": "message", "role": "assistant", "model": self.to_string(),
                "content": [{"type": "text", "text": text}], "stop_reason": "end_turn", "stop_sequence": null,
                "usage": self.usage(api),
            }),
        };
        Bytes::from(answer.to_string())
    }

    /// The answer as the chunks of a stream: those asked for and what the API puts around them.
    pub fn stream(&self, api: Api) -> Vec<Bytes> {
        let texts = (0..self.chunks).map(|n| self.text(n));
        match api {
            Api::OpenAi => {
                let chunk = |delta: Value, finish: Option<&str>| {
                    unnamed(&json!({
                        "id": "chatcmpl-load", "object": "chat.completion.chunk", "created": 1_760_000_000,
                        "model": self.to_string(), "system_fingerprint": "fp_load", "usage": null,
                        "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}],
                    }))
                };
                let usage = json!({
                    "id": "chatcmpl-load", "object": "chat.completion.chunk", "created": 1_760_000_000,
                    "model": self.to_string(), "choices": [], "usage": self.usage(api),
                });
                let mut chunks = vec![chunk(json!({"role": "assistant", "content": ""}), None)];
                chunks.extend(texts.map(|text| chunk(json!({"content": text}), None)));
                chunks.push(chunk(json!({}), Some("stop")));
                chunks.push(unnamed(&usage));
                chunks.push(Bytes::from_static(b"data: [DONE]\n\n"));
                chunks
            }
            Api::Anthropic => {
                let start = json!({
                    "id": "msg_load", "type": "message", "role": "assistant", "model": self.to_string(), "content": [],
                    "stop_reason": null, "usage": {"input_tokens": 100, "output_tokens": 1},
                });
                let mut chunks = vec![
                    named(json!({"type": "message_start", "message": start})),
                    named(
                        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
                    ),
                ];
                chunks.extend(texts.map(|text| {
                    let delta = json!({"type": "text_delta", "text": text});
                    named(json!({"type": "content_block_delta", "index": 0, "delta": delta}))
                }));
                chunks.push(named(json!({"type": "content_block_stop", "index": 0})));
                let usage = json!({"output_tokens": self.chunks});
                chunks.push(named(
                    json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage}),
                ));
                chunks.push(named(json!({"type": "message_stop"})));
                chunks
            }
        }
    }

    fn usage(&self, api: Api) -> Value {
        match api {
            Api::OpenAi => json!({
                "prompt_tokens": 100, "completion_tokens": self.chunks, "total_tokens": 100 + self.chunks,
            }),
            Api::Anthropic => json!({"input_tokens": 100, "output_tokens": self.chunks}),
        }
    }

    /// The text of chunk `n`: never the same twice in a row, and with what a careless proxy trips over.
    fn text(&self, n: usize) -> String {
        const PIECES: [&str; 6] =
            [" plain words", " \"usage\": {", "\n\ndata: ", " caf\u{e9} ", " \u{1f980}\u{1f6a2}", " back\\slash"];
        let mut text = format!("{n}{}", PIECES[n % PIECES.len()]);
        while text.len() < self.size {
            text.push('.');
        }
        text
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "load-c{}-d{}-b{}-h{}", self.chunks, self.delay.as_millis(), self.size, self.hold.as_millis())
    }
}

fn unnamed(data: &Value) -> Bytes {
    Bytes::from(format!("data: {data}\n\n"))
}

fn named(data: Value) -> Bytes {
    Bytes::from(format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap_or_default()))
}
