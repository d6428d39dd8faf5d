//! The memory that a connection holds for a request: each byte counts as often as there are streams.

use std::sync::Arc;

use active_requests_proxy::{
    forward::{Forwarder, response_body::ForwardedBody},
    upstream::request_body::ClientBody,
};
use http::Request;

fn size_of_result<A, F: Fn(A) -> T, T>(_: F) -> usize {
    size_of::<T>()
}

#[test]
fn the_future_and_the_body_of_an_answer_are_small() {
    let future = size_of_result(|(forward, request): (Arc<Forwarder>, Request<ClientBody>)| forward.answer(request));
    assert!(future <= 2048, "{future} bytes");
    let body = size_of::<ForwardedBody>();
    assert!(body <= 128, "{body} bytes");
}
