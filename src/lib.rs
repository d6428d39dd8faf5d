//! Which requests are in flight, how far each is, and who it is waiting for.
//!
//! This crate is a [tower] middleware that keeps a list of the requests in flight, and a companion service that publishes it. It is
//! made for services with long answers, above all gateways to language models: a row shows the model, the tokens so far, how fast
//! they come, and whether the request waits for the upstream or for the client.
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
//! mounted after `.layer(..)`, so that its own subscribers are not on the list. The two layers stand in one `ServiceBuilder`, where
//! the first is the outermost; with `.layer(a).layer(b)` axum puts `b` outside.
//!
//! Under plain hyper the stack is the same, and the monitor is told where it is mounted:
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
//! The [`cookbook`] has programs for the rest: a handler that writes to its row, the order of layers, clients, access to the monitor,
//! shutdown.
//!
//! # What is exposed by default
//!
//! The monitor answers everybody who reaches it: there is no key, and `access-control-allow-origin: *` lets any web page that an
//! operator opens read it. Its rows name paths, models, token counts and errors; they hold no prompt, no completion, no header and no
//! key. [`MonitorConfig::keys`](config::MonitorConfig::keys) and [`CorsOrigins::None`](config::CorsOrigins::None) close it, or a
//! listener of its own, or your own authentication: see the [`cookbook`].
//!
//! # What counts as a request, and when it starts and ends
//!
//! A request is on the list from the moment its service is called until its response *body* has ended: by its last frame, by an
//! error, or by being dropped. [`track`] tells how the ends are told apart. No timer removes a row, and none is left behind. The
//! bytes that pass are not altered.
//!
//! # Where things are
//!
//! | module | what it does | stands on |
//! |---|---|---|
//! | `http` | headers, chunks, conditional requests and mounts | |
//! | `json` | reads JSON as it passes, in bounded memory | |
//! | `decompress` | decodes compressed bodies on a side copy | |
//! | `sync` | a mutex that does not poison, and what loom replaces in the models | |
//! | `words` | a macro for enums that are one word on the wire | |
//! | [`sse`] | the wire of Server-Sent Events, both directions | |
//! | [`config`] | settings, from code or the environment | |
//! | [`usage`] | reads tokens, tool calls and errors out of a response as it passes | `decompress`, `http`, `json`, `sse`, `words` |
//! | [`cost`] | the price of those tokens, by a file of prices | `usage` |
//! | [`tracker`] | the registry: rows, totals, errors and traces | `config`, `cost`, `sync`, `usage`, `words` |
//! | [`track`] | [`ActiveRequestsLayer`]: registers, observes the response, ends | `http`, `tracker`, `usage` |
//! | [`inspect`] | [`InspectRequestLayer`]: reads what a request asks for from its body | `config`, `decompress`, `http`, `json`, `tracker`, `usage` |
//! | [`cancel`] | [`CancelRequestLayer`]: lets an operator end a request in flight | `http`, `sse`, `sync`, `tracker` |
//! | `metrics` | the metrics of a tracker as text for Prometheus (feature `prometheus`) | `http`, `tracker`, `usage` |
//! | [`monitor`] | [`MonitorService`]: publishes it all over HTTP | `config`, `cost`, `http`, `metrics`, `sse`, `sync`, `tracker`, `usage` |
//! | [`fleet`] | [`Fleet`](fleet::Fleet): every replica's requests in every replica's view (feature `fleet`) | `config`, `cost`, `metrics`, `monitor`, `sse`, `sync`, `tracker` |
//! | `dashboard` | the page (feature `dashboard`) | `http` |
//! | [`cookbook`] | recipes, in the documentation only | |
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `monitor` (default) | [`MonitorService`] |
//! | `dashboard` | `DashboardService`, with the page inside the program |
//! | `axum` | the route of a request, from axum's `MatchedPath`; the address as the client sent it, so that below `nest_service` the dashboard redirects to its address with the slash |
//! | `decompress` | token counts of compressed responses, decoded on a side copy; needs a C compiler, for zstd |
//! | `compress` | gzip for clients of the monitor and the dashboard that accept it |
//! | `prometheus` | `GET /metrics` at the monitor, in OpenMetrics |
//! | `tracing` | an event for each request that has ended |
//! | `fleet` | the requests of all replicas, over a bus of your own |
//! | `fleet-nats` | the same over NATS |
//! | `fleet-redis` | the same over Redis or Valkey |
//! | `full` | all of them but those of the fleet |
//!
//! # Compiler, panics, clones
//!
//! The oldest supported compiler is Rust 1.89; a newer one may be asked for in a minor version. Library code holds no `unwrap`,
//! `expect` or `panic!`; a panic of your service passes through, and ends its request as `panicked`. The monitor and the keep-alive of
//! [`sse`] use tokio's timers, and so need a tokio runtime. Cloning a [`RequestTracker`], a [`RequestHandle`], a layer or a service of
//! this crate copies reference counts, and allocates nothing; clones of a tracker share one list.
//!
//! [tower]: https://docs.rs/tower

#![cfg_attr(docsrs, feature(doc_cfg))]
// What a test or an example may do and the library may not.
#![cfg_attr(not(test), warn(clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::unwrap_used))]

pub mod cancel;
pub mod config;
#[cfg(all(doc, feature = "monitor"))]
pub mod cookbook;
pub mod cost;
#[cfg(feature = "dashboard")]
pub mod dashboard;
mod decompress;
#[cfg(feature = "fleet")]
pub mod fleet;
mod http;
pub mod inspect;
mod json;
#[cfg(feature = "prometheus")]
mod metrics;
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
    cancel::CancelRequestLayer,
    config::{MonitorConfig, TrackerConfig},
    inspect::InspectRequestLayer,
    track::ActiveRequestsLayer,
    tracker::{RequestHandle, RequestTracker},
};

/// The READMEs' code is compiled.
#[cfg(all(doctest, feature = "dashboard", feature = "fleet"))]
mod readme {
    #[doc = include_str!("../README.md")]
    struct Repository;

    #[doc = include_str!("README.md")]
    struct Registry;
}
