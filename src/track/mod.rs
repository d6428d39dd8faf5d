//! Middleware that keeps each request on the list until its response *body* has ended.
//!
//! A request is registered when [`ActiveRequests::call`](tower_service::Service::call) is entered, before the inner service is
//! called, and ends at the first of these:
//!
//! - the response future yields an error: `service_error`; [`on_error`](ActiveRequestsLayer::on_error) puts it into words;
//! - the response future is dropped before the response head: `cancelled`;
//! - the body yields its end, its trailers or an error, or says after a frame that nothing will follow;
//! - the body is dropped: completed if all of it has passed (every declared byte, a `HEAD`, a `204` or `304`, the stream's own
//!   end mark), an error if its head was one and nobody has asked for the body, else the client has left;
//! - a panic in the call, the future or the body unwinds through it: `panicked`, wherever it is caught.
//!
//! No timer is involved, and what passes is not touched: frames, trailers, size hints and errors are the inner body's own.
//! On the way a [`Meter`](crate::usage::Meter) reads the token counts out of the bytes. A [`Classifier`] chooses which responses
//! count as errors.
//!
//! # The handle
//!
//! Every request has a [`RequestHandle`](crate::tracker::RequestHandle) in its extensions, tracked or not, with which a handler
//! names provider and model, reports tokens of its own, or says what it is doing:
//!
//! ```
//! use active_requests::{track::ActiveRequestsLayer, tracker::{RequestHandle, RequestTracker}};
//! use axum::{Extension, Router, routing::get};
//!
//! async fn handler(Extension(row): Extension<RequestHandle>) -> &'static str {
//!     row.set_stage("thinking");
//!     "an answer"
//! }
//!
//! let app: Router = Router::new().route("/", get(handler)).layer(ActiveRequestsLayer::new(RequestTracker::default()));
//! ```
//!
//! # Beside other middleware
//!
//! - *Timeouts* belong inside: a layer outside drops the response, which looks like a client that left (`cancelled`,
//!   `client_disconnect`). Inside, tower-http's `TimeoutLayer` is seen as status 408, and tower's as an error of the service.
//! - *Limits* (`ConcurrencyLimit`, `Buffer`): a request that waits for `poll_ready` has not been called yet, so it is not on the list.
//!   In one `ServiceBuilder` every layer shares that wait, on whichever side of this one the limit stands. To see requests that
//!   queue, let the wait begin after this layer: in axum by a second `.layer(..)`.
//! - *Compression* inside this layer is read with the feature `decompress`; outside, bytes are counted before they are compressed.
//! - *Middleware that answers in the service's place* needs `ResponseBody: Default`, which it is where the inner body is.
//!
//! # Example
//!
//! ```
//! use active_requests::{track::ActiveRequestsLayer, tracker::RequestTracker};
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::{BodyExt, Full};
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), std::convert::Infallible> {
//! let tracker = RequestTracker::default();
//! let service = ServiceBuilder::new()
//!     .layer(ActiveRequestsLayer::new(tracker.clone()))
//!     .service_fn(async |_: Request<Full<Bytes>>| Ok::<_, std::convert::Infallible>(Response::new(Full::<Bytes>::from("hello"))));
//!
//! let response = service.oneshot(Request::new(Full::<Bytes>::default())).await?;
//! assert_eq!(tracker.active(), 1, "the head has come, the body has not");
//! response.into_body().collect().await?;
//! assert_eq!(tracker.active(), 0);
//! # Ok(())
//! # }
//! ```

mod body;
mod classify;
mod end;
mod future;
mod head;
mod hook;
mod layer;
mod panic_guard;
mod service;

pub use self::{
    body::ResponseBody,
    classify::Classifier,
    future::ResponseFuture,
    hook::{DescribeError, Hook, NoHook},
    layer::ActiveRequestsLayer,
    service::ActiveRequests,
};
