//! The Server-Sent Events wire: bytes to events and events to bytes.
//!
//! The rules are those of the [WHATWG standard, section
//! 9.2](https://html.spec.whatwg.org/multipage/server-sent-events.html).
//!
//! # Reading
//!
//! A [`Decoder`] takes the chunks of a body, cut anywhere, and lends out each event.
//!
//! # Answering
//!
//! [`Sse`] is a response body of [`Event`]s, from any stream or channel, kept alive by [`KeepAlive`]. Under axum, a
//! handler returns the response as it is:
//!
//! ```
//! use active_requests::sse::{Event, KeepAlive, Sse};
//! use axum::{Router, response::IntoResponse, routing::get};
//! use tokio::sync::mpsc;
//!
//! async fn count() -> impl IntoResponse {
//!     let (events, receiver) = mpsc::channel(16);
//!     tokio::spawn(async move {
//!         for n in 1..=3 {
//!             let Ok(event) = Event::new().event("count").json(&n) else { break };
//!             if events.send(event).await.is_err() {
//!                 break; // the client has left
//!             }
//!         }
//!         let _ = events.send(Event::new().data("[DONE]")).await;
//!     });
//!     Sse::from(receiver).keep_alive(KeepAlive::default()).into_response()
//! }
//!
//! let app: Router = Router::new().route("/count", get(count));
//! ```
//!
//! Under hyper, the service returns it. Here the events come from a stream, without a task:
//!
//! ```
//! use active_requests::sse::{Event, KeepAlive, Sse};
//! use futures_util::{StreamExt, stream};
//! use http::{Request, Response};
//! use hyper::{body::Incoming, service::service_fn};
//! use std::{convert::Infallible, time::Duration};
//!
//! let service = service_fn(|_request: Request<Incoming>| async {
//!     let tokens = stream::iter(["Hello", ", ", "world"]).map(|token| Event::new().json(token));
//!     let body = Sse::new(tokens).keep_alive(KeepAlive::every(Duration::from_secs(30)).text("heartbeat"));
//!     Ok::<_, Infallible>(body.into_response())
//! });
//! # async fn serve(
//! #     connection: hyper_util::rt::TokioIo<tokio::net::TcpStream>,
//! #     service: impl hyper::service::Service<
//! #         Request<Incoming>,
//! #         Response = Response<impl http_body::Body<Data = bytes::Bytes, Error = active_requests::sse::JsonError> + 'static>,
//! #         Error = Infallible,
//! #     >,
//! # ) -> hyper::Result<()> {
//! hyper::server::conn::http1::Builder::new().serve_connection(connection, service).await
//! # }
//! # let _ = |connection| serve(connection, service);
//! ```

mod body;
mod decoder;
mod event;
mod keep_alive;

pub use body::{Channel, Sse, response};
pub use decoder::{Decoder, RawEvent};
pub(crate) use decoder::{EventData, Sink};
pub use event::{Event, JsonError};
pub use keep_alive::KeepAlive;
