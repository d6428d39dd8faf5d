//! Nothing is allocated for a request once the tracker is warm.

use active_requests::tracker::{Outcome, RequestInfo, RequestTracker};
use http::Method;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[test]
fn a_request_is_registered_and_let_go_of_without_allocating() {
    let tracker = RequestTracker::default();
    let round = |outcome| {
        let info = RequestInfo::new().provider("openai").model("gpt-4o").caller("5f0c1d2e");
        let requests: [_; 20] = std::array::from_fn(|_| tracker.start(&Method::POST, "/v1/chat/completions", &info));
        for request in requests.into_iter().flatten() {
            request.handle().set_label("x-session", "s-1");
            request.finish(outcome);
        }
    };
    // Warm: every buffer of the rings has been used, and every key met.
    (0..50).for_each(|_| round(Outcome::Completed));
    (0..50).for_each(|_| round(Outcome::Truncated));
    let measure = || {
        let region = Region::new(ALLOCATOR);
        round(Outcome::Completed);
        round(Outcome::Truncated);
        let change = region.change();
        change.allocations + change.reallocations
    };
    // The least of several: the thread that runs the test allocates now and then, and its allocations are counted too.
    assert_eq!((0..50).map(|_| measure()).min(), Some(0));
}
