//! The monitor: what is in flight, over HTTP.
//!
//! [`MonitorService`] answers, relative to where it is mounted:
//!
//! | route | answer |
//! |---|---|
//! | `GET /active-requests` | the snapshot, as JSON; `304` to who has it |
//! | `GET /active-requests/stream` | the same, pushed as Server-Sent Events; `format=delta` pushes what has changed |
//! | `GET /active-requests/{request_id}` | one row, with what the provider said of tokens |
//! | `GET /running-totals` | sums by provider and model |
//! | `GET /logs` | the last errors and traces |
//!
//! ```
//! use active_requests::{config::MonitorConfig, monitor::MonitorService, tracker::RequestTracker};
//!
//! let tracker = RequestTracker::default();
//! let monitor = MonitorService::new(tracker.clone(), MonitorConfig::default());
//! let app: axum::Router = axum::Router::new().nest_service("/metrics", monitor);
//! # let _ = app;
//! ```
//!
//! Where nobody strips the path it is mounted at, as under plain hyper, [`MonitorService::mounted_at`] says what to strip.
//!
//! # What watching costs
//!
//! One task per service looks at the list when it changes, encodes what is to be told once, and hands the same bytes to all
//! who watch. It is there only while somebody watches. A slow reader holds a position, not a queue. All streams end when
//! [`RequestTracker::shutdown`](crate::tracker::RequestTracker::shutdown) is called, so that no graceful shutdown waits for them.

mod access;
mod body;
mod delta;
mod encode;
mod encoding;
mod feed;
mod frame;
#[cfg(feature = "compress")]
mod gzip;
mod hub;
mod query;
mod respond;
mod ring;
mod sample;
mod service;
mod snapshot;
mod table;

pub use self::{body::Body, service::MonitorService};
