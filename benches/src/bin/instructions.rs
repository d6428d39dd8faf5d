//! One operation, so many times, to be counted by `valgrind --tool=callgrind --toggle-collect='*measured*'`.
//!
//! Instructions do not depend on how busy the machine is; `make instructions` compares them with those committed.

use active_requests::{
    track::ActiveRequestsLayer,
    tracker::{Outcome, RequestInfo, RequestTracker},
};
use active_requests_benches::{Frames, bare, block_on};
use std::hint::black_box;
use tower::{Layer, Service};

fn main() {
    let mut args = std::env::args().skip(1);
    let (Some(operation), Some(times)) = (args.next(), args.next().and_then(|n| n.parse().ok())) else {
        eprintln!("usage: instructions OPERATION TIMES");
        std::process::exit(2);
    };
    let run: Box<dyn FnMut()> = match operation.as_str() {
        "nothing" => Box::new(|| ()),
        "register_and_end" => {
            let tracker = RequestTracker::default();
            let info = RequestInfo::new().provider("openai").model("gpt-4o");
            Box::new(move || {
                let active = tracker.start(&http::Method::POST, "/v1/chat/completions", black_box(&info));
                active.unwrap().finish(Outcome::Completed);
            })
        }
        "bare_service" => {
            let mut service = bare(Frames::none());
            Box::new(move || block_on(service.call(http::Request::new(()))))
        }
        "layer" => {
            let mut service = ActiveRequestsLayer::new(RequestTracker::default()).layer(bare(Frames::none()));
            Box::new(move || block_on(service.call(http::Request::new(()))))
        }
        "bare_frames" => {
            let mut service = bare(Frames::plain(1000));
            Box::new(move || block_on(service.call(http::Request::new(()))))
        }
        "layer_frames" => {
            let mut service = ActiveRequestsLayer::new(RequestTracker::default()).layer(bare(Frames::plain(1000)));
            Box::new(move || block_on(service.call(http::Request::new(()))))
        }
        other => {
            eprintln!("no operation is called {other}");
            std::process::exit(2);
        }
    };
    measured(run, times);
}

#[inline(never)]
fn measured(mut run: Box<dyn FnMut()>, times: u64) {
    for _ in 0..times {
        run();
    }
}
