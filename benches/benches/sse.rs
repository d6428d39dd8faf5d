//! The SSE wire: an event decoded, beside `eventsource-stream` and the bare search for its line ends; an event
//! encoded and sent as a body, beside axum's.

use active_requests::sse::{Decoder, Event, KeepAlive, Sse};
use axum::response::{IntoResponse, sse as axum_sse};
use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use eventsource_stream::Eventsource;
use futures_util::{FutureExt, StreamExt, stream};
use http_body::Body;
use serde_json::{Value, json};
use std::{convert::Infallible, hint::black_box, pin::pin};

/// Events in a body.
const EVENTS: usize = 1000;

/// One event of each main shape, about as long as the providers' own.
fn shapes() -> [(&'static str, String); 4] {
    let chat = json!({
        "id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT", "object": "chat.completion.chunk", "created": 1741569952,
        "model": "gpt-4.1-2025-04-14", "service_tier": "default", "system_fingerprint": "fp_44709d6fcb",
        "choices": [{ "index": 0, "delta": { "content": " in flight" }, "logprobs": null, "finish_reason": null }],
        "usage": null, "obfuscation": "k3Jx91aLw0Qm"
    });
    let anthropic = json!({
        "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": " in flight" }
    });
    let responses = json!({
        "type": "response.output_text.delta", "sequence_number": 42, "output_index": 0, "content_index": 0,
        "item_id": "msg_67ccd2bf17f0819081ff3bb2cf6508e60bb6a6b452d3795b", "delta": " in flight", "logprobs": []
    });
    [
        ("chat", format!("data: {chat}\n\n")),
        ("chat_crlf", format!("data: {chat}\r\n\r\n")),
        ("anthropic", format!("event: content_block_delta\ndata: {anthropic}\n\n")),
        ("responses", format!("event: response.output_text.delta\ndata: {responses}\n\n")),
    ]
}

/// A body of one event after the other, cut in three ways.
fn cuts(event: &str) -> [(&'static str, Vec<Bytes>); 3] {
    let body = Bytes::from(event.repeat(EVENTS));
    let cut = |mut length: Box<dyn FnMut() -> usize>| {
        let mut rest = body.clone();
        let mut pieces = Vec::new();
        while !rest.is_empty() {
            pieces.push(rest.split_to(length().min(rest.len())));
        }
        pieces
    };
    let whole = event.len();
    let mut random = 12_345_u32;
    let odd = move || {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        random as usize % 1500 + 1
    };
    [("frame", cut(Box::new(move || whole))), ("odd", cut(Box::new(odd))), ("16k", cut(Box::new(|| 16 * 1024)))]
}

fn decode(c: &mut Criterion) {
    for (shape, event) in shapes() {
        for (cut, pieces) in cuts(&event) {
            let mut group = c.benchmark_group(format!("sse/decode/{shape}/{cut}"));
            group.throughput(Throughput::Elements(EVENTS as u64));
            group.bench_function("ours", |b| {
                let mut decoder = Decoder::new();
                b.iter(|| {
                    let mut seen = 0;
                    for piece in &pieces {
                        decoder.feed(black_box(piece), |event| {
                            black_box((event.name, event.data));
                            seen += 1;
                        });
                    }
                    assert_eq!(seen, EVENTS);
                });
            });
            group.bench_function("eventsource-stream", |b| {
                b.iter(|| {
                    let events = stream::iter(pieces.iter().cloned().map(Ok::<_, Infallible>)).eventsource();
                    let seen = events.map(|event| black_box(event).is_ok()).filter(|ok| std::future::ready(*ok));
                    assert_eq!(seen.count().now_or_never(), Some(EVENTS));
                });
            });
            group.bench_function("line ends only", |b| {
                b.iter(|| {
                    pieces.iter().map(|piece| memchr::memchr_iter(b'\n', black_box(piece)).count()).sum::<usize>()
                });
            });
        }
    }
}

/// Polls a body to its end; it must never wait.
fn drain(body: impl Body<Data = Bytes, Error: std::fmt::Debug>) -> usize {
    let mut body = pin!(body);
    let mut bytes = 0;
    let mut next = move || std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).now_or_never().expect("ready");
    while let Some(frame) = next() {
        bytes += black_box(frame).expect("no error").data_ref().map_or(0, Bytes::len);
    }
    bytes
}

fn encode(c: &mut Criterion) {
    let token = json!({ "token": " in flight, with its tokens" });
    let text = "x".repeat(300);
    let ours: [(&str, &dyn Fn() -> Event); 3] = [
        ("data_300", &|| Event::new().data(&text)),
        ("named_json", &|| Event::new().event("token").json::<Value>(&token).expect("serialises")),
        ("three_lines", &|| Event::new().data("one\ntwo\nthree")),
    ];
    let axums: [&dyn Fn() -> axum_sse::Event; 3] = [
        &|| axum_sse::Event::default().data(&text),
        &|| axum_sse::Event::default().event("token").json_data(&token).expect("serialises"),
        &|| axum_sse::Event::default().data("one\ntwo\nthree"),
    ];
    for ((name, ours), axums) in ours.into_iter().zip(axums) {
        let mut group = c.benchmark_group(format!("sse/encode/{name}"));
        group.throughput(Throughput::Elements(1));
        group.bench_function("ours", |b| b.iter(|| ours().into_bytes()));
        // Without the last step, which axum keeps to itself: its blank line and the `Bytes`.
        group.bench_function("axum", |b| b.iter(axums));
    }
}

fn body(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let _guard = runtime.enter();
    let text = "x".repeat(300);
    let ours = || Sse::new(stream::iter(0..EVENTS).map(|_| Ok::<_, Infallible>(Event::new().data(&text))));
    let shared = text.clone();
    let axums = move || {
        let text = shared.clone();
        let event = move |_| Ok::<_, Infallible>(axum_sse::Event::default().data(&text));
        axum_sse::Sse::new(stream::iter(0..EVENTS).map(event))
    };
    let wire = EVENTS * (text.len() + "data: \n\n".len());
    let mut group = c.benchmark_group("sse/body");
    group.throughput(Throughput::Elements(EVENTS as u64));
    group.bench_function("ours", |b| b.iter(|| assert_eq!(drain(ours()), wire)));
    group.bench_function("axum", |b| b.iter(|| assert_eq!(drain(axums().into_response().into_body()), wire)));
    group.bench_function("ours, keep-alive", |b| {
        b.iter(|| assert_eq!(drain(ours().keep_alive(KeepAlive::default())), wire));
    });
    group.bench_function("axum, keep-alive", |b| {
        let kept = || axums().keep_alive(axum_sse::KeepAlive::default()).into_response().into_body();
        b.iter(|| assert_eq!(drain(kept()), wire));
    });
}

criterion_group!(benches, decode, encode, body);
criterion_main!(benches);
