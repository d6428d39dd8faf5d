//! What a connection holds for a request: each byte counts as often as there are streams.

use std::sync::Arc;

use active_requests_proxy::forward::{Forward, prepare::RequestBody, response_body::Answer};
use http::Request;

fn size_of_result<A, F: Fn(A) -> T, T>(_: F) -> usize {
    size_of::<T>()
}

#[test]
fn the_future_and_the_body_of_an_answer_are_small() {
    let future = size_of_result(|(forward, request): (Arc<Forward>, Request<RequestBody>)| forward.answer(request));
    assert!(future <= 2048, "{future} bytes");
    let body = size_of::<Answer>();
    assert!(body <= 128, "{body} bytes");
}
