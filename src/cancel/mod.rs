//! Middleware that lets an operator end a request in flight.
//!
//! [`CancelRequestLayer`] stands anywhere *inside* an [`ActiveRequestsLayer`](crate::track::ActiveRequestsLayer). A request is then
//! cancelled by its id, with [`RequestTracker::cancel`](crate::tracker::RequestTracker::cancel) or `DELETE
//! /active-requests/{request_id}` at the monitor, or from within, with
//! [`RequestHandle::cancel`](crate::tracker::RequestHandle::cancel). Without the layer the answer is
//! [`NotCancellable`](crate::tracker::Cancellation::NotCancellable).
//!
//! ```
//! use active_requests::{ActiveRequestsLayer, CancelRequestLayer, RequestTracker, tracker::Cancellation};
//! use bytes::Bytes;
//! use http::{Request, Response, StatusCode};
//! use http_body_util::Full;
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), std::convert::Infallible> {
//! let tracker = RequestTracker::default();
//! let service = ServiceBuilder::new()
//!     .layer(ActiveRequestsLayer::new(tracker.clone()))
//!     .layer(CancelRequestLayer::new())
//!     .service_fn(async |_: Request<()>| {
//!         std::future::pending::<()>().await; // an upstream that does not answer
//!         Ok::<_, std::convert::Infallible>(Response::new(Full::<Bytes>::default()))
//!     });
//!
//! let operator = async {
//!     let id = tracker.snapshot()[0].request_id;
//!     assert_eq!(tracker.cancel(id), Cancellation::Cancelled);
//! };
//! let (response, ()) = tokio::join!(service.oneshot(Request::new(())), operator);
//! assert_eq!(response?.status(), StatusCode::SERVICE_UNAVAILABLE);
//! assert_eq!(tracker.recent_traces(1)[0].outcome.as_str(), "killed");
//! # Ok(())
//! # }
//! ```
//!
//! # What happens
//!
//! The row ends at once, as [`Outcome::Killed`](crate::tracker::Outcome::Killed). A cancellation wins over every end that it causes
//! itself, and loses against an end that came first: there is one outcome.
//!
//! The inner body is dropped at once, on the thread that cancels, so that the upstream stops even if the client reads nothing and
//! nobody polls. The inner future, before the response head, is dropped by its own task, which is woken.
//!
//! # What the client sees
//!
//! | when | what |
//! |---|---|
//! | before the response head | `503` with JSON, or the answer of [`on_cancel`](CancelRequestLayer::on_cancel) |
//! | in an SSE body that is not encoded, of unknown length, at the end of an event | an `error` event in the dialect of the stream; then the body fails |
//! | in any other body | the body fails |
//!
//! A body that fails never looks complete: HTTP/1 has no last chunk, HTTP/2 a reset stream. Its error is [`BodyError::Killed`]; errors of
//! the inner body pass as [`BodyError::Body`]. The service's error type is untouched.
//!
//! # What it costs
//!
//! For a tracked request, two allocations, and two locks without contention for each frame. A request that is not tracked, and every
//! request after [`enabled(false)`](CancelRequestLayer::enabled), passes through without any.

mod answer;
mod body;
mod error;
mod error_event;
mod event_watch;
mod future;
mod layer;
mod service;
mod switch;

pub use self::{
    body::ResponseBody, error::BodyError, future::ResponseFuture, layer::CancelRequestLayer, service::CancelRequest,
};
