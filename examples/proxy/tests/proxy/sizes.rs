//! The memory that a connection holds for a request: each byte counts as often as there are streams.

use std::sync::Arc;

use active_requests_proxy::{
    forward::{Forwarder, response_body::ForwardedBody},
    late_timer::LateTimer,
    upstream::{
        connection::UpstreamConnection,
        request_body::{ClientBody, SentBody},
    },
};
use http::Request;

fn size_of_result<A, F: Fn(A) -> T, T>(_: F) -> usize {
    size_of::<T>()
}

#[test]
fn the_future_and_the_body_of_an_answer_are_small() {
    let future = size_of_result(|(forward, request, timer): (Arc<Forwarder>, Request<ClientBody>, LateTimer)| {
        forward.answer(request, timer)
    });
    // The allocator is quickest up to this size.
    assert!(future <= 1024, "{future} bytes");
    let body = size_of::<ForwardedBody>();
    assert!(body <= 128, "{body} bytes");
}

#[test]
fn a_connection_to_an_upstream_keeps_no_room_for_tls() {
    let connection = size_of::<UpstreamConnection<SentBody>>();
    assert!(connection <= 1024, "{connection} bytes");
}
