//! Middleware that keeps each request on the list until its response *body* has ended.
//!
//! A request is registered when [`ActiveRequests::call`](tower_service::Service::call) is entered, before the inner service is
//! called, and let go of at the first of these:
//!
//! - the body yields its end, its trailers or an error, or says after a frame that nothing will follow;
//! - the body is dropped: completed if all of it has passed (every declared byte, a `HEAD`, a `204` or `304`, the stream's own
//!   end mark), else the client has left;
//! - the response future yields an error or is dropped before the response head: cancelled;
//! - a panic in the call, the future or the body unwinds through it.
//!
//! No timer is involved, and what passes is not touched: frames, trailers, size hints and errors are the inner body's own.
//! On the way a [`Meter`](crate::usage::Meter) reads the token counts out of the bytes.
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
mod end;
mod future;
mod layer;
mod service;

pub use self::{body::ResponseBody, future::ResponseFuture, layer::ActiveRequestsLayer, service::ActiveRequests};
