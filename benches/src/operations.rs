//! The operations that are held to a number of instructions.

use crate::bodies::{self, Drain, FRAME, Framed};
use crate::{Frames, bare, block_on, events};
use active_requests::{
    cancel::CancelRequestLayer,
    config::{CallerSource, TrackerConfig},
    cost::Prices,
    inspect::InspectRequestLayer,
    track::ActiveRequestsLayer,
    tracker::{Outcome, RequestInfo, RequestTracker},
    usage::Meter,
};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response};
use std::hint::black_box;
use tower::{Layer, Service};

/// Does an operation once.
pub type Run = Box<dyn FnMut()>;

/// One thing that is measured.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// Its name in the table.
    pub name: &'static str,
    /// Frames or events of its body.
    pub frames: usize,
    prepare: fn(usize) -> Run,
}

impl Operation {
    /// Sets it up.
    pub fn prepare(&self) -> Run {
        (self.prepare)(self.frames)
    }
}

const fn operation(name: &'static str, frames: usize, prepare: fn(usize) -> Run) -> Operation {
    Operation { name, frames, prepare }
}

/// All of them, each beside what it is to be compared with.
#[rustfmt::skip]
pub const ALL: &[Operation] = &[
    operation("register_and_end",           0, |_| register_and_end()),
    operation("bare_service",               0, |_| served(Frames::none())),
    operation("layer",                      0, |_| tracked(Frames::none())),
    operation("layer_cancellable",          0, |_| cancellable(Frames::none())),
    operation("layer_caller_and_label",     0, |_| attributed()),
    operation("layer_priced",               1, |_| priced(Frames::answer(events::OPENAI_ANSWER))),
    operation("cancellable_1000_frames", 1000, |n| cancellable(Frames::plain(n))),
    operation("bare_1000_frames",        1000, |n| served(Frames::plain(n))),
    operation("layer_1000_frames",       1000, |n| tracked(Frames::plain(n))),
    operation("openai_chat_1000_events", 1000, |n| tracked(Frames::events(events::OPENAI_CHAT, n))),
    operation("anthropic_1000_events",   1000, |n| tracked(Frames::events(events::ANTHROPIC, n))),
    operation("responses_1000_events",   1000, |n| tracked(Frames::events(events::OPENAI_RESPONSES, n))),
    operation("gemini_1000_events",      1000, |n| tracked(Frames::events(events::GEMINI, n))),
    operation("openai_answer",              1, |_| tracked(Frames::answer(events::OPENAI_ANSWER))),
    operation("anthropic_answer",           1, |_| tracked(Frames::answer(events::ANTHROPIC_ANSWER))),
    operation("prompt_4_kb",                1, |_| inspected(bodies::prompt(4_000))),
    operation("prompt_4_kb_label",          1, |_| labelled(bodies::prompt(4_000))),
    operation("prompt_200_kb",             13, |_| inspected(bodies::prompt(200_000))),
    operation("agent_200_kb",              13, |_| inspected(bodies::agent(200_000))),
    operation("prompt_1_mb",               62, |_| inspected(bodies::prompt(1_000_000))),
    operation("string_1_mb",               62, |_| inspected(bodies::plain_prompt(1_000_000))),
    operation("image_5_mb",               306, |_| inspected(bodies::image(5_000_000))),
    operation("tools_100_kb",               7, |_| inspected(bodies::tools(100_000))),
    operation("nested_100_kb",              7, |_| inspected(bodies::nested(100_000))),
    operation("answer_56_kb",               4, |_| metered(bodies::answer(56_000))),
    operation("embeddings_2_mb",          125, |_| metered(bodies::embeddings(100))),
    operation("numbers_1_million",        178, |_| metered(bodies::numbers(1_000_000))),
];

fn register_and_end() -> Run {
    let tracker = RequestTracker::default();
    let info = RequestInfo::new().provider("openai").model("gpt-4o");
    Box::new(move || {
        let active = tracker.start(&Method::POST, "/v1/chat/completions", black_box(&info));
        active.unwrap().finish(Outcome::Completed);
    })
}

fn served(frames: Frames) -> Run {
    let mut service = bare(frames);
    Box::new(move || block_on(service.call(Request::new(()))))
}

fn tracked(frames: Frames) -> Run {
    let mut service = ActiveRequestsLayer::new(RequestTracker::default()).layer(bare(frames));
    Box::new(move || block_on(service.call(Request::new(()))))
}

/// Runs an exchange that an operator may cancel, and does not.
fn cancellable(frames: Frames) -> Run {
    let layer = ActiveRequestsLayer::new(RequestTracker::default());
    let mut service = layer.layer(CancelRequestLayer::new().layer(bare(frames)));
    Box::new(move || block_on(service.call(Request::new(()))))
}

/// Names the caller by its key, and takes a header for a label.
fn attributed() -> Run {
    let labels = "x-team".parse().expect("a label");
    let config = TrackerConfig::default().caller(CallerSource::Key).labels(labels);
    let mut service = ActiveRequestsLayer::new(RequestTracker::new(config)).layer(bare(Frames::none()));
    Box::new(move || {
        let mut request = Request::new(());
        request
            .headers_mut()
            .insert("authorization", HeaderValue::from_static("Bearer sk-0123456789abcdef0123456789abcdef"));
        request.headers_mut().insert("x-team", HeaderValue::from_static("blue"));
        block_on(service.call(request));
    })
}

/// Bills an answer.
fn priced(frames: Frames) -> Run {
    let tracker = RequestTracker::default();
    let prices = r#"{"gpt-4o": {"input_cost_per_token": 2.5e-6, "output_cost_per_token": 1e-5, "mode": "chat"}}"#;
    tracker.set_prices(Prices::from_litellm(prices).expect("prices"));
    let layer = ActiveRequestsLayer::new(tracker).describe(|_| RequestInfo::new().provider("openai").model("gpt-4o"));
    let mut service = layer.layer(bare(frames));
    Box::new(move || block_on(service.call(Request::new(()))))
}

/// Reads a request body as it passes.
fn inspected(body: Bytes) -> Run {
    read_by(RequestTracker::default(), body)
}

/// Reads it for a label too.
fn labelled(body: Bytes) -> Run {
    let labels = "body:metadata.user_id".parse().expect("a label");
    read_by(RequestTracker::new(TrackerConfig::default().labels(labels)), body)
}

fn read_by(tracker: RequestTracker, body: Bytes) -> Run {
    let active = tracker.start(&Method::POST, "/v1/chat/completions", &RequestInfo::new()).unwrap();
    let mut service = InspectRequestLayer::new().layer(Drain);
    Box::new(move || {
        let mut request = Request::new(Framed(body.clone()));
        request.extensions_mut().insert(active.handle());
        drop(black_box(service.call(request)));
    })
}

/// Reads a JSON answer as it passes.
fn metered(body: Bytes) -> Run {
    let head = Response::builder().header("content-type", "application/json").body(()).unwrap().into_parts().0;
    Box::new(move || {
        let mut meter = Meter::for_response(&head);
        body.chunks(FRAME).for_each(|chunk| meter.observe(black_box(chunk)));
        meter.finish();
        assert!(meter.reading().usage.input_tokens > 0);
    })
}
