//! The cost of learning a request's model, `stream` and message count from its body, beside parsing it with serde, for which the
//! body has to be held until it is complete.

use active_requests::inspect::{InspectRequestLayer, ModelLocator};
use active_requests::tracker::{RequestHandle, RequestInfo, RequestTracker};
use active_requests::usage::Meter;
use active_requests_benches::bodies::{self, Drain, FRAME, Framed};
use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use http::{Method, Request};
use http_body_util::Full;
use serde::Deserialize;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::hint::black_box;
use tower::{Layer, Service};

/// A chat of about `size` bytes, its model and `stream` ahead of the messages or behind them.
fn chat(size: usize, model_first: bool) -> Bytes {
    let content = "Measure twice, cut once: \"in flight\" is what has begun and not ended.\n".repeat(5);
    let message = |n: usize| {
        json!({"role": if n.is_multiple_of(2) { "user" } else { "assistant" }, "content": content}).to_string()
    };
    let messages = (0..size.div_ceil(message(0).len())).map(message).collect::<Vec<_>>().join(",");
    let names = r#""model":"gpt-4o-mini","stream":true"#;
    Bytes::from(if model_first {
        format!(r#"{{{names},"messages":[{messages}],"temperature":0.7}}"#)
    } else {
        format!(r#"{{"messages":[{messages}],"temperature":0.7,{names}}}"#)
    })
}

#[derive(Deserialize)]
struct Typed<'a> {
    #[serde(borrow)]
    model: Cow<'a, str>,
    stream: bool,
}

fn request(handle: &RequestHandle, body: &Bytes) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(body.clone()));
    request.extensions_mut().insert(handle.clone());
    request
}

fn inspect(c: &mut Criterion) {
    let tracker = RequestTracker::default();
    let active = tracker.start(&Method::POST, "/v1/chat/completions", &RequestInfo::new()).expect("tracking is on");
    let handle = active.handle();
    let mut bare = Drain;
    let mut counting = InspectRequestLayer::new().layer(Drain);
    let mut naming = InspectRequestLayer::new().counts(false).layer(Drain);

    for size in [2_000, 200_000] {
        for model_first in [true, false] {
            let body = chat(size, model_first);
            let name = format!("inspect/{} KB, model {}", size / 1000, if model_first { "first" } else { "last" });
            let mut group = c.benchmark_group(name);
            group.throughput(Throughput::Bytes(body.len() as u64));
            let mut bench = |what: &str, measured: &mut dyn FnMut()| {
                group.bench_function(what, |b| b.iter(&mut *measured));
            };
            bench("no layer", &mut || {
                drop(black_box(bare.call(request(&handle, &body))));
            });
            bench("ours", &mut || {
                drop(black_box(counting.call(request(&handle, &body))));
            });
            bench("ours, without counts", &mut || {
                drop(black_box(naming.call(request(&handle, &body))));
            });
            bench("ours, model only", &mut || {
                // As a proxy does: frame by frame, until the model is known.
                let mut locator = ModelLocator::new();
                for frame in body.chunks(16 * 1024) {
                    if black_box(locator.push(frame)).is_some() {
                        break;
                    }
                }
            });
            bench("serde, typed", &mut || {
                let typed: Typed<'_> = serde_json::from_slice(&body).expect("the body is JSON");
                black_box((typed.model, typed.stream));
            });
            bench("serde_json::Value", &mut || {
                let value: Value = serde_json::from_slice(&body).expect("the body is JSON");
                black_box((value["model"].as_str().map(str::len), value["stream"].as_bool()));
            });
            group.finish();
        }
    }
}

/// Large bodies of each kind, in frames of 16 KB, beside the service without the layer.
fn large(c: &mut Criterion) {
    let tracker = RequestTracker::default();
    let active = tracker.start(&Method::POST, "/v1/chat/completions", &RequestInfo::new()).expect("tracking is on");
    let mut inspecting = InspectRequestLayer::new().layer(Drain);
    for (name, body) in [
        ("prompt 4 KB", bodies::prompt(4_000)),
        ("prompt 200 KB", bodies::prompt(200_000)),
        ("agent 200 KB", bodies::agent(200_000)),
        ("prompt 1 MB", bodies::prompt(1_000_000)),
        ("one text 1 MB", bodies::plain_prompt(1_000_000)),
        ("image 5 MB", bodies::image(5_000_000)),
        ("tools 100 KB", bodies::tools(100_000)),
        ("nested 100 KB", bodies::nested(100_000)),
    ] {
        let mut group = c.benchmark_group("inspect/large");
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| {
                let mut request = Request::new(Framed(body.clone()));
                request.extensions_mut().insert(active.handle());
                drop(black_box(inspecting.call(request)));
            });
        });
        group.finish();
    }
}

/// Answers in one JSON document, in frames of 16 KB.
fn documents(c: &mut Criterion) {
    let head = http::Response::builder().header("content-type", "application/json").body(()).unwrap().into_parts().0;
    for (name, body) in [
        ("answer 56 KB", bodies::answer(56_000)),
        ("embeddings 2 MB", bodies::embeddings(100)),
        ("a million numbers", bodies::numbers(1_000_000)),
    ] {
        let mut group = c.benchmark_group("usage/document");
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| {
                let mut meter = Meter::for_response(&head);
                body.chunks(FRAME).for_each(|chunk| meter.observe(black_box(chunk)));
                meter.finish();
                assert!(meter.reading().usage.input_tokens > 0);
            });
        });
        group.finish();
    }
}

criterion_group!(benches, inspect, large, documents);
criterion_main!(benches);
