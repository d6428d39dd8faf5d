//! Once a stream has shown what its events look like, reading the next one allocates nothing.

use active_requests::usage::Meter;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The name of a stream, its content type, and its events by their number.
type Stream = (&'static str, &'static str, fn(usize) -> String);

/// Streams of the events that nearly all of an answer is made of.
const STREAMS: [Stream; 7] = [
    ("openai_chat", "text/event-stream", |n| {
        let text = ["Hello", " world", "\\n\\u00e9", "!"][n % 4];
        format!(
            "data: {{\"id\":\"chatcmpl-123\",\"object\":\"chat.completion.chunk\",\"created\":{n},\"model\":\"gpt\",\"choices\":[{{\
             \"index\":0,\"delta\":{{\"content\":\"{text}\"}},\"finish_reason\":null}}],\"usage\":null}}\n\n"
        )
    }),
    ("openai_chat, several choices", "text/event-stream", |n| {
        let index = n % 3;
        format!(
            "data: {{\"model\":\"gpt\",\"choices\":[{{\"index\":{index},\"delta\":{{\"content\":\"Hello\"}}}}]}}\n\n"
        )
    }),
    ("openai_chat, usage growing", "text/event-stream", |n| {
        format!(
            "data: {{\"model\":\"gpt\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"Hello\"}}}}],\
             \"usage\":{{\"prompt_tokens\":5,\"completion_tokens\":{n}}}}}\n\n"
        )
    }),
    ("openai_responses", "text/event-stream", |n| {
        format!(
            "event: response.output_text.delta\ndata: {{\"type\":\"response.output_text.delta\",\"sequence_number\":{n},\
             \"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,\"delta\":\"Hello\",\"logprobs\":[]}}\n\n"
        )
    }),
    ("anthropic", "text/event-stream", |n| {
        let padding = " ".repeat(n % 5);
        format!(
            "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\
             \"delta\":{{\"type\":\"text_delta\",\"text\":\"Hello\"}}{padding}}}\n\n"
        )
    }),
    ("gemini", "text/event-stream", |n| {
        format!(
            "data: {{\"candidates\":[{{\"content\":{{\"parts\":[{{\"text\":\"Hello\"}}]}}}}],\
             \"usageMetadata\":{{\"promptTokenCount\":4,\"candidatesTokenCount\":{n}}},\"modelVersion\":\"g\"}}\r\n\r\n"
        )
    }),
    ("ollama", "application/x-ndjson", |n| {
        format!(
            "{{\"model\":\"q\",\"created_at\":\"{n}\",\"message\":{{\"role\":\"assistant\",\"content\":\"Hello\"}},\"done\":false}}\n"
        )
    }),
];

/// So often it is measured: the thread that runs the test allocates now and then, and its allocations are counted too.
const MEASUREMENTS: usize = 10;

#[test]
fn an_event_is_read_without_allocating_and_a_meter_stays_small() {
    for (name, content_type, event) in STREAMS {
        let events: Vec<String> = (0..200).map(event).collect();
        let head = http::Response::builder().header("content-type", content_type).body(()).unwrap().into_parts().0;
        let measure = || {
            let life = Region::new(ALLOCATOR);
            let mut meter = Meter::for_response(&head);
            events[..20].iter().for_each(|event| meter.observe(event.as_bytes()));
            let warm = Region::new(ALLOCATOR);
            events[20..].iter().for_each(|event| meter.observe(event.as_bytes()));
            let (change, held) = (warm.change(), life.change());
            assert_eq!(meter.reading().events, 200, "{name}");
            assert!(meter.reading().text_bytes > 0, "{name}");
            let bytes = size_of::<Meter>() + held.bytes_allocated - held.bytes_deallocated;
            (change.allocations + change.reallocations, bytes)
        };
        let (allocations, bytes) = (0..MEASUREMENTS).map(|_| measure()).min().unwrap();
        assert_eq!(allocations, 0, "{name}");
        assert!(bytes < 1024, "{name} holds {bytes} bytes");
        println!("{name}: {bytes} bytes");
    }
}
