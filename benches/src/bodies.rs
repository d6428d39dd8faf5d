//! Bodies of the sizes that occur: prompts, images and tools on the way to a model; texts and embeddings on the way back.

use std::convert::Infallible;
use std::fmt::Write;
use std::future::{Ready, ready};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use tower::Service;

/// Bytes of one frame of a large body: as many as one TLS record holds.
pub const FRAME: usize = 16 * 1024;

/// A body that comes in frames of [`FRAME`] bytes, each of them ready.
#[derive(Clone, Debug)]
pub struct Framed(pub Bytes);

impl Body for Framed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let end = self.0.len().min(FRAME);
        Poll::Ready((end > 0).then(|| Ok(Frame::data(self.0.split_to(end)))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }
}

/// A service that reads the body of each request to its end.
#[derive(Clone, Copy, Debug)]
pub struct Drain;

impl<B: Body> Service<Request<B>> for Drain {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Ready<Result<Response<()>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let mut context = Context::from_waker(Waker::noop());
        let mut body = pin!(request.into_body());
        while let Poll::Ready(Some(frame)) = body.as_mut().poll_frame(&mut context) {
            drop(std::hint::black_box(frame));
        }
        ready(Ok(Response::new(())))
    }
}

/// Prose with a quotation or the end of a line every 40 bytes or so, as a JSON string without its quotes.
fn prose(size: usize) -> String {
    let sentence =
        "Measure twice, cut once: \\\"in flight\\\" is what has begun\\nand not ended; the caf\u{e9} is closed. ";
    sentence.repeat(size.div_ceil(sentence.len()))
}

/// A file of a program as a JSON string without its quotes: short lines, indented, a third of them with quotes.
fn code(size: usize) -> String {
    let lines = "    fn label(&self) -> String {\\n        let name = self.names.get(\\\"label\\\").cloned();\\n        name.unwrap_or_default()\\n    }\\n\\n    // Closes what is open, and says so: \\u00e9.\\n";
    lines.repeat(size.div_ceil(lines.len()))
}

fn chat(content: &str, tools: &str) -> Bytes {
    Bytes::from(format!(
        r#"{{"model":"gpt-4o-mini","stream":true,"messages":[{{"role":"system","content":"Be brief."}},{{"role":"user","content":{content}}}],"temperature":0.7{tools}}}"#
    ))
}

/// A chat whose last message is a text of `size` bytes.
pub fn prompt(size: usize) -> Bytes {
    chat(&format!("\"{}\"", prose(size)), "")
}

/// The same chat with the model at the end, so that who needs it reads all of the rest before.
pub fn with_model_last(chat: &[u8]) -> Bytes {
    const MODEL: &[u8] = br#""model":"gpt-4o-mini","#;
    let rest = chat.strip_prefix(b"{").and_then(|rest| rest.strip_prefix(MODEL)).unwrap_or_default();
    let rest = rest.strip_suffix(b"}").unwrap_or_default();
    Bytes::from([b"{", rest, b",", MODEL.strip_suffix(b",").unwrap_or_default(), b"}"].concat())
}

/// A chat with one text of `size` bytes in which nothing is escaped.
pub fn plain_prompt(size: usize) -> Bytes {
    chat(&format!("\"{}\"", "Measure twice, cut once. ".repeat(size / 25)), "")
}

/// The request of a coding agent in the middle of its work, of about `size` bytes: instructions, tools, and turns in which it has
/// read a file, changed a part of it and run something.
pub fn agent(size: usize) -> Bytes {
    let turn = |n: usize| {
        let call = |id: &str, name: &str, arguments: &str| {
            format!(
                r#"{{"role":"assistant","content":"{}","tool_calls":[{{"id":"call_{id}{n}","type":"function","function":{{"name":"{name}","arguments":"{arguments}"}}}}]}}"#,
                prose(200)
            )
        };
        let result =
            |id: &str, text: &str| format!(r#"{{"role":"tool","tool_call_id":"call_{id}{n}","content":"{text}"}}"#);
        let edit = format!(
            r#"{{\"path\":\"src/part{n}.rs\",\"new\":\"{}\"}}"#,
            prose(400).replace('\\', r"\\").replace('"', r#"\""#)
        );
        [
            call("read", "read_file", &format!(r#"{{\"path\":\"src/part{n}.rs\"}}"#)),
            result("read", &code(4000)),
            call("edit", "replace", &edit),
            result("edit", "done"),
            call("run", "shell", r#"{\"command\":\"cargo test\"}"#),
            result("run", &"test part::of_it ... ok\\n".repeat(50)),
        ]
        .join(",")
    };
    let tool = r#"{"type":"function","function":{"name":"read_file","description":"Reads a \"file\", or a part of it.","parameters":{"type":"object","properties":{"path":{"type":"string"},"from":{"type":"integer","minimum":0}},"required":["path"]}}}"#;
    let (instructions, tools) = (prose(size / 10), vec![tool; size / 10 / tool.len()].join(","));
    let turns = size * 8 / 10 / turn(0).len();
    let turns = (0..turns.max(1)).map(turn).collect::<Vec<_>>().join(",");
    Bytes::from(format!(
        r#"{{"model":"gpt-4o-mini","stream":true,"messages":[{{"role":"system","content":"{instructions}"}},{{"role":"user","content":"Mend it."}},{turns}],"tools":[{tools}]}}"#
    ))
}

/// A chat with an image of `size` bytes in Base64.
pub fn image(size: usize) -> Bytes {
    let image = "iVBORw0KGgoAAAANSUhEUgAA/+9x".repeat(size / 28);
    let url = format!(r#"{{"type":"image_url","image_url":{{"url":"data:image/png;base64,{image}"}}}}"#);
    chat(&format!(r#"[{{"type":"text","text":"What is this?"}},{url}]"#), "")
}

/// A chat that offers tools whose schemas take `size` bytes.
pub fn tools(size: usize) -> Bytes {
    let tool = r#"{"type":"function","function":{"name":"look_up","description":"Looks up a \"word\".","parameters":{"type":"object","properties":{"word":{"type":"string"},"depth":{"type":"integer","minimum":0}},"required":["word"]}}}"#;
    let tools = vec![tool; size.div_ceil(tool.len())].join(",");
    chat("\"Look it up.\"", &format!(r#","tools":[{tools}]"#))
}

/// A chat in which the input of a tool use is nested and takes `size` bytes.
pub fn nested(size: usize) -> Bytes {
    let (open, leaf, close) = (r#"{"node":{"left":[1,2],"right":["#, r#"{"leaf":true}"#, "]}}");
    let depth = 50;
    let tree = format!("{}{leaf}{}", open.repeat(depth), close.repeat(depth));
    let trees = vec![tree.as_str(); size.div_ceil(tree.len())].join(",");
    chat(&format!(r#"[{{"type":"tool_use","name":"plant","input":{{"trees":[{trees}]}}}}]"#), "")
}

/// A chat completion whose text takes `size` bytes.
pub fn answer(size: usize) -> Bytes {
    let text = prose(size);
    Bytes::from(format!(
        r#"{{"id":"chatcmpl-Ck3vB0Zq9n1mXo2Tt7yAaLw4eRsUd","object":"chat.completion","created":1760000000,"model":"gpt-4o-2024-08-06","choices":[{{"index":0,"message":{{"role":"assistant","content":"{text}","refusal":null}},"logprobs":null,"finish_reason":"stop"}}],"usage":{{"prompt_tokens":19,"completion_tokens":5200,"total_tokens":5219}}}}"#
    ))
}

/// An answer of `count` embeddings with 1,536 numbers each.
pub fn embeddings(count: usize) -> Bytes {
    let mut body = String::from(r#"{"object":"list","data":["#);
    for index in 0..count {
        let comma = if index == 0 { "" } else { "," };
        let _ = write!(body, r#"{comma}{{"object":"embedding","index":{index},"embedding":[0"#);
        for n in 0..1535_u64 {
            let digits = (n * 2_654_435_761 + index as u64 * 40_503) % 100_000_000;
            let _ = write!(body, ",{}0.0{digits:08}", if digits.is_multiple_of(2) { "-" } else { "" });
        }
        body.push_str("]}");
    }
    body.push_str(r#"],"model":"text-embedding-3-small","usage":{"prompt_tokens":800,"total_tokens":800}}"#);
    Bytes::from(body)
}

/// An answer that holds `count` numbers of one or two digits.
pub fn numbers(count: usize) -> Bytes {
    let numbers = (0..count).map(|n| (n % 100).to_string()).collect::<Vec<_>>().join(",");
    Bytes::from(format!(
        r#"{{"model":"m","data":[{numbers}],"usage":{{"prompt_tokens":7,"completion_tokens":9,"total_tokens":16}}}}"#
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_body_is_json_of_about_the_size_that_is_asked_for() {
        let size = 100 << 10;
        let sized =
            [prompt(size), plain_prompt(size), image(size), tools(size), nested(size), agent(size), answer(size)];
        for (n, body) in sized.iter().enumerate() {
            serde_json::from_slice::<serde::de::IgnoredAny>(body).unwrap_or_else(|error| panic!("body {n}: {error}"));
            assert!((size * 9 / 10..size * 11 / 10).contains(&body.len()), "body {n}: {}", body.len());
        }
        for body in [embeddings(2), numbers(9)] {
            serde_json::from_slice::<serde::de::IgnoredAny>(&body).unwrap_or_else(|error| panic!("{error}"));
        }
    }
}
