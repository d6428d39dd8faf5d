//! Which requests are in flight, how far each is, and who it is waiting for.
//!
//! Whoever runs a service with long answers, above all a gateway to language models, wants to see its requests while they
//! run: on which model, how many tokens so far, how fast, stuck on whom. This crate is a [tower] middleware that keeps the
//! list, and a companion service that publishes it.
//!
//! # In five lines
//!
//! ```
//! use active_requests::{ActiveRequestsLayer, InspectRequestLayer, MonitorConfig, MonitorService, RequestTracker};
//! use axum::{Router, routing::post};
//! use tower::ServiceBuilder;
//!
//! # let api: Router = Router::new().route("/v1/chat/completions", post(async || "an answer"));
//! let tracker = RequestTracker::default();
//! let app = api
//!     .layer(ServiceBuilder::new().layer(ActiveRequestsLayer::new(tracker.clone())).layer(InspectRequestLayer::new()))
//!     .nest_service("/metrics", MonitorService::new(tracker, MonitorConfig::default()));
//! # let _: Router = app;
//! ```
//!
//! `curl -N localhost:3000/metrics/active-requests/stream` then shows each request appear, count and leave. The monitor is
//! mounted after `.layer(..)`, so that those who watch are not on the list themselves. The two layers stand in one
//! `ServiceBuilder`, where the first is the outer one; with `.layer(a).layer(b)` axum puts `b` outside.
//!
//! Under plain hyper it is the same stack, with the monitor told where it is mounted:
//!
//! ```
//! use active_requests::{ActiveRequestsLayer, MonitorConfig, MonitorService, RequestTracker};
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use hyper::body::Incoming;
//! use hyper_util::service::TowerToHyperService;
//! use tower::ServiceBuilder;
//!
//! async fn app(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, std::convert::Infallible> {
//!     Ok(Response::new(Full::from("an answer")))
//! }
//!
//! let tracker = RequestTracker::default();
//! let api = ServiceBuilder::new().layer(ActiveRequestsLayer::new(tracker.clone())).service_fn(app);
//! let monitor = MonitorService::new(tracker, MonitorConfig::default()).mounted_at("/metrics");
//! # let _ = (TowerToHyperService::new(api), monitor);
//! ```
//!
//! # What counts as a request, and when it starts and ends
//!
//! A request is on the list from the moment its service is called until its response *body* has ended: by its last frame, an
//! error, or by being dropped, whoever dropped it. [`track`] tells how the ends are told apart; a row is never reaped by a
//! timer, and none is left behind. What passes is not touched: bytes out are bytes in.
//!
//! # Where things are
//!
//! | module | what it does | stands on |
//! |---|---|---|
//! | [`sse`] | the wire of Server-Sent Events, both directions | |
//! | [`config`] | settings, from code or the environment | |
//! | [`usage`] | reads tokens, tool calls and errors out of a response as it passes | `sse` |
//! | [`cost`] | what those tokens cost, by a file of prices | `usage` |
//! | [`tracker`] | the registry: rows, totals, errors and traces | `usage` |
//! | [`track`] | [`ActiveRequestsLayer`]: registers, watches the response, lets go | `tracker` |
//! | [`inspect`] | [`InspectRequestLayer`]: reads what a request asks for from its body | `tracker` |
//! | [`monitor`] | [`MonitorService`]: publishes it all over HTTP | `tracker`, `sse` |
//! | `dashboard` | the page (feature `dashboard`) | |
//!
//! # Features
//!
//! `monitor` (default): the companion service. `dashboard`: the page, embedded. `axum`: the address as the client sent it, so that
//! below `nest_service` the dashboard redirects to its address with the slash. `decompress`: count tokens in compressed responses, on a
//! side copy. `compress`: gzip for clients that accept it. `tracing`: a log line for each request that has ended. `full`: all of them.
//!
//! [tower]: https://docs.rs/tower

// What a test or an example may do and the library may not.
#![cfg_attr(not(test), warn(clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::unwrap_used))]

pub mod config;
pub mod cost;
#[cfg(feature = "dashboard")]
pub mod dashboard;
mod decompress;
mod http;
pub mod inspect;
mod json;
#[cfg(feature = "monitor")]
pub mod monitor;
pub mod sse;
mod sync;
pub mod track;
pub mod tracker;
pub mod usage;
mod words;

#[cfg(feature = "dashboard")]
pub use self::dashboard::DashboardService;
#[cfg(feature = "monitor")]
pub use self::monitor::MonitorService;
pub use self::{
    config::{MonitorConfig, TrackerConfig},
    inspect::InspectRequestLayer,
    track::ActiveRequestsLayer,
    tracker::{RequestHandle, RequestTracker},
};
