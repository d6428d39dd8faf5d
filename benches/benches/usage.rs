//! One event read for its tokens, in each dialect, beside what one would write instead: `eventsource-stream` (or a split at
//! line ends) and `serde_json::Value`.

use active_requests::usage::Meter;
use bytes::Bytes;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime};
use eventsource_stream::Eventsource;
use futures_util::{FutureExt, StreamExt, stream};
use serde_json::Value;
use std::{convert::Infallible, hint::black_box};

const EVENTS: usize = 1000;

const SSE: &str = "text/event-stream";
const LINES: &str = "application/x-ndjson";
const AWS: &str = "application/vnd.amazon.eventstream";

/// A stream by its name, its content type, the event of a number, and where the peer finds the text in it.
struct Dialect {
    name: &'static str,
    content_type: &'static str,
    event: fn(usize) -> Vec<u8>,
    text: &'static str,
}

/// Texts as models send them: short, some with escapes.
fn word(n: usize) -> &'static str {
    ["Hello", " world", ",\\n", " caf\u{e9}", " \\\"usage\\\":", " the", " quick", " brown"][n % 8]
}

const DIALECTS: [Dialect; 10] = [
    Dialect {
        name: "openai_chat",
        content_type: SSE,
        text: "/choices/0/delta/content",
        event: |n| {
            let (text, noise) = (word(n), "x".repeat(n % 13));
            format!(
                "data: {{\"id\":\"chatcmpl-AaBbCcDdEeFfGgHhIiJjKkLlMmNnO\",\"object\":\"chat.completion.chunk\",\"created\":1741569952,\
                 \"model\":\"gpt-4.1-2025-04-14\",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_44709d6fcb\",\"choices\":[{{\
                 \"index\":0,\"delta\":{{\"content\":\"{text}\"}},\"logprobs\":null,\"finish_reason\":null}}],\"usage\":null,\
                 \"obfuscation\":\"{noise}\"}}\n\n"
            )
            .into()
        },
    },
    Dialect {
        name: "openai_chat_usage_growing",
        content_type: SSE,
        text: "/choices/0/delta/content",
        event: |n| {
            let text = word(n);
            format!(
                "data: {{\"id\":\"chatcmpl-AaBbCcDdEe\",\"object\":\"chat.completion.chunk\",\"created\":1741569952,\"model\":\"llama\",\
                 \"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}},\"logprobs\":null,\"finish_reason\":null}}],\
                 \"usage\":{{\"prompt_tokens\":31,\"total_tokens\":{},\"completion_tokens\":{n}}}}}\n\n",
                n + 31
            )
            .into()
        },
    },
    Dialect {
        name: "openai_responses",
        content_type: SSE,
        text: "/delta",
        event: |n| {
            let (text, noise) = (word(n), "x".repeat(n % 13));
            format!(
                "event: response.output_text.delta\ndata: {{\"type\":\"response.output_text.delta\",\"sequence_number\":{n},\
                 \"item_id\":\"msg_02ce8deeb6197db200698c5198ca0c81979bedbe6c98a8ab93\",\"output_index\":0,\"content_index\":0,\
                 \"delta\":\"{text}\",\"logprobs\":[],\"obfuscation\":\"{noise}\"}}\n\n"
            )
            .into()
        },
    },
    Dialect {
        name: "anthropic",
        content_type: SSE,
        text: "/delta/text",
        event: |n| {
            let (text, padding) = (word(n), " ".repeat(n % 11));
            format!(
                "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\
                 \"delta\":{{\"type\":\"text_delta\",\"text\":\"{text}\"}}{padding}}}\n\n"
            )
            .into()
        },
    },
    Dialect {
        name: "gemini",
        content_type: SSE,
        text: "/candidates/0/content/parts/0/text",
        event: |n| {
            let text = word(n);
            format!(
                "data: {{\"candidates\": [{{\"content\": {{\"parts\": [{{\"text\": \"{text}\"}}],\"role\": \"model\"}},\"index\": 0}}],\
                 \"usageMetadata\": {{\"promptTokenCount\": 12,\"candidatesTokenCount\": {n},\"totalTokenCount\": {}}},\
                 \"modelVersion\": \"gemini-2.5-flash\",\"responseId\": \"xY3baLmNOpQrStUvWxYz\"}}\r\n\r\n",
                n + 12
            )
            .into()
        },
    },
    Dialect {
        name: "gemini_interactions",
        content_type: SSE,
        text: "/delta/text",
        event: |n| {
            let text = word(n);
            format!(
                "event: step.delta\ndata: {{\"index\":1,\"delta\":{{\"text\":\"{text}\",\"type\":\"text\"}},\"event_type\":\"step.delta\"}}\n\n"
            )
            .into()
        },
    },
    Dialect {
        name: "cohere",
        content_type: SSE,
        text: "/delta/message/content/text",
        event: |n| {
            let text = word(n);
            format!(
                "event: content-delta\ndata: {{\"type\":\"content-delta\",\"index\":0,\
                 \"delta\":{{\"message\":{{\"content\":{{\"text\":\"{text}\"}}}}}}}}\n\n"
            )
            .into()
        },
    },
    Dialect {
        name: "ollama",
        content_type: LINES,
        text: "/message/content",
        event: |n| {
            let text = word(n);
            format!(
                "{{\"model\":\"llama3\",\"created_at\":\"2024-05-24T20:26:46.29{:04}Z\",\
                 \"message\":{{\"role\":\"assistant\",\"content\":\"{text}\"}},\"done\":false}}\n",
                n % 10_000
            )
            .into()
        },
    },
    Dialect {
        name: "bedrock_converse",
        content_type: AWS,
        text: "",
        event: |n| {
            let (text, padding) = (word(n), "x".repeat(n % 40));
            let payload = format!("{{\"contentBlockIndex\":0,\"delta\":{{\"text\":\"{text}\"}},\"p\":\"{padding}\"}}");
            message("contentBlockDelta", &payload)
        },
    },
    Dialect {
        name: "rag",
        content_type: SSE,
        text: "/token",
        event: |n| format!("data: {{\"token\": \"{}\"}}\n\n", word(n)).into(),
    },
];

/// An AWS message.
fn message(event: &str, payload: &str) -> Vec<u8> {
    let mut headers = Vec::new();
    for (name, value) in [(":event-type", event), (":content-type", "application/json"), (":message-type", "event")] {
        headers.push(name.len() as u8);
        headers.extend(name.as_bytes());
        headers.push(7);
        headers.extend((value.len() as u16).to_be_bytes());
        headers.extend(value.as_bytes());
    }
    let mut message = Vec::new();
    message.extend((16 + headers.len() as u32 + payload.len() as u32).to_be_bytes());
    message.extend((headers.len() as u32).to_be_bytes());
    message.extend(crc32fast::hash(&message).to_be_bytes());
    message.extend(headers);
    message.extend(payload.as_bytes());
    message.extend(crc32fast::hash(&message).to_be_bytes());
    message
}

fn meter(content_type: &str) -> Meter {
    let head = http::Response::builder().header("content-type", content_type).body(()).unwrap();
    Meter::for_response(&head.into_parts().0)
}

fn events(c: &mut Criterion) {
    for dialect in DIALECTS {
        let frames: Vec<Bytes> = (0..EVENTS).map(|n| (dialect.event)(n).into()).collect();
        let mut group = c.benchmark_group(format!("usage/{}", dialect.name));
        group.throughput(Throughput::Elements(EVENTS as u64));
        group.bench_function("ours", |b| {
            b.iter(|| {
                let mut meter = meter(dialect.content_type);
                frames.iter().for_each(|frame| meter.observe(black_box(frame)));
                assert!(meter.reading().events == EVENTS as u64 && meter.reading().text_bytes > 0);
            });
        });
        peer(&mut group, &dialect, &frames);
    }
}

fn peer(group: &mut BenchmarkGroup<'_, WallTime>, dialect: &Dialect, frames: &[Bytes]) {
    let count = |data: &str| {
        let event: Value = serde_json::from_str(data).unwrap();
        black_box((&event["usage"], &event["usageMetadata"], &event["model"]));
        event.pointer(dialect.text).and_then(Value::as_str).unwrap_or_default().len()
    };
    match dialect.content_type {
        SSE => group.bench_function("eventsource-stream + Value", |b| {
            b.iter(|| {
                let events = stream::iter(frames.iter().cloned().map(Ok::<_, Infallible>)).eventsource();
                let text = events.map(|event| count(&event.unwrap().data)).fold(0, async |sum, text| sum + text);
                assert!(text.now_or_never() > Some(0));
            });
        }),
        LINES => group.bench_function("Value", |b| {
            b.iter(|| {
                let text: usize = frames.iter().map(|frame| count(std::str::from_utf8(frame).unwrap())).sum();
                assert!(text > 0);
            });
        }),
        _ => return,
    };
}

criterion_group!(benches, events);
criterion_main!(benches);
