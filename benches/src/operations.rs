//! The operations that are held to a number of instructions.

use crate::{Frames, bare, block_on, events};
use active_requests::{
    track::ActiveRequestsLayer,
    tracker::{Outcome, RequestInfo, RequestTracker},
};
use http::{Method, Request};
use std::hint::black_box;
use tower::{Layer, Service};

/// Does an operation once.
pub type Run = Box<dyn FnMut()>;

/// What is measured.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// What it is called in the table.
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
    operation("bare_1000_frames",        1000, |n| served(Frames::plain(n))),
    operation("layer_1000_frames",       1000, |n| tracked(Frames::plain(n))),
    operation("openai_chat_1000_events", 1000, |n| tracked(Frames::events(events::OPENAI_CHAT, n))),
    operation("anthropic_1000_events",   1000, |n| tracked(Frames::events(events::ANTHROPIC, n))),
    operation("responses_1000_events",   1000, |n| tracked(Frames::events(events::OPENAI_RESPONSES, n))),
    operation("gemini_1000_events",      1000, |n| tracked(Frames::events(events::GEMINI, n))),
    operation("openai_answer",              1, |_| tracked(Frames::answer(events::OPENAI_ANSWER))),
    operation("anthropic_answer",           1, |_| tracked(Frames::answer(events::ANTHROPIC_ANSWER))),
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
